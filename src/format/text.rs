//! A value as JSON text, for the record of a prediction and for messages.

use super::elements::each_element;
use super::encoded::{Encoded, Format};
use super::item::{Item, Number};
use crate::tensor::DType;
use base64::Engine as _;
use std::io::{self, Write};

/// Integers beyond this lose digits as a JavaScript number and are written as strings.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

impl Encoded {
    /// Writes JSON text; of JSON the very text. A byte string is a list of elements when it is known of which type, else Base64.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(&self, elements: Option<DType>, out: &mut impl Write) -> io::Result<()> {
        if self.format() == Format::Json {
            return out.write_all(self.bytes());
        }
        let mut items = self.items();
        let mut open: Vec<Open> = Vec::new();
        loop {
            let item = items.item().map_err(io::Error::other)?;
            if item != Item::End
                && let Some(container) = open.last_mut()
            {
                container.separate(out)?;
            }
            match item {
                Item::List => open.push(Open::begin(false, out)?),
                Item::Map => open.push(Open::begin(true, out)?),
                Item::End => out.write_all(if open.pop().is_some_and(|open| open.is_map) { b"}" } else { b"]" })?,
                Item::Elements(dtype, bytes) => write_elements(dtype, &bytes, out)?,
                Item::Bytes(bytes) => match elements {
                    Some(dtype) => write_elements(dtype, &bytes, out)?,
                    None => write!(out, "\"{}\"", base64::engine::general_purpose::STANDARD.encode(bytes))?,
                },
                scalar => write_scalar(&scalar, out)?,
            }
            if open.is_empty() {
                return Ok(());
            }
        }
    }

    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        match self.write_json(None, &mut text) {
            Ok(()) => String::from_utf8_lossy(&text).into_owned(),
            Err(problem) => problem.to_string(),
        }
    }
}

struct Open {
    is_map: bool,
    written: usize,
}

impl Open {
    fn begin(is_map: bool, out: &mut impl Write) -> io::Result<Self> {
        out.write_all(if is_map { b"{" } else { b"[" })?;
        Ok(Self { is_map, written: 0 })
    }

    fn separate(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.written += 1;
        match self.written {
            1 => Ok(()),
            even if self.is_map && even % 2 == 0 => out.write_all(b":"),
            _ => out.write_all(b","),
        }
    }
}

fn write_elements(dtype: DType, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    let mut list = Open::begin(false, out)?;
    let write = |item| {
        list.separate(out)?;
        write_scalar(&item, out)
    };
    each_element(dtype, bytes, write)?;
    out.write_all(b"]")
}

fn write_scalar(item: &Item<'_>, out: &mut impl Write) -> io::Result<()> {
    match item {
        Item::Bool(value) => write!(out, "{value}"),
        Item::Number(Number::Int(value)) if value.unsigned_abs() > MAX_SAFE_INTEGER => write!(out, "\"{value}\""),
        Item::Number(Number::Int(value)) => write!(out, "{value}"),
        Item::Number(Number::UInt(value)) if *value > MAX_SAFE_INTEGER => write!(out, "\"{value}\""),
        Item::Number(Number::UInt(value)) => write!(out, "{value}"),
        Item::Number(Number::Float(value) | Number::Rounded(value)) => match not_a_number(*value) {
            Some(name) => write!(out, "\"{name}\""),
            None => Ok(serde_json::to_writer(out, value)?),
        },
        Item::Text(text) => Ok(serde_json::to_writer(out, text)?),
        _ => out.write_all(b"null"),
    }
}

/// The name of a value that JSON cannot carry as a number.
pub fn not_a_number(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}
