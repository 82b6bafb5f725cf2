//! JSON text for routes that read it in JavaScript.

use super::error::throw;
use super::request::read_format;
use crate::error::{Error, error};
use crate::format::{Encoded, Format, compact};
use bytes::Bytes;
use napi::Env;
use napi_derive::napi;

/// Throws INVALID_JSON, or INVALID_REQUEST for text that nests too deep or has an object with a name twice.
#[napi(catch_unwind)]
pub fn check_json(env: &Env, text: &[u8]) -> napi::Result<()> {
    Encoded::parse(Format::Json, Bytes::copy_from_slice(text))
        .and_then(|value| value.check_names().map_err(refused))
        .map_err(|problem| throw(env, &problem))
}

/// The fields of a JSON object: a name, the text of its value, the next name, and so on, with all digits that the text has.
/// Throws as `checkJson`, and INVALID_REQUEST for what is no object.
#[napi(catch_unwind)]
pub fn json_fields(env: &Env, text: &[u8]) -> napi::Result<Vec<String>> {
    Encoded::parse(Format::Json, Bytes::copy_from_slice(text))
        .and_then(|value| {
            value.check_names().map_err(refused)?;
            value.fields().map_err(refused)
        })
        .map(|fields| fields.into_iter().flat_map(|(name, value)| [name, compact(&value.to_json())]).collect())
        .map_err(|problem| throw(env, &problem))
}

/// A body in "json", "cbor" or "msgpack" as JSON text. Throws as `checkJson`.
#[napi(catch_unwind)]
pub fn body_as_json(env: &Env, body: &[u8], format: String) -> napi::Result<String> {
    read_format(Some(&format))
        .and_then(|format| Encoded::parse(format, Bytes::copy_from_slice(body)))
        .and_then(|value| value.check_names().map_err(refused).map(|()| value.to_json()))
        .map_err(|problem| throw(env, &problem))
}

fn refused(problem: String) -> Error {
    error!(InvalidRequest, "the body cannot be read: {problem}")
}
