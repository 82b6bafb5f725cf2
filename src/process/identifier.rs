//! Names of models and versions, and the names that people misspell.

use crate::error::{Result, error};

pub const MAX_IDENTIFIER_BYTES: usize = 128;

/// Checks a model's name or version: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`. Such a name needs no escaping in a URL, a file name
/// or a compound key.
///
/// # Errors
/// `INVALID_REQUEST` that names the field.
pub fn check_identifier(field: &str, value: &str) -> Result<()> {
    let mut bytes = value.bytes();
    let valid = bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        && value.len() <= MAX_IDENTIFIER_BYTES;
    if valid {
        return Ok(());
    }
    let shown: String = value.chars().take(40).collect();
    Err(error!(
        InvalidRequest,
        "{field} must start with a letter or digit and have at most {MAX_IDENTIFIER_BYTES} letters, digits, '.', '_' or '-', \
         received \"{}\"{}",
        shown.escape_default(),
        if shown.len() < value.len() { " and more" } else { "" }
    ))
}

/// Below this similarity a suggestion would be a guess.
const MIN_SIMILARITY: f64 = 0.75;
/// Comparing is quadratic in the length, and the name is hostile.
const MAX_COMPARED_CHARS: usize = 64;

/// The known name that a misspelt one most resembles, if one does.
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: String = name.chars().take(MAX_COMPARED_CHARS).collect::<String>().to_lowercase();
    known
        .into_iter()
        .map(|candidate| (candidate, strsim::jaro_winkler(&candidate.to_lowercase(), &name)))
        .filter(|(_, similarity)| *similarity > MIN_SIMILARITY)
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(candidate, _)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn identifiers_are_plain_names() {
        let longest = "a".repeat(128);
        for valid in ["a", "9", "v1.0.0", "my-model_2", "A.b", longest.as_str()] {
            assert_eq!(check_identifier("modelId", valid), Ok(()), "{valid}");
        }
        let too_long = "a".repeat(129);
        for invalid in
            ["", ".a", "-a", "_a", "a b", "a/b", "a|b", "a:b", "ä", "aé", "a\n", "a\0", "%2F", too_long.as_str()]
        {
            let problem = check_identifier("version", invalid).unwrap_err();
            assert_eq!(problem.code, ErrorCode::InvalidRequest);
            assert!(problem.message.starts_with("version must"), "{problem}");
            assert!(problem.message.len() < 300 && !problem.message.contains(['\n', '\0']), "{problem}");
        }
    }

    #[test]
    fn a_misspelt_name_finds_its_neighbour() {
        let known = ["modelId", "version", "startTime", "endTime", "limit", "cursor"];
        assert_eq!(nearest_name("modelid", known), Some("modelId"));
        assert_eq!(nearest_name("model", known), Some("modelId"));
        assert_eq!(nearest_name("starttime", known), Some("startTime"));
        assert_eq!(nearest_name("limits", known), Some("limit"));
        assert_eq!(nearest_name("zzz", known), None);
        assert_eq!(nearest_name("", known), None);
        assert_eq!(nearest_name(&"modelId".repeat(100_000), known), Some("modelId"));
    }
}
