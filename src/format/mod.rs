//! The formats of bodies: JSON, CBOR and MessagePack. Values are read item by item where they stand, without a tree of them.

mod answer;
mod binary;
mod cbor;
mod elements;
mod json;
mod message_pack;
mod nesting;
mod text;

pub use answer::{write_answer, write_value};
pub(crate) use elements::each_element;
pub use text::{MAX_SAFE_INTEGER, not_a_number};

use crate::error::{Result, error};
use crate::tensor::DType;
use binary::BinaryItems;
use bytes::Bytes;
use cbor::Cbor;
use json::JsonItems;
use message_pack::MessagePack;
use std::borrow::Cow;
use std::collections::HashSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Json,
    Cbor,
    MessagePack,
}

impl Format {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Cbor => "CBOR",
            Self::MessagePack => "MessagePack",
        }
    }

    /// # Errors
    /// `INVALID_REQUEST` for another name than "json", "cbor" and "msgpack".
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "json" => Ok(Self::Json),
            "cbor" => Ok(Self::Cbor),
            "msgpack" => Ok(Self::MessagePack),
            other => Err(error!(InvalidRequest, "a format is json, cbor or msgpack, received \"{other}\"")),
        }
    }
}

/// What an object may have of fields and a list of parts that are kept one by one. More would only fill memory.
const MAX_PARTS: usize = 100_000;

/// How deep lists and objects may nest in each other.
const MAX_DEPTH: usize = 64;

fn too_deep() -> String {
    format!("it nests lists and objects more than {MAX_DEPTH} deep")
}

/// One step through a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Item<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    /// A list of little-endian elements of that type.
    Elements(DType, Cow<'a, [u8]>),
    Bytes(Cow<'a, [u8]>),
    /// Its values follow, and an `End`.
    List,
    /// A `Text` and a value in turn follow, and an `End`.
    Map,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    UInt(u64),
    /// A negative integer.
    Int(i64),
    Float(f64),
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        u64::try_from(value).map_or(Self::Int(value), Self::UInt)
    }
}

impl Item<'_> {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Bytes(_) => "a byte string",
            Self::Elements(..) | Self::List => "a list",
            Self::Map => "an object",
            Self::End => "nothing",
        }
    }
}

/// Reads a value step by step. Problems are sentences without the name of the value.
pub enum Items<'a> {
    Json(JsonItems<'a>),
    Cbor(BinaryItems<'a, Cbor>),
    MessagePack(BinaryItems<'a, MessagePack>),
}

macro_rules! of_each_format {
    ($self:ident, $items:ident => $call:expr) => {
        match $self {
            Self::Json($items) => $call,
            Self::Cbor($items) => $call,
            Self::MessagePack($items) => $call,
        }
    };
}

impl<'a> Items<'a> {
    /// The next item.
    pub fn item(&mut self) -> Result<Item<'a>, String> {
        of_each_format!(self, items => items.item())
    }

    /// The next item, when it is a number; otherwise it stays the next. Faster than `item`.
    #[inline]
    pub fn number(&mut self) -> Result<Option<Number>, String> {
        of_each_format!(self, items => items.number())
    }

    /// The next value as it stands; `None` at the end of the list or map.
    pub fn value(&mut self) -> Result<Option<&'a [u8]>, String> {
        of_each_format!(self, items => items.value())
    }
}

/// A well-formed value as it stands in a body.
#[derive(Debug, Clone)]
pub struct Encoded {
    format: Format,
    bytes: Bytes,
}

impl Encoded {
    /// Takes a whole body that is one value.
    ///
    /// # Errors
    /// `INVALID_JSON`, for the other formats `INVALID_REQUEST`, when it is malformed or has a kind of value that is not read;
    /// `INVALID_REQUEST` when it nests more than 64 deep.
    pub fn parse(format: Format, body: Bytes) -> Result<Self> {
        if format == Format::Json {
            let text: &serde_json::value::RawValue = serde_json::from_slice(&body)
                .map_err(|problem| error!(InvalidJson, "the body is not valid JSON: {problem}"))?;
            let bytes = body.slice_ref(text.get().as_bytes());
            json::check_depth(&bytes)
                .map_err(|problem| error!(InvalidRequest, "the body cannot be read: {problem}"))?;
            return Ok(Self { format, bytes });
        }
        let made = Self { format, bytes: body };
        match made.items().value() {
            Ok(Some(value)) if value.len() == made.bytes.len() => Ok(()),
            Ok(value) => Err(format!("{} bytes follow its end", made.bytes.len() - value.map_or(0, <[u8]>::len))),
            Err(problem) => Err(problem),
        }
        .map_err(|problem| error!(InvalidRequest, "the body is not valid {}: {problem}", format.name()))?;
        Ok(made)
    }

    /// As [`Self::parse`] of JSON text.
    ///
    /// # Errors
    /// `INVALID_JSON`
    pub fn json(text: &str) -> Result<Self> {
        Self::parse(Format::Json, Bytes::copy_from_slice(text.as_bytes()))
    }

    pub fn items(&self) -> Items<'_> {
        match self.format {
            Format::Json => Items::Json(JsonItems::new(&self.bytes)),
            Format::Cbor => Items::Cbor(BinaryItems::new(&self.bytes)),
            Format::MessagePack => Items::MessagePack(BinaryItems::new(&self.bytes)),
        }
    }

    pub fn kind(&self) -> &'static str {
        self.items().item().map_or("nothing", |item| item.kind())
    }

    pub fn is_null(&self) -> bool {
        matches!(self.items().item(), Ok(Item::Null))
    }

    pub fn is_object(&self) -> bool {
        matches!(self.items().item(), Ok(Item::Map))
    }

    /// The values of a list.
    ///
    /// # Errors
    /// A sentence when it is no list.
    pub fn list(&self) -> Result<Vec<Self>, String> {
        self.list_up_to(MAX_PARTS)
    }

    /// The values of a list that has no more than so many.
    ///
    /// # Errors
    /// A sentence when it is no list or has more.
    pub fn list_up_to(&self, most: usize) -> Result<Vec<Self>, String> {
        let mut items = self.items();
        match items.item()? {
            Item::List => {}
            other => return Err(format!("expected a list, received {}", other.kind())),
        }
        let mut values = Vec::new();
        while let Some(value) = items.value()? {
            if values.len() == most {
                return Err(format!("a list of such values may have at most {most}"));
            }
            values.push(self.part(value));
        }
        Ok(values)
    }

    /// The values of an object in their order, by name.
    ///
    /// # Errors
    /// A sentence when it is no object or has a name twice.
    pub fn fields(&self) -> Result<Vec<(String, Self)>, String> {
        self.read_fields(&mut self.items())?.ok_or_else(|| not_an_object(&Item::Null))
    }

    /// The fields of the object that is the next value of `items`, which read this value; `None` for null.
    pub(crate) fn read_fields(&self, items: &mut Items<'_>) -> Result<Option<Vec<(String, Self)>>, String> {
        let mut fields = Vec::new();
        let is_given = self.each_field(items, |name, items| {
            let value = items.value()?.ok_or_else(|| format!("the field \"{name}\" has no value"))?;
            fields.push((name, self.part(value)));
            Ok(())
        })?;
        Ok(is_given.then_some(fields))
    }

    /// Calls `read` with each name of the object that is the next value; `read` takes the value out of the items. False when
    /// null stands there instead.
    pub(crate) fn each_field<'a>(
        &self,
        items: &mut Items<'a>,
        mut read: impl FnMut(String, &mut Items<'a>) -> Result<(), String>,
    ) -> Result<bool, String> {
        match items.item()? {
            Item::Map => {}
            Item::Null => return Ok(false),
            other => return Err(not_an_object(&other)),
        }
        let mut names = HashSet::new();
        while let Item::Text(name) = items.item()? {
            let name = name.into_owned();
            if names.len() == MAX_PARTS {
                return Err(format!("an object may have at most {MAX_PARTS} fields"));
            }
            if !names.insert(name.clone()) {
                return Err(format!("the field \"{name}\" is given twice"));
            }
            read(name, items)?;
        }
        Ok(true)
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// As it came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn part(&self, value: &[u8]) -> Self {
        Self { format: self.format, bytes: self.bytes.slice_ref(value) }
    }
}

fn not_an_object(item: &Item<'_>) -> String {
    format!("expected an object, received {}", item.kind())
}
