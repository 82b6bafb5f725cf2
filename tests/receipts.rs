//! What receipts say of CPU time adds up to what the process has used. Alone in its process, which does nothing else meanwhile.
#![cfg(target_os = "linux")]

mod support;

use harper_edge_ai::engine::{EngineOptions, Receipt, RunRequest, Session};
use harper_edge_ai::onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use harper_edge_ai::tensor::{DType, Tensor, Value};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use support::gather::{probed, request};
use support::{engine, load, model, wrap};

const WIDTH: usize = 512;
const CALLERS: usize = 4;

/// What the library does on many threads.
fn dense(layers: usize) -> Vec<u8> {
    let weights = vec![1.0f32 / WIDTH as f32; WIDTH * WIDTH];
    let matmul = |at: usize| NodeProto::new("MatMul", [format!("h{at}"), "w".to_owned()], [format!("h{}", at + 1)]);
    let shape = [None, Some(WIDTH as i64)];
    wrap(GraphProto {
        name: Some("dense".to_owned()),
        node: (0..layers).map(matmul).collect(),
        initializer: vec![TensorProto::from_tensor("w", &Tensor::from_elements(&[WIDTH, WIDTH], &weights))],
        input: vec![ValueInfoProto::tensor("h0", DType::Float32, &shape)],
        output: vec![ValueInfoProto::tensor(&format!("h{layers}"), DType::Float32, &shape)],
        ..GraphProto::default()
    })
}

/// One small step after the other, which no other thread can help with.
fn steps(count: i64) -> Vec<u8> {
    let body = GraphProto {
        name: Some("body".to_owned()),
        node: vec![NodeProto::new("Identity", ["cond_in"], ["cond"]), NodeProto::new("Add", ["v", "v"], ["v_out"])],
        input: vec![
            ValueInfoProto::tensor("i", DType::Int64, &[]),
            ValueInfoProto::tensor("cond_in", DType::Bool, &[]),
            ValueInfoProto::tensor("v", DType::Float32, &[None, None]),
        ],
        output: vec![
            ValueInfoProto::tensor("cond", DType::Bool, &[]),
            ValueInfoProto::tensor("v_out", DType::Float32, &[None, None]),
        ],
        ..GraphProto::default()
    };
    let times = TensorProto::from_tensor("times", &Tensor::from_elements(&[], &[count]));
    model(
        vec![
            NodeProto::new("Constant", [""; 0], ["times"]).with("value", times),
            NodeProto::new("Loop", ["times", "", "h0"], ["y"]).with("body", body),
        ],
        &[("h0", DType::Float32, 2)],
        &[("y", DType::Float32, 2)],
    )
}

fn process_cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the output is valid.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Requests with so many rows.
struct Requests<'a> {
    session: &'a Arc<Session>,
    inputs: Arc<Vec<(String, Value)>>,
}

impl<'a> Requests<'a> {
    fn new(session: &'a Arc<Session>, rows: usize) -> Self {
        let x = Tensor::from_elements(&[rows, WIDTH], &vec![1.0f32; rows * WIDTH]);
        Self { session, inputs: vec![("h0".to_owned(), x.into())].into() }
    }

    fn run(&self) -> Receipt {
        let (sender, receiver) = mpsc::channel();
        let request = RunRequest { inputs: Arc::clone(&self.inputs), ..request(self.session, Vec::new()) };
        engine().run(request, Box::new(move |outcome| sender.send(outcome.unwrap().receipt).unwrap()));
        receiver.recv_timeout(Duration::from_secs(60)).unwrap()
    }
}

/// Runs for a second of CPU time, of which the receipts must tell 90 to 110 %.
fn adds_up(what: &str, sessions: &[(&Arc<Session>, usize)]) {
    let begun = process_cpu();
    let told: Duration = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (session, rows) = sessions[caller % sessions.len()];
                let requests = Requests::new(session, rows);
                scope.spawn(move || {
                    let mut told = Duration::ZERO;
                    while process_cpu() - begun < Duration::from_secs(1) {
                        told += requests.run().cpu.unwrap();
                    }
                    told
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    let used = process_cpu() - begun;
    let share = told.as_secs_f64() / used.as_secs_f64();
    println!("{what}: {share}");
    assert!((0.9..=1.1).contains(&share), "{what}: {told:?} of {used:?}");
}

#[test]
fn cpu_time_adds_up_to_what_the_process_used() {
    engine().configure(EngineOptions {
        intra_op_threads: 4,
        run_threads: CALLERS,
        max_batch_size: 512,
        ..engine().options()
    });
    let (many, one) = (probed(load(dense(8)).unwrap()), probed(load(steps(40_000)).unwrap()));
    // What is done once is over.
    let begun = Instant::now();
    let receipts = [&many, &one].map(|session| Requests::new(session, 256).run());
    assert!(receipts.iter().map(|receipt| receipt.wall).sum::<Duration>() <= begun.elapsed());
    let bytes = (256 * WIDTH * 4) as u64;
    assert!(receipts.iter().all(|receipt| (receipt.read_bytes, receipt.allocated_bytes) == (bytes, bytes)));
    adds_up("many threads", &[(&many, 512)]);
    adds_up("one thread", &[(&one, 1)]);
    adds_up("both at once", &[(&many, 512), (&one, 1)]);
    adds_up("in batches", &[(&many, 128)]);
}
