//! Reductions along axes, and running ones.

use super::Rule;
use super::node::{Node, Output, wrap_axis};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::Value;

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

/// A running product, by `Scan`.
fn cumprod(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let rank = node.rank(0)?;
    let axis = node.constant_axis(1, rank)?;
    let dtype = node.dtype(0)?;
    let exclusive = node.definition.flag("exclusive");
    let direction = i64::from(node.definition.flag("reverse"));
    let emit = &mut *node.emit;
    let mut inner = emit.shape(x).cloned().unwrap_or_default();
    inner.remove(axis);
    let shape = emit.shape_of(x);
    let others: Vec<i64> = (0..rank as i64).filter(|&other| other != axis as i64).collect();
    let others = emit.int64s(&others);
    let shape = emit.gather(shape, others, 0);
    let ones = emit.fill(1.0, dtype, shape);
    let body = emit.body(|emit| {
        let so_far = emit.body_input("product", dtype, Some(inner.clone()));
        let next = emit.body_input("element", dtype, Some(inner));
        let product = emit.mul(so_far, next);
        Ok((vec![so_far, next], vec![product, if exclusive { so_far } else { product }]))
    })?;
    let attributes = [
        ("num_scan_inputs", 1.into()),
        ("scan_input_axes", vec![axis as i64].into()),
        ("scan_output_axes", vec![axis as i64].into()),
        ("scan_input_directions", vec![direction].into()),
        ("scan_output_directions", vec![direction].into()),
    ];
    let made = emit.op_with_bodies("Scan", &[ones, x], attributes, vec![("body", body)], 2)[1];
    let shape = emit.shape(x).cloned().unwrap_or_default();
    emit.assume_shape(made, &shape);
    Ok(made.into())
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
    let (x, off_on) = (emit.cast(x, DType::Int64), emit.floats(&[0.0, 1.0]));
    let zero = emit.int64(0);
    // A negative index counts from the end for `OneHot`, one beyond the end counts nowhere.
    let negative = emit.op("Less", &[x, zero]);
    let beyond = emit.squeeze(size, &[0]);
    let x = emit.select(negative, beyond, x);
    let hot = emit.op_with("OneHot", &[x, size, off_on], [("axis", (-1).into())]);
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
