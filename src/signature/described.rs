//! Signatures as the records of models describe them.

use super::{ClassOutput, ClassRole, Dim, Signature, ValueInfo, ValueType};
use crate::error::{Result, error};
use crate::tensor::DType;
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::HashMap;

/// An input or output, as `inputSchema` and `outputSchema` of a model's record have it.
#[derive(Deserialize)]
pub struct Described {
    pub name: String,
    pub dtype: Option<String>,
    pub shape: Option<Vec<Json>>,
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    #[serde(default)]
    pub optional: bool,
    pub columns: Option<Vec<String>>,
    pub role: Option<String>,
    pub classes: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct DescribedAll {
    #[serde(alias = "outputs")]
    inputs: Vec<Described>,
}

/// The inputs or outputs of the JSON text of a record.
///
/// # Errors
/// `INVALID_REQUEST` for other texts.
pub fn described(text: &str) -> Result<Vec<Described>> {
    serde_json::from_str::<DescribedAll>(text)
        .map(|all| all.inputs)
        .map_err(|problem| error!(InvalidRequest, "the schema of the model cannot be read: {problem}"))
}

impl Signature {
    /// Of the JSON texts of [`Self::inputs_json`] and [`Self::outputs_json`], and the names of the columns of inputs that have names.
    /// Which outputs tell how sure the model is, such a text does not say.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for other texts.
    pub fn from_json(inputs: &str, outputs: &str) -> Result<(Self, HashMap<String, Vec<String>>)> {
        let (inputs, outputs) = (described(inputs)?, described(outputs)?);
        let columns = inputs.iter().filter_map(|input| Some((input.name.clone(), input.columns.clone()?))).collect();
        let signature = Self {
            inputs: inputs.iter().map(Described::value_info).collect(),
            outputs: outputs.iter().map(Described::value_info).collect(),
            class_outputs: outputs.into_iter().filter_map(Described::class_output).collect(),
            ..Self::default()
        };
        Ok((signature, columns))
    }
}

impl Described {
    fn value_info(&self) -> ValueInfo {
        let dtype = self.dtype.as_deref().and_then(DType::from_name);
        let value_type = match (&self.type_name, dtype) {
            (Some(name), _) => value_type(name),
            (None, Some(dtype)) => {
                let shape = self.shape.as_ref().map(|sizes| sizes.iter().map(dim).collect());
                ValueType::Tensor { dtype, shape }
            }
            (None, None) => ValueType::Unknown,
        };
        ValueInfo { name: self.name.clone(), value_type, optional: self.optional }
    }

    fn class_output(self) -> Option<ClassOutput> {
        let role = match self.role.as_deref()? {
            "label" => ClassRole::Label,
            "scores" => ClassRole::Scores,
            _ => return None,
        };
        Some(ClassOutput { name: self.name, role, classes: self.classes })
    }
}

fn dim(size: &Json) -> Dim {
    match size {
        Json::String(name) => Dim::Free(Some(name.clone())),
        size => size.as_u64().map_or(Dim::Free(None), |size| Dim::Fixed(size as usize)),
    }
}

/// As types are written that are no tensors: `seq(map(int64,tensor(float32)))`.
fn value_type(text: &str) -> ValueType {
    parse_type(text).unwrap_or(ValueType::Unknown)
}

fn parse_type(text: &str) -> Option<ValueType> {
    let within = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(element) = within("seq") {
        return Some(ValueType::Sequence(Box::new(parse_type(element)?)));
    }
    if let Some(element) = within("optional") {
        return Some(ValueType::Optional(Box::new(parse_type(element)?)));
    }
    if let Some((key, value)) = within("map").and_then(|entry| entry.split_once(',')) {
        return Some(ValueType::Map { key: DType::from_name(key)?, value: Box::new(parse_type(value)?) });
    }
    if let Some(dtype) = within("tensor") {
        return Some(ValueType::Tensor { dtype: DType::from_name(dtype)?, shape: None });
    }
    let (dtype, dims) = text.strip_suffix(']')?.split_once('[')?;
    let size = |size: &str| match size.parse() {
        Ok(size) => Dim::Fixed(size),
        Err(_) => Dim::Free((size != "?").then(|| size.to_owned())),
    };
    let dims = dims.split(',').filter(|size| !size.is_empty()).map(size).collect();
    Some(ValueType::Tensor { dtype: DType::from_name(dtype)?, shape: Some(dims) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_described_is_read_again() {
        let tensor = |dtype, shape: Option<Vec<Dim>>| ValueType::Tensor { dtype, shape };
        let info = |name: &str, value_type, optional| ValueInfo { name: name.to_owned(), value_type, optional };
        let map = ValueType::Map { key: DType::Int64, value: Box::new(tensor(DType::Float32, None)) };
        let rows = vec![Dim::Free(Some("n".to_owned())), Dim::Free(None), Dim::Fixed(3)];
        let signature = Signature {
            inputs: vec![
                info("x", tensor(DType::Float64, Some(rows.clone())), false),
                info("y", ValueType::Optional(Box::new(tensor(DType::String, None))), true),
            ],
            outputs: vec![
                info("label", tensor(DType::Int64, Some(vec![])), false),
                info("p", ValueType::Sequence(Box::new(map)), false),
                info("s", ValueType::Sequence(Box::new(tensor(DType::Int8, Some(rows)))), false),
                info("z", tensor(DType::Float32, None), false),
                info("?", ValueType::Unknown, false),
            ],
            class_outputs: vec![
                ClassOutput { name: "label".to_owned(), role: ClassRole::Label, classes: None },
                ClassOutput { name: "z".to_owned(), role: ClassRole::Scores, classes: Some(vec!["cat".to_owned()]) },
            ],
            ..Signature::default()
        };
        let mut inputs = signature.inputs_json();
        inputs["inputs"][0]["columns"] = serde_json::json!(["a", "b", "c"]);
        let (read, columns) = Signature::from_json(&inputs.to_string(), &signature.outputs_json().to_string()).unwrap();
        assert_eq!(read, signature);
        assert_eq!(columns["x"], ["a", "b", "c"]);
        assert!(Signature::from_json("{}", "[]").is_err());
    }
}
