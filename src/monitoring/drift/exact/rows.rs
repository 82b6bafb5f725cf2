//! Recorded predictions, split into rows and columns as profiles have them.

use super::columns::RawColumns;
use super::output::outputs_from;
use crate::error::{Result, error};
use crate::format::Encoded;
use crate::monitoring::profile::{ProfileSettings, Sides, split};
use crate::signature::{Given, Signature, inputs_from};
use crate::tensor::Value;
use std::collections::HashMap;

/// What the text of features that were too large to be kept consists of.
const SUMMARY_FIELDS: [&str; 3] = ["summary", "bytes", "digest"];

/// Takes predictions one by one.
#[derive(Debug)]
pub struct RecordedRows {
    max_columns: usize,
    models: Vec<Model>,
    columns: RawColumns,
    without_features: u64,
    left_out: u64,
}

#[derive(Debug)]
struct Model {
    signature: Signature,
    /// Of the columns of inputs that have names.
    columns: HashMap<String, Vec<String>>,
}

impl RecordedRows {
    /// A tensor with more than `max_columns` is a vector.
    pub fn new(max_columns: usize) -> Self {
        Self { max_columns, models: Vec::new(), columns: RawColumns::default(), without_features: 0, left_out: 0 }
    }

    /// Adds a model that predictions are of, by the JSON texts of its record; answers its place.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for other texts.
    pub fn add_model(&mut self, inputs: &str, outputs: &str) -> Result<usize> {
        let (signature, columns) = Signature::from_json(inputs, outputs)?;
        self.models.push(Model { signature, columns });
        Ok(self.models.len() - 1)
    }

    /// Adds a prediction of the model at a place, as its event has it. What the model does not take or give is left out.
    pub fn add(&mut self, model: usize, features: Option<&str>, prediction: &str) {
        let Some(Model { signature, columns: names }) = self.models.get(model) else {
            self.left_out += 1;
            return;
        };
        let read = || -> Result<(Option<Vec<(String, Value)>>, Vec<(String, Value)>)> {
            let inputs = features.map(|text| features_from(signature, text)).transpose()?.flatten();
            Ok((inputs, outputs_from(signature, prediction)?))
        };
        let Ok((inputs, outputs)) = read() else {
            self.left_out += 1;
            return;
        };
        self.without_features += u64::from(inputs.is_none());
        let settings = ProfileSettings { max_columns: self.max_columns, features: inputs.is_some() };
        let sides = Sides { signature, inputs: inputs.as_deref().unwrap_or_default(), outputs: &outputs };
        split(settings, names, sides, &mut self.columns);
    }

    pub fn rows(&self) -> u64 {
        self.columns.profile.rows
    }

    /// Values that are kept; texts count by their length.
    pub fn size(&self) -> usize {
        self.columns.size
    }

    /// Predictions whose outputs alone are known.
    pub fn without_features(&self) -> u64 {
        self.without_features
    }

    /// Predictions that were not understood.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// All that there is; nothing is left.
    pub fn take(&mut self) -> RawColumns {
        std::mem::take(&mut self.columns)
    }
}

/// The inputs of a prediction; `None` where only their summary is kept.
fn features_from(signature: &Signature, text: &str) -> Result<Option<Vec<(String, Value)>>> {
    let fields = Encoded::json(text)?.fields().map_err(|problem| error!(InvalidInput, "{problem}"))?;
    let is_input = |name: &str| signature.inputs.iter().any(|input| input.name == name);
    if fields.iter().map(|(name, _)| name.as_str()).eq(SUMMARY_FIELDS) && !is_input(SUMMARY_FIELDS[0]) {
        return Ok(None);
    }
    let given: Vec<(&str, Given<'_>)> =
        fields.iter().map(|(name, value)| (name.as_str(), Given::Value(value))).collect();
    inputs_from(signature, &given).map(|inputs| Some(inputs.values))
}
