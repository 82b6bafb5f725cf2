//! A value of a body, read item by item where it stands.

use super::binary::BinaryItems;
use super::cbor::Cbor;
use super::item::{Item, Number};
use super::json::{self, JsonItems};
use super::message_pack::MessagePack;
use super::words;
use crate::error::{Result, error};
use bytes::Bytes;
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
pub const MAX_PARTS: usize = 100_000;

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
            let text: &serde_json::value::RawValue = serde_json::from_slice(&body).map_err(|problem| {
                let advice = words::advice(&body).map_or_else(String::new, |advice| format!(". {advice}"));
                error!(InvalidJson, "the body is not valid JSON: {problem}{advice}")
            })?;
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

    /// As [`Self::parse`] of JSON, in which `NaN`, `Infinity` and `-Infinity` may stand bare, as Python writes them.
    ///
    /// # Errors
    /// `INVALID_JSON`, `INVALID_REQUEST`
    pub fn parse_lenient_json(body: Bytes) -> Result<Self> {
        Self::parse(Format::Json, body.clone()).or_else(|problem| {
            words::without_words(&body).map_or(Err(problem), |text| Self::parse(Format::Json, text.into()))
        })
    }

    /// As [`Self::parse`] of JSON text.
    ///
    /// # Errors
    /// `INVALID_JSON`
    pub fn json(text: &str) -> Result<Self> {
        Self::parse(Format::Json, Bytes::copy_from_slice(text.as_bytes()))
    }

    /// JSON values as a list of them.
    pub(crate) fn json_list(values: &[Self]) -> Self {
        debug_assert!(values.iter().all(|value| value.format == Format::Json));
        let mut text = Vec::with_capacity(values.iter().map(|value| value.bytes.len() + 1).sum::<usize>() + 2);
        text.push(b'[');
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                text.push(b',');
            }
            text.extend_from_slice(&value.bytes);
        }
        text.push(b']');
        Self { format: Format::Json, bytes: text.into() }
    }

    pub fn items(&self) -> Items<'_> {
        self.items_from(0)
    }

    /// From one of its values on.
    pub(super) fn items_from(&self, at: usize) -> Items<'_> {
        let bytes = &self.bytes[at..];
        match self.format {
            Format::Json => Items::Json(JsonItems::new(bytes)),
            Format::Cbor => Items::Cbor(BinaryItems::new(bytes)),
            Format::MessagePack => Items::MessagePack(BinaryItems::new(bytes)),
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
    /// A sentence when it is no list or has too many.
    pub fn list(&self) -> Result<Vec<Self>, String> {
        let mut items = self.items();
        match items.item()? {
            Item::List => {}
            other => return Err(format!("expected a list, received {}", other.kind())),
        }
        let mut values = Vec::new();
        while let Some(value) = items.value()? {
            if values.len() == MAX_PARTS {
                return Err(format!("a list of such values may have at most {MAX_PARTS}"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::Value as Json;

    fn parsed(value: &Encoded) -> Json {
        serde_json::from_slice(value.bytes()).unwrap()
    }

    #[test]
    fn objects_have_the_fields_that_serde_finds() {
        for text in [
            "{}",
            " { } ",
            r#"{"a":1}"#,
            "\n{ \"a\" : [1, {\"b\": \"]}\"}] ,\t\"c\":\"\\\"}\",\"d\":null, \"e\":-1.5e-3,\"\":true}\r\n",
            r#"{"\u0061\"b":"\\","c":"\\\""}"#,
            r#"{"a":"{[","b":{"a":{"a":[[],[]]}}}"#,
            "{\"ü\":\"日本\",\"e\":\"\u{2028}\"}",
        ] {
            let fields = Encoded::json(text).unwrap().fields().unwrap();
            let fields: serde_json::Map<_, _> =
                fields.into_iter().map(|(name, value)| (name, parsed(&value))).collect();
            assert_eq!(Json::Object(fields), serde_json::from_str::<Json>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn lists_have_the_items_that_serde_finds() {
        for text in
            ["[]", " [ ] ", "[1]", r#"[ 1 , "a,b" ,[2,[3]],{"a":[4]}, "\\" ]"#, r#"[[],{},""]"#, r#"["\"","]"]"#]
        {
            let items = Encoded::json(text).unwrap().list().unwrap();
            assert_eq!(
                items.iter().map(parsed).collect::<Json>(),
                serde_json::from_str::<Json>(text).unwrap(),
                "{text}"
            );
            assert_eq!(parsed(&Encoded::json_list(&items)), serde_json::from_str::<Json>(text).unwrap(), "{text}");
        }
        let digits = Encoded::json("[9007199254740993,1.00]").unwrap().list().unwrap();
        assert_eq!(digits.iter().map(Encoded::to_json).collect::<Vec<_>>(), ["9007199254740993", "1.00"]);
    }

    #[test]
    fn broken_texts_are_refused() {
        for text in [
            "",
            "{",
            "[",
            "{]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{a:1}",
            "{1:1}",
            "{\"a\":1}x",
            "{\"a\":\"",
            "{\"a\":[}",
        ] {
            assert_eq!(Encoded::json(text).unwrap_err().code, ErrorCode::InvalidJson, "{text}");
        }
        for text in ["\"a\"", "null", "1"] {
            let value = Encoded::json(text).unwrap();
            assert!(value.fields().unwrap_err().contains("expected an object"), "{text}");
            assert!(value.list().unwrap_err().contains("expected a list"), "{text}");
        }
        let twice = Encoded::json(r#"{"a":1,"\u0061":2}"#).unwrap().fields().unwrap_err();
        assert_eq!(twice, "the field \"a\" is given twice");
        let long = format!("[{}1]", "1,".repeat(MAX_PARTS));
        assert!(Encoded::json(&long).unwrap().list().unwrap_err().contains("at most 100000"));
    }
}
