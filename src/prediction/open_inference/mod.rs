//! The Open Inference Protocol: its requests as requests of ours, and what a run gave as its answers.

mod answer;
mod datatypes;
mod parameters;
mod request;
mod texts;

pub use answer::write_outputs;
pub use datatypes::datatype_of;
pub use request::{Request, parse};
