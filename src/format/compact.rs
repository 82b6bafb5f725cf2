//! JSON text without the space between its parts.

/// Well-formed text without space, its numbers digit by digit as they are.
pub fn compact(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find([' ', '\t', '\r', '\n', '"']) {
        made.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = if rest.starts_with('"') { string_length(rest) } else { 0 };
        made.push_str(&rest[..length]);
        rest = &rest[length.max(1)..];
    }
    made.push_str(rest);
    made
}

/// Up to the quote that ends the string.
fn string_length(text: &str) -> usize {
    let mut is_escaped = true;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if !is_escaped => return at + 1,
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_space_between_parts_goes() {
        for (text, compacted) in [
            (" {\"a b\" : [ 1.0 ,\n-0, 9007199254740993 ] }\t", "{\"a b\":[1.0,-0,9007199254740993]}"),
            (r#"  "a \" \\"  "#, r#""a \" \\""#),
            ("[ \"é \" , 1e-400, true ]", "[\"é \",1e-400,true]"),
            ("null", "null"),
        ] {
            assert_eq!(compact(text), compacted);
        }
    }
}
