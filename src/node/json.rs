//! JSON text for routes that read it in JavaScript.

use super::error::throw;
use crate::error::{Error, error};
use crate::format::{Encoded, Format};
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

fn refused(problem: String) -> Error {
    error!(InvalidRequest, "the body cannot be read: {problem}")
}
