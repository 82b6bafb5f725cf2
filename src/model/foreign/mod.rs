//! Files that are no model that runs here: what they are by their first bytes, and how to make such a model of them.

mod format;
mod formats;
mod structure;

use crate::error::{Error, ErrorCode};
pub use format::Foreign;
use format::Head;
use formats::FORMATS;

/// How many bytes of a file are looked at; with fewer, less is recognized.
pub const HEAD_BYTES: usize = 1024;

/// The format of a file; `None` when it may be a model, or a part of one. What is said of a file that only happens to begin that
/// way, such as weights, has a chance of one in billions.
pub fn recognize(name: &str, bytes: &[u8]) -> Option<&'static Foreign> {
    let head = Head { name: name.to_ascii_lowercase(), bytes: &bytes[..bytes.len().min(HEAD_BYTES)] };
    FORMATS.iter().find(|format| (format.is)(&head))
}

/// Why bytes are no ONNX model, as far as they tell: that they are no protobuf is known.
pub fn unreadable(name: &str, bytes: &[u8]) -> Error {
    let problem = if bytes.is_empty() {
        "the file is empty".to_owned()
    } else if let Some(missing) = structure::missing_at_end(bytes) {
        format!("the file ends {missing} bytes too early, as after an upload or a download that broke off")
    } else if structure::is_text(&bytes[..bytes.len().min(HEAD_BYTES)]) {
        "the file is text".to_owned()
    } else {
        "its protobuf cannot be read".to_owned()
    };
    Error::new(ErrorCode::InvalidModel, format!("\"{name}\" is not an ONNX model: {problem}"))
}

#[cfg(test)]
mod tests;
