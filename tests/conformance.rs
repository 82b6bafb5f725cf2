//! ONNX's backend test suite through both engines. `npm run conformance` fetches the data and runs these tests.
//!
//! Every case must pass but those that `conformance/<engine>.txt` names with a reason, and those must fail: the lists are
//! exact. `EDGE_AI_WRITE_EXCEPTIONS=1` writes them anew.

#[path = "support/onnx_data.rs"]
mod onnx_data;
mod support;

use harper_edge_ai::engine::{EngineChoice, EngineOptions};
use harper_edge_ai::files::{Content, ModelFile};
use harper_edge_ai::model::Source;
use harper_edge_ai::onnx::proto::{GraphProto, ModelProto};
use harper_edge_ai::tensor::Tensor;
use onnx_data::{Set, Tolerance, compare, declared, decode, fed, read_set};
use prost::Message;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The release of the `onnx` wheel that the data comes from; scripts/fetch-onnx-data.py unpacks it.
const DATA: &str = "target/onnx-backend/1.22.0";

#[test]
#[ignore = "needs the data that `npm run conformance` fetches"]
fn onnx_runtime_passes_the_suite() {
    check(EngineChoice::OnnxRuntime, "onnxruntime");
}

#[test]
#[cfg(feature = "tract")]
#[ignore = "needs the data that `npm run conformance` fetches"]
fn tract_passes_its_part_of_the_suite() {
    check(EngineChoice::Tract, "tract");
}

fn check(engine: EngineChoice, name: &str) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let list = root.join("tests/conformance").join(format!("{name}.txt"));
    let cases = cases(&root.join(DATA));
    assert!(!cases.is_empty(), "there is no data in {DATA}");
    let options = support::engine().options();
    support::engine().configure(EngineOptions { max_run_bytes: 1 << 30, ..options });
    let failures = cases
        .iter()
        .filter_map(|case| case.run(engine).err().map(|reason| (case.name.clone(), one_line(&reason))))
        .collect::<BTreeMap<_, _>>();
    println!("{name}: {} of {} cases pass", cases.len() - failures.len(), cases.len());
    if std::env::var_os("EDGE_AI_WRITE_EXCEPTIONS").is_some() {
        let lines = failures.iter().map(|(case, reason)| format!("{case}\t{reason}\n")).collect::<String>();
        fs::write(&list, lines).unwrap();
        return;
    }
    let text = fs::read_to_string(&list).unwrap();
    let known = text.lines().filter_map(|line| line.split_once('\t')).collect::<BTreeMap<_, _>>();
    let broken = failures.iter().filter(|(case, _)| !known.contains_key(case.as_str())).collect::<Vec<_>>();
    let mended = known.keys().filter(|case| !failures.contains_key(**case)).collect::<Vec<_>>();
    assert!(broken.is_empty(), "these fail and are not listed in {name}.txt: {broken:#?}");
    assert!(mended.is_empty(), "these are listed in {name}.txt but pass: {mended:#?}");
}

fn one_line(reason: &str) -> String {
    reason.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect()
}

struct Case {
    name: String,
    model: PathBuf,
    data: Data,
}

enum Data {
    /// Folders with `input_N.pb` and `output_N.pb`.
    Sets(Vec<PathBuf>),
    /// A network without weights: its input is generated, its one output is in the file.
    Light(PathBuf),
}

fn cases(data: &Path) -> Vec<Case> {
    let mut found = Vec::new();
    for group in entries(data) {
        for path in entries(&group) {
            let label = format!("{}/{}", file_name(&group), file_name(&path));
            if path.join("model.onnx").is_file() {
                let sets = entries(&path).into_iter().filter(|entry| entry.is_dir()).collect();
                found.push(Case { name: label, model: path.join("model.onnx"), data: Data::Sets(sets) });
            } else if label.ends_with(".onnx") {
                let output = path.with_file_name(file_name(&path).replace(".onnx", "_output_0.pb"));
                found.push(Case { name: label, model: path, data: Data::Light(output) });
            }
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>();
    found.sort();
    found
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Case {
    fn run(&self, engine: EngineChoice) -> Result<(), String> {
        let model = ModelProto::decode(fs::read(&self.model).unwrap().as_slice()).map_err(|e| e.to_string())?;
        let graph = model.graph.as_ref().ok_or("no graph")?;
        let file = ModelFile { name: "model.onnx".to_owned(), content: Content::Path(self.model.clone()) };
        let source = Source { files: vec![file], beside: true, cache_folder: None };
        let session = support::load_source(source, Some(engine)).map_err(|problem| problem.to_string())?;
        let sets = match &self.data {
            Data::Sets(folders) => {
                folders.iter().map(|folder| read_set(graph, folder)).collect::<Result<Vec<_>, _>>()?
            }
            Data::Light(output) => vec![light_set(graph, output)?],
        };
        for Set { inputs, outputs } in sets {
            let named = inputs.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
            let received = support::run(&session, named).map_err(|problem| problem.to_string())?;
            for (name, expected) in &outputs {
                let (_, value) = received.iter().find(|(other, _)| other == name).ok_or(format!("no output {name}"))?;
                compare(expected, value, Tolerance::SUITE)
                    .map_err(|difference| format!("output {name}: {difference}"))?;
            }
        }
        Ok(())
    }
}

/// The input of a light network is 0, 1/n, 2/n ... as in ONNX's own runner.
fn light_set(graph: &GraphProto, output: &Path) -> Result<Set, String> {
    use harper_edge_ai::onnx::proto::{DimensionValue, TypeValue};
    let mut inputs = Vec::new();
    for info in fed(graph) {
        let Some(TypeValue::TensorType(tensor)) = &declared(info)?.value else {
            return Err("no tensor input".to_owned());
        };
        let dims = tensor.shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
        let size = |dim: &harper_edge_ai::onnx::proto::Dimension| match dim.value {
            Some(DimensionValue::DimValue(size)) => size as usize,
            _ => 1,
        };
        let shape = dims.iter().map(size).collect::<Vec<_>>();
        let count = shape.iter().product::<usize>();
        let values = (0..count).map(|at| (at as f64 / count as f64) as f32).collect::<Vec<_>>();
        inputs.push((info.name().to_owned(), Tensor::from_elements(&shape, &values).into()));
    }
    let info = graph.output.first().ok_or("no output")?;
    let expected = decode(&fs::read(output).map_err(|problem| problem.to_string())?, declared(info)?)?;
    Ok(Set { inputs, outputs: vec![(info.name().to_owned(), expected)] })
}
