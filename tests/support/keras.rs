//! Cases of a model in one JSON object, its inputs in order, and what Keras gives in order.

use crate::support;
use crate::tfjs::{compare, tensor};
use bytes::Bytes;
use harper_edge_ai::files::{Content, ModelFile};
use harper_edge_ai::model::Source;
use harper_edge_ai::tensor::Value;
use serde_json::Value as Json;

pub fn source(model: &Json) -> Source {
    let file = ModelFile { name: "model.json".to_owned(), content: Content::Memory(Bytes::from(model.to_string())) };
    Source { files: vec![file], beside: false, cache_folder: None }
}

/// Runs a case and compares every output.
pub fn run(case: &Json) -> Result<(), String> {
    let session = support::load_source(source(&case["model"]), None).map_err(|problem| problem.to_string())?;
    let names = session.signature.inputs.iter().map(|input| input.name.as_str());
    let inputs: Vec<(&str, Value)> =
        names.zip(case["inputs"].as_array().unwrap()).map(|(name, json)| (name, tensor(json).into())).collect();
    let outputs = support::run(&session, inputs).map_err(|problem| problem.to_string())?;
    let expected = case["expected"].as_array().unwrap();
    if outputs.len() != expected.len() {
        return Err(format!("gives {} outputs, expected {}", outputs.len(), expected.len()));
    }
    for ((name, output), expected) in outputs.iter().zip(expected) {
        let output = output.as_tensor().ok_or("an output is no tensor")?;
        compare(output, &tensor(expected), 1e-4).map_err(|problem| format!("{name}: {problem}"))?;
    }
    Ok(())
}

/// Runs the cases whose name contains `EDGE_AI_CASE`, and fails with all that are wrong.
pub fn run_all(cases: &[Json]) {
    let wanted = std::env::var("EDGE_AI_CASE").unwrap_or_default();
    let named = cases.iter().map(|case| (case["name"].as_str().unwrap(), case));
    let failures: Vec<String> = named
        .filter(|(name, _)| name.contains(&wanted))
        .filter_map(|(name, case)| run(case).err().map(|problem| format!("{name}: {problem}")))
        .collect();
    assert!(failures.is_empty(), "{} fail: {failures:#?}", failures.len());
}
