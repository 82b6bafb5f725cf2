//! What requests of every protocol may say.

/// Of the id of a user, session, request or entity, and of the name of a segment.
pub const MAX_ID_BYTES: usize = 1024;
/// The priority of a request is from its negative to this.
pub const MAX_PRIORITY: i32 = 100;

/// Whether a text that becomes part of keys has characters some of which take two bytes there.
pub fn has_control_characters(text: &str) -> bool {
    text.chars().any(|character| character.is_ascii_control())
}
