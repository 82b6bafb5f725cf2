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
    "HashTable",
    "HashTableV2",
    "InitializeTable",
    "InitializeTableV2",
    "LookupTableFind",
    "LookupTableFindV2",
    "LookupTableImport",
    "LookupTableImportV2",
    "LookupTableSize",
    "LookupTableSizeV2",
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

/// What a model in a file gives for an input "x".
fn outputs_of(model: &Json, x: Tensor) -> Vec<Tensor> {
    let session = support::load_source(source(model), None).unwrap();
    let outputs = support::run(&session, vec![("x", x.into())]).unwrap();
    outputs.into_iter().map(|(_, output)| output.as_tensor().unwrap().clone()).collect()
}

/// Tables that the initializer fills, or the graph itself; keys and values of several types.
#[test]
fn tables_with_constant_contents_are_looked_up() {
    let of_type = |name: &str| json!({ "dtype": { "type": name } });
    let value = |name: &str, field: &str, list: Json, size: usize| {
        let shape = if size == 0 { json!({}) } else { json!({ "dim": [{ "size": size.to_string() }] }) };
        json!({ "dtype": { "type": name }, "value": { "tensor": { "tensorShape": shape, field: list } } })
    };
    let texts = value("DT_STRING", "stringVal", json!(["YQ==", "Yg=="]), 2);
    let integers = value("DT_INT64", "int64Val", json!(["7", "-8"]), 2);
    let floats = value("DT_FLOAT", "floatVal", json!([0.5, 1.5]), 2);
    let none = value("DT_INT64", "int64Val", json!(["-1"]), 0);
    let no_float = value("DT_FLOAT", "floatVal", json!([9.0]), 0);
    let unknown = value("DT_STRING", "stringVal", json!(["Pw=="]), 0);
    let strings =
        |list: &[&str]| Tensor::from_strings(&[list.len()], list.iter().map(|text| (*text).to_owned()).collect());
    let ints = |list: &[i32]| Tensor::from_elements(&[list.len()], list);
    for (keys, values, default, kind, x, expected) in [
        (&texts, &integers, &none, "DT_STRING", strings(&["b", "c", "a"]), ints(&[-8, -1, 7])),
        (&texts, &floats, &no_float, "DT_STRING", strings(&["b", "c"]), Tensor::from_elements(&[2], &[1.5f32, 9.0])),
        (&integers, &texts, &unknown, "DT_INT64", ints(&[-8, 3]), strings(&["b", "?"])),
        (&integers, &integers, &none, "DT_INT64", ints(&[7, 3]), ints(&[7, -1])),
    ] {
        let filling = [
            json!({ "name": "t", "op": "HashTableV2" }),
            json!({ "name": "k", "op": "Const", "attr": keys }),
            json!({ "name": "v", "op": "Const", "attr": values }),
            json!({ "name": "p", "op": "Identity", "input": ["t"] }),
            json!({ "name": "f", "op": "LookupTableImportV2", "input": ["p", "k", "v"] }),
        ];
        let finding = |table: &str| {
            [
                json!({ "name": "x", "op": "Placeholder", "attr": of_type(kind) }),
                json!({ "name": "d", "op": "Const", "attr": default }),
                json!({ "name": "y", "op": "LookupTableFindV2", "input": [table, "x", "d"] }),
                json!({ "name": "n", "op": "LookupTableSizeV2", "input": [table] }),
            ]
        };
        let inside: Vec<Json> = filling.iter().cloned().chain(finding("p")).collect();
        let resource = json!({ "name": "r", "op": "Placeholder", "attr": of_type("DT_RESOURCE") });
        // A name of the initializer may be another node's here.
        let namesake = json!({ "name": "p", "op": "Identity", "input": ["y"] });
        let outside: Vec<Json> = [resource, namesake].into_iter().chain(finding("r")).collect();
        let outputs = json!({ "y": { "name": "y:0" }, "n": { "name": "n:0" } });
        let table = json!({ "r": { "name": "r:0", "resourceId": 5 }, "x": { "name": "x:0" } });
        for (node, signature) in
            [(inside, json!({ "outputs": outputs })), (outside, json!({ "inputs": table, "outputs": outputs }))]
        {
            let model = json!({
                "modelTopology": { "node": node }, "weightSpecs": [], "weightData": "", "signature": signature,
                "modelInitializer": { "node": filling },
                "initializerSignature": { "outputs": { "p": { "name": "p:0", "resourceId": 5 } } },
            });
            let made = outputs_of(&model, x.clone());
            assert_eq!(made[0], expected);
            assert_eq!(made[1].elements::<i32>().unwrap(), [2]);
        }
    }
}

/// The operation says how many axes its input has.
#[test]
fn images_of_unknown_rank_are_convolved() {
    let unknown = json!({ "dtype": { "type": "DT_FLOAT" }, "shape": { "shape": { "unknownRank": true } } });
    let ones = json!({ "dtype": { "type": "DT_FLOAT" }, "value": { "tensor": {
        "tensorShape": { "dim": [{ "size": "2" }, { "size": "2" }, { "size": "1" }, { "size": "1" }] }, "floatVal": [1] } } });
    let flat = json!({ "strides": { "list": { "i": ["1", "2", "2", "1"] } }, "padding": { "s": "VkFMSUQ=" },
        "ksize": { "list": { "i": ["1", "2", "2", "1"] } } });
    for (op, inputs, expected) in [
        ("Conv2D", json!(["x", "k"]), [6.0f32]),
        ("DepthwiseConv2dNative", json!(["x", "k"]), [6.0]),
        ("MaxPool", json!(["x"]), [3.0]),
    ] {
        let node = json!([
            { "name": "x", "op": "Placeholder", "attr": unknown },
            { "name": "k", "op": "Const", "attr": ones },
            { "name": "y", "op": op, "input": inputs, "attr": flat },
        ]);
        let model = json!({ "modelTopology": { "node": node }, "weightSpecs": [], "weightData": "" });
        let made = outputs_of(&model, Tensor::from_elements(&[1, 2, 2, 1], &[0f32, 1.0, 2.0, 3.0]));
        assert_eq!(made[0].elements::<f32>().unwrap(), expected, "{op}");
    }
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
