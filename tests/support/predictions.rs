//! Predictions as their protocols ask for them.

use super::{engine, load, model};
use harper_edge_ai::engine::{RunOutput, Session};
use harper_edge_ai::error::{Error, ErrorCode, Result};
use harper_edge_ai::format::Format;
use harper_edge_ai::onnx::proto::NodeProto;
use harper_edge_ai::prediction::{PredictRequest, Prediction, prepare};
use harper_edge_ai::tensor::DType;
use serde_json::Value as Json;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Gives a matrix back, under another name.
pub fn identity(dtype: DType) -> Arc<Session> {
    let nodes = vec![NodeProto::new("Identity", ["x"], ["y"])];
    load(model(nodes, &[("x", dtype, 2)], &[("y", dtype, 2)])).unwrap()
}

pub fn predicted(session: &Arc<Session>, request: &mut PredictRequest, format: Format) -> Result<Prediction> {
    let (run, writing) = prepare(session, request, format, None)?;
    let (sender, receiver) = mpsc::channel();
    engine().run(run, Box::new(move |outcome: Result<RunOutput>| sender.send(outcome).unwrap()));
    let output = receiver.recv_timeout(Duration::from_secs(60)).unwrap()?;
    writing.prediction(session, &output)
}

pub fn own(session: &Arc<Session>, body: &Json) -> Result<Prediction> {
    predicted(session, &mut PredictRequest::parse(body.to_string().as_bytes(), Format::Json)?, Format::Json)
}

/// The outputs as the Open Inference Protocol has them, and what else there is.
pub fn infer(session: &Arc<Session>, body: &str, binary: &[u8]) -> Result<(Json, Prediction, PredictRequest)> {
    let whole = [body.as_bytes(), binary].concat();
    let mut request = PredictRequest::parse_open_inference(&whole, body.len())?;
    let prediction = predicted(session, &mut request, Format::Json)?;
    let outputs = serde_json::from_str(prediction.text.as_deref().unwrap()).unwrap();
    Ok((outputs, prediction, request))
}

pub fn serve(session: &Arc<Session>, body: &str) -> Result<(String, PredictRequest)> {
    let mut request = PredictRequest::parse_tensorflow_serving(body.as_bytes())?;
    let prediction = predicted(session, &mut request, Format::Json)?;
    Ok((prediction.text.unwrap(), request))
}

#[track_caller]
pub fn assert_refused<T>(outcome: Result<T>, code: ErrorCode, part: &str) {
    let problem: Error = outcome.err().unwrap_or_else(|| panic!("it was answered, not refused with {part}"));
    assert_eq!(problem.code, code, "{problem}");
    assert!(problem.message.contains(part), "{problem}");
}
