//! Operations that compare elements with each other: their order, and where they are.

use super::operands::{alike, wrapped_axis};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::Value;
use crate::tensorflow::layers::layer::Layer;

/// The input and the axis along which it is ordered: all elements in one without an axis.
fn ordered(layer: &mut Layer<'_, '_>) -> Result<(Value, usize)> {
    let x = layer.raw();
    let is_absent = layer.config.0.get("axis").is_some_and(serde_json::Value::is_null);
    match layer.field_ints(&["axis"])?.as_deref() {
        None if is_absent => Ok((layer.emit.reshape(x, &[-1]), 0)),
        None => Ok((x, layer.rank(x)?.saturating_sub(1))),
        Some(&[axis]) => Ok((x, wrapped_axis(axis, layer.rank(x)?)?)),
        Some(_) => Err(error!(InvalidModel, "\"axis\" should be one integer")),
    }
}

/// The elements in order, and where each was.
fn sorted(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let (x, axis) = ordered(layer)?;
    let descending = layer.field_text(&["direction"]).is_some_and(|direction| direction == "DESCENDING");
    let emit = &mut *layer.emit;
    let shape = emit.shape_of(x);
    let count = emit.slice(shape, 0, axis as i64, axis as i64 + 1);
    let attributes = [("axis", (axis as i64).into()), ("largest", i64::from(descending).into())];
    Ok(emit.op_n("TopK", &[x, count], attributes, 2))
}

pub fn sort(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    Ok(vec![sorted(layer)?[0]])
}

pub fn places_in_order(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let places = sorted(layer)?[1];
    Ok(vec![layer.emit.cast(places, DType::Int32)])
}

/// The largest elements of the last axis, and where they are.
pub fn top(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let count = layer.field_int(&["k"], 1)?;
    if count < 1 {
        return Err(error!(InvalidModel, "\"k\" should be positive, not {count}"));
    }
    let count = layer.emit.int64s(&[count]);
    let both = layer.emit.op_n("TopK", &[x, count], [("axis", (-1).into())], 2);
    Ok(vec![both[0], layer.emit.cast(both[1], DType::Int32)])
}

/// Whether the prediction of each target is among the largest of its row.
pub fn is_in_top(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let targets = layer.operand_value(0, &["targets"])?;
    let scores = layer.operand_value(1, &["predictions"])?;
    let count = layer.field_int(&["k"], 1)?;
    let emit = &mut *layer.emit;
    let targets = emit.cast(targets, DType::Int64);
    let places = emit.unsqueeze(targets, &[-1]);
    let own = emit.op_with("GatherElements", &[scores, places], [("axis", (-1).into())]);
    let larger = emit.op("Greater", &[scores, own]);
    let larger = emit.cast(larger, DType::Int32);
    let larger = emit.reduce("ReduceSum", larger, Some(&[-1]), false);
    let count = emit.scalar_like(larger, count as f64);
    Ok(vec![emit.op("Less", &[larger, count])])
}

/// How many elements of a sorted list are below each value; those that are equal count when the right side is asked for.
fn places_among(layer: &mut Layer<'_, '_>, sorted: Value, values: Value, right: bool) -> Value {
    let emit = &mut *layer.emit;
    let each = emit.unsqueeze(values, &[-1]);
    let below = emit.op(if right { "LessOrEqual" } else { "Less" }, &[sorted, each]);
    let below = emit.cast(below, DType::Int32);
    emit.reduce("ReduceSum", below, Some(&[-1]), false)
}

pub fn search(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let operands = [layer.operand(0, &["sorted_sequence"])?, layer.operand(1, &["values"])?];
    let both = alike(layer, &operands)?;
    let right = layer.config.text("side", "left")? == "right";
    Ok(vec![places_among(layer, both[0], both[1], right)])
}

/// Between which of the bins each value is.
pub fn digitize(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let operands = [layer.operand(0, &["x"])?, layer.operand(1, &["bins"])?];
    let both = alike(layer, &operands)?;
    let (x, bins) = (layer.float(both[0])?, layer.float(both[1])?);
    Ok(vec![places_among(layer, bins, x, true)])
}

/// The place of the smallest or largest number; what is no number is not looked at.
pub fn place_of_number(layer: &mut Layer<'_, '_>, op_type: &'static str, last: f32) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let (nan, last) = (layer.emit.op("IsNaN", &[x]), layer.emit.float(last));
    layer.inputs[0].value = layer.emit.select(nan, last, x);
    super::reduction::arg(layer, op_type)
}
