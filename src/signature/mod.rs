//! What a model takes and gives, and the conversion of values by it.

mod agreement;
mod class_output;
mod classes;
mod confidence;
mod declared;
mod described;
mod elements;
mod encoded_input;
mod fit;
mod graph;
mod labels;
mod nested;
mod output;
mod probabilities;
mod schema;
mod tensor_input;

pub use class_output::{ClassOutput, ClassRole, is_label_name};
pub use confidence::{Confidence, confidence};
pub use declared::{Dim, Signature, ValueInfo, ValueType};
pub use described::{Described, described};
pub(crate) use encoded_input::quoted;
pub use encoded_input::{Given, Inputs, input_for, inputs_from, value_from};
pub use labels::class_names;
pub use output::{Elements, Output, OutputRow, Outputs, lose_batch};
pub use schema::{add_columns, check_schema};
