//! Edge AI for Harper: models executed, cached and watched in the process that holds the data.
//!
//! A map of the rooms; dependencies point from the last to the first.
//!
//! | room | noun |
//! |---|---|
//! | [`error`], [`tensor`] | what all rooms share |
//! | [`format`] | bodies in JSON, CBOR and MessagePack, read item by item and written |
//! | [`signature`] | what a model takes and gives, and the conversion by it |
//! | [`onnx`] | the ONNX file format |
//! | [`model`] | an uploaded model: detected, checked, made safe to load |
//! | [`tensorflow`] | TensorFlow.js models, translated to ONNX |
//! | [`request`] | the body of a prediction request |
//! | [`engine`] | sessions: loading, caching, running, deadlines |
//! | [`monitoring`] | metrics over inference events |
//! | [`registry`] | identifiers and the order of versions |
//! | `node` | the binding to Node.js, the only room that names napi |

pub mod engine;
pub mod error;
pub mod format;
pub mod model;
pub mod monitoring;
// napi exports nothing from a test build, so that there the whole room would count as unused.
#[cfg(all(feature = "node", not(test)))]
mod node;
pub mod onnx;
pub mod registry;
pub mod request;
pub mod signature;
pub mod tensor;
pub mod tensorflow;
