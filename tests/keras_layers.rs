//! The layers of Keras 2 and 3 in small models, against what TensorFlow gives.
//!
//! `scripts/make-keras-layers.py` writes the models. `EDGE_AI_CASE` picks those whose name contains it.

#[path = "support/keras.rs"]
mod keras;
mod support;
#[path = "support/tfjs.rs"]
mod tfjs;

use harper_edge_ai::model::Framework;
use harper_edge_ai::tensor::Tensor;
use keras::{run, run_all, source};
use serde_json::{Value as Json, json};

fn cases() -> Vec<Json> {
    serde_json::from_str(include_str!("fixtures/keras-layers.json")).unwrap()
}

#[test]
fn layers_give_what_tensorflow_gives() {
    run_all(&cases());
}

#[test]
fn every_layer_has_a_case() {
    let text: String = cases().iter().map(|case| case["model"]["modelTopology"].to_string()).collect();
    let missing: Vec<&str> = harper_edge_ai::tensorflow::classes()
        .filter(|class| !text.contains(&format!("\"class_name\":\"{class}\"")))
        .collect();
    assert!(missing.is_empty(), "without a case: {missing:?}");
}

/// A Functional model of these layers, whose input is "x" and whose output "y".
fn functional(layers: &[Json]) -> Json {
    let input =
        json!({"class_name": "InputLayer", "name": "x", "config": {"name": "x", "batch_input_shape": [null, 4]}});
    let layers: Vec<&Json> = [&input].into_iter().chain(layers).collect();
    let config = json!({"name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["y", 0, 0]]});
    let topology = json!({"class_name": "Functional", "config": config});
    json!({"modelTopology": topology, "weightSpecs": [], "weightData": ""})
}

/// Why such a model is refused.
fn refusal(layers: &[Json]) -> String {
    source(&functional(layers)).prepare(Some(Framework::TensorFlow)).unwrap_err().to_string()
}

fn layer(name: &str, class: &str, on: &str) -> Json {
    json!({"class_name": class, "name": name, "config": {"name": name}, "inbound_nodes": [[[on, 0, 0, {}]]]})
}

#[test]
fn every_unsupported_layer_is_named() {
    let inner = json!({"class_name": "Sequential", "name": "inner", "inbound_nodes": [[["b", 0, 0, {}]]], "config": {"name": "inner", "layers": [
        {"class_name": "Hashing", "config": {"name": "h", "batch_input_shape": [null, 4]}}]}});
    let strange = json!({"class_name": "Activation", "name": "s", "config": {"name": "s", "activation": "wavy"}, "inbound_nodes": [[["x", 0, 0, {}]]]});
    let refused = refusal(&[
        layer("a", "Lambda", "x"),
        layer("b", "MyLayer", "a"),
        inner,
        strange,
        layer("y", "Flatten", "inner"),
    ]);
    for part in
        ["UNSUPPORTED_MODEL", "Lambda (layer \"a\")", "MyLayer (layer \"b\")", "Hashing (layer \"inner/h\")", "wavy"]
    {
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn circles_and_gaps_are_refused() {
    assert!(refusal(&[layer("a", "ReLU", "y"), layer("y", "ReLU", "a")]).contains("waits for its own output"));
    assert!(refusal(&[layer("y", "ReLU", "nowhere")]).contains("nowhere"));
    assert!(refusal(&[layer("y", "Dense", "x")]).contains("no weight \"kernel\""));
}

#[test]
fn weights_that_no_layer_wants_are_refused() {
    let mut case = cases().into_iter().find(|case| case["name"] == "dense of Keras 2").unwrap();
    case["model"]["weightSpecs"][0]["name"] = "another/kernel".into();
    let first = run(&case).unwrap_err();
    assert!(first.contains("INVALID_MODEL"), "{first}");
    let layers = case["model"]["modelTopology"]["model_config"]["config"]["layers"].as_array_mut().unwrap();
    let dense = layers.iter_mut().find(|layer| layer["class_name"] == "Dense").unwrap();
    dense["config"]["use_bias"] = false.into();
    case["model"]["weightSpecs"][0]["name"] = "dense/kernel".into();
    let second = run(&case).unwrap_err();
    assert!(second.contains("belong to no layer"), "{second}");
}

/// What layers from `x` to `y` make of four numbers.
fn numbers_of(layers: &[Json], input: [f32; 4]) -> Vec<f32> {
    let session = support::load_source(source(&functional(layers)), None).unwrap();
    let x = Tensor::from_elements(&[1, 4], &input);
    let outputs = support::run(&session, vec![("x", x.into())]).unwrap();
    outputs[0].1.as_tensor().unwrap().elements::<f32>().unwrap().to_vec()
}

fn is_near(made: &[f32], expected: &[f32]) {
    let near = made.iter().zip(expected).all(|(made, expected)| (made - expected).abs() < 1e-5);
    assert!(made.len() == expected.len() && near, "{made:?}, expected {expected:?}");
}

/// What a model of one activation makes of four numbers; the input's shape stands in a field of that name.
fn activated(shape_field: &str, activation: &str, in_camel_case: bool) -> Vec<f32> {
    let layers = json!([
        {"class_name": "InputLayer", "name": "x", "config": {"name": "x", shape_field: [null, 4]}},
        {"class_name": "Activation", "name": "y", "config": {"name": "y", "activation": activation},
            "inbound_nodes": [[["x", 0, 0, {}]]]},
    ]);
    let config = json!({"name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["y", 0, 0]]});
    let mut text = json!({"class_name": "Functional", "config": config}).to_string();
    if in_camel_case {
        for (python, javascript) in [
            ("class_name", "className"),
            ("batch_input_shape", "batchInputShape"),
            ("inbound_nodes", "inboundNodes"),
            ("input_layers", "inputLayers"),
            ("output_layers", "outputLayers"),
        ] {
            text = text.replace(python, javascript);
        }
    }
    let topology: Json = serde_json::from_str(&text).unwrap();
    let model = json!({"modelTopology": topology, "weightSpecs": [], "weightData": ""});
    let session = support::load_source(source(&model), None).unwrap();
    let outputs = support::run(&session, vec![("x", Tensor::from_elements(&[1, 4], &INPUT).into())]).unwrap();
    outputs[0].1.as_tensor().unwrap().elements::<f32>().unwrap().to_vec()
}

const INPUT: [f32; 4] = [0.25, 1.5, -2.0, 0.75];

#[test]
fn the_form_of_a_topology_tells_which_keras_wrote_it() {
    let old = INPUT.map(|number| (0.2 * number + 0.5).clamp(0.0, 1.0));
    is_near(&activated("batch_input_shape", "hard_sigmoid", false), &old);
    is_near(&activated("batch_input_shape", "hardSigmoid", true), &old);
    is_near(
        &activated("batch_shape", "hard_sigmoid", false),
        &INPUT.map(|number| (number / 6.0 + 0.5).clamp(0.0, 1.0)),
    );
}

#[test]
fn functions_of_tensorflow_have_a_version_in_their_names() {
    let sum: f32 = INPUT.iter().map(|number| number.exp()).sum();
    for (name, camel) in [("softmax_v2", false), ("softmaxV2", true)] {
        is_near(&activated("batch_input_shape", name, camel), &INPUT.map(|number| number.exp() / sum));
    }
    for (name, camel) in [("log_softmax_v2", false), ("logSoftmax", true)] {
        is_near(&activated("batch_input_shape", name, camel), &INPUT.map(|number| number - sum.ln()));
    }
}

/// Each layer needs to know the shape that the activation gives.
#[test]
fn shapes_are_known_behind_shrinking_activations() {
    for (activation, shrunk) in [("hard_shrink", [0.0, 1.5, -2.0, 0.75]), ("soft_shrink", [0.0, 1.0, -1.5, 0.25])] {
        let input = [0.25, 1.5, -2.0, 0.75];
        let behind = |class: &str, config: Json| {
            let mut config = config;
            config["name"] = "y".into();
            let shrink = json!({"class_name": "Activation", "name": "a",
                "config": {"name": "a", "activation": activation}, "inbound_nodes": [[["x", 0, 0, {}]]]});
            let layer =
                json!({"class_name": class, "name": "y", "config": config, "inbound_nodes": [[["a", 0, 0, {}]]]});
            numbers_of(&[shrink, layer], input)
        };
        let sum: f32 = shrunk.iter().map(|number: &f32| number.exp()).sum();
        is_near(&behind("Softmax", json!({"axis": -1})), &shrunk.map(|number| number.exp() / sum));
        is_near(&behind("RepeatVector", json!({"n": 2})), &[shrunk, shrunk].concat());
        let mean = shrunk.iter().sum::<f32>() / 4.0;
        let variance = shrunk.iter().map(|number| (number - mean).powi(2)).sum::<f32>() / 4.0;
        let normalized = shrunk.map(|number| (number - mean) / (variance + 1e-3).sqrt());
        let config = json!({"axis": [1], "epsilon": 1e-3, "center": false, "scale": false});
        is_near(&behind("LayerNormalization", config), &normalized);
    }
}
