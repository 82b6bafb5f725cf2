//! Steps through JSON text that is known to be well-formed.

use super::{Item, Items};
use std::borrow::Cow;

pub struct JsonItems<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> JsonItems<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The byte with which the next item begins.
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

    fn number(&mut self) -> Result<Item<'a>, String> {
        let start = self.at;
        self.skip_word();
        let text = utf8(&self.text[start..self.at])?;
        if !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) && text != "-0" {
            if let Ok(value) = text.parse() {
                return Ok(Item::UInt(value));
            }
            if let Ok(value) = text.parse() {
                return Ok(Item::Int(value));
            }
        }
        match text.parse() {
            Ok(value) if f64::is_finite(value) => Ok(Item::Float(value)),
            _ => Err(format!("{} does not fit float64", text.chars().take(40).collect::<String>())),
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|problem| problem.to_string())
}

impl<'a> Items<'a> for JsonItems<'a> {
    fn next(&mut self) -> Result<Item<'a>, String> {
        let (item, len) = match self.begin()? {
            b'"' => return self.string(),
            b'[' => (Item::List, 1),
            b'{' => (Item::Map, 1),
            b']' | b'}' => (Item::End, 1),
            b'n' => (Item::Null, 4),
            b't' => (Item::Bool(true), 4),
            b'f' => (Item::Bool(false), 5),
            _ => return self.number(),
        };
        self.at += len;
        Ok(item)
    }

    fn value(&mut self) -> Result<Option<&'a [u8]>, String> {
        let first = self.begin()?;
        let start = self.at;
        match first {
            b']' | b'}' => {
                self.at += 1;
                return Ok(None);
            }
            b'"' => self.skip_string(),
            b'[' | b'{' => {
                let mut depth = 0;
                loop {
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
                        break;
                    }
                }
            }
            _ => self.skip_word(),
        }
        Ok(Some(&self.text[start..self.at]))
    }
}
