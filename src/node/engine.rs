//! The engine of the process: options, status, loading.

use super::channel::{Answer, Channel};
use super::error::{throw, to_object};
use super::plain::to_js;
use super::session::{Session, session_to_js};
use crate::engine::control::RunControl;
use crate::engine::{
    Engine, EngineChoice, Inspected, LoadRequest, OptionValue, PreloadFailure as Failure, PreloadStatus, Provider,
    check_quarantine, introduce_thread, provider_names,
};
use crate::error::Result;
use crate::files::{Content, ModelFile as File, identify};
use crate::model::{Framework, HEAD_BYTES, Prepared, Source, recognize};
use crate::signature::{add_columns, check_schema};
use napi::bindgen_prelude::{Either, FromNapiValue, JsObjectValue, Object, Uint8Array, Unknown};
use napi::{Env, JsValue, ValueType};
use napi_derive::napi;
use prost::Message;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

#[napi(object)]
pub struct ExecutionProvider {
    pub name: String,
    /// Its own options, as ONNX Runtime calls them.
    pub options: HashMap<String, String>,
}

/// One file of a model: a path on disk, or bytes.
#[napi(object)]
pub struct ModelFile {
    pub name: String,
    pub content: Either<String, Uint8Array>,
}

#[napi(object)]
pub struct LoadOptions {
    pub framework: Option<String>,
    pub engine: Option<String>,
    /// Files beside a model on disk may be its external data.
    pub beside: Option<bool>,
    /// The folder of the cache that the files lie in; weights to map and translations are kept there.
    pub cache_folder: Option<String>,
    /// Nobody waits for the model yet: the answer may wait until it is warm.
    pub preload: Option<bool>,
    /// What the files are known to have; the work on a model that took too long before is refused by it.
    pub digest: Option<String>,
}

#[napi(object)]
pub struct StatedSchemas {
    pub input_schema: Option<String>,
    pub output_schema: Option<String>,
}

#[napi(object)]
pub struct FileDigest {
    pub name: String,
    pub digest: String,
    pub size: f64,
}

#[napi(object)]
pub struct Preload {
    pub done: bool,
    pub models: u32,
    pub loaded: u32,
    pub skipped: u32,
    pub failures: Vec<PreloadFailure>,
}

#[napi(object)]
pub struct PreloadFailure {
    pub model_id: String,
    pub version: String,
    pub code: String,
    pub error: String,
}

/// What an upload is, after it was loaded once.
#[napi(object)]
pub struct Inspection {
    pub framework: String,
    pub engine: String,
    pub digest: String,
    pub size: f64,
    pub files: Vec<FileDigest>,
    /// `{"inputs": [...]}` as JSON text.
    pub input_schema: String,
    /// `{"outputs": [...]}` as JSON text.
    pub output_schema: String,
    pub labels: Option<Vec<String>>,
    /// What is doubtful about it: in a trial no made-up inputs ran, and others may.
    pub warnings: Vec<String>,
}

/// Sets options of the engine; those that are absent or undefined keep their values. All are set or, when one is refused, none.
#[napi(catch_unwind)]
pub fn configure_engine(env: &Env, options: Object) -> napi::Result<()> {
    let engine = Engine::shared();
    let mut changed = engine.options();
    for name in Object::keys(&options)? {
        if let Some(value) = option_value(options.get_named_property(&name)?)? {
            changed.set(&name, value).map_err(|problem| throw(env, &problem))?;
        }
    }
    engine.configure(changed);
    introduce_thread();
    Ok(())
}

/// The engine's options by name.
#[napi(catch_unwind, ts_return_type = "any")]
pub fn engine_options<'env>(env: &'env Env) -> napi::Result<Unknown<'env>> {
    to_js(env, &Engine::shared().options().to_json())
}

/// Begins the journal of loads and runs in a folder. True for the first call in the process, whose folder counts.
#[napi(catch_unwind)]
pub fn open_journal(directory: String) -> bool {
    let opened = crate::engine::open_journal(Path::new(&directory));
    introduce_thread();
    opened
}

/// The error that says why a model is quarantined; nothing when it is not.
#[napi(catch_unwind)]
pub fn quarantine_of<'env>(env: &'env Env, digest: String) -> napi::Result<Option<Object<'env>>> {
    check_quarantine(&digest).err().map(|problem| to_object(env, &problem)).transpose()
}

/// Forgets the crashes of a model; answered on the channel with false when there are none.
#[napi(catch_unwind)]
pub fn release_quarantined(channel: &Channel, id: u32, digest: String) {
    let reply = channel.reply(id);
    let release = move |_: &RunControl| crate::engine::release_quarantined(&digest);
    Engine::shared().inspect_later(None, release, |known| reply.send_value(known));
}

fn option_value(value: Unknown) -> napi::Result<Option<OptionValue>> {
    let kind = value.get_type()?;
    let read = match kind {
        ValueType::Undefined => return Ok(None),
        ValueType::Number => OptionValue::Number(f64::from_unknown(value)?),
        ValueType::String => OptionValue::Text(String::from_unknown(value)?),
        ValueType::Object if value.is_array()? => {
            let provider =
                |ExecutionProvider { name, options }| Provider { name, options: options.into_iter().collect() };
            OptionValue::Providers(Vec::from_unknown(value)?.into_iter().map(provider).collect())
        }
        _ => OptionValue::Other(format!("a value of type {}", kind.to_string().to_lowercase())),
    };
    Ok(Some(read))
}

/// The names that `execution_providers` may hold.
#[napi(catch_unwind)]
pub fn execution_provider_names() -> Vec<&'static str> {
    provider_names().collect()
}

/// Engines and versions, cache, sessions, runs.
#[napi(catch_unwind, ts_return_type = "any")]
pub fn engine_status<'env>(env: &'env Env) -> napi::Result<Unknown<'env>> {
    to_js(env, &Engine::shared().status())
}

/// SHA-256 of one file or of several together, answered on the channel; INVALID_MODEL for names that occur twice or have control
/// characters.
#[napi(catch_unwind)]
pub fn digest_model(channel: &Channel, id: u32, files: Vec<ModelFile>) {
    let reply = channel.reply(id);
    let files = read_files(files);
    let digest = move |_: &RunControl| identify(&files).map(|(digest, _)| digest);
    Engine::shared().inspect_later(None, digest, |digest| reply.send_value(digest));
}

/// Detects, checks and once loads a model; answered on the channel with an `Inspection`.
#[napi(catch_unwind)]
pub fn inspect_model(
    env: &Env,
    channel: &Channel,
    id: u32,
    files: Vec<ModelFile>,
    options: LoadOptions,
    stated: StatedSchemas,
) -> napi::Result<()> {
    let digest = options.digest.clone();
    let (source, framework, engine) = read_source(files, options).map_err(|problem| throw(env, &problem))?;
    let reply = channel.reply(id);
    let known = digest.clone();
    let work = move |control: &RunControl| inspect(known.as_deref(), &source, framework, engine, &stated, control);
    Engine::shared().inspect_later(digest, work, |inspected| reply.send_value(inspected));
    Ok(())
}

fn inspect(
    digest: Option<&str>,
    source: &Source,
    framework: Option<Framework>,
    engine: Option<EngineChoice>,
    stated: &StatedSchemas,
    control: &RunControl,
) -> Result<Inspection> {
    let Inspected { prepared, engine, opened, warnings } =
        Engine::shared().inspect(digest, source, framework, engine, control)?;
    let Prepared { framework, signature, labels, .. } = prepared;
    for (field, text) in [("inputSchema", &stated.input_schema), ("outputSchema", &stated.output_schema)] {
        if let Some(text) = text {
            check_schema(&signature, field, text)?;
        }
    }
    let mut inputs = signature.inputs_json();
    stated.input_schema.iter().for_each(|text| add_columns(&mut inputs, text));
    let (digest, files) = match opened {
        Some(opened) => (opened.digest().to_owned(), opened.files().to_vec()),
        None => identify(&source.files)?,
    };
    Ok(Inspection {
        framework: framework.as_str().to_owned(),
        engine: engine.to_owned(),
        digest,
        size: files.iter().map(|file| file.size).sum::<u64>() as f64,
        files: files
            .into_iter()
            .map(|file| FileDigest { name: file.name, digest: file.digest, size: file.size as f64 })
            .collect(),
        input_schema: inputs.to_string(),
        output_schema: signature.outputs_json().to_string(),
        labels,
        warnings,
    })
}

/// The refusal of a file by its first bytes; nothing when it may be a model, or a part of one.
#[napi(catch_unwind)]
pub fn foreign_format<'env>(env: &'env Env, name: String, head: Uint8Array) -> napi::Result<Option<Object<'env>>> {
    recognize(&name, &head).map(|foreign| to_object(env, &foreign.refuse(&name))).transpose()
}

#[napi]
pub const FORMAT_HEAD_BYTES: u32 = HEAD_BYTES as u32;

/// The ONNX model that a TensorFlow.js model is translated to, as bytes; answered on the channel.
#[napi(catch_unwind)]
pub fn translate_model(channel: &Channel, id: u32, files: Vec<ModelFile>) {
    let reply = channel.reply(id);
    let source = Source { files: read_files(files), beside: false, cache_folder: None };
    let translate = move |_: &RunControl| {
        source.prepare(Some(Framework::TensorFlow)).map(|prepared| prepared.model.encode_to_vec())
    };
    Engine::shared().inspect_later(None, translate, |bytes| reply.send_value(bytes.map(Uint8Array::new)));
}

/// The session of a digest when it is cached.
#[napi(catch_unwind)]
pub fn cached_session(env: &Env, digest: String, engine: Option<String>) -> napi::Result<Option<Session>> {
    let choice = engine.as_deref().map(EngineChoice::parse).transpose().map_err(|problem| throw(env, &problem))?;
    Ok(Engine::shared().cached(&digest, choice).map(|inner| Session { inner }))
}

/// Loads a session, once however many ask; answered on the channel with a `Session`.
#[napi(catch_unwind)]
pub fn load_session(
    env: &Env,
    channel: &Channel,
    id: u32,
    digest: String,
    files: Vec<ModelFile>,
    options: LoadOptions,
) -> napi::Result<()> {
    let preload = options.preload.unwrap_or(false);
    let (source, framework, engine) = read_source(files, options).map_err(|problem| throw(env, &problem))?;
    let reply = channel.reply(id);
    let request = LoadRequest { digest, source, framework, engine };
    let answer = Box::new(move |loaded: Result<_>| reply.send(loaded.map(|inner| Answer::Value(session_to_js(inner)))));
    if preload {
        Engine::shared().preload(request, answer);
    } else {
        Engine::shared().load(request, answer);
    }
    Ok(())
}

/// Loads a session of files whose digest is not known; what is loaded is what was digested. Answered on the channel with a
/// `Session`.
#[napi(catch_unwind)]
pub fn open_session(
    env: &Env,
    channel: &Channel,
    id: u32,
    files: Vec<ModelFile>,
    options: LoadOptions,
) -> napi::Result<()> {
    let (source, framework, engine) = read_source(files, options).map_err(|problem| throw(env, &problem))?;
    let reply = channel.reply(id);
    let answer = Box::new(move |loaded: Result<_>| reply.send(loaded.map(|inner| Answer::Value(session_to_js(inner)))));
    Engine::shared().open(source, framework, engine, answer);
    Ok(())
}

/// Stops loads, warm-ups and runs, and waits for them: for the end of the process.
#[napi(catch_unwind)]
pub fn drain_engine() {
    // What does not end is met again when the process exits.
    let _ = Engine::shared().drain();
}

/// Lets every thread see in the status how far preloading is.
#[napi(catch_unwind)]
pub fn report_preload(status: Preload) {
    let failure = |PreloadFailure { model_id, version, code, error }| Failure { model_id, version, code, error };
    let Preload { done, models, loaded, skipped, failures } = status;
    let failures = failures.into_iter().map(failure).collect();
    Engine::shared().report_preload(PreloadStatus { done, models, loaded, skipped, failures });
}

#[napi(catch_unwind)]
pub fn evict_session(digest: String) {
    Engine::shared().evict(&digest);
}

fn read_files(files: Vec<ModelFile>) -> Vec<File> {
    files
        .into_iter()
        .map(|file| File {
            name: file.name,
            content: match file.content {
                Either::A(path) => Content::Path(PathBuf::from(path)),
                Either::B(bytes) => Content::Memory(bytes::Bytes::copy_from_slice(&bytes)),
            },
        })
        .collect()
}

fn read_source(
    files: Vec<ModelFile>,
    options: LoadOptions,
) -> Result<(Source, Option<Framework>, Option<EngineChoice>)> {
    let framework = options.framework.as_deref().map(Framework::parse).transpose()?;
    let engine = options.engine.as_deref().map(EngineChoice::parse).transpose()?;
    let source = Source {
        files: read_files(files),
        beside: options.beside.unwrap_or(false),
        cache_folder: options.cache_folder.map(PathBuf::from),
    };
    Ok((source, framework, engine))
}
