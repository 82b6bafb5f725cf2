//! ONNX Runtime's error messages without the places in its source code.

use std::path::Path;

/// Removes source locations (`/onnxruntime_src/... Function(arguments)`), the prefix of the API, and what CUDA's provider says of
/// the machine.
pub fn clean(message: &str) -> String {
    let message = without_machine(message);
    let mut rest = message.as_str();
    let mut cleaned = String::with_capacity(message.len());
    while let Some(start) = rest.find("/onnxruntime_src/") {
        cleaned.push_str(&rest[..start]);
        rest = after_signature(after_location(&rest[start..]));
    }
    cleaned.push_str(rest);
    let mut kept = Vec::new();
    let mut rest = cleaned.trim_start();
    while !rest.is_empty() {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        rest = after.trim_start();
        if is_file_and_line(word) {
            // The function follows, with its signature or without.
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            rest = Some(after_signature(rest)).filter(|after| *after != rest).unwrap_or(rest[end..].trim_start());
        } else {
            kept.push(word);
        }
    }
    kept.join(" ")
}

/// What is said of a model that is newer than the library.
pub fn too_new(message: &str) -> Option<String> {
    let between = |start: &str, end: &str| {
        let (_, rest) = message.split_once(start)?;
        Some(rest.split(end).next().unwrap_or(rest).trim())
    };
    if let Some(found) = between("Unsupported model IR version: ", ",") {
        let newest = between("max supported IR version: ", " ")?;
        return Some(format!(
            "the model has IR version {found}, ONNX Runtime here reads up to {newest}; export it with an older release of the \
             exporter, or save it again with `model.ir_version = {newest}`"
        ));
    }
    let found = between("Opset ", " is under development")?;
    let domain = between("Current official support for domain ", " ")?;
    let newest = between(" is till opset ", ".")?;
    Some(format!(
        "the model uses operator set {found} of {domain}, ONNX Runtime here knows it up to {newest}; export it with \
         `opset_version={newest}` or lower, or convert it with `onnx.version_converter`"
    ))
}

/// ` ; GPU=0 ; hostname=box ; file=a.cc ; line=1 ; expr=call(); ` stands behind the failure of a call of CUDA, cuBLAS or cuDNN.
fn without_machine(message: &str) -> String {
    let mut cleaned = message.to_owned();
    while let Some(start) = cleaned.find("GPU=").filter(|start| cleaned[*start..].contains("hostname=")) {
        let end = cleaned[start..].find("expr=").map_or(start, |at| start + at);
        // The call ends its line.
        let end = cleaned[end..].find('\n').map_or(cleaned.len(), |at| end + at);
        let kept = cleaned[..start].trim_end_matches([' ', ';']).len();
        cleaned.replace_range(kept..end, "");
    }
    cleaned
}

/// Whether a failure says that there is no memory left, of a device or within `maxRunBytes`: another time there may be.
pub fn is_lack_of_memory(message: &str) -> bool {
    const SIGNS: [&str; 5] =
        ["out of memory", "allocate", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED", "Available memory of"];
    SIGNS.iter().any(|sign| message.contains(sign))
}

/// Cleans the reason of a failure that is about files of this machine, and leaves only their names. `known` is a folder whose
/// name may have spaces; of others only the words without are found.
pub fn without_folders(message: &str, known: &Path) -> String {
    let known = known.to_string_lossy();
    let own = known.trim_end_matches(['/', '\\']);
    let message = if own.is_empty() { message.to_owned() } else { message.replace(own, "") };
    let cleaned = clean(&message);
    // `[ONNXRuntimeError] : 1 : FAIL : ` stands before what a provider's own library says.
    let reason = cleaned.strip_prefix("[ONNXRuntimeError] : ").and_then(|rest| rest.splitn(3, " : ").nth(2));
    let words: Vec<String> = reason.unwrap_or(&cleaned).split(' ').map(without_folder).collect();
    words.join(" ")
}

/// `"/usr/lib/libcuda.so:` -> `"libcuda.so:`
fn without_folder(word: &str) -> String {
    let (Some(first), Some(last)) = (word.find(['/', '\\']), word.rfind(['/', '\\'])) else { return word.to_owned() };
    let before = &word[..first];
    let drive =
        before.strip_suffix(':').and_then(|rest| rest.strip_suffix(|letter: char| letter.is_ascii_alphabetic()));
    let before = drive.unwrap_or(before);
    // `and/or` is no path.
    if before.ends_with(char::is_alphanumeric) { word.to_owned() } else { format!("{before}{}", &word[last + 1..]) }
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

/// What follows a C++ signature `type name(arguments) [const] [with ...] `, when one stands at the front.
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
            return after_template(rest.strip_prefix("const ").unwrap_or(rest).trim_start());
        }
    }
    text
}

/// What follows `[with T = type]`, when it stands at the front.
fn after_template(text: &str) -> &str {
    let mut depth = 0usize;
    for (at, character) in text.char_indices().take_while(|_| text.starts_with("[with ")) {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text[at + 1..].trim_start();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{clean, is_lack_of_memory, too_new, without_folders};
    use std::path::Path;

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
        assert_eq!(
            clean(
                "Exception: /build/core/basic_backend.cc:136 ep::Backend::Backend(std::unique_ptr<onnx::Model>&, \
                 ep::Context&) /build/core/interface.cc:28 auto ep::Boundary(Func&&, Args&& ...) [with bool typed = \
                 false; Args = {const std::allocator<char> [2]}] [EP] no\nrank"
            ),
            "Exception: [EP] no rank"
        );
    }

    #[test]
    fn what_is_too_new_is_told_with_both_numbers() {
        let ir = too_new("Unsupported model IR version: 99, max supported IR version: 13").unwrap();
        assert!(ir.contains("version 99") && ir.contains("up to 13;"), "{ir}");
        let opset = too_new(
            "ONNX Runtime only *guarantees* support for models stamped with official released onnx opset versions. Opset 99 is \
             under development and support for this is limited. Current official support for domain ai.onnx is till opset 26.",
        );
        let opset = opset.unwrap();
        assert!(opset.contains("set 99 of ai.onnx") && opset.contains("up to 26;"), "{opset}");
        assert_eq!(too_new("Protobuf parsing failed."), None);
    }

    #[test]
    fn what_cuda_says_of_the_machine_is_removed() {
        let message = "Non-zero status code returned while running Conv node. Status Message: CUDNN failure 2: \
             CUDNN_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=box-17 ; \
             file=/onnxruntime_src/onnxruntime/core/providers/cuda/nn/conv.cc ; line=541 ; \
             expr=cudnnConvolutionForward(handle, &alpha, s_.x_tensor); ";
        assert_eq!(
            clean(message),
            "Non-zero status code returned while running Conv node. Status Message: CUDNN failure 2: \
             CUDNN_STATUS_ALLOC_FAILED"
        );
        assert!(is_lack_of_memory(message));
        assert!(is_lack_of_memory("Available memory of 536867840 is smaller than requested bytes of 536870912"));
        let two = "CUDA failure 2: out of memory ; GPU=1 ; hostname=a ; file=b.cc ; line=1 ; expr=f(x); \nCUDA failure \
                   700: an illegal access ; GPU=1 ; hostname=a ; file=c.cc ; line=2 ; expr=g(); ";
        assert_eq!(clean(two), "CUDA failure 2: out of memory CUDA failure 700: an illegal access");
        assert_eq!(clean("an input GPU=fast is unknown"), "an input GPU=fast is unknown");
        assert!(!is_lack_of_memory("CUDA failure 100: no CUDA-capable device is detected"));
    }

    #[test]
    fn files_keep_their_names_and_nothing_else() {
        assert_eq!(
            without_folders(
                "[ONNXRuntimeError] : 1 : FAIL : Failed to load library /opt/my own/a/libproviders.so with error: \
                 \"/usr/lib/libcuda.so.1\": no such file and/or folder",
                Path::new("/opt/my own"),
            ),
            "Failed to load library libproviders.so with error: \"libcuda.so.1\": no such file and/or folder"
        );
        assert_eq!(
            without_folders("Error 126 at \"C:\\Program\\cuda.dll\"", Path::new("")),
            "Error 126 at \"cuda.dll\""
        );
    }
}
