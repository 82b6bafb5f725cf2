//! Broken and hostile models: each is translated or refused, and never ends the process.
//!
//! The models of the reference corpus are changed at random places, always in the same way.

mod support;
#[path = "support/tfjs.rs"]
mod tfjs;

use harper_edge_ai::error::ErrorCode;
use harper_edge_ai::files::{Content, ModelFile};
use harper_edge_ai::model::{Framework, Source};
use serde_json::{Value as Json, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A small generator, so that every run makes the same changes.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// Replaces, removes or repeats something somewhere below `json`.
fn change(json: &mut Json, random: &mut Random) {
    let hostile = [
        json!(null),
        json!(-1),
        json!(0),
        json!("-1"),
        json!("9223372036854775807"),
        json!("-9223372036854775808"),
        json!(1e300),
        json!(""),
        json!("x:y:z"),
        json!([]),
        json!({}),
        json!(true),
        json!([1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ];
    let descend = random.below(8) > 0;
    match json {
        Json::Object(fields) if !fields.is_empty() => {
            let at = random.below(fields.len());
            let key = fields.keys().nth(at).unwrap().clone();
            match (descend, random.below(8)) {
                (true, _) => change(&mut fields[&key], random),
                (false, 0) => {
                    fields.remove(&key);
                }
                (false, _) => fields[&key] = hostile[random.below(hostile.len())].clone(),
            }
        }
        Json::Array(elements) if !elements.is_empty() => {
            let at = random.below(elements.len());
            match (descend, random.below(8)) {
                (true, _) => change(&mut elements[at], random),
                (false, 0) => {
                    elements.remove(at);
                }
                (false, 1) => {
                    let other = elements[random.below(elements.len())].clone();
                    elements.push(other);
                }
                (false, 2) => {
                    let other = random.below(elements.len());
                    elements.swap(at, other);
                }
                (false, _) => elements[at] = hostile[random.below(hostile.len())].clone(),
            }
        }
        other => *other = hostile[random.below(hostile.len())].clone(),
    }
}

/// Whether the model is refused, as it may be, and not with another error or a panic.
fn is_refused(source: &Source, name: &str) -> bool {
    match catch_unwind(AssertUnwindSafe(|| source.prepare(Some(Framework::TensorFlow)))) {
        Ok(Ok(_)) => false,
        Ok(Err(problem)) => {
            assert!(matches!(problem.code, ErrorCode::InvalidModel | ErrorCode::UnsupportedModel), "{name}: {problem}");
            true
        }
        Err(_) => panic!("{name}: the translator panicked"),
    }
}

fn rounds() -> u64 {
    std::env::var("EDGE_AI_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap())
}

#[test]
fn changed_operations_and_layers_are_translated_or_refused() {
    let fixtures = [include_str!("fixtures/tensorflow-operations.json"), include_str!("fixtures/keras-layers.json")];
    let cases = fixtures.map(|text| serde_json::from_str::<Vec<Json>>(text).unwrap());
    let mut refused = 0;
    for case in cases.iter().flatten() {
        for round in 0..rounds() {
            let mut model = case["model"].clone();
            let mut random = Random(round + 1);
            for _ in 0..=random.below(3) {
                change(&mut model["modelTopology"], &mut random);
            }
            refused += usize::from(is_refused(&one_file(&model), &format!("{} {round}", case["name"])));
        }
    }
    assert!(refused > 0);
}

#[test]
fn changed_models_are_translated_or_refused() {
    let Some(mut cases) = tfjs::cases("tfjs/made") else {
        eprintln!("skipped: no corpus");
        return;
    };
    // Large models take long to read, and have nothing that the small ones lack.
    cases.retain(|case| case.source().files.iter().all(|file| file.bytes().unwrap().len() < 200_000));
    let mut refused = 0;
    for case in &cases {
        for round in 0..rounds() {
            let mut source = case.source();
            let mut random = Random(round + 1);
            for file in &mut source.files {
                if file.name.ends_with(".json") {
                    let mut json: Json = serde_json::from_slice(&file.bytes().unwrap()).unwrap();
                    for _ in 0..=random.below(3) {
                        let topology = random.below(4) > 0;
                        change(if topology { &mut json["modelTopology"] } else { &mut json }, &mut random);
                    }
                    file.content = Content::Memory(json.to_string().into());
                }
            }
            refused += usize::from(is_refused(&source, &format!("{} {round}", case.name)));
        }
    }
    assert!(refused > 0);
}

fn one_file(model: &Json) -> Source {
    let file = ModelFile { name: "model.json".to_owned(), content: Content::Memory(model.to_string().into()) };
    Source { files: vec![file], beside: false, cache_folder: None }
}

fn refusal(topology: &Json) -> String {
    let source = one_file(&json!({ "modelTopology": topology, "weightsManifest": [] }));
    source.prepare(Some(Framework::TensorFlow)).unwrap_err().to_string()
}

fn node(name: &str, op: &str, inputs: &[&str]) -> Json {
    json!({ "name": name, "op": op, "input": inputs, "attr": { "T": { "type": "DT_FLOAT" } } })
}

fn placeholder() -> Json {
    json!({ "name": "x", "op": "Placeholder", "attr": { "dtype": { "type": "DT_FLOAT" }, "shape": { "shape": {} } } })
}

#[test]
fn every_unsupported_operation_is_named_with_its_node() {
    let graph = json!({ "node": [placeholder(), node("a", "Frobnicate", &["x"]), node("b", "StringSplit", &["a"]), node("y", "Relu", &["b"])] });
    let refused = refusal(&graph);
    for part in ["UNSUPPORTED_MODEL", "Frobnicate", "\"a\"", "StringSplit", "\"b\""] {
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn circles_and_gaps_are_refused() {
    let circle = json!({ "node": [node("a", "Relu", &["b"]), node("b", "Relu", &["a"]), node("y", "Relu", &["a"])] });
    assert!(refusal(&circle).contains("depends on itself"));
    let gap = json!({ "node": [node("y", "Relu", &["nowhere"])] });
    assert!(refusal(&gap).contains("nowhere"));
    let twice = json!({ "node": [placeholder(), node("y", "Relu", &["x"]), node("y", "Relu", &["x"])] });
    assert!(refusal(&twice).contains("two nodes"));
}

#[test]
fn functions_that_call_themselves_are_refused() {
    let call = |name: &str| json!({ "name": name, "op": "PartitionedCall", "input": ["x"], "attr": { "f": { "func": { "name": "f" } } } });
    let function = json!({
        "signature": { "name": "f", "inputArg": [{ "name": "x" }], "outputArg": [{ "name": "out" }] },
        "nodeDef": [call("again")],
        "ret": { "out": "again:output:0" },
    });
    let graph = json!({ "node": [placeholder(), call("y")], "library": { "function": [function] } });
    assert!(refusal(&graph).contains("deep"));
}

#[test]
fn functions_that_become_too_many_nodes_are_refused() {
    let call = |name: &str, input: &str, function: &str| json!({ "name": name, "op": "PartitionedCall", "input": [input], "attr": { "f": { "func": { "name": function } } } });
    let function = |at: usize| {
        let inner = format!("f{}", at.wrapping_sub(1));
        let nodes = match at {
            0 => json!([node("b", "Neg", &["x"])]),
            _ => json!([call("a", "x", &inner), call("b", "a:output:0", &inner)]),
        };
        let output = if at == 0 { "b:y:0" } else { "b:output:0" };
        json!({
            "signature": { "name": format!("f{at}"), "inputArg": [{ "name": "x" }], "outputArg": [{ "name": "out" }] },
            "nodeDef": nodes,
            "ret": { "out": output },
        })
    };
    let graph = |depth: usize| {
        let library: Vec<Json> = (0..depth).map(function).collect();
        json!({ "node": [placeholder(), call("y", "x", &format!("f{}", depth - 1))], "library": { "function": library } })
    };
    let sound = one_file(&json!({ "modelTopology": graph(8), "weightsManifest": [] }));
    sound.prepare(Some(Framework::TensorFlow)).unwrap();
    assert!(refusal(&graph(25)).contains("more than 100000 nodes"));
    assert!(refusal(&graph(1000)).contains("deep"));
}

#[test]
fn models_within_models_are_bounded() {
    /// A model that calls the one inside twice.
    fn within(depth: usize) -> Json {
        let input = json!({ "class_name": "InputLayer", "name": "i", "config": { "name": "i", "batch_input_shape": [null, 2], "dtype": "float32" }, "inbound_nodes": [] });
        let mut layer =
            if depth == 0 { json!({ "class_name": "ReLU", "config": { "name": "l" } }) } else { within(depth - 1) };
        layer["name"] = json!("l");
        layer["config"]["name"] = json!("l");
        let second = usize::from(depth > 0);
        layer["inbound_nodes"] = json!([[["i", 0, 0, {}]], [["l", second, 0, {}]]]);
        json!({ "class_name": "Functional", "config": {
            "name": "m", "layers": [input, layer],
            "input_layers": [["i", 0, 0]], "output_layers": [["l", 1 + second, 0]],
        } })
    }
    let model = |depth| json!({ "model_config": within(depth) });
    let sound = one_file(&json!({ "modelTopology": model(3), "weightsManifest": [] }));
    sound.prepare(Some(Framework::TensorFlow)).unwrap();
    assert!(refusal(&model(20)).contains("10000 times"), "{}", refusal(&model(20)));
    assert!(refusal(&model(200)).contains("INVALID_MODEL"));
}
