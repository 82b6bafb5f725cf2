//! ONNX Runtime's error messages without the places in its source code.

/// Removes source locations (`/onnxruntime_src/... Function(arguments)`) and the prefix of the API.
pub fn clean(message: &str) -> String {
    let mut rest = message;
    let mut cleaned = String::with_capacity(message.len());
    while let Some(start) = rest.find("/onnxruntime_src/") {
        cleaned.push_str(&rest[..start]);
        rest = after_signature(after_location(&rest[start..]));
    }
    cleaned.push_str(rest);
    let mut words = cleaned.split_whitespace();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        if is_file_and_line(word) {
            // The function follows.
            words.next();
        } else {
            kept.push(word);
        }
    }
    kept.join(" ")
}

/// `element_wise_ops.cc:692`
fn is_file_and_line(word: &str) -> bool {
    word.rsplit_once(':').is_some_and(|(file, line)| {
        (file.ends_with(".cc") || file.ends_with(".h"))
            && !line.is_empty()
            && line.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// What follows `path:line`.
fn after_location(text: &str) -> &str {
    text.find(char::is_whitespace).map_or("", |end| text[end..].trim_start())
}

/// What follows a C++ signature `type name(arguments) [const] `, when one stands at the front.
fn after_signature(text: &str) -> &str {
    let line_end = text.find('\n').unwrap_or(text.len());
    let Some(open) = text[..line_end].find('(') else { return text };
    if !text[..open].contains("::") {
        return text;
    }
    let mut depth = 0usize;
    for (at, character) in text.char_indices().skip_while(|(at, _)| *at < open) {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let rest = text[at + 1..].trim_start();
            return rest.strip_prefix("const ").unwrap_or(rest).trim_start();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn source_locations_are_removed() {
        assert_eq!(
            clean(
                "Non-zero status code returned while running Tile node. Name:'' Status Message: \
                 /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:360 void* \
                 onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate \
                 memory for requested buffer of size 6"
            ),
            "Non-zero status code returned while running Tile node. Name:'' Status Message: Failed to allocate memory \
             for requested buffer of size 6"
        );
        assert_eq!(clean("Protobuf parsing failed."), "Protobuf parsing failed.");
        assert_eq!(clean("at /onnxruntime_src/x.cc:1"), "at");
        assert_eq!(
            clean("Status Message: element_wise_ops.cc:692 Compute Integer division by zero"),
            "Status Message: Integer division by zero"
        );
    }
}
