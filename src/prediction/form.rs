//! The forms of answers.

use crate::format::Format;

#[derive(Debug)]
pub enum Form {
    /// That of `/predict`.
    Own {
        format: Format,
        /// Whether class scores are given by the names of the classes.
        by_class: bool,
    },
    /// That of the Open Inference Protocol.
    OpenInference(Vec<WantedOutput>),
    TensorFlowServing {
        /// Of a request that came as rows: how many.
        rows: Option<usize>,
    },
}

/// An output as the Open Inference Protocol answers it.
#[derive(Debug)]
pub struct WantedOutput {
    pub name: String,
    pub datatype: &'static str,
    /// Whether its elements follow the JSON as bytes.
    pub is_binary: bool,
}
