//! Products of matrices, and their transposes.

use super::Rule;
use super::math::fused_activation;
use super::node::{Node, Output};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};

pub const RULES: &[(&str, Rule)] = &[
    ("MatMul", mat_mul),
    ("_FusedMatMul", fused_mat_mul),
    ("BatchMatMul", batch_mat_mul),
    ("BatchMatMulV2", batch_mat_mul),
    ("Einsum", einsum),
    ("MatrixBandPart", matrix_band_part),
    ("Transpose", transpose),
];

fn mat_mul(node: &mut Node<'_>) -> Result<Output> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    let transposed = (node.definition.flag("transpose_a"), node.definition.flag("transpose_b"));
    Ok(product(node.emit, a, b, transposed, None).into())
}

/// The product of two matrices. `Gemm` transposes and adds the bias by itself, but only float matrices.
fn product(emit: &mut Emit, a: Value, b: Value, (first, second): (bool, bool), bias: Option<Value>) -> Value {
    let plain = !first && !second && bias.is_none();
    // `Gemm` broadcasts matrices at most.
    let fits = bias.is_none_or(|bias| emit.rank(bias).is_some_and(|rank| rank <= 2));
    if !plain && fits && emit.rank(a) == Some(2) && emit.rank(b) == Some(2) && emit.dtype(a).is_float() {
        let attributes = [("transA", i64::from(first).into()), ("transB", i64::from(second).into())];
        return emit.op_with("Gemm", &[a, b, bias.unwrap_or(Value::ABSENT)], attributes);
    }
    let a = if first { swap_last(emit, a) } else { a };
    let b = if second { swap_last(emit, b) } else { b };
    let product = emit.op("MatMul", &[a, b]);
    match bias {
        Some(bias) => emit.add(product, bias),
        None => product,
    }
}

fn swap_last(emit: &mut Emit, x: Value) -> Value {
    let rank = emit.rank(x).unwrap_or(2).max(2);
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(rank - 2, rank - 1);
    emit.transpose(x, &order)
}

fn fused_mat_mul(node: &mut Node<'_>) -> Result<Output> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    let transposed = (node.definition.flag("transpose_a"), node.definition.flag("transpose_b"));
    let mut fused = node.definition.texts("fused_ops").unwrap_or_default();
    let bias = if fused.first().is_some_and(|name| name == "BiasAdd") {
        fused.remove(0);
        Some(node.input(2)?)
    } else {
        None
    };
    let made = product(node.emit, a, b, transposed, bias);
    let arguments = 2 + usize::from(bias.is_some());
    fused.iter().try_fold(made, |x, name| fused_activation(node, name, x, arguments)).map(Output::from)
}

fn batch_mat_mul(node: &mut Node<'_>) -> Result<Output> {
    let (mut a, mut b) = (node.input(0)?, node.input(1)?);
    if node.definition.flag("adj_x") {
        node.rank(0)?;
        a = swap_last(node.emit, a);
    }
    if node.definition.flag("adj_y") {
        node.rank(1)?;
        b = swap_last(node.emit, b);
    }
    Ok(node.emit.op("MatMul", &[a, b]).into())
}

fn einsum(node: &mut Node<'_>) -> Result<Output> {
    let equation = node.definition.text("equation").ok_or_else(|| error!(InvalidModel, "the equation is missing"))?;
    let inputs = node.all_inputs()?;
    Ok(node.emit.op_with("Einsum", &inputs, [("equation", equation.into())]).into())
}

/// Keeps so many diagonals below the main one and above it; all where the number is negative.
fn matrix_band_part(node: &mut Node<'_>) -> Result<Output> {
    let (x, lower, upper) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let emit = &mut *node.emit;
    let shape = emit.shape_of(x);
    let (rows, columns) = (places(emit, shape, -2), places(emit, shape, -1));
    let rows = emit.unsqueeze(rows, &[1]);
    let below = emit.sub(rows, columns);
    let above = emit.sub(columns, rows);
    let (near, far) = (within(emit, below, lower), within(emit, above, upper));
    let kept = emit.op("And", &[near, far]);
    let zero = emit.scalar_like(x, 0.0);
    Ok(emit.select(kept, x, zero).into())
}

/// 0, 1, 2 and so on along an axis.
fn places(emit: &mut Emit, shape: Value, axis: i64) -> Value {
    let (axis, start, step) = (emit.int64(axis), emit.int64(0), emit.int64(1));
    let size = emit.gather(shape, axis, 0);
    emit.op("Range", &[start, size, step])
}

fn within(emit: &mut Emit, distance: Value, most: Value) -> Value {
    let most = emit.cast(most, DType::Int64);
    let zero = emit.int64(0);
    let (near, all) = (emit.op("LessOrEqual", &[distance, most]), emit.op("Less", &[most, zero]));
    emit.op("Or", &[near, all])
}

fn transpose(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let order = match node.optional_input(1) {
        Some(_) => node.constant_ints(1, "the permutation")?,
        None => (0..node.rank(0)? as i64).rev().collect(),
    };
    let rank = order.len();
    let order = order.iter().map(|&axis| super::node::wrap_axis(axis, rank)).collect::<Result<Vec<_>>>()?;
    let distinct = (0..rank).all(|axis| order.contains(&axis));
    if !distinct || node.emit.rank(x).is_some_and(|known| known != rank) {
        return Err(error!(InvalidModel, "{order:?} is no order of the axes"));
    }
    Ok(node.emit.transpose(x, &order).into())
}
