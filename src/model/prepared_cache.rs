//! What is kept of a model between loads: its graph, translated and checked, and its large weights in a file that backends
//! map. So a restart translates nothing, and weights are never copied into memory.

use super::external_data::set_external;
use super::framework::Framework;
use super::prepared::Prepared;
use crate::error::{Error, Result, error};
use crate::files::{Content, DiskSpace, ModelFile, Reservation, SpaceUse, digest_files, write_error};
use crate::onnx::proto::ModelProto;
use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The folder within a model's cache folder.
const FOLDER: &str = "prepared";
const GRAPH: &str = "model.onnx";
const WEIGHTS: &str = "weights";
const FACTS: &str = "facts.json";
/// The digest of the other files, and which release of the code made them.
const SEAL: &str = "seal";
/// Changes with the code that translates and prepares models; made by `build.rs`.
const CODE: &str = env!("EDGE_AI_PREPARATION");

/// From here on weights are worth a file of their own.
const MIN_WEIGHTS_BYTES: u64 = 8 << 20;
const MIN_TENSOR_BYTES: usize = 4 << 10;
/// More than the facts and the seal take.
const REST_BYTES: u64 = 1 << 20;
/// ONNX Runtime maps external data and hands it to vectorised kernels.
const ALIGNMENT: u64 = 64;

/// What the graph does not say.
#[derive(Serialize, Deserialize)]
struct Facts {
    framework: String,
    renamed_outputs: HashMap<String, String>,
    labels: Option<Vec<String>>,
}

/// What is kept in a cache folder. `None` when there is nothing, when it was made by other code, or when a single bit of it
/// has changed.
pub fn read(cache_folder: &Path) -> Option<Prepared> {
    let folder = cache_folder.join(FOLDER);
    if !is_sound(&folder) {
        return None;
    }
    let facts: Facts = serde_json::from_slice(&fs::read(folder.join(FACTS)).ok()?).ok()?;
    let model = ModelProto::decode(Bytes::from(fs::read(folder.join(GRAPH)).ok()?)).ok()?;
    let mut kept = Prepared::check(Framework::parse(&facts.framework).ok()?, model).ok()?;
    kept.rename_outputs(facts.renamed_outputs);
    kept.labels = facts.labels;
    kept.directory = folder.join(WEIGHTS).exists().then_some(folder);
    Some(kept)
}

/// Keeps a model when a load gains by it: when it was translated, or when its weights are worth to be mapped; these become
/// external data of the model. `main` is the file that weights may lie in.
///
/// # Errors
/// `STORAGE_UNAVAILABLE` when the disk has no room for the files, `INTERNAL` when they cannot be written for another reason.
pub fn keep(prepared: &mut Prepared, cache_folder: &Path, main: Option<(&Path, &Bytes)>) -> Result<()> {
    let moves = large_weights(&prepared.model);
    if moves.is_empty() && prepared.framework == Framework::Onnx {
        return Ok(());
    }
    let weights = moves.last().map_or(0, |&(_, offset, length)| offset + length);
    // Beside the weights the graph, and the two small files.
    let graph = prepared.model.encoded_len() as u64;
    let needed = weights + graph.saturating_sub(moves.iter().map(|&(_, _, length)| length).sum()) + REST_BYTES;
    let mut space = DiskSpace::shared().reserve(cache_folder, needed, SpaceUse::Files)?;
    let unfinished = cache_folder.join(format!("{FOLDER}.{}", uuid::Uuid::now_v7()));
    let written = fs::create_dir(&unfinished)
        .and_then(|()| write_weights(&prepared.model, &moves, &unfinished.join(WEIGHTS), main, &mut space))
        .map_err(|problem| failed(&problem))
        .and_then(|()| {
            for &(at, offset, length) in &moves {
                if let Some(graph) = &mut prepared.model.graph {
                    set_external(&mut graph.initializer[at], WEIGHTS, offset, length);
                }
            }
            write_rest(prepared, &unfinished)?;
            publish(&unfinished, &cache_folder.join(FOLDER)).map_err(|problem| failed(&problem))
        });
    if written.is_err() {
        // What is left is removed at a later start.
        let _ = fs::remove_dir_all(&unfinished);
    }
    if !moves.is_empty() {
        prepared.directory = Some(cache_folder.join(FOLDER));
    }
    written
}

/// Initializers that are moved out: which one, where in the file, how long. None when all together are not worth it.
fn large_weights(model: &ModelProto) -> Vec<(usize, u64, u64)> {
    let mut end = 0u64;
    let mut moves = Vec::new();
    for (at, tensor) in model.graph.iter().flat_map(|graph| &graph.initializer).enumerate() {
        let Some(raw) = tensor.raw_data.as_ref().filter(|raw| raw.len() >= MIN_TENSOR_BYTES) else { continue };
        let offset = end.next_multiple_of(ALIGNMENT);
        end = offset + raw.len() as u64;
        moves.push((at, offset, raw.len() as u64));
    }
    if end < MIN_WEIGHTS_BYTES { Vec::new() } else { moves }
}

fn write_weights(
    model: &ModelProto,
    moves: &[(usize, u64, u64)],
    to: &Path,
    main: Option<(&Path, &Bytes)>,
    space: &mut Reservation,
) -> io::Result<()> {
    let Some(graph) = model.graph.as_ref().filter(|_| !moves.is_empty()) else { return Ok(()) };
    let mut reader = main.map(|(path, bytes)| Ok::<_, io::Error>((File::open(path)?, bytes))).transpose()?;
    let mut writer = BufWriter::new(File::create_new(to)?);
    let mut written = 0;
    for &(at, offset, length) in moves {
        let raw = graph.initializer[at].raw_data.as_deref().unwrap_or_default();
        writer.write_all(&[0; ALIGNMENT as usize][..(offset - written) as usize])?;
        match &mut reader {
            // Read, because pages of the mapping would stay in memory.
            Some((file, bytes)) if bytes.as_ptr_range().contains(&raw.as_ptr()) => {
                file.seek(SeekFrom::Start(raw.as_ptr() as u64 - bytes.as_ptr() as u64))?;
                io::copy(&mut Read::by_ref(file).take(length), &mut writer)?;
            }
            _ => writer.write_all(raw)?,
        }
        space.written(offset + length - written);
        written = offset + length;
    }
    writer.flush()
}

fn write_rest(prepared: &Prepared, folder: &Path) -> Result<()> {
    let facts = Facts {
        framework: prepared.framework.as_str().to_owned(),
        renamed_outputs: prepared.renamed_outputs.clone(),
        labels: prepared.labels.clone(),
    };
    let facts = serde_json::to_vec(&facts).map_err(|problem| error!(Internal, "{UNKEPT}: {problem}"))?;
    fs::write(folder.join(FACTS), facts).map_err(|problem| failed(&problem))?;
    fs::write(folder.join(GRAPH), prepared.model.encode_to_vec()).map_err(|problem| failed(&problem))?;
    fs::write(folder.join(SEAL), seal_of(folder)?).map_err(|problem| failed(&problem))
}

const UNKEPT: &str = "the model cannot be kept for later";

fn failed(problem: &io::Error) -> Error {
    write_error(UNKEPT, problem)
}

/// Puts a finished folder in its place, unless another load was faster.
fn publish(unfinished: &Path, folder: &Path) -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock();
    if is_sound(folder) {
        return fs::remove_dir_all(unfinished);
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::rename(unfinished, folder)
}

fn is_sound(folder: &Path) -> bool {
    fs::read_to_string(folder.join(SEAL)).is_ok_and(|seal| seal_of(folder).is_ok_and(|expected| seal == expected))
}

fn seal_of(folder: &Path) -> Result<String, Error> {
    let files: Vec<ModelFile> = [FACTS, GRAPH, WEIGHTS]
        .into_iter()
        .map(|name| ModelFile { name: name.to_owned(), content: Content::Path(folder.join(name)) })
        .filter(|file| matches!(&file.content, Content::Path(path) if path.exists()))
        .collect();
    Ok(format!("{CODE} {}", digest_files(&files)?.0))
}
