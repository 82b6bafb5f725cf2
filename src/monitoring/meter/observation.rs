//! What a meter is told of a prediction.

use crate::engine::RunOutput;
use crate::error::ErrorCode;
use crate::signature::Signature;
use crate::tensor::Value;

/// A prediction that has ended.
#[derive(Clone, Copy)]
pub struct Observation<'a> {
    /// When, in Unix milliseconds.
    pub unix_ms: u64,
    /// Of the model that ran.
    pub signature: &'a Signature,
    /// As they were run, with a batch dimension; empty when they were refused.
    pub inputs: &'a [(String, Value)],
    /// How many rows they are, where they have as many.
    pub rows: Option<usize>,
    /// What came out and was answered, or why nothing was.
    pub outcome: Result<&'a RunOutput, ErrorCode>,
}
