//! What `npm run scan:operators` found to end the process in ONNX Runtime itself gives a result or a clean error in the engine.

#[path = "support/onnx_data.rs"]
mod onnx_data;
mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use harper_edge_ai::error::{Error, ErrorCode};
use harper_edge_ai::onnx::proto::{
    FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use harper_edge_ai::tensor::{DType, Value};
use prost::Message;
use serde_json::Value as Json;
use std::process::Command;

const FINISHED: &str = "every killer was run";

/// They run in a process of their own, which says how far it came.
#[test]
fn every_killer_gives_a_result_or_a_clean_error() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "run_the_killers", "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let last = told.lines().rev().find(|line| line.contains(" by ")).unwrap_or_default();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains(FINISHED), "{}: {last}\n{problem}", output.status);
}

#[test]
#[ignore = "ends the process when it fails; the test above starts it"]
fn run_the_killers() {
    let list: Json = serde_json::from_str(include_str!("fixtures/operators-that-kill.json")).unwrap();
    let kills = list["kills"].as_array().unwrap();
    assert!(!kills.is_empty());
    for kill in kills {
        let model = ModelProto::decode(&*decoded(&kill["model"])).unwrap();
        let inputs: Vec<(String, TensorProto)> = kill["inputs"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), TensorProto::decode(&*decoded(value)).unwrap()))
            .collect();
        let model = with_shapes_as_outputs(model);
        for (form, model, inputs) in [
            ("as found", model.clone(), inputs.clone()),
            ("of constants", of_constants(&model, &inputs), Vec::new()),
            ("in a function", in_a_function(&model), inputs),
        ] {
            println!("{} by {} {}, {form}", kill["operator"], kill["by"], kill["what"]);
            if let Err(problem) = run(&model, &inputs) {
                let clean = [
                    ErrorCode::InvalidModel,
                    ErrorCode::UnsupportedModel,
                    ErrorCode::InvalidInput,
                    ErrorCode::RunFailed,
                ];
                assert!(clean.contains(&problem.code), "{problem}");
            }
        }
    }
    println!("{FINISHED}");
}

fn decoded(text: &Json) -> Vec<u8> {
    BASE64.decode(text.as_str().unwrap()).unwrap()
}

fn run(model: &ModelProto, inputs: &[(String, TensorProto)]) -> Result<(), Error> {
    let session = support::load(model.encode_to_vec())?;
    let graph = model.graph.as_ref().unwrap();
    let inputs: Vec<(&str, Value)> = inputs
        .iter()
        .map(|(name, tensor)| {
            let info = graph.input.iter().find(|info| info.name() == name).unwrap();
            let value = onnx_data::decode(&tensor.encode_to_vec(), info.r#type.as_ref().unwrap()).unwrap();
            (name.as_str(), value)
        })
        .collect();
    support::run(&session, inputs).map(drop)
}

/// The scan does not know the element types of the outputs, and a model must declare them.
fn with_shapes_as_outputs(mut model: ModelProto) -> ModelProto {
    let graph = model.graph.as_mut().unwrap();
    let outputs = std::mem::take(&mut graph.output);
    for output in outputs {
        let shape = format!("shape of {}", output.name());
        graph.node.push(NodeProto::new("Shape", [output.name()], [&shape]));
        graph.output.push(ValueInfoProto::tensor(&shape, DType::Int64, &[None]));
    }
    model
}

fn of_constants(model: &ModelProto, inputs: &[(String, TensorProto)]) -> ModelProto {
    let mut model = model.clone();
    let graph = model.graph.as_mut().unwrap();
    graph.input.clear();
    for (name, tensor) in inputs {
        graph.initializer.push(TensorProto { name: Some(name.clone()), ..tensor.clone() });
    }
    model
}

fn in_a_function(model: &ModelProto) -> ModelProto {
    let graph = model.graph.clone().unwrap();
    let names = |infos: &[ValueInfoProto]| infos.iter().map(|info| info.name().to_owned()).collect::<Vec<_>>();
    let initializers = graph.initializer.iter().map(|tensor| tensor.name().to_owned());
    let inputs: Vec<String> = names(&graph.input).into_iter().chain(initializers).collect();
    let function = FunctionProto {
        name: Some("killer".to_owned()),
        domain: Some("local".to_owned()),
        input: inputs.clone(),
        output: names(&graph.output),
        node: graph.node,
        opset_import: model.opset_import.clone(),
        ..FunctionProto::default()
    };
    let mut call = NodeProto::new("killer", inputs, names(&graph.output));
    call.domain = Some("local".to_owned());
    let mut opset_import = model.opset_import.clone();
    opset_import.push(OperatorSetIdProto { domain: Some("local".to_owned()), version: Some(1) });
    let graph = GraphProto { node: vec![call], ..model.graph.clone().unwrap() };
    ModelProto { graph: Some(graph), functions: vec![function], opset_import, ..model.clone() }
}
