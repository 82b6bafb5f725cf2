//! Products of matrices and tensors.

use super::operands::pair;
use crate::error::{Result, error};
use crate::tensorflow::emit::Value;
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::layers::topology::Argument;
use serde_json::Value as Json;

/// With `transpose_a` and `transpose_b` of TensorFlow.
pub fn matmul(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut pair = pair(layer)?;
    for (side, field) in ["transpose_a", "transpose_b"].into_iter().enumerate() {
        if layer.field_flag(&[field]) {
            let rank = layer.rank(pair[side])?;
            if rank < 2 {
                return Err(error!(InvalidModel, "a vector cannot be transposed"));
            }
            let order: Vec<usize> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
            pair[side] = layer.emit.transpose(pair[side], &order);
        }
    }
    Ok(vec![layer.emit.op("MatMul", &pair)])
}

pub fn einsum(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let equation = match (layer.config.json("subscripts"), layer.given.arguments.first()) {
        (Json::String(equation), _) | (_, Some(Argument::Plain(Json::String(equation)))) => equation.clone(),
        _ => return Err(error!(UnsupportedModel, "its equation is not in the file")),
    };
    if !equation.contains("->") {
        return Err(error!(UnsupportedModel, "the equation \"{equation}\" has no output"));
    }
    let inputs: Vec<Value> = layer.inputs.iter().map(|input| input.value).collect();
    let inputs = inputs.into_iter().map(|value| layer.float(value)).collect::<Result<Vec<_>>>()?;
    Ok(vec![layer.emit.op_with("Einsum", &inputs, [("equation", equation.into())])])
}
