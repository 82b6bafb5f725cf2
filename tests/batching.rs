//! Requests that run together: each caller gets the rows that are its own.

mod support;

use harper_edge_ai::engine::{EngineOptions, RunRequest, Session};
use harper_edge_ai::error::{ErrorCode, Result};
use harper_edge_ai::onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use harper_edge_ai::tensor::{DType, Tensor, Value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::{Duration, Instant};
use support::{engine, load, model, wrap};

const WIDTH: usize = 16;

/// The engine is one for the process, and these tests set its options.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn configure(change: impl FnOnce(&mut EngineOptions)) {
    let mut options = EngineOptions { library_path: engine().options().library_path, ..EngineOptions::default() };
    change(&mut options);
    engine().configure(options);
}

/// `y = (x + offset) @ w`, `w` large enough that a run takes a while; `twice = x + x`.
fn network(offset: f32) -> Vec<u8> {
    let weights: Vec<f32> = (0..WIDTH * 256).map(|at| ((at * 31) % 17) as f32 / 17.0).collect();
    let back: Vec<f32> = (0..256 * 256).map(|at| ((at * 13) % 19) as f32 / 4_000.0).collect();
    let mut nodes = vec![
        NodeProto::new("Add", ["x", "offset"], ["moved"]),
        NodeProto::new("MatMul", ["moved", "w"], ["h0"]),
        NodeProto::new("Add", ["x", "x"], ["twice"]),
    ];
    nodes.extend(
        (0..8).map(|at| NodeProto::new("MatMul", [format!("h{at}"), "back".to_owned()], [format!("h{}", at + 1)])),
    );
    nodes.push(NodeProto::new("Relu", ["h8"], ["y"]));
    wrap(GraphProto {
        name: Some("network".to_owned()),
        node: nodes,
        initializer: vec![
            TensorProto::from_tensor("offset", &Tensor::from_elements(&[1], &[offset])),
            TensorProto::from_tensor("w", &Tensor::from_elements(&[WIDTH, 256], &weights)),
            TensorProto::from_tensor("back", &Tensor::from_elements(&[256, 256], &back)),
        ],
        input: vec![ValueInfoProto::tensor("x", DType::Float32, &[None, Some(WIDTH as i64)])],
        output: vec![
            ValueInfoProto::tensor("y", DType::Float32, &[None, Some(256)]),
            ValueInfoProto::tensor("twice", DType::Float32, &[None, Some(WIDTH as i64)]),
        ],
        ..GraphProto::default()
    })
}

/// Loads, and waits until it is known whether requests may run together.
fn load_probed(bytes: Vec<u8>) -> Arc<Session> {
    let session = load(bytes).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while batchable(&session).is_none() {
        assert!(Instant::now() < deadline, "the check of the batch dimension did not end");
        std::thread::sleep(Duration::from_millis(1));
    }
    session
}

fn batchable(session: &Session) -> Option<bool> {
    session.status(64).batching.batchable
}

type Outcome = Result<HashMap<String, Value>>;

/// Starts a run; the outcome comes on the channel.
fn start(
    session: &Arc<Session>,
    x: Value,
    change: impl FnOnce(&mut RunRequest),
    answer: impl FnOnce(Outcome) + Send + 'static,
) -> harper_edge_ai::engine::RunHandle {
    let mut request = RunRequest {
        session: Arc::clone(session),
        inputs: vec![("x".to_owned(), x)],
        outputs: Vec::new(),
        timeout: Some(Duration::from_secs(60)),
        priority: 0,
    };
    change(&mut request);
    engine().run(request, Box::new(move |outcome| answer(outcome.map(|output| output.outputs.into_iter().collect()))))
}

/// Rows that no other seed has.
fn rows(seed: usize, count: usize) -> Value {
    let data: Vec<f32> = (0..count * WIDTH).map(|at| seed as f32 + at as f32 / 1024.0).collect();
    Tensor::from_elements(&[count, WIDTH], &data).into()
}

/// True when the answer belongs to the seed: `twice` says so exactly.
fn belongs(outputs: &HashMap<String, Value>, seed: usize, count: usize) -> bool {
    let expected: Vec<f32> = (0..count * WIDTH).map(|at| 2.0 * (seed as f32 + at as f32 / 1024.0)).collect();
    outputs["twice"] == Tensor::from_elements(&[count, WIDTH], &expected).into()
}

#[test]
fn thousands_of_rows_find_their_callers() {
    let _alone = alone();
    configure(|options| options.max_queue_size = 100_000);
    const THREADS: usize = 4;
    const RUNS: usize = 1_500;
    let sessions: Vec<_> = (0..3).map(|at| load_probed(network(at as f32))).collect();
    assert!(sessions.iter().all(|session| batchable(session) == Some(true)));
    let (answered, cancelled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (sessions, answered, cancelled) = (&sessions, &answered, &cancelled);
            scope.spawn(move || {
                let (sender, receiver) = mpsc::channel();
                for at in 0..RUNS {
                    let seed = thread * RUNS + at;
                    let count = 1 + seed % 3;
                    let (sender, answered, cancelled) = (sender.clone(), Arc::clone(answered), Arc::clone(cancelled));
                    let handle = start(
                        &sessions[seed % 3],
                        rows(seed, count),
                        |_| (),
                        move |outcome| match outcome {
                            Ok(outputs) => {
                                answered.fetch_add(1, Ordering::Relaxed);
                                sender.send(belongs(&outputs, seed, count)).unwrap();
                            }
                            Err(problem) => {
                                cancelled.fetch_add(1, Ordering::Relaxed);
                                sender.send(problem.code == ErrorCode::Cancelled && seed.is_multiple_of(7)).unwrap();
                            }
                        },
                    );
                    if seed.is_multiple_of(7) {
                        handle.cancel();
                    }
                }
                for _ in 0..RUNS {
                    assert!(receiver.recv_timeout(Duration::from_secs(60)).unwrap(), "another's answer");
                }
            });
        }
    });
    assert_eq!(answered.load(Ordering::Relaxed) + cancelled.load(Ordering::Relaxed), THREADS * RUNS);
    assert!(cancelled.load(Ordering::Relaxed) > 0, "no cancellation met a run that waited");
    for session in &sessions {
        let status = session.status(64);
        assert!(status.batching.batches > 0, "nothing ran together");
        assert_eq!(status.batching.queued, 0);
    }
}

#[test]
fn a_row_gives_the_same_alone_and_among_others() {
    let _alone = alone();
    configure(|_| ());
    let session = load_probed(network(0.5));
    let y = |outputs: &HashMap<String, Value>| outputs["y"].as_tensor().unwrap().elements::<f32>().unwrap().to_vec();
    let (sender, receiver) = mpsc::channel();
    for seed in 0..200 {
        let sender = sender.clone();
        start(&session, rows(seed, 1), |_| (), move |outcome| sender.send((seed, outcome.unwrap())).unwrap());
    }
    let together: Vec<_> = (0..200).map(|_| receiver.recv_timeout(Duration::from_secs(30)).unwrap()).collect();
    assert!(session.status(64).batching.batches > 0);
    for (seed, outputs) in together {
        let alone: HashMap<_, _> = support::run(&session, vec![("x", rows(seed, 1))]).unwrap().into_iter().collect();
        for (one, other) in y(&outputs).iter().zip(y(&alone)) {
            assert!((one - other).abs() <= 1e-5 * other.abs().max(1.0), "{one} {other}");
        }
    }
}

/// Keeps the run threads busy until the returned function is called, so that requests gather.
fn occupy() -> impl FnOnce() {
    let release: Vec<_> = (0..engine().options().run_threads)
        .map(|_| {
            let (release, wait) = mpsc::channel::<()>();
            let (started, running) = mpsc::channel();
            let session = load(blocker()).unwrap();
            let request = RunRequest {
                session,
                inputs: vec![("x".to_owned(), Tensor::from_elements(&[1], &[1.0f32]).into())],
                outputs: Vec::new(),
                timeout: None,
                priority: 0,
            };
            // The callback runs on the thread of the pool, and holds it.
            engine().run(
                request,
                Box::new(move |_| {
                    started.send(()).unwrap();
                    let _ = wait.recv_timeout(Duration::from_secs(30));
                }),
            );
            running.recv_timeout(Duration::from_secs(30)).unwrap();
            release
        })
        .collect();
    move || drop(release)
}

/// A model without a batch dimension.
fn blocker() -> Vec<u8> {
    let graph = GraphProto {
        name: Some("blocker".to_owned()),
        node: vec![NodeProto::new("Relu", ["x"], ["y"])],
        input: vec![ValueInfoProto::tensor("x", DType::Float32, &[Some(1)])],
        output: vec![ValueInfoProto::tensor("y", DType::Float32, &[Some(1)])],
        ..GraphProto::default()
    };
    wrap(graph)
}

#[test]
fn only_requests_for_the_same_outputs_and_shapes_run_together() {
    let _alone = alone();
    configure(|_| ());
    // Any width: ragged shapes must not be joined.
    let ragged = load_probed(model(
        vec![NodeProto::new("Neg", ["x"], ["y"]), NodeProto::new("Add", ["x", "x"], ["twice"])],
        &[("x", DType::Float32, 2)],
        &[("y", DType::Float32, 2), ("twice", DType::Float32, 2)],
    ));
    assert_eq!(batchable(&ragged), Some(true));
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    for at in 0..60 {
        let (width, wanted) = (1 + at % 3, ["y", "twice"][at % 2]);
        let x = Tensor::from_elements(&[1, width], &vec![at as f32; width]);
        let sender = sender.clone();
        let choose = |request: &mut RunRequest| request.outputs = vec![wanted.to_owned()];
        start(&ragged, x.into(), choose, move |outcome| sender.send((at, width, wanted, outcome.unwrap())).unwrap());
    }
    release();
    for _ in 0..60 {
        let (at, width, wanted, outputs) = receiver.recv_timeout(Duration::from_secs(30)).unwrap();
        let number = if wanted == "y" { -(at as f32) } else { 2.0 * at as f32 };
        assert_eq!(outputs.len(), 1, "only the output that was asked for");
        assert_eq!(outputs[wanted], Tensor::from_elements(&[1, width], &vec![number; width]).into());
    }
    assert!(ragged.status(64).batching.batches >= 1);
}

#[test]
fn the_row_to_blame_gets_the_error_and_the_others_their_answers() {
    let _alone = alone();
    configure(|_| ());
    let graph = GraphProto {
        name: Some("lookup".to_owned()),
        node: vec![NodeProto::new("Gather", ["table", "x"], ["y"])],
        initializer: vec![TensorProto::from_tensor(
            "table",
            &Tensor::from_elements(&[4], &[10.0f32, 11.0, 12.0, 13.0]),
        )],
        input: vec![ValueInfoProto::tensor("x", DType::Int64, &[None, Some(1)])],
        output: vec![ValueInfoProto::tensor("y", DType::Float32, &[None, Some(1)])],
        ..GraphProto::default()
    };
    let session = load_probed(wrap(graph));
    assert_eq!(batchable(&session), Some(true));
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    for at in 0..20i64 {
        let index = if at == 13 { 1_000 } else { at % 4 };
        let sender = sender.clone();
        let x = Tensor::from_elements(&[1, 1], &[index]);
        start(&session, x.into(), |_| (), move |outcome| sender.send((at, outcome)).unwrap());
    }
    release();
    for _ in 0..20 {
        match receiver.recv_timeout(Duration::from_secs(30)).unwrap() {
            (13, outcome) => assert_eq!(outcome.unwrap_err().code, ErrorCode::RunFailed),
            (at, outcome) => {
                assert_eq!(outcome.unwrap()["y"], Tensor::from_elements(&[1, 1], &[10.0 + (at % 4) as f32]).into());
            }
        }
    }
}

#[test]
fn a_leading_dimension_that_is_no_batch_is_left_alone() {
    let _alone = alone();
    configure(|_| ());
    let one = |node: NodeProto| model(vec![node], &[("x", DType::Float32, 2)], &[("y", DType::Float32, 2)]);
    // Softmax over the leading dimension mixes rows; a sum over it loses them; a product with itself squares them.
    for node in [
        NodeProto::new("Softmax", ["x"], ["y"]).with("axis", 0),
        NodeProto::new("ReduceSum", ["x"], ["y"]),
        NodeProto::new("Transpose", ["x"], ["y"]),
        NodeProto::new("CumSum", ["x", "axis"], ["y"]),
    ] {
        let name = node.op_type().to_owned();
        let bytes = if name == "CumSum" {
            wrap(GraphProto {
                name: Some("sum".to_owned()),
                node: vec![node],
                initializer: vec![TensorProto::from_tensor("axis", &Tensor::from_elements(&[], &[0i64]))],
                input: vec![ValueInfoProto::tensor("x", DType::Float32, &[None, Some(4)])],
                output: vec![ValueInfoProto::tensor("y", DType::Float32, &[None, Some(4)])],
                ..GraphProto::default()
            })
        } else {
            one(node)
        };
        assert_eq!(batchable(&load_probed(bytes)), Some(false), "{name}");
    }
    assert_eq!(batchable(&load_probed(blocker())), Some(false), "a fixed dimension");
}

#[test]
fn those_of_a_higher_priority_go_first() {
    let _alone = alone();
    configure(|options| options.max_batch_size = 2);
    let session = load_probed(network(0.25));
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    for at in 0..12 {
        let sender = sender.clone();
        let prefer = |request: &mut RunRequest| request.priority = if at >= 8 { 1 } else { 0 };
        start(&session, rows(at, 1), prefer, move |outcome| {
            outcome.unwrap();
            sender.send(at).unwrap();
        });
    }
    release();
    let order: Vec<usize> = (0..12).map(|_| receiver.recv_timeout(Duration::from_secs(30)).unwrap()).collect();
    assert_eq!(order, [8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_full_queue_refuses_at_once_and_a_passed_deadline_is_not_run() {
    let _alone = alone();
    configure(|options| options.max_queue_size = 4);
    let session = load_probed(network(0.75));
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    let runs_before = session.status(64).runs;
    for at in 0..6 {
        let sender = sender.clone();
        let hurry = |request: &mut RunRequest| request.timeout = Some(Duration::from_millis(30));
        start(&session, rows(at, 1), hurry, move |outcome| sender.send((at, outcome.unwrap_err().code)).unwrap());
    }
    let mut codes: Vec<_> = (0..6).map(|_| receiver.recv_timeout(Duration::from_secs(10)).unwrap()).collect();
    codes.sort_by_key(|(at, _)| *at);
    let codes: Vec<ErrorCode> = codes.into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes[..4], [ErrorCode::DeadlineExceeded; 4]);
    assert_eq!(codes[4..], [ErrorCode::QueueFull; 2]);
    release();
    let (done, finished) = mpsc::channel();
    start(&session, rows(9, 1), |_| (), move |outcome| done.send(belongs(&outcome.unwrap(), 9, 1)).unwrap());
    assert!(finished.recv_timeout(Duration::from_secs(30)).unwrap());
    assert_eq!(session.status(64).runs - runs_before, 1, "requests whose caller was gone were run");
}
