//! Edge AI for Harper: models executed, cached and watched in the process that holds the data.
//!
//! A map of the rooms; dependencies point from the last to the first.
//!
//! | room | noun |
//! |---|---|
//! | [`error`] | one enum of all errors |
//! | [`tensor`] | tensors, and values made of them |
//! | [`process`] | identifiers, ids in the order of time, named locks |
//! | [`files`] | the files of models, their digests, archives, and space on disks |
//! | [`format`] | bodies in JSON, CBOR and MessagePack, read item by item and written |
//! | [`onnx`] | the ONNX file format, and a row for each operator |
//! | [`signature`] | what a model takes and gives, and the conversion by it |
//! | [`tensorflow`] | TensorFlow.js models, translated to ONNX |
//! | [`model`] | an uploaded model: detected, checked, made safe to load |
//! | [`statistics`] | distributions, ranks and histograms |
//! | [`engine`] | sessions: loading, caching, running, deadlines |
//! | [`monitoring`] | meters of what runs, metrics over inference events, drift, quality of predictions, detectors of change |
//! | [`prediction`] | a request, its tensors and the answer |
//! | `node` | the binding to Node.js, the only room that names napi |

pub mod engine;
pub mod error;
pub mod files;
pub mod format;
pub mod model;
pub mod monitoring;
// napi exports nothing from a test build, so that there the whole room would count as unused.
#[cfg(all(feature = "node", not(test)))]
mod node;
pub mod onnx;
pub mod prediction;
pub mod process;
pub mod signature;
pub mod statistics;
pub mod tensor;
pub mod tensorflow;
