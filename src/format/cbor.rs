//! CBOR: <https://www.rfc-editor.org/rfc/rfc8949>.

use super::Item;
use super::binary::{ByteReader, Head, Heads, text};
use super::elements::typed_array;
use ciborium_ll::{Decoder, Error, Header, simple};
use std::borrow::Cow;

/// Says no more than that CBOR follows.
const SELF_DESCRIBED: u64 = 55_799;

pub struct Cbor;

impl Heads for Cbor {
    fn read<'a>(reader: &mut ByteReader<'a>) -> Result<Head<'a>, String> {
        let mut header = read_header(reader)?;
        while header == Header::Tag(SELF_DESCRIBED) {
            header = read_header(reader)?;
        }
        Ok(Head::Item(match header {
            Header::Positive(value) => Item::UInt(value),
            Header::Negative(inverted) => negative(inverted),
            Header::Float(value) => Item::Float(value),
            Header::Simple(simple::FALSE) => Item::Bool(false),
            Header::Simple(simple::TRUE) => Item::Bool(true),
            Header::Simple(simple::NULL | simple::UNDEFINED) => Item::Null,
            Header::Simple(value) => return Err(format!("the simple value {value} is not read")),
            Header::Text(len) => text(string(reader, len, |part| match part {
                Header::Text(Some(len)) => Some(len),
                _ => None,
            })?)?,
            Header::Bytes(len) => Item::Bytes(byte_string(reader, len)?),
            Header::Tag(tag) => match read_header(reader)? {
                Header::Bytes(len) => typed_array(tag, byte_string(reader, len)?)?,
                _ => return Err(format!("the tag {tag} is not read")),
            },
            Header::Array(len) => return Ok(Head::List(len)),
            Header::Map(len) => return Ok(Head::Map(len)),
            Header::Break => return Ok(Head::Break),
        }))
    }
}

fn read_header(reader: &mut ByteReader<'_>) -> Result<Header, String> {
    let mut decoder = Decoder::from(reader.rest());
    let header = decoder.pull().map_err(|problem| match problem {
        Error::Io(_) => "it ends early".to_owned(),
        Error::Syntax(_) => format!("byte {} begins no value", reader.at),
    })?;
    reader.at += decoder.offset();
    Ok(header)
}

fn negative(inverted: u64) -> Item<'static> {
    match i64::try_from(inverted) {
        Ok(inverted) => Item::Int(!inverted),
        // As JSON of so many digits.
        Err(_) => Item::Float(-1.0 - inverted as f64),
    }
}

fn byte_string<'a>(reader: &mut ByteReader<'a>, len: Option<usize>) -> Result<Cow<'a, [u8]>, String> {
    string(reader, len, |part| match part {
        Header::Bytes(Some(len)) => Some(len),
        _ => None,
    })
}

/// A string of known length, or the parts up to a break, whose lengths `len_of` takes from their headers.
fn string<'a>(
    reader: &mut ByteReader<'a>,
    len: Option<usize>,
    len_of: impl Fn(Header) -> Option<usize>,
) -> Result<Cow<'a, [u8]>, String> {
    if let Some(len) = len {
        return Ok(Cow::Borrowed(reader.take(len)?));
    }
    let mut whole = Vec::new();
    loop {
        let header = read_header(reader)?;
        if header == Header::Break {
            return Ok(Cow::Owned(whole));
        }
        let len = len_of(header).ok_or("a string has a part of another kind")?;
        whole.extend_from_slice(reader.take(len)?);
    }
}
