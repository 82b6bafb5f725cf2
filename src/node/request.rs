//! `PredictRequest`: a body of `POST /predict`.

use super::error::throw;
use crate::error::{Result, error};
use crate::format::{Format, write_answer};
use crate::request::PredictRequest as Request;
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use serde::Serialize;

#[napi]
pub struct PredictRequest {
    pub(super) inner: Request,
    /// Of the answer.
    pub(super) format: Format,
}

/// What was not given is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    model_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_id: &'a Option<String>,
    record: bool,
}

#[napi]
impl PredictRequest {
    /// The formats of the body and of the answer are "json", "cbor" or "msgpack"; JSON when absent. Throws INVALID_JSON or
    /// INVALID_REQUEST.
    #[napi(factory, catch_unwind)]
    pub fn parse(
        env: &Env,
        body: Uint8Array,
        format: Option<String>,
        answer_format: Option<String>,
    ) -> napi::Result<Self> {
        let parsed = (|| {
            let inner = Request::parse(&body, read_format(format.as_deref())?)?;
            Ok(Self { inner, format: read_format(answer_format.as_deref())? })
        })();
        parsed.map_err(|problem| throw(env, &problem))
    }

    /// What the request says beside its features, as JSON text: one call, because each costs as much as several fields.
    #[napi(getter, catch_unwind)]
    pub fn head(&self, env: &Env) -> napi::Result<String> {
        let Request { model_id, version, user_id, session_id, request_id, entity_id, record, .. } = &self.inner;
        let head = Head { model_id, version, user_id, session_id, request_id, entity_id, record: *record };
        serde_json::to_string(&head).map_err(|problem| throw(env, &error!(Internal, "{problem}")))
    }

    #[napi(getter, catch_unwind)]
    pub fn feature_names(&self) -> Vec<String> {
        self.inner.feature_names().map(str::to_owned).collect()
    }

    /// Adds the features of a JSON object that the request lacks.
    #[napi(catch_unwind)]
    pub fn add_features(&mut self, env: &Env, json: String) -> napi::Result<()> {
        self.inner.add_features(&json).map_err(|problem| throw(env, &problem))
    }

    /// The features as JSON text, or a summary of them when that is longer than `maxBytes`.
    #[napi(catch_unwind)]
    pub fn features_json(&self, env: &Env, max_bytes: u32) -> napi::Result<String> {
        self.inner.features_json(max_bytes as usize).map_err(|problem| throw(env, &problem))
    }
}

/// The fields of a JSON object as an object in "cbor" or "msgpack", with a `prediction` that is in that format already.
#[napi(catch_unwind)]
pub fn encode_answer(
    env: &Env,
    format: String,
    fields: String,
    prediction: Option<Uint8Array>,
) -> napi::Result<Uint8Array> {
    let prediction = prediction.as_deref().map(|bytes| ("prediction", bytes));
    read_format(Some(&format))
        .and_then(|format| write_answer(format, &fields, prediction))
        .map(Uint8Array::new)
        .map_err(|problem| throw(env, &problem))
}

fn read_format(name: Option<&str>) -> Result<Format> {
    name.map_or(Ok(Format::default()), Format::parse)
}
