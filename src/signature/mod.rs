//! What a model takes and gives, and the conversion of values by it.

mod confidence;
mod declared;
mod elements;
mod encoded_input;
mod fit;
mod graph;
mod labels;
mod nested;
mod output;
mod schema;
mod tensor_input;

pub use confidence::{Confidence, confidence};
pub use declared::{Dim, Signature, ValueInfo, ValueType};
pub(crate) use encoded_input::quoted;
pub use encoded_input::{Given, Inputs, input_for, inputs_from};
pub use labels::class_names;
pub use output::{Elements, Output, OutputRow, Outputs};
pub use schema::check_schema;
