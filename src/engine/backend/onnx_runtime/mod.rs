//! ONNX Runtime, loaded from its shared library at run time.

mod empty_sequences;
mod guard;
mod library;
mod message;
mod session;
mod value;

pub use library::LibraryOptions;

use super::{Backend, BackendSession, LoadPurpose};
use crate::error::{Error, ErrorCode, Result, error};
use crate::model::Prepared;
use ort::environment::Environment;
use ort::ep::CPU;
use ort::session::Session;
use ort::session::builder::{BuilderResult, GraphOptimizationLevel, SessionBuilder};
use prost::Message;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The library with its one environment: one thread pool and one bounded allocator for all sessions of the process.
pub struct OnnxRuntime {
    environment: Environment,
    version: String,
    shared_allocator: bool,
}

/// Above this a check loads a model without touching its weights.
const MAX_FULL_CHECK_BYTES: u64 = 16 << 20;

impl Backend for OnnxRuntime {
    fn name(&self) -> &'static str {
        "onnxruntime"
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn load(&self, model: &Prepared, purpose: LoadPurpose) -> Result<Box<dyn BackendSession>> {
        // ort's own reading of types and names may panic on a file that is wrong in a way it did not foresee.
        let loaded = catch_unwind(AssertUnwindSafe(|| self.load_session(model, purpose)))
            .map_err(|_| error!(InvalidModel, "ONNX Runtime cannot read the model's inputs and outputs"))??;
        let inputs = model.model.graph.as_ref().map_or(&[][..], |graph| &graph.input);
        let empty_sequences = empty_sequences::EmptySequences::of_inputs(&self.environment, inputs)?;
        Ok(Box::new(session::OnnxRuntimeSession::new(loaded, empty_sequences)))
    }
}

impl OnnxRuntime {
    fn load_session(&self, model: &Prepared, purpose: LoadPurpose) -> Result<Session> {
        let guarded = guard::make_safe(&model.model)?;
        let bytes = guarded.as_ref().unwrap_or(&model.model).encode_to_vec();
        let lean = purpose == LoadPurpose::Check && model.weight_bytes > MAX_FULL_CHECK_BYTES;
        self.builder(model, lean)
            .and_then(|mut builder| builder.commit_from_memory(&bytes))
            .map_err(|problem| load_error(&problem))
    }

    fn builder(&self, model: &Prepared, lean: bool) -> ort::Result<SessionBuilder> {
        let level = if lean { GraphOptimizationLevel::Disable } else { GraphOptimizationLevel::All };
        let mut builder = Session::builder(&self.environment)?;
        builder = plain(builder.with_execution_providers([CPU::default().with_arena_allocator(true).build()]))?;
        builder = plain(builder.with_optimization_level(level))?;
        builder = plain(builder.with_prepacking(!lean))?;
        if self.shared_allocator {
            builder = plain(builder.with_env_allocators())?;
            // Weights live as long as the session; the arena's limit is for what runs allocate.
            builder = plain(builder.with_device_allocated_initializers())?;
        }
        if let Some(directory) = &model.directory {
            let folder = directory.to_string_lossy();
            builder = plain(builder.with_config_entry("session.model_external_initializers_file_folder_path", folder))?;
        }
        Ok(builder)
    }
}

fn plain(result: BuilderResult) -> ort::Result<SessionBuilder> {
    result.map_err(|problem| ort::Error::new_with_code(problem.code(), problem.message()))
}

fn load_error(problem: &ort::Error) -> Error {
    let message = message::clean(problem.message());
    let unknown_operator =
        ["is not a registered function/op", "No Op registered for", "Could not find an implementation for"];
    let unsupported = problem.code() == ort::ErrorCode::NotImplemented
        || unknown_operator.iter().any(|phrase| message.contains(phrase));
    let code = if unsupported { ErrorCode::UnsupportedModel } else { ErrorCode::InvalidModel };
    Error::new(code, format!("ONNX Runtime refuses the model: {message}"))
}
