//! How large a profile may become.

use crate::files::hex;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Of features and outputs together.
pub const MAX_COLUMNS: usize = 1024;
/// Of those the ones of strings, whose sketches are ten times as large as those of numbers.
pub const MAX_STRING_COLUMNS: usize = 256;
/// Of the serialized form: more than so many columns of full sketches take.
pub const MAX_PROFILE_BYTES: usize = 128 << 20;
/// Of the name of a column or of a category.
pub const MAX_NAME_BYTES: usize = 128;
/// How many bytes of the digest stand for the rest of a name that is longer.
const DIGEST_BYTES: usize = 8;

/// A name as it is; of one that is too long its beginning and a digest, so that different names stay different.
pub fn shortened(name: &str) -> Cow<'_, str> {
    if name.len() <= MAX_NAME_BYTES {
        return Cow::Borrowed(name);
    }
    let digest = hex(&Sha256::digest(name)[..DIGEST_BYTES]);
    let mut end = MAX_NAME_BYTES - digest.len() - "…".len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}…{digest}", &name[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_stay_different() {
        let long = |end: char| format!("{}{end}", "ü".repeat(1000));
        let (one, other) = (long('a'), long('b'));
        assert_ne!(shortened(&one), shortened(&other));
        assert!(shortened(&one).len() <= MAX_NAME_BYTES && shortened(&one).starts_with("üü"));
        assert_eq!(shortened("short"), "short");
    }
}
