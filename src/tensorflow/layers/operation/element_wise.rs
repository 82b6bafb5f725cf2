//! Operations element by element.

use super::operands::{alike, pair};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::Value;
use crate::tensorflow::layers::activation;
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::layers::topology::Argument;
use serde_json::Value as Json;

pub fn binary(layer: &mut Layer<'_, '_>, op_type: &'static str) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    Ok(vec![layer.emit.op(op_type, &pair)])
}

pub fn divide(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    let (a, b) = (layer.float(pair[0])?, layer.float(pair[1])?);
    Ok(vec![layer.emit.div(a, b)])
}

pub fn not_equal(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let equal = binary(layer, "Equal")?;
    Ok(vec![layer.emit.op("Not", &equal)])
}

pub fn logical(layer: &mut Layer<'_, '_>, op_type: &'static str) -> Result<Vec<Value>> {
    let pair = pair(layer)?.into_iter().map(|value| layer.emit.cast(value, DType::Bool)).collect::<Vec<_>>();
    Ok(vec![layer.emit.op(op_type, &pair)])
}

pub fn logical_not(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.emit.cast(layer.raw(), DType::Bool);
    Ok(vec![layer.emit.op("Not", &[x])])
}

pub fn choose(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let condition = layer.operand(0, &["condition"])?;
    let Argument::Tensor(condition) = condition else {
        return Err(error!(UnsupportedModel, "its condition is not a tensor"));
    };
    let operands = [layer.operand(1, &["x1", "x"])?, layer.operand(2, &["x2", "y"])?];
    let values = alike(layer, &operands)?;
    let condition = layer.emit.cast(condition.value, DType::Bool);
    Ok(vec![layer.emit.op("Where", &[condition, values[0], values[1]])])
}

pub fn clip(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let low = layer.field_number(&["x_min", "clip_value_min"], f64::NEG_INFINITY)?;
    let high = layer.field_number(&["x_max", "clip_value_max"], f64::INFINITY)?;
    let (low, high) = (layer.emit.float(low as f32), layer.emit.float(high as f32));
    Ok(vec![layer.emit.op("Clip", &[x, low, high])])
}

pub fn unary(layer: &mut Layer<'_, '_>, op_type: &'static str) -> Result<Vec<Value>> {
    let x = layer.x()?;
    Ok(vec![layer.emit.op(op_type, &[x])])
}

pub fn square(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    Ok(vec![layer.emit.mul(x, x)])
}

pub fn inverse_root(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let root = unary(layer, "Sqrt")?;
    Ok(vec![layer.emit.op("Reciprocal", &root)])
}

pub fn shifted_log(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let one = layer.emit.float(1.0);
    let sum = layer.emit.add(x, one);
    Ok(vec![layer.emit.op("Log", &[sum])])
}

pub fn activate(layer: &mut Layer<'_, '_>, function: &str) -> Result<Vec<Value>> {
    let x = layer.x()?;
    Ok(vec![activation::apply(layer.emit, layer.context.keras, &Json::from(function), x)?])
}

pub fn elu(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let alpha = layer.field_number(&["alpha"], 1.0)? as f32;
    Ok(vec![layer.emit.op_with("Elu", &[x], [("alpha", alpha.into())])])
}

pub fn leaky_relu(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let slope = layer.field_number(&["negative_slope", "alpha"], 0.2)? as f32;
    Ok(vec![layer.emit.op_with("LeakyRelu", &[x], [("alpha", slope.into())])])
}

pub fn gelu(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    activate(layer, if layer.field_flag(&["approximate"]) { "gelu_new" } else { "gelu" })
}

pub fn softmax(layer: &mut Layer<'_, '_>, op_type: &'static str) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let axes = layer.field_ints(&["axis"])?.unwrap_or_else(|| vec![-1]);
    match (axes.as_slice(), op_type) {
        (&[axis], _) => Ok(vec![layer.emit.op_with(op_type, &[x], [("axis", axis.into())])]),
        (_, "Softmax") => Ok(vec![activation::softmax_over(layer.emit, x, &axes)]),
        _ => Err(error!(UnsupportedModel, "one axis is expected")),
    }
}

pub fn cast(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let dtype = layer.wanted_type(None)?;
    if layer.emit.dtype(x) == DType::String {
        return Err(error!(UnsupportedModel, "string tensors cannot be cast"));
    }
    Ok(vec![layer.emit.cast(x, dtype)])
}

pub fn same(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    Ok(vec![layer.raw()])
}

pub fn like(layer: &mut Layer<'_, '_>, number: f64) -> Result<Vec<Value>> {
    let x = layer.raw();
    let dtype = layer.wanted_type(Some(layer.emit.dtype(x)))?;
    let shape = layer.emit.shape_of(x);
    let number = layer.emit.constant(Constant::of_numbers(dtype, &[], &[number]));
    Ok(vec![layer.emit.op("Expand", &[number, shape])])
}
