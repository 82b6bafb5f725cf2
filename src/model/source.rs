//! A model as it was uploaded, and how it becomes one that a backend can load.

use super::foreign::{recognize, unreadable};
use super::framework::Framework;
use super::prepared::Prepared;
use super::{external_data, prepared_cache};
use crate::error::{ErrorCode, Result, error};
use crate::files::archive::{self, ArchiveLimits};
use crate::files::{Content, ModelFile, digest_files};
use crate::onnx::proto::ModelProto;
use crate::tensorflow::{self, Artifacts};
use prost::Message;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A model as it was uploaded.
#[derive(Debug, Clone)]
pub struct Source {
    pub files: Vec<ModelFile>,
    /// External data may also lie beside the first file on disk: true for a path that a program gave, never for uploads.
    pub beside: bool,
    /// The folder of a cache that the files lie in. It also keeps what later loads start from: large weights, which backends
    /// then map instead of copying, and translations.
    pub cache_folder: Option<PathBuf>,
}

impl Source {
    /// The files with what archives among them hold, in memory.
    ///
    /// # Errors
    /// As [`archive::unpack`]; `INVALID_MODEL` for an archive without files, or one that belongs to another format.
    pub fn unpacked(&self) -> Result<Cow<'_, Self>> {
        let mut has_archive = false;
        for file in &self.files {
            let bytes = file.bytes()?;
            if !archive::is_archive(&bytes) {
                continue;
            }
            has_archive = true;
            if let Some(foreign) = recognize(&file.name, &bytes) {
                return Err(foreign.refuse(&file.name));
            }
        }
        if !has_archive {
            return Ok(Cow::Borrowed(self));
        }
        let files = archive::unpack(&self.files, ArchiveLimits::default())?;
        if files.is_empty() {
            return Err(error!(InvalidModel, "the archive holds no files"));
        }
        Ok(Cow::Owned(Self { files, beside: false, cache_folder: self.cache_folder.clone() }))
    }

    /// The format of unpacked files: as stated when the bytes do not contradict it, else what the bytes say.
    ///
    /// # Errors
    /// As [`Framework::detect`]; `INVALID_MODEL` when the bytes contradict the stated format.
    pub(super) fn framework(&self, stated: Option<Framework>) -> Result<Framework> {
        let detected = Framework::detect(&self.files)?;
        match stated {
            Some(stated) if stated != detected => Err(error!(
                InvalidModel,
                "framework is \"{}\", but the bytes look like \"{}\"",
                stated.as_str(),
                detected.as_str()
            )),
            _ => Ok(detected),
        }
    }

    /// What an earlier load kept in the cache folder, when nothing of it has changed. Otherwise the files are digested and
    /// prepared again.
    ///
    /// # Errors
    /// As [`Self::prepare`], but not for a full disk; `INVALID_MODEL` also for files that do not have the
    /// digest.
    pub fn prepare_again(&self, stated: Option<Framework>, digest: &str) -> Result<Prepared> {
        if let Some(kept) = self.cache_folder.as_deref().and_then(prepared_cache::read) {
            return Ok(kept);
        }
        if digest_files(&self.files)?.0 != digest {
            return Err(error!(InvalidModel, "the files of the model have changed since they were stored"));
        }
        match self.prepare(stated) {
            // What cannot be kept for later can be loaded all the same.
            Err(problem) if problem.code == ErrorCode::StorageUnavailable => {
                Self { cache_folder: None, ..self.clone() }.prepare(stated)
            }
            outcome => outcome,
        }
    }

    /// Unpacks, reads, checks and, for TensorFlow.js, translates the model, and keeps what later loads can start from. `stated` is
    /// the format that the bytes must not contradict.
    ///
    /// # Errors
    /// `INVALID_MODEL` for bytes that are no model or reach outside the upload; `UNSUPPORTED_MODEL` for what cannot be
    /// translated; `FILE_UNAVAILABLE` for a file that is not there; `STORAGE_UNAVAILABLE` when the disk of the cache folder is full,
    /// `INTERNAL` when it cannot be written to.
    pub fn prepare(&self, stated: Option<Framework>) -> Result<Prepared> {
        let source = self.unpacked()?;
        source.prepare_as(source.framework(stated)?)
    }

    /// [`Self::prepare`] for unpacked files of a known format.
    pub(super) fn prepare_as(&self, framework: Framework) -> Result<Prepared> {
        match framework {
            Framework::Onnx => self.prepare_onnx(),
            Framework::TensorFlow => self.prepare_tensorflow(),
        }
    }

    fn prepare_onnx(&self) -> Result<Prepared> {
        let (main, others) = self.split_main()?;
        let folder = match &main.content {
            Content::Path(path) => path.parent(),
            Content::Memory(_) => None,
        };
        self.prepare_graph(main, &others, folder)
    }

    /// `folder`: where the file of the graph lies.
    pub(super) fn prepare_graph(
        &self,
        main: &ModelFile,
        others: &[&ModelFile],
        folder: Option<&Path>,
    ) -> Result<Prepared> {
        let bytes = main.bytes()?;
        let model = Some(bytes.clone()).filter(|bytes| !bytes.is_empty()).map(ModelProto::decode);
        let model = model.and_then(Result::ok).ok_or_else(|| unreadable(&main.name, &bytes))?;
        let mut prepared = Prepared::check(Framework::Onnx, model)?;
        prepared.directory = external_data::resolve(&mut prepared.model, folder, others)?;
        if let (None, Some(folder)) = (&prepared.directory, &self.cache_folder) {
            let path = match &main.content {
                Content::Path(path) => Some(path.as_path()),
                Content::Memory(_) => None,
            };
            prepared_cache::keep(&mut prepared, folder, path.map(|path| (path, &bytes)))?;
        }
        Ok(prepared)
    }

    fn prepare_tensorflow(&self) -> Result<Prepared> {
        let translation = tensorflow::translate(Artifacts::read(&self.files)?)?;
        let mut prepared = Prepared::check(Framework::TensorFlow, translation.model)?;
        prepared.rename_outputs(translation.renamed_outputs);
        prepared.labels = translation.labels;
        if let Some(folder) = &self.cache_folder {
            prepared_cache::keep(&mut prepared, folder, None)?;
        }
        Ok(prepared)
    }

    /// The file that holds the graph, and the others, which are its external data.
    pub(super) fn split_main(&self) -> Result<(&ModelFile, Vec<&ModelFile>)> {
        let main = match self.files.as_slice() {
            [only] => only,
            files => {
                let mut named = files.iter().filter(|file| file.name.to_ascii_lowercase().ends_with(".onnx"));
                match (named.next(), named.next()) {
                    (Some(main), None) => main,
                    _ => {
                        return Err(error!(
                            InvalidModel,
                            "of several files exactly one must be named *.onnx, received {}",
                            files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ")
                        ));
                    }
                }
            }
        };
        let others = self.files.iter().filter(|file| !std::ptr::eq(*file, main)).collect();
        Ok((main, others))
    }
}
