//! The format of a model.

use super::foreign::recognize;
use crate::error::{Result, error};
use crate::files::ModelFile;

/// The format of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framework {
    Onnx,
    TensorFlow,
}

impl Framework {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::TensorFlow => "tensorflow",
        }
    }

    /// Reads the name; `tensorflowjs` and `tfjs` are aliases of `tensorflow`.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for any other name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "onnx" => Ok(Self::Onnx),
            "tensorflow" | "tensorflowjs" | "tfjs" => Ok(Self::TensorFlow),
            other => Err(error!(InvalidRequest, "framework must be \"onnx\" or \"tensorflow\", received \"{other}\"")),
        }
    }

    /// What the first bytes of unpacked files say. A file that is named `*.onnx` decides, where it is nothing else: its external
    /// data may begin in any way. JSON is TensorFlow.js.
    ///
    /// # Errors
    /// `INVALID_MODEL` or `UNSUPPORTED_MODEL` for files of another format, with what to do; `FILE_UNAVAILABLE`.
    pub fn detect(files: &[ModelFile]) -> Result<Self> {
        let mut refusal = None;
        let mut has_json = false;
        for file in files {
            let bytes = file.bytes()?;
            match recognize(&file.name, &bytes) {
                Some(foreign) => refusal = refusal.or_else(|| Some(foreign.refuse(&file.name))),
                None if is_json(&bytes) => has_json = true,
                None if file.name.to_ascii_lowercase().ends_with(".onnx") => return Ok(Self::Onnx),
                None => {}
            }
        }
        match refusal {
            _ if has_json => Ok(Self::TensorFlow),
            Some(refusal) => Err(refusal),
            None => Ok(Self::Onnx),
        }
    }
}

fn is_json(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1024)];
    head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start().starts_with(b"{")
}
