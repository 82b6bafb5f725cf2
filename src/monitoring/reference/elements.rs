//! The elements of a JSON list that comes in pieces.

use super::limits::{MAX_ROW_BYTES, too_long};
use crate::error::{Error, Result, error};

/// Cuts `[{...}, {...}]` into its elements. Whether each is JSON is for who reads it.
#[derive(Default)]
pub struct ListElements {
    state: State,
    /// The element so far.
    element: Vec<u8>,
    depth: usize,
    is_text: bool,
    is_escaped: bool,
    /// How many elements have ended.
    ended: u64,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    /// An element or, at the start of the list, its end.
    First,
    Next,
    Within,
    /// A comma or the end.
    Behind,
    Ended,
}

impl ListElements {
    /// # Errors
    /// `INVALID_JSON` for what is no list, `TOO_LARGE` for an element that is too long, and what `each` answers.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut start = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if self.state == State::Within {
                if self.ends_at(byte) {
                    self.extend(&bytes[start..=at])?;
                    self.state = State::Behind;
                    self.ended += 1;
                    each(&self.element)?;
                    self.element.clear();
                }
                continue;
            }
            self.state = match (self.state, byte) {
                (state, b' ' | b'\n' | b'\r' | b'\t') => state,
                (State::Start, b'[') => State::First,
                (State::First, b']') | (State::Behind, b']') => State::Ended,
                (State::Behind, b',') => State::Next,
                (State::First | State::Next, b'{' | b'[') => {
                    start = at;
                    self.depth = 1;
                    State::Within
                }
                _ => return Err(no_list()),
            };
        }
        if self.state == State::Within {
            self.extend(&bytes[start..])?;
        }
        Ok(())
    }

    /// # Errors
    /// `INVALID_JSON` for a list that has not ended.
    pub fn finish(&self) -> Result<()> {
        if self.state == State::Ended { Ok(()) } else { Err(no_list()) }
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<()> {
        if self.element.len() + bytes.len() > MAX_ROW_BYTES {
            return Err(too_long(self.ended + 1));
        }
        self.element.extend_from_slice(bytes);
        Ok(())
    }

    /// Whether a byte of an element is its last one.
    fn ends_at(&mut self, byte: u8) -> bool {
        if self.is_text {
            if self.is_escaped {
                self.is_escaped = false;
            } else if byte == b'\\' {
                self.is_escaped = true;
            } else if byte == b'"' {
                self.is_text = false;
            }
            return false;
        }
        match byte {
            b'"' => self.is_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        self.depth == 0
    }
}

fn no_list() -> Error {
    error!(InvalidJson, "the body must be a JSON list of objects, or of lists")
}
