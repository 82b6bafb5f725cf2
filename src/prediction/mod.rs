//! A prediction: its request, the tensors that it runs on, and the answer. The same for every protocol.

mod answer;
mod features;
mod form;
mod limits;
pub mod message;
mod metered;
mod open_inference;
mod receipt;
mod request;
mod rows;
mod shown;
mod tensorflow_serving;
mod tensors;

pub use answer::{Prediction, Writing, confidence_of, latency_ms};
pub use limits::{MAX_ID_BYTES, MAX_PRIORITY};
pub use metered::{Metered, answered, count_refused};
pub use open_inference::datatype_of;
pub use receipt::{ReceiptAnswer, RecordedRun};
pub use request::PredictRequest;
pub use rows::Rows;
pub use tensors::{inputs_of, prepare, run_request};
