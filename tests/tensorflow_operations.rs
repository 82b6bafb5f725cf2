//! Each operation of graph-models by itself, against what TensorFlow.js or TensorFlow gives.
//!
//! `scripts/make-tensorflow-operations.js` writes the graphs. Each runs twice: with the sizes of its inputs known to the
//! translator, and with every size free.

mod support;
#[path = "support/tfjs.rs"]
mod tfjs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use harper_edge_ai::files::{Content, ModelFile};
use harper_edge_ai::model::Source;
use harper_edge_ai::tensor::{Tensor, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use tfjs::{compare, tensor};

fn cases() -> Vec<Json> {
    serde_json::from_str(include_str!("fixtures/tensorflow-operations.json")).unwrap()
}

/// A model in one file, its weights inside.
fn source(model: &Json) -> Source {
    let file = ModelFile { name: "model.json".to_owned(), content: Content::Memory(Bytes::from(model.to_string())) };
    Source { files: vec![file], beside: false, cache_folder: None }
}

fn run(case: &Json, model: &Json) -> Result<(), String> {
    let session = support::load_source(source(model), None).map_err(|problem| problem.to_string())?;
    let inputs: Vec<(&str, Value)> =
        case["inputs"].as_object().unwrap().iter().map(|(name, json)| (name.as_str(), tensor(json).into())).collect();
    let outputs = support::run(&session, inputs).map_err(|problem| problem.to_string())?;
    for (at, expected) in case["expected"].as_array().unwrap().iter().enumerate() {
        let output = outputs[at].1.as_tensor().ok_or("an output is no tensor")?;
        compare(output, &tensor(expected), 1e-4).map_err(|problem| format!("output {at}: {problem}"))?;
    }
    Ok(())
}

fn with_free_sizes(model: &Json) -> Json {
    let mut model = model.clone();
    for node in model["modelTopology"]["node"].as_array_mut().unwrap() {
        if let Some(sizes) = node.pointer_mut("/attr/shape/shape/dim").and_then(Json::as_array_mut) {
            sizes.iter_mut().for_each(|dim| dim["size"] = "-1".into());
        }
    }
    model
}

#[test]
fn operations_give_what_tensorflow_gives() {
    let mut failures = Vec::new();
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        if let Err(problem) = run(&case, &case["model"]) {
            failures.push(format!("{name}: {problem}"));
        }
        if case["fixed"] == false
            && let Err(problem) = run(&case, &with_free_sizes(&case["model"]))
        {
            failures.push(format!("{name}, free: {problem}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Operations that every graph has, that call functions as `If` does and are in models of the corpus, or are random.
const ELSEWHERE: &[&str] = &[
    "Const",
    "NoOp",
    "PartitionedCall",
    "StatefulPartitionedCall",
    "While",
    "StatelessWhile",
    "TensorArrayCloseV3",
    "Multinomial",
    "RandomUniform",
    "RandomStandardNormal",
    "RandomUniformInt",
    "TruncatedNormal",
];

#[test]
fn every_operation_has_a_case() {
    let cases = cases();
    let tested: BTreeSet<&str> =
        cases.iter().flat_map(|case| case["ops"].as_array().unwrap()).filter_map(Json::as_str).collect();
    let lacking: Vec<&str> = harper_edge_ai::tensorflow::operations()
        .filter(|operation| !tested.contains(operation) && !ELSEWHERE.contains(operation))
        .collect();
    assert!(lacking.is_empty(), "these operations have no case: {lacking:?}");
}

/// A graph of one operation on an input and constants.
fn graph(op: &str, attributes: &Json, constants: &[i32]) -> Json {
    let type_of = |name: &str| json!({ "type": name });
    let mut node = vec![json!({
        "name": "x", "op": "Placeholder",
        "attr": { "dtype": type_of("DT_INT32"), "shape": { "shape": { "dim": [{ "size": "2" }] } } },
    })];
    let (mut specs, mut data, mut inputs) = (Vec::new(), Vec::new(), vec!["x".to_owned()]);
    for (at, number) in constants.iter().enumerate() {
        let name = format!("c{at}");
        node.push(json!({ "name": name, "op": "Const", "attr": { "dtype": type_of("DT_INT32") } }));
        specs.push(json!({ "name": name, "shape": [], "dtype": "int32" }));
        data.extend(number.to_le_bytes());
        inputs.push(name);
    }
    node.push(json!({ "name": "y", "op": op, "input": inputs, "attr": attributes }));
    json!({ "modelTopology": { "node": node }, "weightSpecs": specs, "weightData": BASE64.encode(data) })
}

#[test]
fn random_tensors_have_the_shape_and_range_that_is_asked_for() {
    let cases = [
        ("RandomUniform", vec![], -0.0..1.0, 0.5),
        ("RandomStandardNormal", vec![], -6.0..6.0, 0.0),
        ("TruncatedNormal", vec![], -2.0..2.0, 0.0),
        ("RandomUniformInt", vec![10, 20], 10.0..20.0, 14.5),
    ];
    for (op, constants, range, mean) in cases {
        let session = support::load_source(source(&graph(op, &json!({}), &constants)), None).unwrap();
        let shape = Tensor::from_elements(&[2], &[40i32, 50]);
        let outputs = support::run(&session, vec![("x", shape.into())]).unwrap();
        let output = outputs[0].1.as_tensor().unwrap();
        let numbers = tfjs::numbers(output).unwrap();
        assert_eq!(output.shape, [40, 50]);
        assert!(numbers.iter().all(|number| range.contains(number)), "{op}");
        let spread: f64 = range.end - range.start;
        let received = numbers.iter().sum::<f64>() / 2000.0;
        assert!((received - mean).abs() < spread / 20.0, "{op} has a mean of {received}");
    }
}
