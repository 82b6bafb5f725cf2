//! The format of a model.

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

    /// What the first bytes of an upload say: JSON text and archives are TensorFlow.js, anything else may be ONNX.
    pub fn detect(files: &[ModelFile]) -> Result<Self> {
        for file in files {
            let bytes = file.bytes()?;
            let head = &bytes[..bytes.len().min(1024)];
            let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
            let archive = bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x1F\x8B");
            let hdf5 = bytes.starts_with(b"\x89HDF\r\n\x1a\n");
            if text.starts_with(b"{") || archive || hdf5 {
                return Ok(Self::TensorFlow);
            }
        }
        Ok(Self::Onnx)
    }
}
