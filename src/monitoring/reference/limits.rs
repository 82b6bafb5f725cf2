//! How large the parts of a file may be.

use crate::error::{Error, error};

/// Of a row, or of the header.
pub const MAX_ROW_BYTES: usize = 4 << 20;
/// Of a row: cells, or keys.
pub const MAX_FIELDS: usize = 16 << 10;
/// Names of unknown columns that the answer tells.
pub const MAX_IGNORED: usize = 100;
/// Numbers, or bytes of text, that a block of rows holds, but for its last row.
pub const BLOCK_SIZE: usize = 64 << 10;

/// The refusal of a row that is too long. `row` counts from 1; 0 is the header.
pub fn too_long(row: u64) -> Error {
    let what = if row == 0 { "the header".to_owned() } else { format!("row {row}") };
    error!(TooLarge, "{what} has more than {MAX_ROW_BYTES} bytes; is a quote or a bracket never closed?")
}

pub fn too_many_fields(row: u64) -> Error {
    let what = if row == 0 { "the header".to_owned() } else { format!("row {row}") };
    error!(TooLarge, "{what} has more than {MAX_FIELDS} columns")
}

/// A text of the file as it may stand in a message.
pub fn shown(text: &str) -> String {
    const MAX_CHARACTERS: usize = 64;
    let start: String = text.chars().take(MAX_CHARACTERS).collect();
    let rest = if start.len() < text.len() { "..." } else { "" };
    format!("\"{}{rest}\"", start.escape_debug())
}
