//! An uploaded model: what format it is, its identity, and its graph, checked and ready for a backend.

mod archive;
mod bounds;
mod digest;
mod external_data;
mod functions;
mod initializers;
mod kept;
mod names;
mod opened;

use archive::ArchiveLimits;
pub(crate) use digest::hex;
pub use digest::{FileDigest, digest_files, identify};
pub use opened::Opened;

use crate::error::{ErrorCode, Result, error};
use crate::onnx::proto::ModelProto;
use crate::signature::Signature;
use crate::tensorflow::{self, Artifacts};
use bytes::Bytes;
use prost::Message;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

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
    fn detect(files: &[ModelFile]) -> Result<Self> {
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
    /// `INVALID_MODEL` when the file cannot be read.
    pub fn bytes(&self) -> Result<Bytes> {
        match &self.content {
            Content::Memory(bytes) => Ok(bytes.clone()),
            Content::Path(path) => map_file(path)
                .map_err(|problem| error!(InvalidModel, "file \"{}\" cannot be read: {}", self.name, problem.kind())),
        }
    }
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

/// A model that a backend can load.
#[derive(Debug)]
pub struct Prepared {
    pub framework: Framework,
    /// Checked; large weights are external data in `directory`.
    pub model: ModelProto,
    /// The directory of the external data. `None` when all weights are inside `model`.
    pub directory: Option<PathBuf>,
    pub signature: Signature,
    /// Names in the graph of outputs whose own name is an input's; in ONNX the two cannot be the same.
    pub renamed_outputs: HashMap<String, String>,
    /// Class names that came with the model.
    pub labels: Option<Vec<String>>,
    /// Memory that the weights take, in bytes.
    pub weight_bytes: u64,
}

impl Prepared {
    fn rename_outputs(&mut self, graph_names: HashMap<String, String>) {
        self.signature.rename_outputs(&graph_names);
        self.renamed_outputs = graph_names;
    }
}

impl Source {
    /// The format: as stated when the bytes do not contradict it, else what the bytes say.
    ///
    /// # Errors
    /// `INVALID_MODEL` when the bytes contradict the stated format.
    pub fn framework(&self, stated: Option<Framework>) -> Result<Framework> {
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
    /// As [`Self::framework`] and [`Self::prepare`], but not for a full disk; `INVALID_MODEL` also for files that do not have the
    /// digest.
    pub fn prepare_again(&self, stated: Option<Framework>, digest: &str) -> Result<Prepared> {
        if let Some(kept) = self.cache_folder.as_deref().and_then(kept::read) {
            return Ok(kept);
        }
        if digest_files(&self.files)?.0 != digest {
            return Err(error!(InvalidModel, "the files of the model have changed since they were stored"));
        }
        let framework = self.framework(stated)?;
        match self.prepare(framework) {
            // What cannot be kept for later can be loaded all the same.
            Err(problem) if problem.code == ErrorCode::StorageUnavailable => {
                Self { cache_folder: None, ..self.clone() }.prepare(framework)
            }
            outcome => outcome,
        }
    }

    /// Reads, checks and, for TensorFlow.js, translates the model, and keeps what later loads can start from.
    ///
    /// # Errors
    /// `INVALID_MODEL` for bytes that are no model or reach outside the upload; `UNSUPPORTED_MODEL` for what cannot be
    /// translated; `STORAGE_UNAVAILABLE` when the disk of the cache folder is full, `INTERNAL` when it cannot be written to.
    pub fn prepare(&self, framework: Framework) -> Result<Prepared> {
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
    fn prepare_graph(&self, main: &ModelFile, others: &[&ModelFile], folder: Option<&Path>) -> Result<Prepared> {
        let bytes = main.bytes()?;
        let model = ModelProto::decode(bytes.clone())
            .map_err(|_| error!(InvalidModel, "\"{}\" is not an ONNX model: its protobuf cannot be read", main.name))?;
        let mut prepared = prepared(Framework::Onnx, model)?;
        prepared.directory = external_data::resolve(&mut prepared.model, folder, others)?;
        if let (None, Some(folder)) = (&prepared.directory, &self.cache_folder) {
            let path = match &main.content {
                Content::Path(path) => Some(path.as_path()),
                Content::Memory(_) => None,
            };
            kept::keep(&mut prepared, folder, path.map(|path| (path, &bytes)))?;
        }
        Ok(prepared)
    }

    fn prepare_tensorflow(&self) -> Result<Prepared> {
        let translation =
            tensorflow::translate(Artifacts::read(&archive::unpack(&self.files, ArchiveLimits::default())?)?)?;
        let mut prepared = prepared(Framework::TensorFlow, translation.model)?;
        prepared.rename_outputs(translation.renamed_outputs);
        prepared.labels = translation.labels;
        if let Some(folder) = &self.cache_folder {
            kept::keep(&mut prepared, folder, None)?;
        }
        Ok(prepared)
    }

    /// The file that holds the graph, and the others, which are its external data.
    fn split_main(&self) -> Result<(&ModelFile, Vec<&ModelFile>)> {
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

fn prepared(framework: Framework, model: ModelProto) -> Result<Prepared> {
    bounds::check(&model)?;
    let graph = model.graph.as_ref().ok_or_else(|| error!(InvalidModel, "the file holds no graph"))?;
    functions::check(&model)?;
    let signature = Signature::of_graph(graph)?;
    let weight_bytes = initializers::check(graph)?;
    Ok(Prepared {
        framework,
        model,
        directory: None,
        signature,
        renamed_outputs: HashMap::new(),
        labels: None,
        weight_bytes,
    })
}
