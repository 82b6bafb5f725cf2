//! Bodies of predictions.

use super::error::throw;
use crate::error::{Error, Result, error};
use crate::format::{Format, write_answer};
use crate::prediction::{PredictRequest as Request, datatype_of};
use crate::tensor::DType;
use napi::Env;
use napi::bindgen_prelude::{External, Uint8Array};
use napi_derive::napi;
use serde::Serialize;

/// Room for one parsed body after another. To make an object of this side and to have it collected costs as much as a tiny
/// run.
#[derive(Default)]
pub struct RequestSlot(Option<Parsed>);

pub(super) struct Parsed {
    pub(super) inner: Request,
    /// Of the answer.
    pub(super) format: Format,
}

impl RequestSlot {
    pub(super) fn parsed(&mut self) -> Result<&mut Parsed> {
        self.0.as_mut().ok_or_else(|| error!(Internal, "no body was parsed"))
    }
}

/// What was not given is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    model_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_id: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: &'a Option<f64>,
    record: bool,
}

#[napi(catch_unwind)]
pub fn request_slot() -> External<RequestSlot> {
    External::new(RequestSlot::default())
}

/// Parses a body and gives what it says beside its features, as JSON text: one call, because each costs as much as several
/// fields. The formats of the body and of the answer are "json", "cbor" or "msgpack"; JSON when absent. Throws INVALID_JSON or
/// INVALID_REQUEST.
#[napi(catch_unwind)]
pub fn parse_request(
    env: &Env,
    slot: &mut External<RequestSlot>,
    body: &[u8],
    format: Option<String>,
    answer_format: Option<String>,
) -> napi::Result<String> {
    let parsed = read_format(format.as_deref())
        .and_then(|format| Request::parse(body, format))
        .and_then(|inner| Ok(Parsed { inner, format: read_format(answer_format.as_deref())? }));
    keep(env, slot, parsed)
}

/// Parses a body of the Open Inference Protocol: JSON of so many bytes, and the binary data behind it. Otherwise as
/// `parseRequest`.
#[napi(catch_unwind)]
pub fn parse_open_inference_request(
    env: &Env,
    slot: &mut External<RequestSlot>,
    body: &[u8],
    json_length: u32,
) -> napi::Result<String> {
    let parsed = Request::parse_open_inference(body, json_length as usize);
    keep(env, slot, parsed.map(Parsed::from))
}

/// Parses a body of TensorFlow Serving's `:predict`, which cannot say itself whether an event is written. Otherwise as
/// `parseRequest`.
#[napi(catch_unwind)]
pub fn parse_tensorflow_serving_request(
    env: &Env,
    slot: &mut External<RequestSlot>,
    body: &[u8],
    record: bool,
) -> napi::Result<String> {
    let parsed = Request::parse_tensorflow_serving(body).map(|mut request| {
        request.record = record;
        request.into()
    });
    keep(env, slot, parsed)
}

impl From<Request> for Parsed {
    fn from(inner: Request) -> Self {
        Self { inner, format: Format::Json }
    }
}

/// Leaves a body in its slot and gives its head.
fn keep(env: &Env, slot: &mut External<RequestSlot>, parsed: Result<Parsed>) -> napi::Result<String> {
    let head = parsed.and_then(|parsed| {
        let Parsed { inner, .. } = slot.0.insert(parsed);
        let Request {
            model_id,
            version,
            stage,
            user_id,
            session_id,
            segment,
            request_id,
            entity_id,
            timeout_ms,
            record,
            ..
        } = inner;
        let record = *record;
        let head =
            Head { model_id, version, stage, user_id, session_id, segment, request_id, entity_id, timeout_ms, record };
        serde_json::to_string(&head).map_err(|problem| error!(Internal, "{problem}"))
    });
    head.map_err(|problem: Error| throw(env, &problem))
}

/// The name of an element type in the Open Inference Protocol; nothing for types that it does not have.
#[napi(catch_unwind)]
pub fn open_inference_datatype(dtype: String) -> Option<&'static str> {
    DType::from_name(&dtype).and_then(datatype_of)
}

#[napi(catch_unwind)]
pub fn request_feature_names(env: &Env, slot: &mut External<RequestSlot>) -> napi::Result<Vec<String>> {
    let names = slot.parsed().map(|parsed| parsed.inner.feature_names().map(str::to_owned).collect());
    names.map_err(|problem| throw(env, &problem))
}

/// Adds the features of a JSON object that the request lacks.
#[napi(catch_unwind)]
pub fn add_request_features(env: &Env, slot: &mut External<RequestSlot>, json: String) -> napi::Result<()> {
    slot.parsed()
        .and_then(|parsed| parsed.inner.add_features(json.as_bytes(), Format::Json))
        .map_err(|problem| throw(env, &problem))
}

/// As `addRequestFeatures`, of an object in "json", "cbor" or "msgpack".
#[napi(catch_unwind)]
pub fn add_encoded_request_features(
    env: &Env,
    slot: &mut External<RequestSlot>,
    object: &[u8],
    format: String,
) -> napi::Result<()> {
    read_format(Some(&format))
        .and_then(|format| slot.parsed()?.inner.add_features(object, format))
        .map_err(|problem| throw(env, &problem))
}

/// The features as JSON text, or a summary of them when that is longer than `maxBytes`.
#[napi(catch_unwind)]
pub fn request_features_json(env: &Env, slot: &mut External<RequestSlot>, max_bytes: u32) -> napi::Result<String> {
    let text = slot.parsed().and_then(|parsed| parsed.inner.features_json(max_bytes as usize));
    text.map_err(|problem| throw(env, &problem))
}

/// The fields of a JSON object as an object in "cbor" or "msgpack", with a `prediction` that is in that format already.
#[napi(catch_unwind)]
pub fn encode_answer(env: &Env, format: String, fields: String, prediction: Option<&[u8]>) -> napi::Result<Uint8Array> {
    let prediction = prediction.map(|bytes| ("prediction", bytes));
    read_format(Some(&format))
        .and_then(|format| write_answer(format, &fields, prediction))
        .map(Uint8Array::new)
        .map_err(|problem| throw(env, &problem))
}

pub(super) fn read_format(name: Option<&str>) -> Result<Format> {
    name.map_or(Ok(Format::default()), Format::parse)
}
