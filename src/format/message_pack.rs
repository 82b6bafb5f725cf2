//! MessagePack: <https://github.com/msgpack/msgpack/blob/master/spec.md>.

use super::Item;
use super::binary::{ByteReader, Head, Heads, text};
use rmp::Marker;
use std::borrow::Cow;

pub struct MessagePack;

impl Heads for MessagePack {
    fn read<'a>(reader: &mut ByteReader<'a>) -> Result<Head<'a>, String> {
        macro_rules! number {
            ($rust:ty) => {
                <$rust>::from_be_bytes(reader.take_array()?)
            };
        }
        let [first] = reader.take_array()?;
        Ok(Head::Item(match Marker::from_u8(first) {
            Marker::Null => Item::Null,
            Marker::False => Item::Bool(false),
            Marker::True => Item::Bool(true),
            Marker::FixPos(value) => Item::UInt(value.into()),
            Marker::U8 => Item::UInt(number!(u8).into()),
            Marker::U16 => Item::UInt(number!(u16).into()),
            Marker::U32 => Item::UInt(number!(u32).into()),
            Marker::U64 => Item::UInt(number!(u64)),
            Marker::FixNeg(value) => integer(value.into()),
            Marker::I8 => integer(number!(i8).into()),
            Marker::I16 => integer(number!(i16).into()),
            Marker::I32 => integer(number!(i32).into()),
            Marker::I64 => integer(number!(i64)),
            Marker::F32 => Item::Float(number!(f32).into()),
            Marker::F64 => Item::Float(number!(f64)),
            Marker::FixStr(len) => string(len.into(), reader)?,
            Marker::Str8 => string(number!(u8).into(), reader)?,
            Marker::Str16 => string(number!(u16).into(), reader)?,
            Marker::Str32 => string(number!(u32) as usize, reader)?,
            Marker::Bin8 => bytes(number!(u8).into(), reader)?,
            Marker::Bin16 => bytes(number!(u16).into(), reader)?,
            Marker::Bin32 => bytes(number!(u32) as usize, reader)?,
            Marker::FixArray(len) => return Ok(Head::List(Some(len.into()))),
            Marker::Array16 => return Ok(Head::List(Some(number!(u16).into()))),
            Marker::Array32 => return Ok(Head::List(Some(number!(u32) as usize))),
            Marker::FixMap(len) => return Ok(Head::Map(Some(len.into()))),
            Marker::Map16 => return Ok(Head::Map(Some(number!(u16).into()))),
            Marker::Map32 => return Ok(Head::Map(Some(number!(u32) as usize))),
            Marker::Reserved => return Err(format!("byte {} begins no value", reader.at - 1)),
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => return Err("extension types are not read".to_owned()),
        }))
    }
}

fn integer(value: i64) -> Item<'static> {
    u64::try_from(value).map_or(Item::Int(value), Item::UInt)
}

fn string<'a>(len: usize, reader: &mut ByteReader<'a>) -> Result<Item<'a>, String> {
    text(Cow::Borrowed(reader.take(len)?))
}

fn bytes<'a>(len: usize, reader: &mut ByteReader<'a>) -> Result<Item<'a>, String> {
    Ok(Item::Bytes(Cow::Borrowed(reader.take(len)?)))
}
