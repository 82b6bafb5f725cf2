//! Answers in CBOR and MessagePack.

use super::encoded::Format;
use crate::error::{Result, error};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::fmt::Display;

/// As many as both formats count in the first byte of a map.
const MAX_FIELDS: u8 = 15;

/// Appends a value in a format.
///
/// # Errors
/// `RUN_FAILED` for a value that the format does not have.
pub fn write_value(format: Format, value: &impl Serialize, out: &mut Vec<u8>) -> Result<()> {
    match format {
        Format::Json => serde_json::to_writer(out, value).map_err(unwritable),
        Format::Cbor => ciborium::into_writer(value, out).map_err(unwritable),
        Format::MessagePack => rmp_serde::encode::write(out, value).map_err(unwritable),
    }
}

fn unwritable(problem: impl Display) -> crate::error::Error {
    error!(RunFailed, "an output cannot be written: {problem}")
}

/// The fields of a JSON object as an object of the format, with one more field that is written already.
///
/// # Errors
/// `INTERNAL` when the text is no JSON object or the format is JSON.
pub fn write_answer(format: Format, fields: &str, written: Option<(&str, &[u8])>) -> Result<Vec<u8>> {
    let fields: Map<String, Json> =
        serde_json::from_str(fields).map_err(|problem| error!(Internal, "an answer is not an object: {problem}"))?;
    let len = fields.len() + usize::from(written.is_some());
    let head = match (format, u8::try_from(len)) {
        (Format::Cbor, Ok(len @ ..=MAX_FIELDS)) => 0xA0 | len,
        (Format::MessagePack, Ok(len @ ..=MAX_FIELDS)) => 0x80 | len,
        _ => return Err(error!(Internal, "a {} answer of {len} fields is not written", format.name())),
    };
    let mut out = Vec::with_capacity(256 + written.map_or(0, |(_, value)| value.len()));
    out.push(head);
    for (name, value) in &fields {
        write_value(format, name, &mut out)?;
        write_value(format, value, &mut out)?;
    }
    if let Some((name, value)) = written {
        write_value(format, &name, &mut out)?;
        out.extend_from_slice(value);
    }
    Ok(out)
}
