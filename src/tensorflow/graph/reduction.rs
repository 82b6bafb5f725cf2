//! Reductions along axes, and running ones.

use super::Rule;
use super::node::{Node, Output, wrap_axis};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::Value;
use crate::tensorflow::numeric;

pub const RULES: &[(&str, Rule)] = &[
    ("Sum", |node| reduce(node, "ReduceSum")),
    ("Mean", |node| reduce(node, "ReduceMean")),
    ("Max", |node| reduce(node, "ReduceMax")),
    ("Min", |node| reduce(node, "ReduceMin")),
    ("Prod", |node| reduce(node, "ReduceProd")),
    ("EuclideanNorm", |node| reduce(node, "ReduceL2")),
    ("All", |node| reduce(node, "ReduceMin")),
    ("Any", |node| reduce(node, "ReduceMax")),
    ("ArgMax", |node| arg(node, "ArgMax")),
    ("ArgMin", |node| arg(node, "ArgMin")),
    ("Cumsum", cumsum),
    ("Cumprod", cumprod),
    ("Bincount", bincount),
    ("DenseBincount", bincount),
];

fn reduce(node: &mut Node<'_>, op_type: &'static str) -> Result<Output> {
    let x = node.input(0)?;
    let dtype = node.dtype(0)?;
    let keep = node.definition.flag("keep_dims");
    let rank = node.emit.rank(x);
    let axes = node.constant_ints(1, "the axis")?;
    if axes.is_empty() {
        return Ok(x.into());
    }
    if let Some(rank) = rank {
        axes.iter().try_for_each(|&axis| wrap_axis(axis, rank).map(drop))?;
    }
    let x = if dtype == DType::Bool { node.emit.cast(x, DType::Int32) } else { x };
    let made = node.emit.reduce(op_type, x, Some(&axes), keep);
    Ok(node.emit.cast(made, dtype).into())
}

fn arg(node: &mut Node<'_>, op_type: &'static str) -> Result<Output> {
    let x = node.input(0)?;
    let axis = node.constant_int(1, "the axis")?;
    let made = node.emit.op_with(op_type, &[x], [("axis", axis.into()), ("keepdims", 0.into())]);
    Ok(node.emit.cast(made, DType::Int32).into())
}

fn cumsum(node: &mut Node<'_>) -> Result<Output> {
    let (x, axis) = (node.input(0)?, node.constant_int(1, "the axis")?);
    let axis = node.emit.int64(axis);
    let flags = ["exclusive", "reverse"].map(|name| (name, i64::from(node.definition.flag(name)).into()));
    Ok(node.emit.op_with("CumSum", &[x, axis], flags).into())
}

fn cumprod(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let rank = node.rank(0)?;
    let axis = node.constant_axis(1, rank)?;
    let exclusive = node.definition.flag("exclusive");
    let reverse = node.definition.flag("reverse");
    Ok(numeric::running_product(node.emit, x, axis, exclusive, reverse)?.into())
}

/// How often each number below `size` occurs, or the sum of the weights where it does, for each row.
fn bincount(node: &mut Node<'_>) -> Result<Output> {
    let (x, size, weights) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let weighted = node.emit.shape(weights).is_none_or(|shape| !shape.contains(&Some(0)));
    let dtype = node.dtype(2)?;
    let binary = node.definition.flag("binary_output");
    let rank = node.rank(0)?;
    if rank == 0 || rank > 2 {
        return Err(error!(InvalidModel, "the input must be a list or a list of rows"));
    }
    let emit = &mut *node.emit;
    let size = emit.cast(size, DType::Int64);
    let size = emit.reshape(size, &[1]);
    let hot = numeric::one_hot(emit, x, size, -1);
    let counted: Value = if weighted && !binary {
        let weights = emit.cast(weights, DType::Float32);
        let weights = emit.unsqueeze(weights, &[-1]);
        emit.mul(hot, weights)
    } else {
        hot
    };
    let how = if binary { "ReduceMax" } else { "ReduceSum" };
    let made = emit.reduce(how, counted, Some(&[-2]), false);
    Ok(emit.cast(made, dtype).into())
}
