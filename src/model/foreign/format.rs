//! A format that is told by the first bytes of a file.

use crate::error::{Error, ErrorCode};

/// A format that is no model that runs here.
#[derive(Debug)]
pub struct Foreign {
    /// Such as `a Python pickle`.
    pub what: &'static str,
    /// What to do instead.
    pub advice: &'static str,
    pub code: ErrorCode,
    pub is: fn(&Head<'_>) -> bool,
}

/// The beginning of a file.
pub struct Head<'a> {
    /// In lower case.
    pub name: String,
    pub bytes: &'a [u8],
}

impl Head<'_> {
    pub fn starts_with_any(&self, beginnings: &[&[u8]]) -> bool {
        beginnings.iter().any(|beginning| self.bytes.starts_with(beginning))
    }

    pub fn has(&self, part: &[u8]) -> bool {
        self.bytes.windows(part.len()).any(|window| window == part)
    }

    pub fn is_named(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.name.ends_with(ending))
    }

    /// Without a byte order mark and white space in front.
    pub fn text(&self) -> &[u8] {
        self.bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(self.bytes).trim_ascii_start()
    }
}

impl Foreign {
    /// The refusal of such a file.
    pub fn refuse(&self, name: &str) -> Error {
        Error::new(
            self.code,
            format!("\"{name}\" is {}, not an ONNX or TensorFlow.js model; {}", self.what, self.advice),
        )
    }
}
