//! Answers in CBOR and MessagePack.

use super::Format;
use crate::error::{Result, error};
use ciborium_ll::{Encoder, Header};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::fmt::Display;

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
        serde_json::from_str(fields).map_err(|problem| error!(Internal, "an answer is no object: {problem}"))?;
    let len = fields.len() + usize::from(written.is_some());
    let mut out = Vec::with_capacity(256 + written.map_or(0, |(_, value)| value.len()));
    match format {
        Format::Json => return Err(error!(Internal, "JSON answers are written elsewhere")),
        Format::Cbor => Encoder::from(&mut out).push(Header::Map(Some(len))).map_err(unwritable)?,
        Format::MessagePack => {
            rmp::encode::write_map_len(&mut out, u32::try_from(len).map_err(unwritable)?).map_err(unwritable)?;
        }
    }
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
