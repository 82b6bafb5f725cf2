//! Loading, running, caching and stopping through ONNX Runtime, on models made here.

mod support;

use harper_edge_ai::engine::{EngineChoice, LoadRequest};
use harper_edge_ai::error::ErrorCode;
use harper_edge_ai::onnx::proto::{GraphProto, NodeProto};
use harper_edge_ai::tensor::{DType, Tensor, TensorData, Value};
use std::sync::mpsc;
use std::time::Duration;
use support::{endless_loop, engine, load, model, run, run_within, source, wrap};

fn relu(salt: &str) -> Vec<u8> {
    model(vec![NodeProto::new("Relu", ["x"], [salt])], &[("x", DType::Float32, 2)], &[(salt, DType::Float32, 2)])
}

#[test]
fn numbers_go_in_and_out() {
    let session = load(relu("y")).unwrap();
    assert_eq!(session.engine, "onnxruntime");
    let x = Tensor::from_elements(&[2, 2], &[-1.0f32, 2.0, 3.0, -4.0]);
    let outputs = run(&session, vec![("x", x.into())]).unwrap();
    assert_eq!(outputs, [("y".to_owned(), Tensor::from_elements(&[2, 2], &[0.0f32, 2.0, 3.0, 0.0]).into())]);
}

#[test]
fn every_element_type_survives_identity() {
    for &dtype in DType::ALL {
        if dtype.bits() % 8 != 0 || matches!(dtype, DType::Complex64 | DType::Complex128 | DType::Float8E8M0) {
            continue; // ONNX Runtime's CPU provider has no Identity for these; the conformance suite casts them.
        }
        let mut bytes = model(vec![NodeProto::new("Identity", ["x"], ["y"])], &[("x", dtype, 1)], &[("y", dtype, 1)]);
        if dtype.bits() == 8 && dtype.code() > DType::BFloat16.code() {
            bytes = with_opset(&bytes, 21);
        }
        let session = match load(bytes) {
            Ok(session) => session,
            Err(problem) => panic!("{}: {problem}", dtype.name()),
        };
        let x = if dtype == DType::String {
            Tensor::from_strings(&[2], vec!["grüße".to_owned(), String::new()])
        } else {
            let mut data = harper_edge_ai::tensor::Bytes::zeroed(dtype.byte_length(2).unwrap());
            data.as_mut_slice()[0] = 1;
            Tensor { dtype, shape: vec![2], data: TensorData::Bytes(data) }
        };
        let outputs = run(&session, vec![("x", x.clone().into())]).unwrap();
        assert_eq!(outputs[0].1, Value::Tensor(x), "{}", dtype.name());
    }
}

fn with_opset(bytes: &[u8], version: i64) -> Vec<u8> {
    use prost::Message;
    let mut model = harper_edge_ai::onnx::proto::ModelProto::decode(bytes).unwrap();
    model.opset_import[0].version = Some(version);
    model.ir_version = Some(10);
    model.encode_to_vec()
}

#[test]
fn a_model_is_loaded_once_however_many_ask() {
    let bytes = relu("once");
    let before = engine().status().cache.loads;
    let (sender, receiver) = mpsc::channel();
    let ask = || {
        let sender = sender.clone();
        let request =
            LoadRequest { digest: "once".to_owned(), source: source(bytes.clone()), framework: None, engine: None };
        engine().load(request, Box::new(move |loaded| sender.send(loaded).unwrap()));
    };
    (0..16).for_each(|_| ask());
    let sessions: Vec<_> = (0..16).map(|_| receiver.recv().unwrap().unwrap()).collect();
    assert!(sessions.iter().all(|session| std::sync::Arc::ptr_eq(session, &sessions[0])));
    assert!(engine().status().cache.loads > before);
    assert!(engine().is_current(&sessions[0]));
    engine().evict("once");
    assert!(engine().cached("once", None).is_none());
    assert!(!engine().is_current(&sessions[0]));
    ask();
    let again = receiver.recv().unwrap().unwrap();
    assert!(engine().is_current(&again));
    assert!(std::sync::Arc::ptr_eq(&again, &sessions[0]), "what somebody still holds is not loaded twice");
}

#[test]
fn integer_division_of_the_smallest_number_survives() {
    for dtype in [DType::Int32, DType::Int64] {
        let session = load(model(
            vec![NodeProto::new("Div", ["a", "b"], ["y"])],
            &[("a", dtype, 1), ("b", dtype, 1)],
            &[("y", dtype, 1)],
        ))
        .unwrap();
        let tensor = |values: &[i64]| -> Value {
            match dtype {
                DType::Int32 => {
                    let narrow: Vec<i32> = values.iter().map(|&value| value as i32).collect();
                    Tensor::from_elements(&[narrow.len()], &narrow).into()
                }
                _ => Tensor::from_elements(&[values.len()], values).into(),
            }
        };
        let min = if dtype == DType::Int32 { i64::from(i32::MIN) } else { i64::MIN };
        let outputs = run(&session, vec![("a", tensor(&[min, 7, -7, 9])), ("b", tensor(&[-1, 2, 2, -1]))]).unwrap();
        assert_eq!(outputs[0].1, tensor(&[min, 3, -3, -9]));
        let by_zero = run(&session, vec![("a", tensor(&[1])), ("b", tensor(&[0]))]).unwrap_err();
        assert_eq!(by_zero.code, ErrorCode::RunFailed);
    }
}

#[test]
fn an_endless_loop_ends_at_its_deadline() {
    let session = load(endless_loop()).unwrap();
    let x = Tensor::from_elements(&[1], &[0.0f32]);
    let problem = run_within(&session, vec![("x", x.into())], Duration::from_millis(200)).unwrap_err();
    assert_eq!(problem.code, ErrorCode::DeadlineExceeded);
    let relu = load(relu("after")).unwrap();
    run(&relu, vec![("x", Tensor::from_elements(&[1, 1], &[1.0f32]).into())]).unwrap();
}

#[test]
fn a_memory_bomb_is_an_error() {
    let session = load(model(
        vec![NodeProto::new("ConstantOfShape", ["shape"], ["y"])],
        &[("shape", DType::Int64, 1)],
        &[("y", DType::Float32, 2)],
    ))
    .unwrap();
    let shape = Tensor::from_elements(&[2], &[131_072i64, 131_072]);
    let problem = run(&session, vec![("shape", shape.into())]).unwrap_err();
    assert_eq!(problem.code, ErrorCode::RunFailed, "{problem}");
    assert!(!problem.message.contains("onnxruntime_src"), "{problem}");
}

#[test]
fn what_is_no_model_is_refused() {
    for bytes in [b"".to_vec(), b"<html></html>".to_vec(), relu("y")[..20].to_vec(), wrap(GraphProto::default())] {
        assert_eq!(load(bytes).err().map(|problem| problem.code), Some(ErrorCode::InvalidModel));
    }
    let unknown = model(
        vec![NodeProto::new("Frobnicate", ["x"], ["y"])],
        &[("x", DType::Float32, 1)],
        &[("y", DType::Float32, 1)],
    );
    assert_eq!(load(unknown).err().map(|problem| problem.code), Some(ErrorCode::UnsupportedModel));
}

#[test]
fn wrong_inputs_are_refused_by_name() {
    let session = load(relu("y")).unwrap();
    let x = Tensor::from_elements(&[1], &[1.0f32]);
    let wrong_rank = run(&session, vec![("x", x.clone().into())]).unwrap_err();
    assert_eq!(wrong_rank.code, ErrorCode::InvalidInput);
    let wrong_name = run(&session, vec![("z", x.into())]).unwrap_err();
    assert_eq!(wrong_name.code, ErrorCode::InvalidInput);
    assert!(wrong_name.message.contains("\"z\""));
}

#[test]
fn the_engine_can_be_chosen_by_name() {
    assert_eq!(EngineChoice::parse("onnxruntime"), Ok(EngineChoice::OnnxRuntime));
    assert_eq!(EngineChoice::parse("torch").unwrap_err().code, ErrorCode::InvalidRequest);
}
