//! The corpora under 24 callers: every one gets what it would get alone.

#[path = "support/onnx_data.rs"]
mod onnx_data;
mod support;
#[path = "support/tfjs.rs"]
mod tfjs;

use half::f16;
use harper_edge_ai::engine::Session;
use harper_edge_ai::files::{Content, ModelFile};
use harper_edge_ai::format::Encoded;
use harper_edge_ai::model::Source;
use harper_edge_ai::onnx::proto::ModelProto;
use harper_edge_ai::signature::{Given, Signature, inputs_from};
use harper_edge_ai::tensor::{DType, Tensor, TensorData, Value};
use onnx_data::{Tolerance, compare, read_set};
use prost::Message;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use support::gather::{alone, batchable, configure, occupy, probed};

const CALLERS: usize = 24;
/// What other kernels for other numbers of rows may round differently.
const TOLERANCE: Tolerance = Tolerance { relative: 1e-4, absolute: 1e-6, scale: 1e-6 };

#[derive(serde::Deserialize)]
struct JsonCase {
    features: BTreeMap<String, Box<RawValue>>,
}

#[test]
fn every_caller_of_24_gets_what_it_gets_alone() {
    let Some(corpus) = support::corpus() else { return };
    let _alone = alone();
    configure(|options| options.timeout_ms = 120_000);
    let (mut together, mut apart, mut differences) = (0, 0, Vec::new());
    for group in ["sklearn", "pretrained", "users/onnx", "tfjs/made", "tfjs/real", "users/tfjs"] {
        for folder in support::folders(&corpus.join(group)) {
            // What the engine refuses, other suites are about.
            let Ok(session) = support::load_source(source(&folder), None) else { continue };
            let session = probed(session);
            let rows = distinguishable(&cases(&folder, &session.signature));
            if rows.is_empty() {
                continue;
            }
            match check(&session, &rows) {
                Ok(batches) if batches > 0 => together += 1,
                Ok(_) => apart += 1,
                Err(difference) => differences.push(format!("{}: {difference}", folder.display())),
            }
            support::engine().evict(&session.key.digest);
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    println!("{together} models ran together, {apart} did not");
    assert!(together >= 40, "only {together} models ran together");
}

type Row = Vec<(String, Value)>;

/// How many runs were common ones.
fn check(session: &Arc<Session>, rows: &[Row]) -> Result<u64, String> {
    let alone = |row: &Row| {
        let named = row.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        support::run(session, named).map_err(|problem| problem.code)
    };
    let expected: Vec<_> = rows.iter().map(alone).collect();
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    for (at, row) in rows.iter().enumerate() {
        let request = support::gather::request(session, row.clone());
        let sender = sender.clone();
        support::engine().run(request, Box::new(move |outcome| sender.send((at, outcome)).unwrap()));
    }
    release();
    for _ in rows {
        let (at, outcome) = receiver.recv_timeout(Duration::from_secs(120)).map_err(|_| "no answer".to_owned())?;
        match (&expected[at], outcome) {
            (Ok(expected), Ok(received)) => {
                for ((name, one), (_, other)) in expected.iter().zip(&received.outputs) {
                    same(one, other).map_err(|difference| format!("caller {at}, output {name}: {difference}"))?;
                }
            }
            (Err(expected), Err(received)) if *expected == received.code => {}
            (expected, received) => return Err(format!("caller {at}: {expected:?} alone, {received:?} among others")),
        }
    }
    let batches = session.status(64).batching.batches;
    if batchable(session) == Some(false) && batches > 0 { Err("ran together".to_owned()) } else { Ok(batches) }
}

fn same(one: &Value, other: &Value) -> Result<(), String> {
    match (one, other) {
        (Value::Sequence(ones), Value::Sequence(others)) if ones.len() == others.len() => {
            ones.iter().zip(others).try_for_each(|(one, other)| same(one, other))
        }
        (Value::Map { keys, values }, Value::Map { keys: other_keys, values: others }) if keys == other_keys => {
            compare(&values.clone().into(), &others.clone().into(), TOLERANCE)
        }
        _ => compare(one, other, TOLERANCE),
    }
}

const BESIDE: [&str; 9] = [
    "cases.json",
    "metadata.json",
    "extra.json",
    "README.md",
    "SOURCE",
    "inputs.json",
    "expected_tf.json",
    "expected_tfjs.json",
    "meta.json",
];

fn source(folder: &Path) -> Source {
    let files = fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_file()).map(|entry| ModelFile {
        name: entry.file_name().to_string_lossy().into_owned(),
        content: Content::Path(entry.path()),
    });
    let is_onnx = folder.join("model.onnx").is_file();
    let of_model = |file: &ModelFile| {
        let is_text =
            Path::new(&file.name).extension().is_some_and(|extension| extension == "txt" || extension == "py");
        !BESIDE.contains(&file.name.as_str()) && !is_text && (!is_onnx || !file.name.ends_with(".json"))
    };
    let mut files: Vec<ModelFile> = files.filter(of_model).collect();
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Source { files, beside: false, cache_folder: None }
}

/// The inputs that came with a model.
fn cases(folder: &Path, signature: &Signature) -> Vec<Row> {
    if let Ok(text) = fs::read(folder.join("cases.json")) {
        let cases: Vec<JsonCase> = serde_json::from_slice(&text).unwrap();
        return cases.iter().take(CALLERS).filter_map(|case| of_json(case, signature)).collect();
    }
    if let Ok(text) = fs::read(folder.join("inputs.json")) {
        return of_tensors(&serde_json::from_slice(&text).unwrap(), signature).into_iter().collect();
    }
    let Ok(bytes) = fs::read(folder.join("model.onnx")) else { return Vec::new() };
    let graph = ModelProto::decode(bytes.as_slice()).unwrap().graph.unwrap();
    let sets: Vec<PathBuf> = support::folders(folder);
    sets.iter().filter_map(|set| read_set(&graph, set).ok()).map(|set| set.inputs).collect()
}

fn of_json(case: &JsonCase, signature: &Signature) -> Option<Row> {
    let values: Vec<(&String, Encoded)> =
        case.features.iter().map(|(name, raw)| Some((name, Encoded::json(raw.get()).ok()?))).collect::<Option<_>>()?;
    let features: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), Given::Value(value))).collect();
    inputs_from(signature, &features).ok().map(|inputs| inputs.values)
}

fn of_tensors(json: &serde_json::Value, signature: &Signature) -> Option<Row> {
    let mut row: Row = Vec::new();
    for (name, tensor) in json.as_object()? {
        row.push((name.clone(), tfjs::tensor(tensor).into()));
    }
    if let ([only], [given]) = (signature.inputs.as_slice(), row.as_mut_slice()) {
        given.0.clone_from(&only.name);
    }
    row.iter().all(|(name, _)| signature.input(name).is_some()).then_some(row)
}

/// One for each caller: floats are scaled and moved, whole numbers and texts are those of the cases, one place further each time.
fn distinguishable(cases: &[Row]) -> Vec<Row> {
    let varied = |caller: usize| {
        let case = &cases[caller % cases.len()];
        case.iter().map(|(name, value)| (name.clone(), vary(value, caller))).collect()
    };
    if cases.is_empty() { Vec::new() } else { (0..CALLERS).map(varied).collect() }
}

fn vary(value: &Value, caller: usize) -> Value {
    let Value::Tensor(tensor) = value else { return value.clone() };
    let factor = 1.0 + caller as f64 * 0.173;
    macro_rules! scaled {
        ($number:ty, $wide:expr, $narrow:expr) => {
            tensor.elements::<$number>().map(|elements| {
                let moved = elements.iter().map(|&element| $narrow($wide(element) * factor + caller as f64 * 0.01));
                Tensor::from_elements(&tensor.shape, &moved.collect::<Vec<$number>>())
            })
        };
    }
    let made = match tensor.dtype {
        DType::Float32 => scaled!(f32, f64::from, |number: f64| number as f32),
        DType::Float64 => scaled!(f64, |number: f64| number, |number: f64| number),
        DType::Float16 => scaled!(f16, f64::from, f16::from_f64),
        _ => match &tensor.data {
            TensorData::Strings(texts) if !texts.is_empty() => {
                let mut texts = texts.clone();
                let places = caller % texts.len();
                texts.rotate_left(places);
                Some(Tensor::from_strings(&tensor.shape, texts))
            }
            _ => None,
        },
    };
    made.map_or_else(|| value.clone(), Value::Tensor)
}
