//! One file of a model, wherever its bytes are.

use crate::error::{Error, Result, error};
use bytes::Bytes;
use std::path::{Path, PathBuf};

/// Where the bytes of a file are.
#[derive(Debug, Clone)]
pub enum Content {
    Memory(Bytes),
    Path(PathBuf),
}

/// One file of a model under the name that its uploader gave.
#[derive(Debug, Clone)]
pub struct ModelFile {
    pub name: String,
    pub content: Content,
}

impl ModelFile {
    /// The content; a file on disk is memory-mapped.
    ///
    /// # Errors
    /// `FILE_UNAVAILABLE` when the file is not there or cannot be read.
    pub fn bytes(&self) -> Result<Bytes> {
        match &self.content {
            Content::Memory(bytes) => Ok(bytes.clone()),
            Content::Path(path) => map_file(path).map_err(|problem| unavailable(&self.name, &problem)),
        }
    }
}

/// The error for a file of a model that cannot be read.
pub fn unavailable(name: &str, problem: &std::io::Error) -> Error {
    error!(FileUnavailable, "file \"{name}\" cannot be read: {}", problem.kind())
}

fn map_file(path: &Path) -> std::io::Result<Bytes> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: a mapping is undefined behaviour when another process shortens the file. Model files are written once, under
    // a name that nobody else is given, and a caller who passes a path of their own owns that risk.
    let map = unsafe { memmap2::Mmap::map(&file)? };
    Ok(Bytes::from_owner(map))
}
