//! The formats that are told apart, one row each.

use super::format::{Foreign, Head};
use super::structure::{field, first_zip_entry, is_name};
use crate::error::ErrorCode;

const fn row(what: &'static str, advice: &'static str, is: fn(&Head<'_>) -> bool) -> Foreign {
    Foreign { what, advice, code: ErrorCode::InvalidModel, is }
}

const FROM_PYTORCH: &str =
    "load it in Python and export it, for example `torch.onnx.export(model.eval(), (x,), \"model.onnx\", dynamo=True)`";
const FROM_XGBOOST: &str = "load it in Python and convert it with `onnxmltools.convert_xgboost`";
const FROM_TENSORFLOW: &str = "convert it with `python -m tf2onnx.convert` (`--saved-model DIR`, `--graphdef FILE` with `--inputs` and \
                               `--outputs`, or `--tflite FILE`, and `--output model.onnx`)";
const DOWNLOAD_AGAIN: &str =
    "download the file itself; such a page is what a link gives that needs a login, or that shows the file";

pub static FORMATS: &[Foreign] = &[
    row("a Git LFS pointer", "run `git lfs pull` and upload the file that it stands for", |head| {
        head.text().starts_with(b"version https://git-lfs.github.com/spec/")
    }),
    row("an HTML page", DOWNLOAD_AGAIN, |head| {
        let begins =
            |tag: &str| head.text().get(..tag.len()).is_some_and(|text| text.eq_ignore_ascii_case(tag.as_bytes()));
        ["<!doctype html", "<html", "<head", "<body"].into_iter().any(begins)
    }),
    row("XML", "export the model as ONNX with the program that made it", |head| head.text().starts_with(b"<?xml")),
    row(
        "text in UTF-16",
        "save it as it was written; PowerShell's `>` makes text of what a program gives, `curl --output` does not",
        is_utf_16,
    ),
    row("a PyTorch file", FROM_PYTORCH, is_pytorch),
    row(
        "a Python pickle",
        "load it where it was made and convert it: scikit-learn with `skl2onnx.to_onnx(model, X[:1])`, XGBoost and LightGBM with \
         `onnxmltools`, PyTorch with `torch.onnx.export`",
        is_pickle,
    ),
    row(
        "a safetensors file, which has weights but no graph",
        "load it in Python and export the model: `torch.onnx.export`, or `optimum-cli export onnx --model DIR OUT`",
        is_safetensors,
    ),
    Foreign {
        code: ErrorCode::UnsupportedModel,
        ..row(
            "a Keras file (HDF5)",
            "load it in Python and `model.export(\"model.onnx\", format=\"onnx\")` (Keras 3), or convert it with \
             `tensorflowjs_converter --input_format keras` and upload model.json and its shards",
            |head| head.bytes.starts_with(b"\x89HDF\r\n\x1a\n"),
        )
    },
    row("a TensorFlow Lite file", FROM_TENSORFLOW, |head| head.bytes.get(4..8) == Some(b"TFL3")),
    row(
        "in the ORT format, which ONNX Runtime makes for one release and one machine",
        "upload the .onnx file that it was made from",
        |head| head.bytes.get(4..8) == Some(b"ORTM"),
    ),
    row("a TensorFlow SavedModel", FROM_TENSORFLOW, is_saved_model),
    row("a frozen TensorFlow graph", FROM_TENSORFLOW, is_frozen_graph),
    row("an XGBoost model", FROM_XGBOOST, is_xgboost),
    row("a LightGBM model", "load it in Python and convert it with `onnxmltools.convert_lightgbm`", |head| {
        head.text().starts_with(b"tree\nversion=")
            || head.text().starts_with(b"tree\r\nversion=")
            || is_lightgbm_dump(head)
    }),
    row("a CatBoost model", "load it in Python and `model.save_model(\"model.onnx\", format=\"onnx\")`", |head| {
        head.bytes.starts_with(b"CBM1")
            || (head.text().starts_with(b"{") && head.has(b"\"ctr_data\""))
            || head.has(b"\"oblivious_trees\"")
    }),
    row(
        "a GGUF file of llama.cpp",
        "export the original model as ONNX, for example with `optimum-cli export onnx`",
        |head| head.bytes.starts_with(b"GGUF"),
    ),
    row("a NumPy array", "export the model that the array belongs to", |head| head.bytes.starts_with(b"\x93NUMPY")),
    row("a TensorRT engine", "upload the .onnx file that it was made from", |head| {
        head.starts_with_any(&[b"ftrt", b"ptrt"])
    }),
    row("an archive of a kind that is not read", "pack it as .zip or .tar.gz", |head| {
        head.starts_with_any(&[b"7z\xBC\xAF\x27\x1C", b"Rar!\x1A\x07", b"\xFD7zXZ\0", b"\x28\xB5\x2F\xFD"])
            || (head.bytes.starts_with(b"BZh") && head.bytes.get(4..10) == Some(b"\x31\x41\x59\x26\x53\x59"))
    }),
];

/// A mark, then text of which every second byte is zero.
fn is_utf_16(head: &Head<'_>) -> bool {
    let (zero, text) = match head.bytes {
        [0xFF, 0xFE, text @ ..] => (1, text),
        [0xFE, 0xFF, text @ ..] => (0, text),
        [b'{', 0, ..] => (1, head.bytes),
        [0, b'{', ..] => (0, head.bytes),
        _ => return false,
    };
    text.len() >= 4 && text.chunks_exact(2).take(32).filter(|pair| pair[zero] == 0).count() >= text.len().min(64) / 4
}

/// What `torch.save` and `torch.jit.save` write: a `.zip` of certain entries, before release 1.6 a pickle of a certain number.
fn is_pytorch(head: &Head<'_>) -> bool {
    let entry = first_zip_entry(head.bytes).unwrap_or_default();
    let ends = [&b"/data.pkl"[..], b"/constants.pkl", b"/.format_version", b"/byteorder"];
    let of_zip = ends.iter().any(|end| entry.ends_with(end)) || entry.windows(6).any(|part| part == b"/code/");
    let unpacked = matches!(head.name.as_str(), "data.pkl" | "constants.pkl") && is_pickle(head);
    of_zip
        || unpacked
        || head.starts_with_any(&[b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", b"\x80\x02ctorch"])
        || (is_pickle(head) && head.has(b"torch._utils"))
}

fn is_pickle(head: &Head<'_>) -> bool {
    match head.bytes {
        // A frame of a length that some file has.
        [0x80, 4 | 5, 0x95, _, _, _, _, _, 0, 0, 0, ..] => true,
        // A class by its module, or an empty list, tuple or map that is remembered.
        [0x80, 2 | 3, b'c', module @ ..] => {
            let line = module.iter().take(64).position(|&byte| byte == b'\n');
            line.is_some_and(|end| is_name(&module[..end]))
        }
        [0x80, 2 | 3, b'}' | b']' | b')' | b'(', b'q', 0, ..] => true,
        // Compressed by joblib.
        [0x78, 0x01 | 0x5E | 0x9C | 0xDA, ..] => head.is_named(&[".pkl", ".pickle", ".joblib", ".sav", ".z"]),
        bytes => {
            let texts: [&[u8]; 4] = [b"ccopy_reg\n", b"c__builtin__\n", b"(dp0\n", b"(lp0\n"];
            texts.iter().any(|text| bytes.starts_with(text))
        }
    }
}

/// The length of a header, and the header, which is JSON.
fn is_safetensors(head: &Head<'_>) -> bool {
    matches!(head.bytes, [_, _, _, _, 0, 0, 0, 0, b'{', b'"', ..])
}

/// A version, and behind it a graph that begins with facts about it, where ONNX has the name of a program.
fn is_saved_model(head: &Head<'_>) -> bool {
    head.bytes.starts_with(b"\x08\x01\x12")
        && field(&head.bytes[2..]).and_then(|graph| graph.content).is_some_and(|graph| graph.starts_with(b"\x0a"))
}

/// Nodes with a name and an operator.
fn is_frozen_graph(head: &Head<'_>) -> bool {
    let node = field(head.bytes).filter(|node| node.number == 1).and_then(|node| node.content);
    let Some(name) = node.and_then(field).filter(|name| name.number == 1 && name.missing == 0) else { return false };
    let operator = field(name.rest).filter(|operator| operator.number == 2 && operator.missing == 0);
    let is_plain = |content: Option<&[u8]>| content.is_some_and(is_name);
    is_plain(name.content) && is_plain(operator.and_then(|operator| operator.content))
}

/// JSON, UBJSON, the older binary form, and what `dump_model` writes.
fn is_xgboost(head: &Head<'_>) -> bool {
    let text = head.text();
    let within = |bytes: &[u8], part: &[u8], length: usize| {
        bytes[..bytes.len().min(length)].windows(part.len()).any(|window| window == part)
    };
    let json = text.starts_with(b"{") && within(text, b"\"learner\"", 64);
    let binary_json = text.starts_with(b"{") && within(text, b"\x07learner", 24);
    let dump = text.starts_with(b"[") && within(text, b"\"nodeid\"", 64);
    json || binary_json || dump || text.starts_with(b"binf") || text.starts_with(b"booster[0]:")
}

fn is_lightgbm_dump(head: &Head<'_>) -> bool {
    let compact: Vec<u8> = head.text().iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(64).collect();
    compact.starts_with(b"{\"name\":\"tree\",\"version\":")
}
