//! Models whose requests can run together, and how tests make them wait for each other.

use super::{engine, load, wrap};
use harper_edge_ai::engine::{EngineOptions, RunHandle, RunRequest, Session};
use harper_edge_ai::error::Result;
use harper_edge_ai::onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use harper_edge_ai::tensor::{DType, Tensor, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::{Duration, Instant};

pub const WIDTH: usize = 16;

/// The engine is one for the process, and these tests set its options.
pub fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

pub fn configure(change: impl FnOnce(&mut EngineOptions)) {
    let mut options = EngineOptions { library_path: engine().options().library_path, ..EngineOptions::default() };
    change(&mut options);
    engine().configure(options);
}

/// `y = (x + offset) @ w`, `w` large enough that a run takes a while; `twice = x + x`.
pub fn network(offset: f32) -> Vec<u8> {
    layered(offset, 8, None)
}

/// [`network`] with that many layers; of a fixed number of rows it is not batchable.
pub fn layered(offset: f32, layers: usize, rows: Option<i64>) -> Vec<u8> {
    let weights: Vec<f32> = (0..WIDTH * 256).map(|at| ((at * 31) % 17) as f32 / 17.0).collect();
    let back: Vec<f32> = (0..256 * 256).map(|at| ((at * 13) % 19) as f32 / 2_304.0).collect();
    let mut nodes = vec![
        NodeProto::new("Add", ["x", "offset"], ["moved"]),
        NodeProto::new("MatMul", ["moved", "w"], ["h0"]),
        NodeProto::new("Add", ["x", "x"], ["twice"]),
    ];
    nodes.extend(
        (0..layers).map(|at| NodeProto::new("MatMul", [format!("h{at}"), "back".to_owned()], [format!("h{}", at + 1)])),
    );
    nodes.push(NodeProto::new("Relu", [format!("h{layers}")], ["y".to_owned()]));
    wrap(GraphProto {
        name: Some("network".to_owned()),
        node: nodes,
        initializer: vec![
            TensorProto::from_tensor("offset", &Tensor::from_elements(&[1], &[offset])),
            TensorProto::from_tensor("w", &Tensor::from_elements(&[WIDTH, 256], &weights)),
            TensorProto::from_tensor("back", &Tensor::from_elements(&[256, 256], &back)),
        ],
        input: vec![ValueInfoProto::tensor("x", DType::Float32, &[rows, Some(WIDTH as i64)])],
        output: vec![
            ValueInfoProto::tensor("y", DType::Float32, &[rows, Some(256)]),
            ValueInfoProto::tensor("twice", DType::Float32, &[rows, Some(WIDTH as i64)]),
        ],
        ..GraphProto::default()
    })
}

/// Loads, and waits until it is known whether requests may run together.
pub fn load_probed(bytes: Vec<u8>) -> Arc<Session> {
    probed(load(bytes).unwrap())
}

pub fn probed(session: Arc<Session>) -> Arc<Session> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while batchable(&session).is_none() {
        assert!(Instant::now() < deadline, "the check of the batch dimension did not end");
        std::thread::sleep(Duration::from_millis(1));
    }
    session
}

pub fn batchable(session: &Session) -> Option<bool> {
    session.status(64).batching.batchable
}

pub type Outcome = Result<HashMap<String, Value>>;

pub fn request(session: &Arc<Session>, inputs: Vec<(String, Value)>) -> RunRequest {
    RunRequest {
        session: Arc::clone(session),
        inputs: inputs.into(),
        outputs: Vec::new(),
        timeout: Some(Duration::from_secs(60)),
        priority: 0,
        alone: false,
        exact: false,
        account: None,
    }
}

/// Starts a run; the outcome comes on the channel.
pub fn start(
    session: &Arc<Session>,
    x: Value,
    change: impl FnOnce(&mut RunRequest),
    answer: impl FnOnce(Outcome) + Send + 'static,
) -> RunHandle {
    let mut request = request(session, vec![("x".to_owned(), x)]);
    change(&mut request);
    engine().run(request, Box::new(move |outcome| answer(outcome.map(|output| output.outputs.into_iter().collect()))))
}

/// Rows that no other seed has.
pub fn rows(seed: usize, count: usize) -> Value {
    let data: Vec<f32> = (0..count * WIDTH).map(|at| seed as f32 + at as f32 / 1024.0).collect();
    Tensor::from_elements(&[count, WIDTH], &data).into()
}

/// True when the answer belongs to the seed: `twice` says so exactly.
pub fn belongs(outputs: &HashMap<String, Value>, seed: usize, count: usize) -> bool {
    let expected: Vec<f32> = (0..count * WIDTH).map(|at| 2.0 * (seed as f32 + at as f32 / 1024.0)).collect();
    outputs["twice"] == Tensor::from_elements(&[count, WIDTH], &expected).into()
}

/// Keeps the run threads busy until the returned function is called, so that requests gather.
pub fn occupy() -> impl FnOnce() {
    let held: Vec<_> = (0..engine().options().run_threads)
        .map(|_| hold(&load(blocker()).unwrap(), Tensor::from_elements(&[1], &[1.0f32]).into()))
        .collect();
    move || held.into_iter().for_each(|release| release())
}

/// Keeps a run of the session under way until the returned function is called.
pub fn hold(session: &Arc<Session>, x: Value) -> impl FnOnce() + use<> {
    let (release, wait) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    // The callback runs on the thread of the pool, and holds it.
    start(
        session,
        x,
        |_| (),
        move |outcome| {
            outcome.unwrap();
            started.send(()).unwrap();
            let _ = wait.recv_timeout(Duration::from_secs(30));
        },
    );
    running.recv_timeout(Duration::from_secs(30)).unwrap();
    move || drop(release)
}

/// A model without a batch dimension.
pub fn blocker() -> Vec<u8> {
    let graph = GraphProto {
        name: Some("blocker".to_owned()),
        node: vec![NodeProto::new("Relu", ["x"], ["y"])],
        input: vec![ValueInfoProto::tensor("x", DType::Float32, &[Some(1)])],
        output: vec![ValueInfoProto::tensor("y", DType::Float32, &[Some(1)])],
        ..GraphProto::default()
    };
    wrap(graph)
}
