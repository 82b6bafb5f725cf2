//! Outputs, from the JSON text of an answer back to what the model gave.

use crate::error::{Result, error};
use crate::format::Encoded;
use crate::signature::{Signature, ValueInfo, ValueType, value_from};
use crate::tensor::{DType, Value};
use serde_json::Value as Json;

/// The outputs of a prediction, by name.
///
/// # Errors
/// `INVALID_INPUT` for what the model does not give.
pub fn outputs_from(signature: &Signature, prediction: &str) -> Result<Vec<(String, Value)>> {
    let fields = Encoded::json(prediction)?.fields().map_err(|problem| error!(InvalidInput, "{problem}"))?;
    let output = |(name, encoded): (String, Encoded)| {
        let declared = signature.outputs.iter().find(|output| output.name == name);
        let declared = declared.ok_or_else(|| error!(InvalidInput, "the model has no output \"{name}\""))?;
        let value = output_from(declared, &encoded)?;
        Ok((name, value))
    };
    fields.into_iter().map(output).collect()
}

fn output_from(declared: &ValueInfo, encoded: &Encoded) -> Result<Value> {
    match &declared.value_type {
        // Of a single row.
        ValueType::Sequence(element) if encoded.is_object() => {
            let element = ValueInfo { value_type: (**element).clone(), ..declared.clone() };
            value_from(&element, encoded).map(|value| Value::Sequence(vec![value]))
        }
        ValueType::Tensor { dtype, .. } if *dtype != DType::String && encoded.bytes().contains(&b'{') => {
            let json: Json = serde_json::from_slice(encoded.bytes())
                .map_err(|problem| error!(InvalidInput, "an output cannot be read: {problem}"))?;
            value_from(declared, &Encoded::json(&without_classes(json).to_string())?)
        }
        _ => value_from(declared, encoded),
    }
}

/// Lists in the place of objects by class.
fn without_classes(json: Json) -> Json {
    match json {
        Json::Array(rows) => rows.into_iter().map(without_classes).collect(),
        Json::Object(classes) => classes.into_iter().map(|(_, score)| score).collect(),
        score => score,
    }
}
