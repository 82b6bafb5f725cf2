//! Steps through JSON text that is known to be well-formed.

use super::decimal::{MAX_DIGITS, POWERS_OF_TEN, decimal, whole_or_not};
use super::item::{Item, MAX_DEPTH, Number, too_deep};
use std::borrow::Cow;

pub struct JsonItems<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> JsonItems<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    pub fn item(&mut self) -> Result<Item<'a>, String> {
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
            while let Some(brackets) = self.text[self.at..].first_chunk().and_then(brackets_in) {
                if brackets.closing >= depth {
                    break;
                }
                depth = depth + brackets.opening - brackets.closing;
                self.at += CHUNK;
            }
            // A string or the end may be here.
            let chunk_end = self.at + CHUNK;
            while self.at < chunk_end {
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
        let (mut mantissa, digits) = self.take_digits(0);
        // A zero before the point is no digit of the mantissa.
        let mut significant = if digits == 1 && mantissa == 0 { 0 } else { digits };
        let mut decimals = 0;
        let is_fraction = self.text.get(self.at) == Some(&b'.');
        if is_fraction {
            self.at += 1;
            (mantissa, decimals) = self.take_digits(mantissa);
            significant += decimals;
        }
        let has_exponent = matches!(self.text.get(self.at), Some(b'e' | b'E'));
        if !is_fraction && !has_exponent && significant < MAX_DIGITS && (!is_negative || mantissa != 0) {
            return Ok(if is_negative { Number::Int(-(mantissa as i64)) } else { Number::UInt(mantissa) });
        }
        if !has_exponent && significant <= MAX_DIGITS && (is_fraction || significant == 0) {
            return Ok(decimal(is_negative, mantissa, POWERS_OF_TEN[decimals]));
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
            Ok(value) if f64::is_finite(value) => Ok(whole_or_not(text, value)),
            _ => Err(format!("{} does not fit float64", text.chars().take(40).collect::<String>())),
        }
    }
}

/// Refuses well-formed JSON text that nests too deep, in one pass.
pub fn check_depth(text: &[u8]) -> Result<(), String> {
    // A shallow text need not be looked at closely.
    if text.len() <= 2 * MAX_DEPTH {
        return Ok(());
    }
    let mut items = JsonItems::new(text);
    let mut depth: usize = 0;
    while items.at < text.len() {
        let word = text[items.at..].first_chunk();
        if word.is_some_and(|word| !may_nest(u64::from_le_bytes(*word))) {
            items.at += WORD;
            continue;
        }
        let word_end = text.len().min(items.at + WORD);
        while items.at < word_end {
            match text[items.at] {
                b'"' => {
                    items.skip_string();
                    continue;
                }
                b'[' | b'{' if depth == MAX_DEPTH => return Err(too_deep()),
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            items.at += 1;
        }
    }
    Ok(())
}

const WORD: usize = size_of::<u64>();

/// Whether one of eight bytes is a bracket, a brace or a quote.
fn may_nest(word: u64) -> bool {
    const EACH: u64 = u64::from_le_bytes([1; WORD]);
    // A brace differs from a bracket by one bit.
    const UPPER: u64 = EACH * 0xDF;
    // A byte that is zero borrows from its highest bit.
    let has_zero = |bytes: u64| bytes.wrapping_sub(EACH) & !bytes & (EACH << 7) != 0;
    let upper = word & UPPER;
    has_zero(upper ^ (EACH * u64::from(b'[')))
        | has_zero(upper ^ (EACH * u64::from(b']')))
        | has_zero(word ^ (EACH * u64::from(b'"')))
}

/// Bytes that are looked at together, in few instructions for all of them.
const CHUNK: usize = 16;

struct Brackets {
    opening: usize,
    closing: usize,
}

/// The brackets in text without quotes; `None` when it has any.
fn brackets_in(chunk: &[u8; CHUNK]) -> Option<Brackets> {
    const UPPER: u8 = !0x20;
    // A brace differs from a bracket by one bit.
    let count = |bracket: u8| chunk.iter().map(|byte| u8::from(byte & UPPER == bracket)).sum::<u8>().into();
    let has_quotes = chunk.iter().fold(false, |found, &byte| found | (byte == b'"'));
    (!has_quotes).then(|| Brackets { opening: count(b'['), closing: count(b']') })
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|problem| problem.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::{Encoded, Format};
    use super::*;
    use bytes::Bytes;

    #[track_caller]
    fn is_read_as_serde_does(text: &str) {
        let expected: serde_json::Number = serde_json::from_str(text).unwrap();
        let read = JsonItems::new(text.as_bytes()).number().unwrap();
        let is_decimal = text.contains(['.', 'e', 'E']);
        match read.unwrap() {
            Number::UInt(value) if is_decimal => assert_eq!(expected.as_f64(), Some(value as f64), "{text}"),
            Number::Int(value) if is_decimal => assert_eq!(expected.as_f64(), Some(value as f64), "{text}"),
            Number::UInt(value) => assert_eq!(expected.as_u64(), Some(value), "{text}"),
            Number::Int(value) => assert_eq!(expected.as_i64(), Some(value), "{text}"),
            Number::Float(value) | Number::Rounded(value) => {
                assert!(expected.is_f64(), "{text}");
                assert_eq!(expected.as_f64().unwrap().to_bits(), value.to_bits(), "{text}");
            }
        }
    }

    const NUMBERS: &[&str] = &[
        "0",
        "-0",
        "0.0",
        "-0.0",
        "-1",
        "1e0",
        "1E+2",
        "-1.5e-7",
        "0.1",
        "0.30000000000000004",
        "9007199254740993",
        "9007199254740993.0",
        "0.9007199254740993",
        "123456789012345678",
        "1234567890123456789",
        "-1234567890123456789",
        "9223372036854775807",
        "-9223372036854775808",
        "-9223372036854775809",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "36893488147419103232",
        "36893488147419103232.5",
        "0.0039215688593685627",
        "0.9999999999999999999",
        "9999999999999999999",
        "9.999999999999999999",
        "340282346638528859811704183484516925440",
        "5e-324",
        "2.4e-324",
        "1.7976931348623157e308",
        "0.000000000000000000000000000001",
        "0.00000000000000001",
        "10000000000000000.00",
        "179769313486231570000000000000000000000000000000000000000000000000000000000.5",
    ];

    #[test]
    fn numbers_are_exact() {
        for text in NUMBERS {
            is_read_as_serde_does(text);
        }
        let mut bits: u64 = 1;
        for round in 0..200_000 {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            match round % 5 {
                0 => is_read_as_serde_does(&format!(
                    "{}.{}",
                    bits % 1000,
                    (bits >> 10) % 10_u64.pow(1 + (bits >> 60) as u32)
                )),
                1 => is_read_as_serde_does(&format!("-0.{:017}", bits % 100_000_000_000_000_000)),
                2 => is_read_as_serde_does(&(bits as i64 >> (bits % 64)).to_string()),
                3 => is_read_as_serde_does(&f64::from((bits >> 40) as f32 / 16_777_216.0).to_string()),
                _ => {
                    let float = f64::from_bits(bits);
                    if float.is_finite() {
                        is_read_as_serde_does(ryu::Buffer::new().format_finite(float));
                    }
                }
            }
        }
        assert!(JsonItems::new(b"1e999").number().unwrap_err().contains("1e999 does not fit"));
    }

    #[test]
    fn whole_numbers_have_all_their_digits_and_fractions_are_none() {
        let read = |text: &str| JsonItems::new(text.as_bytes()).number().unwrap().unwrap();
        for (text, expected) in [
            ("9007199254740993.0", Number::UInt(9_007_199_254_740_993)),
            ("-9007199254740993.00", Number::Int(-9_007_199_254_740_993)),
            ("1e3", Number::UInt(1000)),
            ("1.5E+1", Number::UInt(15)),
            ("90071992547409930e-1", Number::UInt(9_007_199_254_740_993)),
            ("-9223372036854775808.0", Number::Int(i64::MIN)),
            ("18446744073709551615.000000000000000000", Number::UInt(u64::MAX)),
            ("0.0000000000000000000001e22", Number::UInt(1)),
            ("2.0", Number::UInt(2)),
            ("0.0", Number::Float(0.0)),
            ("0e99", Number::Float(0.0)),
            ("1.00000000000000001", Number::Rounded(1.0)),
            ("9007199254740992.5", Number::Rounded(9_007_199_254_740_992.0)),
            ("1.000000000000000000000000000001", Number::Rounded(1.0)),
            ("1e-999999999999999999999", Number::Rounded(0.0)),
            ("18446744073709551616.0", Number::Float(18_446_744_073_709_551_616.0)),
            ("1e300", Number::Float(1e300)),
            ("1.5", Number::Float(1.5)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        for text in ["-0", "-0.0", "-0e5", "-0.000000000000000000000000"] {
            assert!(matches!(read(text), Number::Float(zero) if zero == 0.0 && zero.is_sign_negative()), "{text}");
        }
    }

    #[test]
    fn values_are_found_whatever_stands_in_them() {
        let parts = [
            r#""a\"]}\\""#,
            r#"[[1,2 , 3], ["]", {"}":"["}], 1.5e+10, true , null]"#,
            "12345678901234567890123456789012345678901234567890",
            r#"{"long": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx[{", "b": [[],{}], "\u0041": false}"#,
            "-1.5",
            "[]",
        ];
        let text = format!(" {{ \"\\u0078\" : [ {} ] }} ", parts.join(" ,\n"));
        let body = Encoded::parse(Format::Json, Bytes::from(text)).unwrap();
        let fields = body.fields().unwrap();
        assert_eq!((fields.len(), fields[0].0.as_str()), (1, "x"));
        let values = fields[0].1.list().unwrap();
        assert_eq!(values.iter().map(Encoded::to_json).collect::<Vec<_>>(), parts);
        assert_eq!(
            values[3].fields().unwrap().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["long", "b", "A"]
        );
    }
}
