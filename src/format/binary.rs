//! Steps through formats whose lists and maps say how long they are. Bodies are hostile: no length is believed before its
//! values are read.

use super::item::{Item, MAX_DEPTH, Number, too_deep};
use std::borrow::Cow;
use std::marker::PhantomData;

pub enum Head<'a> {
    Item(Item<'a>),
    /// A list of as many values, or up to a `Break`.
    List(Option<usize>),
    /// A map of as many pairs, or up to a `Break`.
    Map(Option<usize>),
    Break,
}

/// A format by the heads of its values.
pub trait Heads {
    /// Reads the next value when it is a number.
    fn number(bytes: &mut ByteReader<'_>) -> Result<Option<Number>, String>;

    /// Reads the head of what is no number and, for what is no list and no map, its value.
    fn read<'a>(bytes: &mut ByteReader<'a>) -> Result<Head<'a>, String>;
}

pub struct ByteReader<'a> {
    bytes: &'a [u8],
    pub at: usize,
}

impl<'a> ByteReader<'a> {
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let taken = self.rest().get(..len).ok_or("it ends early")?;
        self.at += len;
        Ok(taken)
    }

    pub fn take_array<const LEN: usize>(&mut self) -> Result<[u8; LEN], String> {
        let taken = self.rest().first_chunk().ok_or("it ends early")?;
        self.at += LEN;
        Ok(*taken)
    }

    pub fn peek(&self) -> Result<u8, String> {
        self.rest().first().copied().ok_or_else(|| "it ends early".to_owned())
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }
}

pub fn text(bytes: Cow<'_, [u8]>) -> Result<Item<'_>, String> {
    let problem = |_| "a text is not UTF-8".to_owned();
    Ok(Item::Text(match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(std::str::from_utf8(bytes).map_err(problem)?),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).map_err(|error| problem(error.utf8_error()))?),
    }))
}

pub struct BinaryItems<'a, H> {
    reader: ByteReader<'a>,
    /// Where the last item begins.
    start: usize,
    open: Vec<Open>,
    heads: PhantomData<H>,
}

/// A list or map that has not ended.
struct Open {
    is_map: bool,
    /// Its names and values.
    len: Option<usize>,
    read: usize,
}

impl<'a, H: Heads> BinaryItems<'a, H> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { reader: ByteReader { bytes, at: 0 }, start: 0, open: Vec::new(), heads: PhantomData }
    }

    pub fn item(&mut self) -> Result<Item<'a>, String> {
        let mut is_name = false;
        if let Some(open) = self.open.last_mut() {
            if open.len == Some(open.read) {
                self.open.pop();
                return Ok(Item::End);
            }
            is_name = open.is_map && open.read.is_multiple_of(2);
            open.read += 1;
        }
        self.start = self.reader.at;
        let number = H::number(&mut self.reader)?;
        match number.map_or_else(|| H::read(&mut self.reader), |number| Ok(Head::Item(Item::Number(number))))? {
            Head::Item(item) if is_name => name(item),
            Head::Item(item) => Ok(item),
            Head::Break => self.end_at_break(),
            Head::List(_) if is_name => name(Item::List),
            Head::Map(_) if is_name => name(Item::Map),
            Head::List(len) => self.begin(false, len),
            Head::Map(None) => self.begin(true, None),
            Head::Map(Some(len)) => self.begin(true, Some(len.checked_mul(2).ok_or("it ends early")?)),
        }
    }

    #[inline]
    pub fn number(&mut self) -> Result<Option<Number>, String> {
        let Some(open) = self.open.last_mut().filter(|open| !open.is_map && open.len != Some(open.read)) else {
            return Ok(None);
        };
        let number = H::number(&mut self.reader)?;
        open.read += usize::from(number.is_some());
        Ok(number)
    }

    pub fn value(&mut self) -> Result<Option<&'a [u8]>, String> {
        let first = self.item()?;
        let start = self.start;
        match first {
            Item::End => return Ok(None),
            Item::List | Item::Map => {
                let depth = self.open.len();
                while self.open.len() >= depth {
                    if self.number()?.is_none() {
                        self.item()?;
                    }
                }
            }
            _ => {}
        }
        Ok(Some(&self.reader.bytes[start..self.reader.at]))
    }

    fn begin(&mut self, is_map: bool, len: Option<usize>) -> Result<Item<'a>, String> {
        if self.open.len() == MAX_DEPTH {
            return Err(too_deep());
        }
        self.open.push(Open { is_map, len, read: 0 });
        Ok(if is_map { Item::Map } else { Item::List })
    }

    fn end_at_break(&mut self) -> Result<Item<'a>, String> {
        // The break itself has been counted.
        match self.open.pop() {
            Some(Open { is_map, len: None, read }) if !is_map || read % 2 == 1 => Ok(Item::End),
            _ => Err("a break stands where nothing can end".to_owned()),
        }
    }
}

fn name(item: Item<'_>) -> Result<Item<'_>, String> {
    match item {
        Item::Text(_) => Ok(item),
        Item::Number(Number::Int(value)) => Ok(Item::Text(Cow::Owned(value.to_string()))),
        Item::Number(Number::UInt(value)) => Ok(Item::Text(Cow::Owned(value.to_string()))),
        other => Err(format!("the keys of a map must be texts or whole numbers, received {}", other.kind())),
    }
}
