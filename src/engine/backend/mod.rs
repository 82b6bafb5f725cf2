//! The execution engines, and what this engine asks of them.

mod interface;
pub(super) mod onnx_runtime;
mod renamed;
#[cfg(feature = "tract")]
mod tract;

pub use interface::{Backend, BackendSession, LoadPurpose, Loaded};
pub use onnx_runtime::{LibraryOptions, OnnxRuntime};
pub use renamed::RenamedOutputs;
#[cfg(feature = "tract")]
pub use tract::Tract;
