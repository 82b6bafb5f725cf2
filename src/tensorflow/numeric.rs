//! Functions of numbers that ONNX has no operator for, which both formats share.

use super::emit::{Emit, Value};
use crate::error::Result;
use crate::tensor::DType;
use std::f32::consts::{FRAC_PI_2, PI};

/// The angle of the point (x, y), from the quotient and the quadrant.
pub fn atan2(emit: &mut Emit, y: Value, x: Value) -> Value {
    let [zero, pi, half, minus] = [0.0, PI, FRAC_PI_2, -1.0].map(|number| emit.float(number));
    let quotient = emit.div(y, x);
    let angle = emit.op("Atan", &[quotient]);
    let below = emit.op("Less", &[y, zero]);
    let (minus_pi, minus_half) = (emit.mul(pi, minus), emit.mul(half, minus));
    let turn = emit.select(below, minus_pi, pi);
    let turned = emit.add(angle, turn);
    let left = emit.op("Less", &[x, zero]);
    let sideways = emit.select(left, turned, angle);
    let (on_axis, at_zero) = (emit.op("Equal", &[x, zero]), emit.op("Equal", &[y, zero]));
    let straight = emit.select(below, minus_half, half);
    let straight = emit.select(at_zero, zero, straight);
    emit.select(on_axis, straight, sideways)
}

pub fn is_finite(emit: &mut Emit, x: Value) -> Value {
    let (infinite, nan) = (emit.op("IsInf", &[x]), emit.op("IsNaN", &[x]));
    let either = emit.op("Or", &[infinite, nan]);
    emit.op("Not", &[either])
}

/// The quotient rounded down; ONNX cuts that of integers towards zero.
pub fn floor_div(emit: &mut Emit, a: Value, b: Value) -> Value {
    if emit.dtype(a).is_float() {
        let quotient = emit.div(a, b);
        return emit.op("Floor", &[quotient]);
    }
    let rest = emit.op("Mod", &[a, b]);
    let whole = emit.sub(a, rest);
    emit.div(whole, b)
}

/// The rest that goes with [`floor_div`]: it has the sign of the divisor.
pub fn floor_mod(emit: &mut Emit, a: Value, b: Value) -> Value {
    if !emit.dtype(a).is_float() {
        return emit.op("Mod", &[a, b]);
    }
    let quotient = floor_div(emit, a, b);
    let whole = emit.mul(quotient, b);
    emit.sub(a, whole)
}

/// The quotient, and 0 where the divisor is 0.
pub fn div_no_nan(emit: &mut Emit, a: Value, b: Value) -> Value {
    let zero = emit.scalar_like(b, 0.0);
    let by_zero = emit.op("Equal", &[b, zero]);
    let quotient = emit.div(a, b);
    emit.select(by_zero, zero, quotient)
}

/// A running product along an axis, by `Scan`.
///
/// # Errors
/// None of its own.
pub fn running_product(emit: &mut Emit, x: Value, axis: usize, exclusive: bool, reverse: bool) -> Result<Value> {
    let dtype = emit.dtype(x);
    let known = emit.shape(x).cloned().unwrap_or_default();
    let mut inner = known.clone();
    inner.remove(axis);
    let shape = emit.shape_of(x);
    let others: Vec<i64> = (0..known.len() as i64).filter(|&other| other != axis as i64).collect();
    let others = emit.int64s(&others);
    let shape = emit.gather(shape, others, 0);
    let ones = emit.fill(1.0, dtype, shape);
    let body = emit.body(|emit| {
        let so_far = emit.body_input("product", dtype, Some(inner.clone()));
        let next = emit.body_input("element", dtype, Some(inner));
        let product = emit.mul(so_far, next);
        Ok((vec![so_far, next], vec![product, if exclusive { so_far } else { product }]))
    })?;
    let direction = i64::from(reverse);
    let attributes = [
        ("num_scan_inputs", 1.into()),
        ("scan_input_axes", vec![axis as i64].into()),
        ("scan_output_axes", vec![axis as i64].into()),
        ("scan_input_directions", vec![direction].into()),
        ("scan_output_directions", vec![direction].into()),
    ];
    let made = emit.op_with_bodies("Scan", &[ones, x], attributes, vec![("body", body)], 2);
    emit.assume_shape(made[1], &known);
    Ok(made[1])
}

/// The first and last elements of an axis, mirrored at its edges, which are repeated.
pub fn mirror(emit: &mut Emit, x: Value, axis: i64, before: i64, after: i64) -> Value {
    let mut parts = vec![x];
    if before > 0 {
        let first = emit.slice(x, axis, 0, before);
        parts.insert(0, emit.slice_by(first, axis, -1, i64::MIN, -1));
    }
    if after > 0 {
        let last = emit.slice(x, axis, -after, i64::MAX);
        parts.push(emit.slice_by(last, axis, -1, i64::MIN, -1));
    }
    emit.concat(&parts, axis)
}

/// 1 at the place that each index names along a new axis, 0 elsewhere; an index out of range names no place.
pub fn one_hot(emit: &mut Emit, indices: Value, depth: Value, axis: i64) -> Value {
    let indices = emit.cast(indices, DType::Int64);
    let depth = emit.reshape(depth, &[1]);
    // ONNX counts a negative index from the end.
    let zero = emit.int64(0);
    let negative = emit.op("Less", &[indices, zero]);
    let beyond = emit.squeeze(depth, &[0]);
    let indices = emit.select(negative, beyond, indices);
    let values = emit.floats(&[0.0, 1.0]);
    emit.op_with("OneHot", &[indices, depth, values], [("axis", axis.into())])
}
