//! The engine's settings.

use super::batch::BatchLimits;
use super::providers::Providers;
use crate::error::{Error, Result, error};
use std::path::PathBuf;
use std::time::Duration;

/// Which execution engine runs models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EngineChoice {
    /// ONNX Runtime where its library can be loaded, tract otherwise.
    #[default]
    Auto,
    OnnxRuntime,
    Tract,
}

impl EngineChoice {
    /// # Errors
    /// `INVALID_REQUEST` for any other name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "auto" => Ok(Self::Auto),
            "onnxruntime" => Ok(Self::OnnxRuntime),
            "tract" => Ok(Self::Tract),
            other => Err(error!(
                InvalidRequest,
                "engine must be \"auto\", \"onnxruntime\" or \"tract\", received \"{other}\""
            )),
        }
    }
}

#[derive(Debug, Clone)]
pub struct EngineOptions {
    pub engine: EngineChoice,
    /// What computes inside ONNX Runtime.
    pub providers: Providers,
    /// Sessions that stay loaded.
    pub cache_max_models: usize,
    /// Bytes of weights that stay loaded. One session is always kept, however large.
    pub cache_max_bytes: u64,
    /// Threads that share the work within one operator.
    pub intra_op_threads: usize,
    /// Runs that are under way at the same time; short ones may have one more thread.
    pub run_threads: usize,
    /// Runs of one model that may wait for a thread.
    pub max_queue_size: usize,
    /// Rows of different requests that may run together; 1 turns batching off.
    pub max_batch_size: usize,
    /// How long a request may wait for others while its model is busy, in milliseconds.
    pub max_queue_delay_ms: f64,
    /// Batches of one model that run side by side.
    pub max_concurrent_batches: usize,
    /// How long a run may take, waiting included, unless its caller says otherwise.
    pub timeout_ms: u64,
    /// How long the load of a model may take, and the check of an upload.
    pub load_timeout: Duration,
    /// What all runs together may allocate inside ONNX Runtime, in bytes.
    pub max_run_bytes: usize,
    /// Sessions that nobody used for so long are unloaded; zero: they stay.
    pub idle_unload: Duration,
    /// The ONNX Runtime library.
    pub library_path: Option<PathBuf>,
}

impl EngineOptions {
    pub(super) fn batch_limits(&self) -> BatchLimits {
        BatchLimits {
            max_rows: self.max_batch_size,
            max_delay: Duration::from_secs_f64(self.max_queue_delay_ms.clamp(0.0, 60_000.0) / 1e3),
            max_side_by_side: self.max_concurrent_batches,
        }
    }
}

impl Default for EngineOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            engine: EngineChoice::Auto,
            providers: Providers::default(),
            cache_max_models: 10,
            cache_max_bytes: 1 << 30,
            intra_op_threads: threads,
            run_threads: threads,
            max_queue_size: 1024,
            max_batch_size: 64,
            max_queue_delay_ms: 0.0,
            max_concurrent_batches: 1,
            timeout_ms: 30_000,
            load_timeout: Duration::from_secs(120),
            max_run_bytes: 1 << 30,
            idle_unload: Duration::ZERO,
            library_path: None,
        }
    }
}
