//! What tract is asked not to do: answer wrongly, take all memory, run for ever.
#![cfg(feature = "tract")]

mod support;

use harper_edge_ai::engine::{EngineChoice, Session};
use harper_edge_ai::error::{ErrorCode, Result};
use harper_edge_ai::onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use harper_edge_ai::tensor::{DType, Tensor};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{load_source, model, run, run_within, source, wrap};

fn load(bytes: Vec<u8>) -> Result<Arc<Session>> {
    load_source(source(bytes), Some(EngineChoice::Tract))
}

fn refusal(bytes: Vec<u8>) -> String {
    let problem = load(bytes).err().expect("tract should refuse the model");
    assert_eq!(problem.code, ErrorCode::UnsupportedModel, "{problem}");
    problem.message
}

const X: [(&str, DType, usize); 1] = [("x", DType::Float32, 2)];
const Y: [(&str, DType, usize); 1] = [("y", DType::Float32, 2)];

#[test]
fn every_operator_that_it_lacks_is_named() {
    let nodes = vec![NodeProto::new("Frobnicate", ["x"], ["a"]), NodeProto::new("Grumble", ["a"], ["y"])];
    let message = refusal(model(nodes, &X, &Y));
    assert!(message.contains("Frobnicate (node \"a\")") && message.contains("Grumble (node \"y\")"), "{message}");
}

#[test]
fn an_operator_of_another_domain_is_not_taken_for_the_standard_one() {
    let foreign = NodeProto { domain: Some("com.example".to_owned()), ..NodeProto::new("Relu", ["x"], ["y"]) };
    let message = refusal(model(vec![foreign], &X, &Y));
    assert!(message.contains("Relu"), "{message}");
}

#[test]
fn an_element_type_that_it_lacks_is_named() {
    let message = refusal(model(vec![NodeProto::new("Identity", ["x"], ["y"])], &[("x", DType::BFloat16, 1)], &Y));
    assert!(message.contains("bfloat16"), "{message}");
}

/// A stump whose leaves carry one weight each, as LightGBM exports a binary classifier.
fn one_weight_stump() -> NodeProto {
    let strings = |items: [&str; 3]| items.map(str::to_owned).to_vec();
    NodeProto {
        domain: Some("ai.onnx.ml".to_owned()),
        ..NodeProto::new("TreeEnsembleClassifier", ["x"], ["label", "y"])
            .with("classlabels_int64s", vec![0, 1])
            .with("class_ids", vec![0, 0])
            .with("class_nodeids", vec![1, 2])
            .with("class_treeids", vec![0, 0])
            .with("class_weights", vec![-1.0f32, 1.0])
            .with("nodes_nodeids", vec![0, 1, 2])
            .with("nodes_treeids", vec![0, 0, 0])
            .with("nodes_featureids", vec![0, 0, 0])
            .with("nodes_truenodeids", vec![1, 0, 0])
            .with("nodes_falsenodeids", vec![2, 0, 0])
            .with("nodes_values", vec![0.5f32, 0.0, 0.0])
            .with("nodes_modes", strings(["BRANCH_LEQ", "LEAF", "LEAF"]))
    }
}

#[test]
fn trees_that_it_gets_wrong_are_refused() {
    let outputs = [("label", DType::Int64, 1), ("y", DType::Float32, 2)];
    let message = refusal(model(vec![one_weight_stump()], &X, &outputs));
    assert!(message.contains("TreeEnsembleClassifier") && message.contains("wrong labels"), "{message}");
    let mut circle = one_weight_stump().with("class_ids", vec![0, 1]);
    circle.attribute.retain(|attribute| attribute.ints != [0, 0] || attribute.name() != "class_ids");
    for attribute in circle.attribute.iter_mut().filter(|attribute| attribute.name() == "nodes_truenodeids") {
        attribute.ints = vec![0, 0, 0];
    }
    let message = refusal(model(vec![circle], &X, &outputs));
    assert!(message.contains("must come after it"), "{message}");
}

#[test]
fn a_constant_that_asks_for_too_much_memory_is_refused() {
    let repeats = TensorProto::from_tensor("repeats", &Tensor::from_elements(&[2], &[1i64 << 20, 1 << 20]));
    let graph = GraphProto {
        node: vec![NodeProto::new("Tile", ["x", "repeats"], ["y"])],
        initializer: vec![repeats],
        input: vec![ValueInfoProto::tensor("x", DType::Float32, &[Some(1), Some(1)])],
        output: vec![ValueInfoProto::tensor("y", DType::Float32, &[None, None])],
        name: Some("tile".to_owned()),
        ..GraphProto::default()
    };
    assert!(refusal(wrap(graph)).contains("Tile"), "the message names the operator");
}

#[test]
fn a_run_that_would_take_too_much_memory_is_an_error() {
    // The outer product of a column and a row.
    let graph = GraphProto {
        node: vec![NodeProto::new("MatMul", ["x", "row"], ["y"])],
        input: vec![
            ValueInfoProto::tensor("x", DType::Float32, &[None, Some(1)]),
            ValueInfoProto::tensor("row", DType::Float32, &[Some(1), None]),
        ],
        output: vec![ValueInfoProto::tensor("y", DType::Float32, &[None, None])],
        name: Some("outer".to_owned()),
        ..GraphProto::default()
    };
    let session = load(wrap(graph)).unwrap();
    let long = vec![1.0f32; 1 << 17];
    let x = Tensor::from_elements(&[1 << 17, 1], &long);
    let row = Tensor::from_elements(&[1, 1 << 17], &long);
    let problem = run(&session, vec![("x", x.into()), ("row", row.into())]).unwrap_err();
    assert_eq!(problem.code, ErrorCode::RunFailed, "{problem}");
}

#[test]
fn integer_division_of_the_smallest_number_survives() {
    let inputs = [("a", DType::Int32, 1), ("b", DType::Int32, 1)];
    let session =
        load(model(vec![NodeProto::new("Div", ["a", "b"], ["y"])], &inputs, &[("y", DType::Int32, 1)])).unwrap();
    let divide = |a: i32, b: i32| {
        run(
            &session,
            vec![("a", Tensor::from_elements(&[1], &[a]).into()), ("b", Tensor::from_elements(&[1], &[b]).into())],
        )
    };
    assert_eq!(divide(i32::MIN, -1).unwrap()[0].1, Tensor::from_elements(&[1], &[i32::MIN]).into());
    assert_eq!(divide(1, 0).unwrap_err().code, ErrorCode::RunFailed);
    assert_eq!(divide(7, 2).unwrap()[0].1, Tensor::from_elements(&[1], &[3i32]).into());
}

#[test]
fn a_long_run_ends_at_its_deadline() {
    const STEPS: usize = 400;
    const TIMEOUT: Duration = Duration::from_millis(150);
    let chain = |steps: usize| {
        let name = |at: usize| if at == 0 { "x".to_owned() } else { format!("step{at}") };
        let mut nodes: Vec<NodeProto> =
            (0..steps).map(|at| NodeProto::new("MatMul", [name(at), "x".to_owned()], [name(at + 1)])).collect();
        nodes.push(NodeProto::new("Relu", [name(steps)], ["y"]));
        load(model(nodes, &X, &Y)).unwrap()
    };
    let x = || vec![("x", Tensor::from_elements(&[700, 700], &vec![1e-3f32; 490_000]).into())];
    let (one, all) = (chain(1), chain(STEPS));
    let started = Instant::now();
    run(&one, x()).unwrap();
    let step = started.elapsed();
    // Each step takes a while; the flag is read between them.
    let started = Instant::now();
    let problem = run_within(&all, x(), TIMEOUT).err().unwrap();
    assert_eq!(problem.code, ErrorCode::DeadlineExceeded, "{problem}");
    assert!(started.elapsed() < TIMEOUT + step * (STEPS as u32 / 4), "far from the end, on however busy a machine");
}
