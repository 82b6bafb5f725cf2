//! tract as a second opinion: on every model that it loads it gives what ONNX Runtime gives. What it refuses, it refuses by
//! name.
#![cfg(feature = "tract")]

#[path = "support/onnx_data.rs"]
mod onnx_data;
mod support;

use harper_edge_ai::engine::EngineChoice;
use harper_edge_ai::error::ErrorCode;
use harper_edge_ai::files::{Content, ModelFile};
use harper_edge_ai::format::Encoded;
use harper_edge_ai::model::Source;
use harper_edge_ai::onnx::proto::ModelProto;
use harper_edge_ai::signature::{Given, inputs_from};
use harper_edge_ai::tensor::Value;
use onnx_data::{Tolerance, compare, read_set};
use prost::Message;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Decisions near a border may fall differently by rounding, probabilities may not differ visibly.
const TOLERANCE: Tolerance = Tolerance { relative: 1e-3, absolute: 1e-4, scale: 1e-4 };

#[derive(serde::Deserialize)]
struct JsonCase {
    features: BTreeMap<String, Box<RawValue>>,
}

#[derive(serde::Deserialize)]
struct Manifest {
    models: Vec<FixtureModel>,
}

#[derive(serde::Deserialize)]
struct FixtureModel {
    file: String,
    cases: Vec<JsonCase>,
}

#[test]
fn on_the_fixtures() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let fixtures = root.join("__test__/fixtures");
    let manifest: Manifest = serde_json::from_slice(&fs::read(fixtures.join("manifest.json")).unwrap()).unwrap();
    let mut ran = 0;
    for model in &manifest.models {
        let path = if model.file.contains('/') { root.join(&model.file) } else { fixtures.join(&model.file) };
        ran += usize::from(agree(&path, Cases::Json(&model.cases)));
    }
    assert!(ran >= 10, "tract ran only {ran} of {} models", manifest.models.len());
}

#[test]
fn on_the_corpora() {
    let Some(corpus) = support::corpus() else { return };
    let mut ran = 0;
    for folder in support::folders(&corpus.join("sklearn")) {
        let cases: Vec<JsonCase> = serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
        ran += usize::from(agree(&folder.join("model.onnx"), Cases::Json(&cases)));
    }
    for folder in support::folders(&corpus.join("pretrained")) {
        if folder.ends_with("visqol-lattice") {
            continue; // tract's optimizer takes minutes on its thousands of small nodes.
        }
        ran += usize::from(agree(&folder.join("model.onnx"), Cases::Sets(&folder)));
    }
    assert!(ran >= 8, "tract ran only {ran} models");
}

enum Cases<'a> {
    Json(&'a [JsonCase]),
    Sets(&'a Path),
}

/// Compares the engines; false when tract refused the model.
fn agree(path: &Path, cases: Cases<'_>) -> bool {
    let name = path.display();
    let load = |engine| {
        let file = ModelFile { name: "model.onnx".to_owned(), content: Content::Path(path.to_owned()) };
        support::load_source(Source { files: vec![file], beside: true, cache_folder: None }, Some(engine))
    };
    let reference = load(EngineChoice::OnnxRuntime).unwrap_or_else(|problem| panic!("{name}: {problem}"));
    let session = match load(EngineChoice::Tract) {
        Ok(session) => session,
        Err(problem) => {
            assert_eq!(problem.code, ErrorCode::UnsupportedModel, "{name}: {problem}");
            assert!(problem.message.starts_with("tract "), "{name}: {problem}");
            return false;
        }
    };
    let inputs: Vec<Vec<(String, Value)>> = match cases {
        Cases::Json(cases) => cases
            .iter()
            .map(|case| {
                let values: Vec<_> = case
                    .features
                    .iter()
                    .map(|(name, raw)| (name.as_str(), Encoded::json(raw.get()).unwrap()))
                    .collect();
                let features: Vec<_> = values.iter().map(|(name, value)| (*name, Given::Value(value))).collect();
                inputs_from(&reference.signature, &features).unwrap().values
            })
            .collect(),
        Cases::Sets(folder) => {
            let model = ModelProto::decode(fs::read(path).unwrap().as_slice()).unwrap();
            support::folders(folder)
                .iter()
                .map(|set| read_set(&model.graph.clone().unwrap(), set).unwrap().inputs)
                .collect()
        }
    };
    for values in inputs {
        let named = || values.iter().map(|(name, value)| (name.as_str(), value.clone())).collect::<Vec<_>>();
        let expected = support::run(&reference, named()).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        let received = support::run(&session, named()).unwrap_or_else(|problem| panic!("{name}, tract: {problem}"));
        for ((output, one), (_, other)) in expected.iter().zip(&received) {
            compare(one, other, TOLERANCE).unwrap_or_else(|difference| panic!("{name}, output {output}: {difference}"));
        }
    }
    true
}
