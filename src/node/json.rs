//! JSON text for routes that read it in JavaScript: checked whole, or taken apart one level at a time.

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

/// The names of an object in their order, each followed by its value as JSON text. Throws as `checkJson`.
#[napi(catch_unwind)]
pub fn json_fields(env: &Env, text: String) -> napi::Result<Vec<String>> {
    let fields = Encoded::json(&text).and_then(|value| value.fields().map_err(refused));
    let parts = fields.map(|fields| fields.into_iter().flat_map(|(name, value)| [name, value.to_json()]).collect());
    parts.map_err(|problem| throw(env, &problem))
}

/// The items of a list, of which there may be so many, as JSON text. Throws as `checkJson`.
#[napi(catch_unwind)]
pub fn json_items(env: &Env, text: String, most: u32) -> napi::Result<Vec<String>> {
    let items = Encoded::json(&text).and_then(|value| value.list_up_to(most as usize).map_err(refused));
    items.map(|items| items.iter().map(Encoded::to_json).collect()).map_err(|problem| throw(env, &problem))
}

/// The sizes of nested lists, by the first list of each depth; none for what is no list. Throws as `checkJson`.
#[napi(catch_unwind)]
pub fn json_sizes(env: &Env, text: String) -> napi::Result<Vec<u32>> {
    let sizes = Encoded::json(&text).and_then(|value| value.sizes().map_err(refused));
    // A text has less than 2^32 bytes.
    sizes.map(|sizes| sizes.into_iter().map(|size| size as u32).collect()).map_err(|problem| throw(env, &problem))
}

fn refused(problem: String) -> Error {
    error!(InvalidRequest, "the body cannot be read: {problem}")
}
