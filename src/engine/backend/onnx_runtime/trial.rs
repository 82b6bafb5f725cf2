//! For tests: a model that runs on the CPU, in a session that takes it for another provider's.

use super::session::{Empty, OnnxRuntimeSession};
use super::{LibraryOptions, OnnxRuntime, empty_sequences};
use crate::engine::backend::{LoadPurpose, Loaded};
use crate::engine::control::RunControl;
use crate::engine::providers::{Placement, Providers};
use crate::files::{Content, ModelFile};
use crate::model::{Framework, Prepared, Source};
use crate::onnx::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto};
use crate::tensor::{Bytes, DType, Tensor, TensorData, Value};
use prost::Message;
use std::sync::LazyLock;

include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/library.rs"));

/// Elements of the model's `x` and `y`.
pub const WIDTH: usize = 3;

static RUNTIME: LazyLock<OnnxRuntime> = LazyLock::new(|| {
    OnnxRuntime::start(&LibraryOptions { path: onnx_runtime_library(), intra_op_threads: 1, max_run_bytes: 64 << 20 })
        .unwrap()
});

pub fn on(provider: &str) -> Placement {
    Placement { execution_provider: provider.to_owned(), ..Placement::on_cpu(Vec::new()) }
}

/// A model that doubles `x` for ever when `go` is true, and gives it back at once when it is not.
pub fn endless(placement: Placement) -> (Prepared, Loaded) {
    let bytes = bytes::Bytes::from(model().encode_to_vec());
    let file = ModelFile { name: "model.onnx".to_owned(), content: Content::Memory(bytes) };
    let source = Source { files: vec![file], beside: false, cache_folder: None };
    let prepared = source.prepare(Some(Framework::Onnx)).unwrap();
    let (session, _) = RUNTIME
        .place(&prepared.model, &prepared, LoadPurpose::Run, &Providers::default(), &RunControl::unstoppable())
        .unwrap();
    let inputs = &prepared.model.graph.as_ref().unwrap().input;
    let sequences = empty_sequences::EmptySequences::of_inputs(&RUNTIME.environment, inputs).unwrap();
    let empty = Empty { sequences, ..Empty::default() };
    let session = Box::new(OnnxRuntimeSession::new(session, empty, &placement.overlap(), 64 << 20));
    (prepared, Loaded { session, placement })
}

pub fn inputs(go: bool) -> Vec<(String, Value)> {
    let flag = Tensor { dtype: DType::Bool, shape: vec![], data: TensorData::Bytes(Bytes::copy_from(&[u8::from(go)])) };
    let x = Tensor::from_elements(&[WIDTH], &[0.0f32; WIDTH]);
    vec![("go".to_owned(), flag.into()), ("x".to_owned(), x.into())]
}

fn model() -> ModelProto {
    let scalar = |name, dtype| ValueInfoProto::tensor(name, dtype, &[]);
    let row = |name| ValueInfoProto::tensor(name, DType::Float32, &[None]);
    let body = GraphProto {
        name: Some("body".to_owned()),
        node: vec![NodeProto::new("Identity", ["again"], ["more"]), NodeProto::new("Add", ["v", "v"], ["twice"])],
        input: vec![scalar("at", DType::Int64), scalar("again", DType::Bool), row("v")],
        output: vec![scalar("more", DType::Bool), row("twice")],
        ..GraphProto::default()
    };
    let graph = GraphProto {
        name: Some("endless".to_owned()),
        node: vec![NodeProto::new("Loop", ["", "go", "x"], ["y"]).with("body", body)],
        input: vec![scalar("go", DType::Bool), row("x")],
        output: vec![row("y")],
        ..GraphProto::default()
    };
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(18) }],
        graph: Some(graph),
        ..ModelProto::default()
    }
}
