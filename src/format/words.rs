//! Words for numbers that JSON does not have.

/// The words that Python and JavaScript write for numbers that JSON does not have.
const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// Where such words stand outside of strings, in text that may be malformed.
fn words_in(text: &[u8]) -> impl Iterator<Item = (usize, &'static str)> {
    let mut at = 0;
    let mut is_in_string = false;
    std::iter::from_fn(move || {
        while let Some(&byte) = text.get(at) {
            let start = at;
            at += 1;
            match byte {
                b'"' => is_in_string = !is_in_string,
                b'\\' if is_in_string => at += 1,
                b'N' | b'I' | b'-' if !is_in_string => {
                    if let Some(word) = WORDS.into_iter().find(|word| text[start..].starts_with(word.as_bytes())) {
                        at = start + word.len();
                        return Some((start, word));
                    }
                }
                _ => {}
            }
        }
        None
    })
}

/// What to send instead of the first of these words.
pub fn advice(text: &[u8]) -> Option<String> {
    let (_, word) = words_in(text).next()?;
    let missing = if word == "NaN" { "null or " } else { "" };
    Some(format!("JSON has no {word}; send {missing}the string \"{word}\""))
}

/// The text with what numbers are read from in the place of these words; `None` without them.
pub fn without_words(text: &[u8]) -> Option<Vec<u8>> {
    let mut made = Vec::new();
    let mut copied = 0;
    for (at, word) in words_in(text) {
        made.extend_from_slice(&text[copied..at]);
        // Unlike a string, null is no text of a model that takes texts.
        made.extend_from_slice(if word == "NaN" { "null".to_owned() } else { format!("\"{word}\"") }.as_bytes());
        copied = at + word.len();
    }
    made.extend_from_slice(&text[copied..]);
    (copied > 0).then_some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_numbers_are_found_outside_of_strings() {
        let text = br#"{"NaN":[NaN,-Infinity,"a\\",Infinity,"\"NaN"]}"#;
        let expected = br#"{"NaN":[null,"-Infinity","a\\","Infinity","\"NaN"]}"#;
        assert_eq!(without_words(text).as_deref(), Some(&expected[..]));
        assert_eq!(advice(text).unwrap(), "JSON has no NaN; send null or the string \"NaN\"");
        assert_eq!(without_words(br#"["NaN", -1]"#), None);
        assert_eq!(advice(b"\"\\"), None);
    }
}
