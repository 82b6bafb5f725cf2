//! The identity of a model: SHA-256 of its bytes.

use super::model_file::{Content, ModelFile, unavailable};
use super::names;
use crate::error::Result;
use sha2::{Digest, Sha256};
use std::io::Read;

/// One file with its size in bytes and SHA-256 in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    pub name: String,
    pub size: u64,
    pub digest: String,
}

/// The identity of a model that is new here: as [`digest_files`], of files whose names cannot be mistaken.
///
/// # Errors
/// As [`digest_files`]; `INVALID_MODEL` also for names that occur twice or have control characters.
pub fn identify(files: &[ModelFile]) -> Result<(String, Vec<FileDigest>)> {
    names::check(files)?;
    digest_files(files)
}

/// Digests each file, and all of them together: of one file its own digest, of several that of the lines
/// `name NUL size NUL digest LF`, sorted by name, so that the order of an upload does not matter. Memory stays flat. Names
/// without control characters, as [`identify`] has them, make it one-to-one.
///
/// # Errors
/// `FILE_UNAVAILABLE` when a file cannot be read.
pub fn digest_files(files: &[ModelFile]) -> Result<(String, Vec<FileDigest>)> {
    let digests: Vec<FileDigest> = files.iter().map(digest_file).collect::<Result<_>>()?;
    if let [only] = digests.as_slice() {
        return Ok((only.digest.clone(), digests));
    }
    let mut lines: Vec<String> =
        digests.iter().map(|file| format!("{}\0{}\0{}\n", file.name, file.size, file.digest)).collect();
    lines.sort_unstable();
    Ok((hex(Sha256::digest(lines.concat())), digests))
}

fn digest_file(file: &ModelFile) -> Result<FileDigest> {
    let (size, digest) = match &file.content {
        Content::Memory(bytes) => (bytes.len() as u64, hex(Sha256::digest(bytes))),
        Content::Path(path) => {
            std::fs::File::open(path).and_then(digest_reader).map_err(|problem| unavailable(&file.name, &problem))?
        }
    };
    Ok(FileDigest { name: file.name.clone(), size, digest })
}

fn digest_reader(mut reader: impl Read) -> std::io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((size, hex(hasher.finalize()))),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
            Err(problem) if problem.kind() == std::io::ErrorKind::Interrupted => {}
            Err(problem) => return Err(problem),
        }
    }
}

pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use temp_dir::TempDir;

    fn file(name: &str, content: &'static str) -> ModelFile {
        ModelFile { name: name.to_owned(), content: Content::Memory(Bytes::from(content)) }
    }

    #[test]
    fn one_file_is_its_own_digest() {
        let (digest, files) = digest_files(&[file("a", "abc")]).unwrap();
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(files[0].size, 3);
    }

    #[test]
    fn several_files_do_not_depend_on_their_order_but_on_names_and_bytes() {
        let digest = |files: &[ModelFile]| digest_files(files).unwrap().0;
        let both = digest(&[file("a", "1"), file("b", "2")]);
        assert_eq!(both, digest(&[file("b", "2"), file("a", "1")]));
        assert_ne!(both, digest(&[file("b", "1"), file("a", "2")]));
    }

    #[test]
    fn a_file_on_disk_has_the_digest_of_its_bytes() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        let on_disk = ModelFile { name: "a".to_owned(), content: Content::Path(path) };
        assert_eq!(digest_files(&[on_disk]).unwrap(), digest_files(&[file("a", "abc")]).unwrap());
    }
}
