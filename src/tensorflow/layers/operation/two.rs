//! Functions of two numbers, element by element.

use super::operands::{alike, pair};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::numeric;
use std::f32::consts::LN_2;

/// A function that is composed of operators.
pub type Function = fn(&mut Emit, Value, Value) -> Value;

pub fn of_numbers(layer: &mut Layer<'_, '_>, function: Function) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    Ok(vec![function(layer.emit, pair[0], pair[1])])
}

pub fn of_floats(layer: &mut Layer<'_, '_>, function: Function) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    let (a, b) = (layer.float(pair[0])?, layer.float(pair[1])?);
    Ok(vec![function(layer.emit, a, b)])
}

pub fn hypotenuse(emit: &mut Emit, a: Value, b: Value) -> Value {
    let (a, b) = (emit.mul(a, a), emit.mul(b, b));
    let sum = emit.add(a, b);
    emit.op("Sqrt", &[sum])
}

/// `log(exp(a) + exp(b))`
pub fn log_sum(emit: &mut Emit, a: Value, b: Value) -> Value {
    let largest = emit.op("Max", &[a, b]);
    let difference = emit.sub(a, b);
    let distance = emit.op("Abs", &[difference]);
    let below = emit.op("Neg", &[distance]);
    let rest = emit.op("Softplus", &[below]);
    let sum = emit.add(largest, rest);
    // Of two equal infinities the difference is no number.
    let same = emit.op("Equal", &[a, b]);
    let doubled = emit.float(LN_2);
    let doubled = emit.add(a, doubled);
    emit.select(same, doubled, sum)
}

/// `log2(2^a + 2^b)`
pub fn log2_sum(emit: &mut Emit, a: Value, b: Value) -> Value {
    let (factor, inverse) = (emit.float(LN_2), emit.float(1.0 / LN_2));
    let (a, b) = (emit.mul(a, factor), emit.mul(b, factor));
    let sum = log_sum(emit, a, b);
    emit.mul(sum, inverse)
}

/// The rest of a division, with the sign of the first.
pub fn truncated_rest(emit: &mut Emit, a: Value, b: Value) -> Value {
    emit.op_with("Mod", &[a, b], [("fmod", 1.into())])
}

/// The one of two, where the other is no number.
fn without_nan(emit: &mut Emit, a: Value, b: Value, op_type: &'static str) -> Value {
    let (a_nan, b_nan) = (emit.op("IsNaN", &[a]), emit.op("IsNaN", &[b]));
    let made = emit.op(op_type, &[a, b]);
    let made = emit.select(b_nan, a, made);
    emit.select(a_nan, b, made)
}

pub fn largest_number(emit: &mut Emit, a: Value, b: Value) -> Value {
    without_nan(emit, a, b, "Max")
}

pub fn smallest_number(emit: &mut Emit, a: Value, b: Value) -> Value {
    without_nan(emit, a, b, "Min")
}

/// 0 below 0, 1 above it, and the second at 0.
pub fn step(emit: &mut Emit, a: Value, b: Value) -> Value {
    let (zero, one) = (emit.float(0.0), emit.float(1.0));
    let (below, at) = (emit.op("Less", &[a, zero]), emit.op("Equal", &[a, zero]));
    let made = emit.select(below, zero, one);
    emit.select(at, b, made)
}

/// `a * 2^b`
pub fn times_power(emit: &mut Emit, a: Value, b: Value) -> Value {
    let factor = emit.float(LN_2);
    let natural = emit.mul(b, factor);
    let power = emit.op("Exp", &[natural]);
    emit.mul(a, power)
}

pub fn bits(layer: &mut Layer<'_, '_>, of_bools: &'static str, of_integers: &'static str) -> Result<Vec<Value>> {
    let operands = [layer.operand(0, &["x", "x1"])?, layer.operand(1, &["y", "x2"])?];
    let bools =
        layer.inputs.iter().all(|input| layer.emit.dtype(input.value) == DType::Bool) && layer.inputs.len() == 2;
    if bools {
        let both = [layer.inputs[0].value, layer.inputs[1].value];
        return Ok(vec![layer.emit.op(of_bools, &both)]);
    }
    let pair = alike(layer, &operands)?;
    let pair = integers(layer, pair)?;
    Ok(vec![layer.emit.op(of_integers, &pair)])
}

fn integers(layer: &Layer<'_, '_>, pair: Vec<Value>) -> Result<Vec<Value>> {
    if pair.iter().all(|&value| matches!(layer.emit.dtype(value), DType::Int32 | DType::Int64)) {
        return Ok(pair);
    }
    Err(error!(InvalidModel, "integers are expected"))
}

/// Shifts bits up, or down with their sign.
pub fn shift(layer: &mut Layer<'_, '_>, up: bool) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    let pair = integers(layer, pair)?;
    let two = layer.emit.scalar_like(pair[1], 2.0);
    let power = layer.emit.op("Pow", &[two, pair[1]]);
    Ok(vec![if up { layer.emit.mul(pair[0], power) } else { numeric::floor_div(layer.emit, pair[0], power) }])
}

/// Whether both are the same up to `atol + rtol * |second|`.
pub fn is_close(layer: &mut Layer<'_, '_>, all: bool) -> Result<Vec<Value>> {
    let (a, b) = {
        let pair = pair(layer)?;
        (layer.float(pair[0])?, layer.float(pair[1])?)
    };
    let relative = layer.field_number(&["rtol"], layer.plain_number(2, &["rtol"]).unwrap_or(1e-5))?;
    let absolute = layer.field_number(&["atol"], layer.plain_number(3, &["atol"]).unwrap_or(1e-8))?;
    let equal_nan = layer.field_flag(&["equal_nan"]);
    let emit = &mut *layer.emit;
    let (relative, absolute) = (emit.float(relative as f32), emit.float(absolute as f32));
    let difference = emit.sub(a, b);
    let distance = emit.op("Abs", &[difference]);
    let size = emit.op("Abs", &[b]);
    let share = emit.mul(size, relative);
    let limit = emit.add(share, absolute);
    let near = emit.op("LessOrEqual", &[distance, limit]);
    let finite = numeric::is_finite(emit, b);
    let near = emit.op("And", &[near, finite]);
    let same = emit.op("Equal", &[a, b]);
    let mut close = emit.op("Or", &[near, same]);
    if equal_nan {
        let (a_nan, b_nan) = (emit.op("IsNaN", &[a]), emit.op("IsNaN", &[b]));
        let both = emit.op("And", &[a_nan, b_nan]);
        close = emit.op("Or", &[close, both]);
    }
    if all {
        let numbers = emit.cast(close, DType::Int32);
        let least = emit.reduce("ReduceMin", numbers, None, false);
        close = emit.cast(least, DType::Bool);
    }
    Ok(vec![close])
}

/// Which elements of the first are among those of the second.
pub fn is_among(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    let invert = layer.field_flag(&["invert"]);
    let emit = &mut *layer.emit;
    let (each, others) = (emit.unsqueeze(pair[0], &[-1]), emit.reshape(pair[1], &[-1]));
    let equal = emit.op("Equal", &[each, others]);
    let equal = emit.cast(equal, DType::Int32);
    let found = emit.reduce("ReduceMax", equal, Some(&[-1]), false);
    let found = emit.cast(found, DType::Bool);
    Ok(vec![if invert { emit.op("Not", &[found]) } else { found }])
}
