//! Steps through JSON text that is known to be well-formed.

use super::{Item, Number};
use std::borrow::Cow;

/// A `u64` and, with a sign, an `i64` hold as many digits.
const MAX_EXACT_DIGITS: usize = 18;
/// A float64 holds each integer up to this, and each of these powers.
const MAX_EXACT_INTEGER: u64 = 1 << 53;
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

pub struct JsonItems<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> JsonItems<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The byte with which the next item begins.
    #[inline]
    fn begin(&mut self) -> Result<u8, String> {
        while let Some(&byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b':') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err("it ends early".to_owned())
    }

    /// Goes behind the end of the string that begins here.
    fn skip_string(&mut self) {
        self.at += 1;
        while self.text[self.at] != b'"' {
            self.at += if self.text[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
    }

    /// Goes behind the end of the list or object that begins here.
    fn skip_container(&mut self) {
        let mut depth = 0;
        loop {
            while self.text[self.at..].first_chunk().is_some_and(is_plain) {
                self.at += CHUNK;
            }
            match self.text[self.at] {
                b'"' => {
                    self.skip_string();
                    continue;
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    /// Goes behind the end of the number or word that begins here.
    fn skip_word(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest
            .iter()
            .position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t' | b':'))
            .unwrap_or(rest.len());
    }

    fn string(&mut self) -> Result<Item<'a>, String> {
        let start = self.at;
        self.skip_string();
        let quoted = utf8(&self.text[start..self.at])?;
        let text = &quoted[1..quoted.len() - 1];
        if !text.contains('\\') {
            return Ok(Item::Text(Cow::Borrowed(text)));
        }
        let text = serde_json::from_str(quoted).map_err(|problem| format!("{quoted} is no text: {problem}"))?;
        Ok(Item::Text(Cow::Owned(text)))
    }

    /// Goes behind the digits that stand here. Gives the number of which they are the last, if it is not too long, and their
    /// count.
    #[inline]
    fn take_digits(&mut self, mut number: u64) -> (u64, usize) {
        let start = self.at;
        while let Some(&byte @ b'0'..=b'9') = self.text.get(self.at) {
            number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
            self.at += 1;
        }
        (number, self.at - start)
    }

    #[inline]
    fn read_number(&mut self) -> Result<Number, String> {
        let start = self.at;
        let is_negative = self.text[start] == b'-';
        self.at += usize::from(is_negative);
        let (mut mantissa, whole) = self.take_digits(0);
        let mut decimals = 0;
        let is_fraction = self.text.get(self.at) == Some(&b'.');
        if is_fraction {
            self.at += 1;
            (mantissa, decimals) = self.take_digits(mantissa);
        }
        let digits = whole + decimals;
        let has_exponent = matches!(self.text.get(self.at), Some(b'e' | b'E'));
        let is_exact = digits <= MAX_EXACT_DIGITS && !has_exponent;
        if is_exact && !is_fraction && (!is_negative || mantissa != 0) {
            return Ok(if is_negative { Number::Int(-(mantissa as i64)) } else { Number::UInt(mantissa) });
        }
        if is_exact && mantissa <= MAX_EXACT_INTEGER && decimals < POWERS_OF_TEN.len() {
            // Both are exact, so their quotient is rounded once.
            let value = mantissa as f64 / POWERS_OF_TEN[decimals];
            return Ok(Number::Float(if is_negative { -value } else { value }));
        }
        self.skip_word();
        let text = utf8(&self.text[start..self.at])?;
        if !is_fraction && !has_exponent {
            if let Ok(value) = text.parse() {
                return Ok(Number::UInt(value));
            }
            if let Ok(value) = text.parse() {
                return Ok(Number::Int(value));
            }
        }
        match text.parse() {
            Ok(value) if f64::is_finite(value) => Ok(Number::Float(value)),
            _ => Err(format!("{} does not fit float64", text.chars().take(40).collect::<String>())),
        }
    }
}

const CHUNK: usize = 16;

/// Whether text has neither brackets nor quotes. It may say no where numbers have exponents. Written so that it takes few
/// instructions for a whole chunk.
fn is_plain(chunk: &[u8; CHUNK]) -> bool {
    !chunk.iter().fold(false, |found, &byte| found | (byte >= b'@') | (byte == b'"'))
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|problem| problem.to_string())
}

impl<'a> JsonItems<'a> {
    pub fn next(&mut self) -> Result<Item<'a>, String> {
        let (item, len) = match self.begin()? {
            b'"' => return self.string(),
            b'[' => (Item::List, 1),
            b'{' => (Item::Map, 1),
            b']' | b'}' => (Item::End, 1),
            b'n' => (Item::Null, 4),
            b't' => (Item::Bool(true), 4),
            b'f' => (Item::Bool(false), 5),
            _ => return self.read_number().map(Item::Number),
        };
        self.at += len;
        Ok(item)
    }

    #[inline]
    pub fn number(&mut self) -> Result<Option<Number>, String> {
        match self.begin()? {
            b'0'..=b'9' | b'-' => self.read_number().map(Some),
            _ => Ok(None),
        }
    }

    pub fn value(&mut self) -> Result<Option<&'a [u8]>, String> {
        let first = self.begin()?;
        let start = self.at;
        match first {
            b']' | b'}' => {
                self.at += 1;
                return Ok(None);
            }
            b'"' => self.skip_string(),
            b'[' | b'{' => self.skip_container(),
            _ => self.skip_word(),
        }
        Ok(Some(&self.text[start..self.at]))
    }
}
