//! What the integration tests share: the engine with the library of the development dependency, and small models.
#![allow(dead_code)]

pub mod gather;
pub mod predictions;

use bytes::Bytes;
use harper_edge_ai::engine::{Engine, EngineChoice, EngineOptions, LoadRequest, RunOutput, RunRequest, Session};
use harper_edge_ai::error::Result;
use harper_edge_ai::files::{Content, ModelFile, digest_files};
use harper_edge_ai::model::Source;
use harper_edge_ai::onnx::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto};
use harper_edge_ai::tensor::{DType, Value};
use prost::Message;
use std::path::PathBuf;
use std::sync::{Arc, Once, mpsc};
use std::time::Duration;

/// The process's engine, with ONNX Runtime.
pub fn engine() -> &'static Engine {
    static CONFIGURE: Once = Once::new();
    CONFIGURE.call_once(|| {
        Engine::shared().configure(EngineOptions {
            library_path: Some(onnx_runtime_library()),
            max_run_bytes: 256 << 20,
            ..EngineOptions::default()
        });
    });
    Engine::shared()
}

include!("library.rs");

pub fn source(bytes: Vec<u8>) -> Source {
    let file = ModelFile { name: "model.onnx".to_owned(), content: Content::Memory(Bytes::from(bytes)) };
    Source { files: vec![file], beside: false, cache_folder: None }
}

/// A model of opset 18 from its nodes, with tensors of free shape of `rank` as inputs and outputs.
pub fn model(nodes: Vec<NodeProto>, inputs: &[(&str, DType, usize)], outputs: &[(&str, DType, usize)]) -> Vec<u8> {
    let infos = |values: &[(&str, DType, usize)]| -> Vec<ValueInfoProto> {
        values.iter().map(|(name, dtype, rank)| ValueInfoProto::tensor(name, *dtype, &vec![None; *rank])).collect()
    };
    let graph = GraphProto {
        name: Some("test".to_owned()),
        node: nodes,
        input: infos(inputs),
        output: infos(outputs),
        ..GraphProto::default()
    };
    wrap(graph)
}

pub fn wrap(graph: GraphProto) -> Vec<u8> {
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(18) }],
        graph: Some(graph),
        ..ModelProto::default()
    }
    .encode_to_vec()
}

/// Adds its input to itself until it is stopped.
pub fn endless_loop() -> Vec<u8> {
    let body = GraphProto {
        name: Some("body".to_owned()),
        node: vec![NodeProto::new("Identity", ["cond_in"], ["cond"]), NodeProto::new("Add", ["v", "v"], ["v_out"])],
        input: vec![
            ValueInfoProto::tensor("i", DType::Int64, &[]),
            ValueInfoProto::tensor("cond_in", DType::Bool, &[]),
            ValueInfoProto::tensor("v", DType::Float32, &[None]),
        ],
        output: vec![
            ValueInfoProto::tensor("cond", DType::Bool, &[]),
            ValueInfoProto::tensor("v_out", DType::Float32, &[None]),
        ],
        ..GraphProto::default()
    };
    let always = TensorProto { dims: vec![], data_type: Some(9), int32_data: vec![1], ..TensorProto::default() };
    model(
        vec![
            NodeProto::new("Constant", [""; 0], ["always"]).with("value", always),
            NodeProto::new("Loop", ["", "always", "x"], ["y"]).with("body", body),
        ],
        &[("x", DType::Float32, 1)],
        &[("y", DType::Float32, 1)],
    )
}

pub fn load(bytes: Vec<u8>) -> Result<Arc<Session>> {
    load_source(source(bytes), None)
}

pub fn load_source(source: Source, choice: Option<EngineChoice>) -> Result<Arc<Session>> {
    let (digest, _) = digest_files(&source.files)?;
    let (sender, receiver) = mpsc::channel();
    let request = LoadRequest { digest, source, framework: None, engine: choice };
    engine().load(request, Box::new(move |loaded| sender.send(loaded).unwrap()));
    receiver.recv_timeout(Duration::from_secs(60)).unwrap()
}

pub fn run(session: &Arc<Session>, inputs: Vec<(&str, Value)>) -> Result<Vec<(String, Value)>> {
    run_within(session, inputs, Duration::from_secs(30)).map(|output| output.outputs)
}

pub fn run_within(session: &Arc<Session>, inputs: Vec<(&str, Value)>, timeout: Duration) -> Result<RunOutput> {
    let (sender, receiver) = mpsc::channel();
    let request = RunRequest {
        session: Arc::clone(session),
        inputs: inputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Vec<_>>().into(),
        outputs: Vec::new(),
        timeout: Some(timeout),
        priority: 0,
        alone: false,
        exact: false,
        account: None,
    };
    engine().run(request, Box::new(move |outcome| sender.send(outcome).unwrap()));
    receiver.recv_timeout(Duration::from_secs(60)).unwrap()
}

/// The reference corpora: `EDGE_AI_CORPUS`, or `../shared/corpus`. Where they are absent the test says so and ends.
pub fn corpus() -> Option<PathBuf> {
    let path = std::env::var_os("EDGE_AI_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no corpus");
    None
}

/// The folders in a folder, by name.
pub fn folders(path: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}
