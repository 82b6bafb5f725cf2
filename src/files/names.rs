//! The names of a model's files, which are part of its identity.

use super::model_file::ModelFile;
use crate::error::{Result, error};
use std::collections::HashSet;

/// Refuses names that would let two different sets of files pass for one: those that occur twice, and those with control
/// characters. The name of an only file is not part of its identity.
///
/// # Errors
/// `INVALID_MODEL`.
pub fn check(files: &[ModelFile]) -> Result<()> {
    if files.len() < 2 {
        return Ok(());
    }
    let mut seen = HashSet::new();
    for ModelFile { name, .. } in files {
        if name.chars().any(char::is_control) {
            return Err(error!(InvalidModel, "the name of a file has no control characters, received {name:?}"));
        }
        if !seen.insert(name) {
            return Err(error!(InvalidModel, "two files are named \"{name}\"; each needs a name of its own"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::files::{Content, digest_files, identify};

    fn file(name: &str, content: &'static str) -> ModelFile {
        ModelFile { name: name.to_owned(), content: Content::Memory(content.into()) }
    }

    fn refusal(files: &[ModelFile]) -> Option<ErrorCode> {
        identify(files).err().map(|problem| problem.code)
    }

    #[test]
    fn a_name_occurs_once() {
        let twice = [file("a", "1"), file("a", "2")];
        let reversed = [file("a", "2"), file("a", "1")];
        // Of two files of one name the first would be loaded, whatever the digest says.
        assert_eq!(digest_files(&twice).unwrap().0, digest_files(&reversed).unwrap().0);
        assert_eq!(refusal(&twice), Some(ErrorCode::InvalidModel));
        assert_eq!(refusal(&[file("a", "1"), file("A", "2")]), None);
    }

    #[test]
    fn a_name_cannot_pass_for_another_file() {
        let plain = [file("a", "1"), file("b", "2")];
        let (_, digests) = digest_files(&plain).unwrap();
        let forged = format!("a\0{}\0{}\nb", digests[0].size, digests[0].digest);
        let forged = [file(&forged, "2"), file("c", "3")];
        let three = [file("a", "1"), file("b", "2"), file("c", "3")];
        assert_eq!(digest_files(&forged).unwrap().0, digest_files(&three).unwrap().0);
        assert_eq!(refusal(&forged), Some(ErrorCode::InvalidModel));
        assert_eq!(refusal(&three), None);
    }

    #[test]
    fn control_characters_are_refused() {
        for name in ["a\0", "a\nb", "\r", "\u{7f}", "\u{85}"] {
            assert_eq!(refusal(&[file(name, "1"), file("b", "2")]), Some(ErrorCode::InvalidModel), "{name:?}");
        }
        assert_eq!(refusal(&[file("größe 1/ä.bin", "1"), file("b", "2")]), None);
    }
}
