//! A model's files as they are at one moment: what is digested is what is loaded, also when their owner changes them meanwhile.

use super::external_data;
use super::framework::Framework;
use super::prepared::Prepared;
use super::source::Source;
use crate::error::{Result, error};
use crate::files::{Content, FileDigest, ModelFile, identify, unavailable};
use crate::onnx::proto::ModelProto;
use prost::Message;
use std::borrow::Cow;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A larger file stays where it is, and it is checked afterwards that it has not changed.
const MAX_READ_BYTES: u64 = 64 << 20;
/// The clock of file systems ticks in milliseconds: of a file that was written just now, a further change could not be seen.
const TICK: Duration = Duration::from_millis(20);

pub struct Opened {
    source: Source,
    /// The folder of the graph's file.
    folder: Option<PathBuf>,
    digest: String,
    files: Vec<FileDigest>,
    /// The files that were not read, by name.
    left: Vec<(String, PathBuf, Stamp)>,
}

impl Source {
    /// Reads the files, with those beside the model that it names, and digests them.
    ///
    /// # Errors
    /// `FILE_UNAVAILABLE` when a file cannot be read; `INVALID_MODEL` when one that the model names is not there.
    pub fn open(&self) -> Result<Opened> {
        let mut left = Vec::new();
        let mut files = self.files.iter().map(|file| open_file(file, &mut left)).collect::<Result<Vec<_>>>()?;
        let main = self.split_main().ok().map(|(main, _)| main);
        let folder = main.and_then(|main| match &main.content {
            Content::Path(path) => Some(path.parent().unwrap_or(Path::new("")).to_path_buf()),
            Content::Memory(_) => None,
        });
        let main = main.and_then(|main| self.files.iter().position(|file| std::ptr::eq(file, main)));
        if let (true, Some(folder), Some(main)) = (self.beside, &folder, main) {
            // So that it is known among the others.
            files.swap(0, main);
            if Framework::detect(&files)? == Framework::Onnx
                && let Ok(model) = ModelProto::decode(files[0].bytes()?)
            {
                for file in external_data::beside(&model, folder, &self.files)? {
                    files.push(open_file(&file, &mut left)?);
                }
            }
        }
        let (digest, digests) = identify(&files)?;
        let source = Source { files, beside: self.beside, cache_folder: None };
        Ok(Opened { source, folder, digest, files: digests, left })
    }
}

impl Opened {
    /// SHA-256 of the files, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub fn files(&self) -> &[FileDigest] {
        &self.files
    }

    /// As [`Source::prepare`].
    ///
    /// # Errors
    /// As [`Source::prepare`].
    pub fn prepare(&self, stated: Option<Framework>) -> Result<Prepared> {
        let source = self.source.unpacked()?;
        let framework = source.framework(stated)?;
        if framework == Framework::TensorFlow || matches!(source, Cow::Owned(_)) {
            return source.prepare_as(framework);
        }
        let (main, others) = match self.source.files.split_first() {
            Some((main, others)) if self.source.beside && self.folder.is_some() => (main, others.iter().collect()),
            _ => self.source.split_main()?,
        };
        self.source.prepare_graph(main, &others, self.folder.as_deref())
    }

    /// To be called when the model is loaded.
    ///
    /// # Errors
    /// `INVALID_MODEL` when a file has changed since it was digested.
    pub fn verify(&self) -> Result<()> {
        for (name, path, stamp) in &self.left {
            if !fs::metadata(path).is_ok_and(|found| Stamp::of(&found) == *stamp) {
                return Err(error!(InvalidModel, "file \"{name}\" was changed while it was loaded"));
            }
        }
        Ok(())
    }
}

fn open_file(file: &ModelFile, left: &mut Vec<(String, PathBuf, Stamp)>) -> Result<ModelFile> {
    let Content::Path(path) = &file.content else { return Ok(file.clone()) };
    let mut open = || -> io::Result<Content> {
        let found = fs::metadata(path)?;
        if found.len() <= MAX_READ_BYTES {
            return Ok(Content::Memory(fs::read(path)?.into()));
        }
        let age = found.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if age.is_none_or(|age| age < TICK) {
            std::thread::sleep(TICK);
        }
        left.push((file.name.clone(), path.clone(), Stamp::of(&fs::metadata(path)?)));
        Ok(Content::Path(path.clone()))
    };
    let content = open().map_err(|problem| unavailable(&file.name, &problem))?;
    Ok(ModelFile { name: file.name.clone(), content })
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// Device, number and last change of the file's own record, where there are such.
    record: Option<[i64; 4]>,
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        #[cfg(unix)]
        let record = {
            use std::os::unix::fs::MetadataExt;
            Some([found.dev().cast_signed(), found.ino().cast_signed(), found.ctime(), found.ctime_nsec()])
        };
        #[cfg(not(unix))]
        let record = None;
        Self { size: found.len(), modified: found.modified().ok(), record }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::digest_files;
    use temp_dir::TempDir;

    fn source(path: &Path) -> Source {
        let file = ModelFile { name: "model".to_owned(), content: Content::Path(path.to_path_buf()) };
        Source { files: vec![file], beside: true, cache_folder: None }
    }

    #[test]
    fn what_was_digested_stays_when_the_file_changes() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, "before").unwrap();
        let opened = source(&path).open().unwrap();
        fs::write(&path, "after!").unwrap();
        assert_eq!(opened.source.files[0].bytes().unwrap().as_ref(), b"before");
        assert_eq!(opened.digest(), digest_files(&opened.source.files).unwrap().0);
        opened.verify().unwrap();
        assert_ne!(source(&path).open().unwrap().digest(), opened.digest());
    }

    #[cfg(unix)]
    #[test]
    fn a_large_file_that_changes_is_refused() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("model");
        let file = fs::File::create(&path).unwrap();
        file.set_len(MAX_READ_BYTES + 1).unwrap();
        let opened = source(&path).open().unwrap();
        opened.verify().unwrap();
        assert!(matches!(opened.source.files[0].content, Content::Path(_)));
        // The same size, and the clock has gone on.
        std::os::unix::fs::FileExt::write_all_at(&file, b"x", 5).unwrap();
        assert!(opened.verify().unwrap_err().message.contains("\"model\" was changed"));
    }
}
