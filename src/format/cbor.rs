//! CBOR: <https://www.rfc-editor.org/rfc/rfc8949>.

use super::binary::{ByteReader, Head, Heads, text};
use super::elements::typed_array;
use super::item::{Item, Number};
use std::borrow::Cow;

/// The tag that says no more than that CBOR follows.
const SELF_DESCRIBED: u64 = 55_799;

/// The major types.
mod major {
    pub const UNSIGNED: u8 = 0;
    pub const NEGATIVE: u8 = 1;
    pub const BYTES: u8 = 2;
    pub const TEXT: u8 = 3;
    pub const ARRAY: u8 = 4;
    pub const MAP: u8 = 5;
    pub const TAG: u8 = 6;
}

const BREAK: u8 = 0xFF;
const HALF: u8 = 0xF9;
const SINGLE: u8 = 0xFA;
const DOUBLE: u8 = 0xFB;

pub struct Cbor;

impl Heads for Cbor {
    fn number(reader: &mut ByteReader<'_>) -> Result<Option<Number>, String> {
        let first = reader.peek()?;
        let number = match (first >> 5, first) {
            (_, DOUBLE) => Number::Float(f64::from_bits(argument(reader)?)),
            (_, SINGLE) => Number::Float(f32::from_bits(argument(reader)? as u32).into()),
            (_, HALF) => Number::Float(half::f16::from_bits(argument(reader)? as u16).into()),
            (major::UNSIGNED, _) => Number::UInt(argument(reader)?),
            (major::NEGATIVE, _) => negative(argument(reader)?),
            _ => return Ok(None),
        };
        Ok(Some(number))
    }

    fn read<'a>(reader: &mut ByteReader<'a>) -> Result<Head<'a>, String> {
        let first = reader.peek()?;
        Ok(match first >> 5 {
            major::BYTES => Head::Item(Item::Bytes(string(reader)?)),
            major::TEXT => Head::Item(text(string(reader)?)?),
            major::ARRAY => Head::List(length(reader)?),
            major::MAP => Head::Map(length(reader)?),
            major::TAG => return tagged(reader),
            _ if first == BREAK => {
                reader.at += 1;
                Head::Break
            }
            _ => Head::Item(match argument(reader)? {
                20 => Item::Bool(false),
                21 => Item::Bool(true),
                // null and undefined
                22 | 23 => Item::Null,
                other => return Err(format!("the simple value {other} is not read")),
            }),
        })
    }
}

/// Reads a head for its argument: a number, a length, a tag.
fn argument(reader: &mut ByteReader<'_>) -> Result<u64, String> {
    let [first] = reader.take_array()?;
    Ok(match first & 0x1F {
        24 => u8::from_be_bytes(reader.take_array()?).into(),
        25 => u16::from_be_bytes(reader.take_array()?).into(),
        26 => u32::from_be_bytes(reader.take_array()?).into(),
        27 => u64::from_be_bytes(reader.take_array()?),
        small @ 0..24 => small.into(),
        _ => return Err(format!("byte {} begins no value", reader.at - 1)),
    })
}

/// Reads the head of what has a length; `None` when a break ends it.
fn length(reader: &mut ByteReader<'_>) -> Result<Option<usize>, String> {
    if reader.peek()? & 0x1F == 0x1F {
        reader.at += 1;
        return Ok(None);
    }
    usize::try_from(argument(reader)?).map(Some).map_err(|_| "it ends early".to_owned())
}

/// Reads a string, whole or the parts of its own type up to a break.
fn string<'a>(reader: &mut ByteReader<'a>) -> Result<Cow<'a, [u8]>, String> {
    let major = reader.peek()? >> 5;
    if let Some(len) = length(reader)? {
        return Ok(Cow::Borrowed(reader.take(len)?));
    }
    let mut whole = Vec::new();
    while reader.peek()? != BREAK {
        let is_part = reader.peek()? >> 5 == major;
        let len = length(reader)?.filter(|_| is_part).ok_or("a string has a part of another kind")?;
        whole.extend_from_slice(reader.take(len)?);
    }
    reader.at += 1;
    Ok(Cow::Owned(whole))
}

fn tagged<'a>(reader: &mut ByteReader<'a>) -> Result<Head<'a>, String> {
    let tag = argument(reader)?;
    if tag == SELF_DESCRIBED {
        let number = Cbor::number(reader)?;
        return number.map_or_else(|| Cbor::read(reader), |number| Ok(Head::Item(Item::Number(number))));
    }
    if reader.peek()? >> 5 != major::BYTES {
        return Err(format!("the tag {tag} is not read"));
    }
    typed_array(tag, string(reader)?).map(Head::Item)
}

/// -1 minus the argument.
fn negative(argument: u64) -> Number {
    match i64::try_from(argument) {
        Ok(argument) => Number::Int(!argument),
        // As JSON of so many digits.
        Err(_) => Number::Float(-1.0 - argument as f64),
    }
}
