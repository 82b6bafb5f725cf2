//! Functions of each number by itself.

use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::numeric;
use std::f32::consts::{LN_2, LN_10, PI};

/// A function that is composed of operators.
pub type Function = fn(&mut Emit, Value) -> Value;

pub fn of_float(layer: &mut Layer<'_, '_>, function: Function) -> Result<Vec<Value>> {
    let x = layer.x()?;
    Ok(vec![function(layer.emit, x)])
}

/// A number multiplied by another.
fn scaled(emit: &mut Emit, x: Value, factor: f32) -> Value {
    let factor = emit.float(factor);
    emit.mul(x, factor)
}

pub fn exp2(emit: &mut Emit, x: Value) -> Value {
    let natural = scaled(emit, x, LN_2);
    emit.op("Exp", &[natural])
}

pub fn expm1(emit: &mut Emit, x: Value) -> Value {
    let (power, one) = (emit.op("Exp", &[x]), emit.float(1.0));
    emit.sub(power, one)
}

pub fn log2(emit: &mut Emit, x: Value) -> Value {
    let natural = emit.op("Log", &[x]);
    scaled(emit, natural, 1.0 / LN_2)
}

pub fn log10(emit: &mut Emit, x: Value) -> Value {
    let natural = emit.op("Log", &[x]);
    scaled(emit, natural, 1.0 / LN_10)
}

pub fn cube_root(emit: &mut Emit, x: Value) -> Value {
    let (sign, size, third) = (emit.op("Sign", &[x]), emit.op("Abs", &[x]), emit.float(1.0 / 3.0));
    let root = emit.op("Pow", &[size, third]);
    emit.mul(sign, root)
}

pub fn radians(emit: &mut Emit, x: Value) -> Value {
    scaled(emit, x, PI / 180.0)
}

pub fn degrees(emit: &mut Emit, x: Value) -> Value {
    scaled(emit, x, 180.0 / PI)
}

pub fn truncated(emit: &mut Emit, x: Value) -> Value {
    let (sign, size) = (emit.op("Sign", &[x]), emit.op("Abs", &[x]));
    let whole = emit.op("Floor", &[size]);
    emit.mul(sign, whole)
}

pub fn erfc(emit: &mut Emit, x: Value) -> Value {
    let (erf, one) = (emit.op("Erf", &[x]), emit.float(1.0));
    emit.sub(one, erf)
}

/// `sin(pi x) / (pi x)`
pub fn sinc(emit: &mut Emit, x: Value) -> Value {
    let angle = scaled(emit, x, PI);
    let (zero, one) = (emit.float(0.0), emit.float(1.0));
    let at_zero = emit.op("Equal", &[angle, zero]);
    let divisor = emit.select(at_zero, one, angle);
    let sine = emit.op("Sin", &[angle]);
    let quotient = emit.div(sine, divisor);
    emit.select(at_zero, one, quotient)
}

/// The angle of a real number.
pub fn angle(emit: &mut Emit, x: Value) -> Value {
    let (zero, half_turn) = (emit.float(0.0), emit.float(PI));
    let negative = emit.op("Less", &[x, zero]);
    emit.select(negative, half_turn, zero)
}

pub fn positive_infinite(emit: &mut Emit, x: Value) -> Value {
    emit.op_with("IsInf", &[x], [("detect_negative", 0.into())])
}

pub fn negative_infinite(emit: &mut Emit, x: Value) -> Value {
    emit.op_with("IsInf", &[x], [("detect_positive", 0.into())])
}

pub fn is_real(emit: &mut Emit, x: Value) -> Value {
    let shape = emit.shape_of(x);
    emit.fill(1.0, DType::Bool, shape)
}

/// -0 is negative too.
pub fn sign_bit(emit: &mut Emit, x: Value) -> Value {
    let zero = emit.float(0.0);
    let below = emit.op("Less", &[x, zero]);
    let inverse = emit.op("Reciprocal", &[x]);
    let inverse_below = emit.op("Less", &[inverse, zero]);
    emit.op("Or", &[below, inverse_below])
}

/// To so many decimals, halves to even digits.
pub fn round(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let decimals = layer.field_int(&["decimals"], 0)?;
    if decimals >= 0 && matches!(layer.emit.dtype(layer.raw()), DType::Int32 | DType::Int64) {
        return Ok(vec![layer.raw()]);
    }
    let x = layer.x()?;
    if decimals == 0 {
        return Ok(vec![layer.emit.op("Round", &[x])]);
    }
    if !(-38..=38).contains(&decimals) {
        return Err(error!(UnsupportedModel, "\"decimals\" should be between -38 and 38, not {decimals}"));
    }
    let factor = layer.emit.float(10f32.powi(decimals.unsigned_abs() as i32));
    let (before, behind) = if decimals > 0 { ("Mul", "Div") } else { ("Div", "Mul") };
    let large = layer.emit.op(before, &[x, factor]);
    let rounded = layer.emit.op("Round", &[large]);
    Ok(vec![layer.emit.op(behind, &[rounded, factor])])
}

/// Replaces what is no number and what is infinite.
pub fn replace_nan(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let numbers = [
        layer.field_number(&["nan"], 0.0)?,
        layer.field_number(&["posinf"], f64::from(f32::MAX))?,
        layer.field_number(&["neginf"], f64::from(f32::MIN))?,
    ];
    let [nan, high, low] = numbers.map(|number| layer.emit.float(number as f32));
    let emit = &mut *layer.emit;
    let (is_nan, is_high, is_low) = (emit.op("IsNaN", &[x]), positive_infinite(emit, x), negative_infinite(emit, x));
    let made = emit.select(is_nan, nan, x);
    let made = emit.select(is_high, high, made);
    Ok(vec![emit.select(is_low, low, made)])
}

/// The same function for other parameters than those of the activation.
pub fn with_threshold(layer: &mut Layer<'_, '_>, bias: bool) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let threshold = layer.field_number(&["threshold"], 0.5)? as f32;
    let bias = if bias { threshold } else { 0.0 };
    Ok(vec![layer.emit.op_with("Shrink", &[x], [("lambd", threshold.into()), ("bias", bias.into())])])
}

/// Numbers up to the threshold are replaced.
pub fn threshold(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let (least, other) = (layer.field_number(&["threshold"], 0.0)?, layer.field_number(&["default_value"], 0.0)?);
    let (least, other) = (layer.emit.float(least as f32), layer.emit.float(other as f32));
    let above = layer.emit.op("Greater", &[x, least]);
    Ok(vec![layer.emit.select(above, x, other)])
}

pub fn celu(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let alpha = layer.field_number(&["alpha"], 1.0)? as f32;
    Ok(vec![layer.emit.op_with("Celu", &[x], [("alpha", alpha.into())])])
}

pub fn square_plus(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let b = layer.field_number(&["b"], 4.0)? as f32;
    let emit = &mut *layer.emit;
    let (square, b) = (emit.mul(x, x), emit.float(b));
    let sum = emit.add(square, b);
    let root = emit.op("Sqrt", &[sum]);
    let both = emit.add(x, root);
    Ok(vec![scaled(emit, both, 0.5)])
}

/// One half of an axis, as far as the other half lets it through.
pub fn gated(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let axis = layer.field_int(&["axis"], -1)?;
    let size = layer.emit.size(x, axis).filter(|size| size % 2 == 0);
    let half = size.ok_or_else(|| error!(UnsupportedModel, "an axis of a known even size is expected"))? / 2;
    let halves = layer.emit.split(x, axis, &[half, half]);
    let gate = layer.emit.op("Sigmoid", &[halves[1]]);
    Ok(vec![layer.emit.mul(halves[0], gate)])
}

pub fn invert_bits(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let op_type = if layer.emit.dtype(x) == DType::Bool { "Not" } else { "BitwiseNot" };
    Ok(vec![layer.emit.op(op_type, &[x])])
}

pub fn is_finite(emit: &mut Emit, x: Value) -> Value {
    numeric::is_finite(emit, x)
}

/// Numbers of another type, those out of its range at its ends.
pub fn saturating_cast(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let dtype = layer.wanted_type(None)?;
    let x = layer.raw();
    let (low, high) = match dtype {
        DType::Int32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
        _ => return Ok(vec![layer.emit.cast(x, dtype)]),
    };
    if layer.emit.dtype(x) != DType::Float32 {
        return Ok(vec![layer.emit.cast(x, dtype)]);
    }
    let wide = layer.emit.cast(x, DType::Float64);
    let [low, high] =
        [low, high].map(|number| layer.emit.constant(Constant::of_numbers(DType::Float64, &[], &[number])));
    let clipped = layer.emit.op("Clip", &[wide, low, high]);
    Ok(vec![layer.emit.cast(clipped, dtype)])
}

/// The same number in the shape of another tensor.
pub fn full_like(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let dtype = layer.wanted_type(Some(layer.emit.dtype(x)))?;
    let number = layer.operand_value(1, &["fill_value"])?;
    let number = layer.emit.cast(number, dtype);
    let shape = layer.emit.shape_of(x);
    Ok(vec![layer.emit.op("Expand", &[number, shape])])
}
