//! The steps in which a value is read.

use crate::tensor::DType;
use std::borrow::Cow;

/// How deep lists and objects may nest in each other.
pub const MAX_DEPTH: usize = 64;

pub fn too_deep() -> String {
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
    /// A whole number to which a decimal fraction was rounded.
    Rounded(f64),
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
