//! Bodies of many rows.

use super::error::throw;
use super::request::read_format;
use crate::prediction::Rows;
use napi::Env;
use napi::bindgen_prelude::{External, Uint8Array};
use napi_derive::napi;

/// Finds the rows of a body in "json", "cbor" or "msgpack". Throws INVALID_JSON or INVALID_REQUEST.
#[napi(catch_unwind)]
pub fn parse_rows(env: &Env, body: &[u8], format: String) -> napi::Result<External<Rows>> {
    read_format(Some(&format))
        .and_then(|format| Rows::parse(body, format))
        .map(|rows| {
            // So that a body that is not read to its end is collected in time.
            External::new_with_size_hint(rows, body.len())
        })
        .map_err(|problem| throw(env, &problem))
}

/// The object around the rows as a body of `/predict` without features, in JSON; nothing for rows in no object.
#[napi(catch_unwind)]
pub fn fields_of_rows(rows: &External<Rows>) -> Option<String> {
    rows.fields.clone()
}

/// The next row as it came; nothing at the end.
#[napi(catch_unwind)]
pub fn take_row(env: &Env, rows: &mut External<Rows>) -> napi::Result<Option<Uint8Array>> {
    let row = rows.take().map_err(|problem| throw(env, &problem))?;
    Ok(row.map(|row| Uint8Array::new(row.bytes().to_vec())))
}
