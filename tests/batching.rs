//! Requests that run together: each caller gets the rows that are its own.

mod support;

use harper_edge_ai::engine::{Account, Receipt, RunOutput, RunRequest, Session};
use harper_edge_ai::error::{ErrorCode, Result};
use harper_edge_ai::onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use harper_edge_ai::tensor::{DType, Tensor, Value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use support::gather::{
    Outcome, WIDTH, alone, batchable, belongs, blocker, configure, layered, load_probed, network, occupy, rows, start,
};
use support::{engine, model, wrap};

// MLServer #1306: the first caller got all rows, the others none. MLServer #1718: rows were cut where they do not end.
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

// MLServer #514: what a caller asked for was ignored as soon as requests ran together.
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

/// A model that fails for an index beyond its four values.
fn lookup() -> Vec<u8> {
    wrap(GraphProto {
        name: Some("lookup".to_owned()),
        node: vec![NodeProto::new("Gather", ["table", "x"], ["y"])],
        initializer: vec![TensorProto::from_tensor(
            "table",
            &Tensor::from_elements(&[4], &[10.0f32, 11.0, 12.0, 13.0]),
        )],
        input: vec![ValueInfoProto::tensor("x", DType::Int64, &[None, Some(1)])],
        output: vec![ValueInfoProto::tensor("y", DType::Float32, &[None, Some(1)])],
        ..GraphProto::default()
    })
}

#[test]
fn the_row_to_blame_gets_the_error_and_the_others_their_answers() {
    let _alone = alone();
    configure(|_| ());
    let session = load_probed(lookup());
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

fn request(session: &Arc<Session>, x: Value, outputs: &[&str]) -> RunRequest {
    RunRequest {
        session: Arc::clone(session),
        inputs: vec![("x".to_owned(), x)].into(),
        outputs: outputs.iter().map(|&name| name.to_owned()).collect(),
        timeout: None,
        priority: 0,
        alone: false,
        exact: false,
        account: None,
    }
}

/// Runs requests together on this thread; the first times they are not known to be tiny and run one after the other.
fn run_together(requests: impl Fn() -> Vec<RunRequest>) -> Vec<Outcome> {
    for _ in 0..1_000 {
        let outcomes = engine().run_inline_together(requests());
        if outcomes.iter().all(Result::is_ok) {
            let answer = |outcome: Result<RunOutput>| outcome.map(|output| output.outputs.into_iter().collect());
            return outcomes.into_iter().filter_map(|outcome| outcome.ok().map(answer)).collect();
        }
        for request in outcomes.into_iter().filter_map(Result::err) {
            let (sender, receiver) = mpsc::channel();
            engine().run(request, Box::new(move |outcome| sender.send(outcome.is_ok()).unwrap()));
            receiver.recv_timeout(Duration::from_secs(30)).unwrap();
        }
    }
    panic!("runs of a tiny model stay on no thread");
}

#[test]
fn tiny_requests_given_together_run_on_the_thread_that_gives_them() {
    let _alone = alone();
    configure(|_| ());
    let session = load_probed(model(
        vec![NodeProto::new("Neg", ["x"], ["y"]), NodeProto::new("Add", ["x", "x"], ["twice"])],
        &[("x", DType::Float32, 2)],
        &[("y", DType::Float32, 2), ("twice", DType::Float32, 2)],
    ));
    let of = |at: usize| (1 + at / 3 % 2, 1 + at / 6 % 2, ["y", "twice"][at / 12 % 2], at as f32);
    let made = || {
        let one = |at| {
            let (count, width, wanted, number) = of(at);
            let x = Tensor::from_elements(&[count, width], &vec![number; count * width]);
            request(&session, x.into(), &[wanted])
        };
        (0..48).map(one).collect()
    };
    for _ in 0..20 {
        for (at, outcome) in run_together(made).into_iter().enumerate() {
            let (count, width, wanted, number) = of(at);
            let number = if wanted == "y" { -number } else { 2.0 * number };
            let outputs = outcome.unwrap();
            assert_eq!(outputs.len(), 1, "only the output that was asked for");
            assert_eq!(outputs[wanted], Tensor::from_elements(&[count, width], &vec![number; count * width]).into());
        }
    }
    assert!(session.status(64).batching.batches > 0);
    // A size that never ran is not known to be tiny.
    let unknown = request(&session, Tensor::from_elements(&[9, 1], &[0.0f32; 9]).into(), &[]);
    assert!(engine().run_inline_together(vec![unknown])[0].is_err());
    assert!(engine().run_inline_together(Vec::new()).is_empty());
}

#[test]
fn of_requests_given_together_the_one_to_blame_gets_the_error() {
    let _alone = alone();
    configure(|_| ());
    let session = load_probed(lookup());
    let made = || {
        let index = |at: i64| if at == 13 { 1_000 } else { at % 4 };
        (0..20).map(|at| request(&session, Tensor::from_elements(&[1, 1], &[index(at)]).into(), &[])).collect()
    };
    for _ in 0..20 {
        for (at, outcome) in run_together(made).into_iter().enumerate() {
            if at == 13 {
                assert_eq!(outcome.unwrap_err().code, ErrorCode::RunFailed);
            } else {
                assert_eq!(outcome.unwrap()["y"], Tensor::from_elements(&[1, 1], &[10.0 + (at % 4) as f32]).into());
            }
        }
    }
    assert!(session.status(64).batching.batches > 0);
}

// MLServer #903: a common run gave another number of rows than went in, and some callers got empty answers.
#[test]
fn a_model_that_leaves_out_rows_gives_nobody_anothers() {
    let _alone = alone();
    configure(|_| ());
    // Rows that sum to less than -1000 are left out.
    let graph = GraphProto {
        name: Some("filter".to_owned()),
        node: vec![
            NodeProto::new("ReduceSum", ["x", "axis"], ["sum"]).with("keepdims", 0),
            NodeProto::new("Greater", ["sum", "least"], ["kept"]),
            NodeProto::new("Compress", ["x", "kept"], ["y"]).with("axis", 0),
        ],
        initializer: vec![
            TensorProto::from_tensor("axis", &Tensor::from_elements(&[1], &[1i64])),
            TensorProto::from_tensor("least", &Tensor::from_elements(&[], &[-1_000.0f32])),
        ],
        input: vec![ValueInfoProto::tensor("x", DType::Float32, &[None, Some(2)])],
        output: vec![ValueInfoProto::tensor("y", DType::Float32, &[None, Some(2)])],
        ..GraphProto::default()
    };
    let session = load_probed(wrap(graph));
    assert_eq!(batchable(&session), Some(false));
    let reason = session.status(64).batching.reason.unwrap();
    assert!(reason.contains("Compress node \"y\" leaves out elements by what the rows say"), "{reason}");
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    for at in 0..40i16 {
        let x = if at % 5 == 0 { [-2_000.0, f32::from(at)] } else { [f32::from(at), 0.5] };
        let sender = sender.clone();
        let answer = move |outcome: Outcome| sender.send((at, x, outcome.unwrap())).unwrap();
        start(&session, Tensor::from_elements(&[1, 2], &x).into(), |_| (), answer);
    }
    release();
    for _ in 0..40 {
        let (at, x, outputs) = receiver.recv_timeout(Duration::from_secs(30)).unwrap();
        let alone = if at % 5 == 0 {
            Tensor::from_elements(&[0, 2], &[] as &[f32])
        } else {
            Tensor::from_elements(&[1, 2], &x)
        };
        assert_eq!(outputs["y"], alone.into(), "row {at}");
    }
}

/// `y = x + bias`, and callers may give another bias.
fn biased() -> Vec<u8> {
    wrap(GraphProto {
        name: Some("biased".to_owned()),
        node: vec![NodeProto::new("Add", ["x", "bias"], ["y"])],
        initializer: vec![TensorProto::from_tensor("bias", &Tensor::from_elements(&[1], &[0.5f32]))],
        input: vec![
            ValueInfoProto::tensor("x", DType::Float32, &[None, Some(3)]),
            ValueInfoProto::tensor("bias", DType::Float32, &[None]),
        ],
        output: vec![ValueInfoProto::tensor("y", DType::Float32, &[None, Some(3)])],
        ..GraphProto::default()
    })
}

// Triton #5489: the values of three callers, joined, were a bias for each class.
#[test]
fn what_is_given_for_a_default_is_not_joined_as_rows() {
    let _alone = alone();
    configure(|_| ());
    let session = load_probed(biased());
    assert_eq!(batchable(&session), Some(true));
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    for at in 0..60u8 {
        let bias = at.is_multiple_of(2).then_some(f32::from(at));
        let sender = sender.clone();
        let give = move |request: &mut RunRequest| {
            Arc::make_mut(&mut request.inputs)
                .extend(bias.map(|bias| ("bias".to_owned(), Tensor::from_elements(&[1], &[bias]).into())));
        };
        let x = Tensor::from_elements(&[1, 3], &[f32::from(at), 0.0, 1.0]);
        start(&session, x.into(), give, move |outcome| sender.send((at, bias, outcome.unwrap())).unwrap());
    }
    release();
    for _ in 0..60 {
        let (at, bias, outputs) = receiver.recv_timeout(Duration::from_secs(30)).unwrap();
        let bias = bias.unwrap_or(0.5);
        let expected = Tensor::from_elements(&[1, 3], &[f32::from(at) + bias, bias, 1.0 + bias]);
        assert_eq!(outputs["y"], expected.into(), "caller {at}");
    }
    let batching = session.status(64).batching;
    assert!(batching.batches > 0 && batching.batched_rows <= 30, "{} rows", batching.batched_rows);
}

#[test]
fn a_request_that_wants_to_be_alone_runs_alone() {
    let _alone = alone();
    configure(|_| ());
    let session = load_probed(network(0.25));
    let (sender, receiver) = mpsc::channel();
    let release = occupy();
    for seed in 0..40 {
        let sender = sender.clone();
        let apart = |request: &mut RunRequest| request.alone = true;
        start(&session, rows(seed, 1), apart, move |outcome| {
            sender.send(belongs(&outcome.unwrap(), seed, 1)).unwrap();
        });
    }
    release();
    assert!((0..40).all(|_| receiver.recv_timeout(Duration::from_secs(30)).unwrap()));
    assert_eq!(session.status(64).batching.batches, 0);
}

/// The order in which requests of these priorities are answered, which come in this order while all threads are busy.
fn order_of(session: &Arc<Session>, x: &Value, priorities: &[i32], apart: impl Fn(usize) -> bool) -> Vec<usize> {
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    for (at, &priority) in priorities.iter().enumerate() {
        let sender = sender.clone();
        let choose = |request: &mut RunRequest| (request.priority, request.alone) = (priority, apart(at));
        start(session, x.clone(), choose, move |outcome| {
            outcome.unwrap();
            sender.send(at).unwrap();
        });
    }
    release();
    priorities.iter().map(|_| receiver.recv_timeout(Duration::from_secs(60)).unwrap()).collect()
}

#[test]
fn a_higher_priority_goes_first_where_nothing_is_batched_too() {
    let _alone = alone();
    configure(|options| options.run_threads = 1);
    let session = load_probed(layered(0.0, 30, Some(2)));
    assert_eq!(batchable(&session), Some(false), "its rows are fixed");
    let mut priorities = vec![0; 199];
    priorities.push(100);
    let order = order_of(&session, &rows(0, 2), &priorities, |_| false);
    // Two threads answer side by side, and the system may let one of them wait: the last would be number 200.
    let place = order.iter().position(|&at| at == 199).unwrap();
    assert!(place < 100, "priority 100 was answered as number {}", place + 1);
}

#[test]
fn priorities_count_between_batches_and_what_runs_alone() {
    let _alone = alone();
    configure(|options| (options.run_threads, options.max_batch_size) = (1, 4));
    let session = load_probed(network(2.0));
    assert_eq!(batchable(&session), Some(true));
    // Two hundred that run alone, then one that may run with others; and the other way round.
    for last_is_alone in [false, true] {
        let mut priorities = vec![0; 200];
        priorities.push(100);
        let order = order_of(&session, &rows(0, 1), &priorities, |at| (at == 200) == last_is_alone);
        assert_eq!(order.len(), 201);
        let place = order.iter().position(|&at| at == 200).unwrap();
        assert!(place < 100, "priority 100 was answered as number {}", place + 1);
    }
    let status = session.status(64).batching;
    assert_eq!(status.queued, 0);
    assert!(status.batches > 0);
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

/// Who notes what it is charged.
#[derive(Default)]
struct Paid(Mutex<Vec<Receipt>>);

impl Account for Paid {
    fn charge(&self, receipt: &Receipt) {
        self.0.lock().unwrap().push(*receipt);
    }
}

impl Paid {
    /// By the parts that they had of their runs.
    fn take(&self) -> Vec<Receipt> {
        let mut receipts = std::mem::take(&mut *self.0.lock().unwrap());
        receipts.sort_by(|one, other| one.share.total_cmp(&other.share));
        receipts
    }
}

/// Has requests wait until they can run together; their outcomes.
fn gathered(requests: Vec<RunRequest>) -> Vec<Result<RunOutput>> {
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    let count = requests.len();
    for request in requests {
        let sender = sender.clone();
        engine().run(request, Box::new(move |outcome| sender.send(outcome).unwrap()));
    }
    release();
    (0..count).map(|_| receiver.recv_timeout(Duration::from_secs(30)).unwrap()).collect()
}

#[test]
fn what_a_common_run_cost_is_divided_by_rows() {
    let _alone = alone();
    configure(|_| ());
    let session = load_probed(network(0.5));
    let paid = Arc::new(Paid::default());
    let paying = |count| RunRequest {
        account: Some(Arc::clone(&paid) as Arc<dyn Account>),
        ..request(&session, rows(count, count), &["y"])
    };
    // How many rows pay is learned.
    let (outputs, charged) = (0..100)
        .map(|_| (gathered([1, 3, 4].map(paying).into()), paid.take()))
        .map(|(outcomes, charged)| (outcomes.into_iter().map(Result::unwrap).collect::<Vec<_>>(), charged))
        .find(|(outputs, _)| outputs.iter().all(|output| output.batch_rows == Some(8)))
        .expect("they never ran together");
    assert_eq!(charged.iter().map(|receipt| receipt.share).collect::<Vec<_>>(), [0.125, 0.375, 0.5]);
    assert_eq!(charged.iter().map(|receipt| receipt.wall).sum::<Duration>(), outputs[0].latency);
    assert!(charged.iter().all(|receipt| receipt.queue > Duration::ZERO));
    let bytes = |rows: usize| ((rows * 256 * 4) as u64, (rows * WIDTH * 4) as u64);
    for (receipt, rows) in charged.iter().zip([1, 3, 4]) {
        assert_eq!((receipt.allocated_bytes, receipt.read_bytes), bytes(rows));
    }
    assert!(outputs.iter().all(|output| charged.contains(&output.receipt)));
}

#[test]
fn a_run_that_failed_is_paid_for() {
    let _alone = alone();
    configure(|_| ());
    let session = load_probed(lookup());
    let paid = Arc::new(Paid::default());
    let x = Tensor::from_elements(&[1, 1], &[1_000i64]);
    let failing =
        RunRequest { account: Some(Arc::clone(&paid) as Arc<dyn Account>), ..request(&session, x.into(), &["y"]) };
    assert!(gathered(vec![failing])[0].is_err());
    let [receipt] = paid.take()[..] else { panic!("it was not charged once") };
    assert_eq!((receipt.allocated_bytes, receipt.read_bytes, receipt.share), (0, 8, 1.0));
    assert!(receipt.wall > Duration::ZERO);
}
