//! What callers sent, as it may stand in a message.

use crate::format::Encoded;

const MAX_CHARACTERS: usize = 80;

/// A value as JSON text.
pub fn shown(value: &Encoded) -> String {
    shortened(&value.to_json())
}

/// A name in quotes.
pub fn shown_name(name: &str) -> String {
    shortened(&serde_json::Value::from(name).to_string())
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_CHARACTERS).collect()
}
