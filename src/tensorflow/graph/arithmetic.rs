//! Arithmetic of two tensors, with broadcasting.

use super::Rule;
use super::node::{Node, Output};
use crate::error::Result;
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::numeric;

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
    ("RealDiv", |node| floor_or_real(node, numeric::floor_div)),
    ("Div", |node| binary(node, "Div")),
    ("DivNoNan", |node| both(node, numeric::div_no_nan)),
    ("FloorDiv", |node| both(node, numeric::floor_div)),
    ("FloorMod", |node| both(node, numeric::floor_mod)),
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

fn truncated_mod(node: &mut Node<'_>) -> Result<Output> {
    let inputs = [node.input(0)?, node.input(1)?];
    Ok(node.emit.op_with("Mod", &inputs, [("fmod", 1.into())]).into())
}

fn squared_difference(node: &mut Node<'_>) -> Result<Output> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    let difference = node.emit.sub(a, b);
    Ok(node.emit.mul(difference, difference).into())
}
