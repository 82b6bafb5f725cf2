//! The execution engines that there are here, started when they are first needed.

use super::backend::{Backend, LibraryOptions, OnnxRuntime};
use super::options::{EngineChoice, EngineOptions};
use crate::error::{Result, error};
use parking_lot::Mutex;
use serde::Serialize;
use std::sync::Arc;

#[derive(Default)]
pub struct Backends {
    onnx_runtime: Mutex<Option<Arc<OnnxRuntime>>>,
}

/// The engines and their versions; an engine that cannot be used says why.
#[derive(Debug, Clone, Serialize)]
pub struct BackendsStatus {
    pub onnxruntime: BackendStatus,
    pub tract: BackendStatus,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendStatus {
    pub available: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_providers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Backends {
    /// The engine that was asked for, or the best there is.
    ///
    /// # Errors
    /// `ENGINE_UNAVAILABLE` when it cannot be used here.
    pub fn choose(&self, choice: Option<EngineChoice>, options: &EngineOptions) -> Result<Arc<dyn Backend>> {
        match choice.unwrap_or(options.engine) {
            EngineChoice::OnnxRuntime => Ok(self.onnx_runtime(options)?),
            EngineChoice::Tract => tract(options),
            EngineChoice::Auto => match self.onnx_runtime(options) {
                Ok(backend) => Ok(backend),
                Err(unavailable) => tract(options).map_err(|_| unavailable),
            },
        }
    }

    /// A start that failed is tried again: the library may have been installed since.
    fn onnx_runtime(&self, options: &EngineOptions) -> Result<Arc<OnnxRuntime>> {
        let mut started = self.onnx_runtime.lock();
        if let Some(backend) = &*started {
            return Ok(Arc::clone(backend));
        }
        let path = options
            .library_path
            .clone()
            .ok_or_else(|| error!(EngineUnavailable, "the ONNX Runtime library was not found"))?;
        let backend = Arc::new(OnnxRuntime::start(&LibraryOptions {
            path,
            intra_op_threads: options.intra_op_threads,
            max_run_bytes: options.max_run_bytes,
        })?);
        *started = Some(Arc::clone(&backend));
        Ok(backend)
    }

    pub fn status(&self, options: &EngineOptions) -> BackendsStatus {
        BackendsStatus {
            onnxruntime: BackendStatus::of(self.onnx_runtime(options).map(|backend| backend as Arc<dyn Backend>)),
            tract: BackendStatus::of(tract(options)),
        }
    }
}

impl BackendStatus {
    fn of(backend: Result<Arc<dyn Backend>>) -> Self {
        match backend.and_then(|backend| Ok((backend.version(), backend.execution_providers()?))) {
            Ok((version, providers)) => {
                Self { available: true, version: Some(version), execution_providers: Some(providers), reason: None }
            }
            Err(problem) => {
                Self { available: false, version: None, execution_providers: None, reason: Some(problem.message) }
            }
        }
    }
}

#[cfg(feature = "tract")]
fn tract(options: &EngineOptions) -> Result<Arc<dyn Backend>> {
    Ok(Arc::new(super::backend::Tract { max_tensor_bytes: options.max_run_bytes }))
}

#[cfg(not(feature = "tract"))]
fn tract(_options: &EngineOptions) -> Result<Arc<dyn Backend>> {
    Err(error!(EngineUnavailable, "this build has no tract"))
}
