//! Runs of one session that overlap give, bit for bit, what they give alone.

mod support;

use harper_edge_ai::onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use harper_edge_ai::tensor::{DType, Tensor, Value};
use support::{load, run, wrap};

const WIDTH: usize = 64;
const THREADS: usize = 8;
const RUNS: usize = 400;

/// Three dense layers with weights that look random.
fn network() -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let mut graph = GraphProto {
        name: Some("dense".to_owned()),
        input: vec![ValueInfoProto::tensor("x", DType::Float32, &[None, Some(WIDTH as i64)])],
        output: vec![ValueInfoProto::tensor("y3", DType::Float32, &[None, Some(WIDTH as i64)])],
        ..GraphProto::default()
    };
    for layer in 1..=3 {
        let weights: Vec<f32> = (0..WIDTH * WIDTH).map(|_| next()).collect();
        let name = format!("w{layer}");
        graph.initializer.push(TensorProto::from_tensor(&name, &Tensor::from_elements(&[WIDTH, WIDTH], &weights)));
        let input = if layer == 1 { "x".to_owned() } else { format!("y{}", layer - 1) };
        graph.node.push(NodeProto::new("MatMul", [input, name], [format!("m{layer}")]));
        graph.node.push(NodeProto::new("Tanh", [format!("m{layer}")], [format!("y{layer}")]));
    }
    wrap(graph)
}

fn input(seed: usize) -> Value {
    let rows = 1 + seed % 5;
    let data: Vec<f32> = (0..rows * WIDTH).map(|at| ((at * 31 + seed * 17) % 97) as f32 / 97.0).collect();
    Tensor::from_elements(&[rows, WIDTH], &data).into()
}

#[test]
fn overlapping_runs_do_not_touch_each_other() {
    let session = load(network()).unwrap();
    let alone: Vec<_> = (0..RUNS).map(|seed| run(&session, vec![("x", input(seed))]).unwrap()).collect();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (session, alone) = (&session, &alone);
            scope.spawn(move || {
                for at in 0..RUNS {
                    let seed = (at * 7 + thread * 53) % RUNS;
                    let outputs = run(session, vec![("x", input(seed))]).unwrap();
                    assert!(outputs == alone[seed], "thread {thread}, input {seed}: another answer than alone");
                }
            });
        }
    });
}
