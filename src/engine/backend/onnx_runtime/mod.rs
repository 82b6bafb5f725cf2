//! ONNX Runtime, loaded from its shared library at run time.

mod builder;
mod empty_sequences;
mod guard;
mod library;
mod load;
mod message;
mod optional_inputs;
mod providers;
mod session;
mod text_budget;
#[cfg(test)]
pub mod trial;
mod value;

pub use library::{LibraryOptions, OnnxRuntime};
pub use message::is_lack_of_memory;
