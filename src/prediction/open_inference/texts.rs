//! Tensors of datatype BYTES as binary data: each element is its length, as 32 bits little-endian, and its bytes.

use crate::error::{Result, error};

/// # Errors
/// `INVALID_INPUT` for an element that ends behind the data or is not UTF-8.
pub fn read_texts<'a>(mut bytes: &'a [u8], name: &str) -> Result<Vec<&'a str>> {
    let mut texts = Vec::new();
    while !bytes.is_empty() {
        let at = texts.len();
        let element = bytes
            .split_first_chunk()
            .and_then(|(length, rest)| rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?));
        let (text, rest) = element
            .ok_or_else(|| error!(InvalidInput, "input \"{name}\": element {at} ends beyond the binary data"))?;
        texts.push(std::str::from_utf8(text).map_err(|_| {
            error!(InvalidInput, "input \"{name}\": element {at} is not UTF-8, as the strings of a model are")
        })?);
        bytes = rest;
    }
    Ok(texts)
}

pub fn write_texts(texts: &[String], out: &mut Vec<u8>) {
    out.reserve(texts.iter().map(|text| text.len() + size_of::<u32>()).sum());
    for text in texts {
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
}
