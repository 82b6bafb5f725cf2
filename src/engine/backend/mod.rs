//! The execution engines, and what this engine asks of them.

mod interface;
pub(super) mod onnx_runtime;
mod renamed;
#[cfg(feature = "tract")]
mod tract;

pub use interface::{Backend, BackendSession, LoadPurpose, Loaded};
pub use onnx_runtime::{LibraryOptions, OnnxRuntime, is_lack_of_memory};
pub use renamed::RenamedOutputs;
#[cfg(feature = "tract")]
pub use tract::Tract;
