//! MessagePack: <https://github.com/msgpack/msgpack/blob/master/spec.md>.

use super::binary::{ByteReader, Head, Heads, text};
use super::item::{Item, Number};
use rmp::Marker;
use std::borrow::Cow;

pub struct MessagePack;

macro_rules! take {
    ($reader:ident, $rust:ty) => {
        <$rust>::from_be_bytes($reader.take_array()?)
    };
}

impl Heads for MessagePack {
    fn number(reader: &mut ByteReader<'_>) -> Result<Option<Number>, String> {
        let start = reader.at;
        let [first] = reader.take_array()?;
        Ok(Some(match Marker::from_u8(first) {
            Marker::F64 => Number::Float(take!(reader, f64)),
            Marker::F32 => Number::Float(take!(reader, f32).into()),
            Marker::FixPos(value) => Number::UInt(value.into()),
            Marker::U8 => Number::UInt(take!(reader, u8).into()),
            Marker::U16 => Number::UInt(take!(reader, u16).into()),
            Marker::U32 => Number::UInt(take!(reader, u32).into()),
            Marker::U64 => Number::UInt(take!(reader, u64)),
            Marker::FixNeg(value) => Number::from(i64::from(value)),
            Marker::I8 => Number::from(i64::from(take!(reader, i8))),
            Marker::I16 => Number::from(i64::from(take!(reader, i16))),
            Marker::I32 => Number::from(i64::from(take!(reader, i32))),
            Marker::I64 => Number::from(take!(reader, i64)),
            _ => {
                reader.at = start;
                return Ok(None);
            }
        }))
    }

    fn read<'a>(reader: &mut ByteReader<'a>) -> Result<Head<'a>, String> {
        let [first] = reader.take_array()?;
        Ok(match Marker::from_u8(first) {
            Marker::Null => Head::Item(Item::Null),
            Marker::False => Head::Item(Item::Bool(false)),
            Marker::True => Head::Item(Item::Bool(true)),
            Marker::FixStr(len) => string(len.into(), reader)?,
            Marker::Str8 => string(take!(reader, u8).into(), reader)?,
            Marker::Str16 => string(take!(reader, u16).into(), reader)?,
            Marker::Str32 => string(take!(reader, u32) as usize, reader)?,
            Marker::Bin8 => bytes(take!(reader, u8).into(), reader)?,
            Marker::Bin16 => bytes(take!(reader, u16).into(), reader)?,
            Marker::Bin32 => bytes(take!(reader, u32) as usize, reader)?,
            Marker::FixArray(len) => Head::List(Some(len.into())),
            Marker::Array16 => Head::List(Some(take!(reader, u16).into())),
            Marker::Array32 => Head::List(Some(take!(reader, u32) as usize)),
            Marker::FixMap(len) => Head::Map(Some(len.into())),
            Marker::Map16 => Head::Map(Some(take!(reader, u16).into())),
            Marker::Map32 => Head::Map(Some(take!(reader, u32) as usize)),
            Marker::Reserved => return Err(format!("byte {} begins no value", reader.at - 1)),
            _ => return Err("extension types are not read".to_owned()),
        })
    }
}

fn string<'a>(len: usize, reader: &mut ByteReader<'a>) -> Result<Head<'a>, String> {
    text(Cow::Borrowed(reader.take(len)?)).map(Head::Item)
}

fn bytes<'a>(len: usize, reader: &mut ByteReader<'a>) -> Result<Head<'a>, String> {
    Ok(Head::Item(Item::Bytes(Cow::Borrowed(reader.take(len)?))))
}
