//! Arithmetic of two tensors, with broadcasting.

use super::Rule;
use super::node::{Node, Output};
use crate::error::Result;
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};

pub const RULES: &[(&str, Rule)] = &[
    ("Add", |node| binary(node, "Add")),
    ("AddV2", |node| binary(node, "Add")),
    ("AddN", add_n),
    ("BiasAdd", bias_add),
    ("Sub", |node| binary(node, "Sub")),
    ("Mul", |node| binary(node, "Mul")),
    ("Maximum", |node| binary(node, "Max")),
    ("Minimum", |node| binary(node, "Min")),
    ("Pow", |node| binary(node, "Pow")),
    ("RealDiv", |node| floor_or_real(node, floor_div)),
    ("Div", |node| binary(node, "Div")),
    ("DivNoNan", div_no_nan),
    ("FloorDiv", |node| both(node, floor_div)),
    ("FloorMod", |node| both(node, floor_mod)),
    ("Mod", truncated_mod),
    ("SquaredDifference", squared_difference),
];

fn binary(node: &mut Node<'_>, op_type: &'static str) -> Result<Output> {
    let inputs = [node.input(0)?, node.input(1)?];
    Ok(node.emit.op(op_type, &inputs).into())
}

fn both(node: &mut Node<'_>, build: fn(&mut Emit, Value, Value) -> Value) -> Result<Output> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    Ok(build(node.emit, a, b).into())
}

fn add_n(node: &mut Node<'_>) -> Result<Output> {
    let first = node.input(0)?;
    let rest = node.all_inputs()?.into_iter().skip(1);
    let emit = &mut *node.emit;
    Ok(rest.fold(first, |sum, next| emit.add(sum, next)).into())
}

fn bias_add(node: &mut Node<'_>) -> Result<Output> {
    let (x, mut bias) = (node.input(0)?, node.input(1)?);
    if node.definition.text("data_format").as_deref() == Some("NCHW") {
        let spatial: Vec<i64> = (1..node.rank(0)? as i64 - 1).collect();
        bias = node.emit.unsqueeze(bias, &spatial);
    }
    Ok(node.emit.add(x, bias).into())
}

/// TensorFlow.js divides integers as `FloorDiv` does.
fn floor_or_real(node: &mut Node<'_>, of_integers: fn(&mut Emit, Value, Value) -> Value) -> Result<Output> {
    if node.dtype(0)? == DType::Int32 { both(node, of_integers) } else { binary(node, "Div") }
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
fn floor_mod(emit: &mut Emit, a: Value, b: Value) -> Value {
    if !emit.dtype(a).is_float() {
        return emit.op("Mod", &[a, b]);
    }
    let quotient = floor_div(emit, a, b);
    let whole = emit.mul(quotient, b);
    emit.sub(a, whole)
}

fn truncated_mod(node: &mut Node<'_>) -> Result<Output> {
    let inputs = [node.input(0)?, node.input(1)?];
    Ok(node.emit.op_with("Mod", &inputs, [("fmod", 1.into())]).into())
}

fn div_no_nan(node: &mut Node<'_>) -> Result<Output> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    let zero = node.emit.scalar_like(b, 0.0);
    let by_zero = node.emit.op("Equal", &[b, zero]);
    let quotient = node.emit.div(a, b);
    Ok(node.emit.select(by_zero, zero, quotient).into())
}

fn squared_difference(node: &mut Node<'_>) -> Result<Output> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    let difference = node.emit.sub(a, b);
    Ok(node.emit.mul(difference, difference).into())
}
