//! Parts of tensors, and tensors of parts.

use super::Rule;
use super::node::{Node, Output, wrap_axis};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};

pub const RULES: &[(&str, Rule)] = &[
    ("Concat", concat_axis_first),
    ("ConcatV2", concat),
    ("Gather", gather),
    ("GatherV2", gather),
    ("GatherNd", gather_nd),
    ("Pack", pack),
    ("Unpack", unpack),
    ("Reverse", reverse),
    ("ReverseV2", reverse),
    ("Slice", slice),
    ("StridedSlice", super::strided_slice::strided_slice),
    ("Split", split),
    ("SplitV", split_v),
    ("Tile", tile),
    ("ScatterNd", scatter_nd),
    ("TensorScatterUpdate", tensor_scatter_update),
    ("SparseToDense", sparse_to_dense),
];

fn concat(node: &mut Node<'_>) -> Result<Output> {
    let mut values = node.all_inputs()?;
    values.pop();
    let axis = node.constant_int(values.len(), "the axis")?;
    join(node.emit, &values, axis)
}

fn concat_axis_first(node: &mut Node<'_>) -> Result<Output> {
    let values = node.all_inputs()?;
    let axis = node.constant_int(0, "the axis")?;
    join(node.emit, &values[1..], axis)
}

fn join(emit: &mut Emit, values: &[Value], axis: i64) -> Result<Output> {
    match values {
        [] => Err(error!(InvalidModel, "there is nothing to join")),
        values => Ok(emit.concat(values, axis).into()),
    }
}

fn gather(node: &mut Node<'_>) -> Result<Output> {
    let (data, indices) = (node.input(0)?, node.input(1)?);
    let axis = if node.optional_input(2).is_some() { node.constant_int(2, "the axis")? } else { 0 };
    let mut batch = node.definition.int("batch_dims").unwrap_or(0);
    if batch < 0 {
        batch += node.rank(1)? as i64;
    }
    if batch == 0 {
        return Ok(node.emit.gather(data, indices, axis).into());
    }
    let rank = node.rank(0)?;
    let axis = wrap_axis(axis, rank)?;
    let batch = wrap_axis(batch, rank)?;
    if axis < batch {
        return Err(error!(InvalidModel, "the axis is within the batch"));
    }
    // `GatherND` takes the axis right behind the batch, so the axes between go behind it and come back afterwards.
    let between = axis - batch;
    let depth = node.rank(1)? - batch;
    let emit = &mut *node.emit;
    let order: Vec<usize> = (0..batch).chain([axis]).chain(batch..axis).chain(axis + 1..rank).collect();
    let data = emit.transpose(data, &order);
    let indices = emit.cast(indices, DType::Int64);
    let indices = emit.unsqueeze(indices, &[-1]);
    let made = emit.op_with("GatherND", &[data, indices], [("batch_dims", (batch as i64).into())]);
    let total = rank - 1 + depth;
    let back: Vec<usize> = (0..batch)
        .chain(batch + depth..batch + depth + between)
        .chain(batch..batch + depth)
        .chain(batch + depth + between..total)
        .collect();
    Ok(emit.transpose(made, &back).into())
}

fn gather_nd(node: &mut Node<'_>) -> Result<Output> {
    let (data, indices) = (node.input(0)?, node.input(1)?);
    let indices = node.emit.cast(indices, DType::Int64);
    Ok(node.emit.op("GatherND", &[data, indices]).into())
}

fn pack(node: &mut Node<'_>) -> Result<Output> {
    let values = node.all_inputs()?;
    let axis = node.definition.int("axis").unwrap_or(0);
    let emit = &mut *node.emit;
    let values: Vec<Value> = values.into_iter().map(|value| emit.unsqueeze(value, &[axis])).collect();
    join(emit, &values, axis)
}

fn unpack(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let axis = node.definition.int("axis").unwrap_or(0);
    let count = node.definition.int("num").or_else(|| node.emit.size(x, axis));
    let count = count.ok_or_else(|| error!(UnsupportedModel, "the number of parts is not known"))?;
    parts(node.emit, x, axis, &vec![1; checked_count(count)?], true)
}

/// How many outputs a node may have.
const MAX_PARTS: usize = 10_000;

fn checked_count(count: i64) -> Result<usize> {
    usize::try_from(count)
        .ok()
        .filter(|&count| count <= MAX_PARTS)
        .ok_or_else(|| error!(InvalidModel, "{count} parts are out of range"))
}

fn parts(emit: &mut Emit, x: Value, axis: i64, sizes: &[i64], squeeze: bool) -> Result<Output> {
    if sizes.is_empty() {
        return Ok(Vec::<Value>::new().into());
    }
    let parts = emit.split(x, axis, sizes);
    let parts: Vec<Value> =
        parts.into_iter().map(|part| if squeeze { emit.squeeze(part, &[axis]) } else { part }).collect();
    Ok(parts.into())
}

fn split(node: &mut Node<'_>) -> Result<Output> {
    let (axis, x) = (node.constant_int(0, "the axis")?, node.input(1)?);
    let count = checked_count(node.definition.int("num_split").unwrap_or(1))?;
    if count <= 1 {
        return Ok(x.into());
    }
    match node.emit.size(x, axis) {
        Some(size) if size % count as i64 == 0 => parts(node.emit, x, axis, &vec![size / count as i64; count], false),
        Some(size) => Err(error!(InvalidModel, "{size} cannot be split into {count} equal parts")),
        None => {
            let attributes = [("axis", axis.into()), ("num_outputs", (count as i64).into())];
            Ok(node.emit.op_n("Split", &[x], attributes, count).into())
        }
    }
}

fn split_v(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let (mut sizes, axis) = (node.constant_ints(1, "the sizes")?, node.constant_int(2, "the axis")?);
    let count = checked_count(sizes.len() as i64)?;
    let others = sizes.iter().filter(|&&size| size > 0).fold(0i64, |sum, &size| sum.saturating_add(size));
    let rest = sizes.iter().position(|&size| size == -1);
    match (rest, node.emit.size(x, axis)) {
        (None, _) => parts(node.emit, x, axis, &sizes, false),
        (Some(rest), Some(size)) => {
            sizes[rest] = size.saturating_sub(others);
            parts(node.emit, x, axis, &sizes, false)
        }
        (Some(rest), None) => {
            let emit = &mut *node.emit;
            let shape = emit.shape_of(x);
            let at = emit.int64s(&[axis]);
            let whole = emit.gather(shape, at, 0);
            let others = emit.int64s(&[others]);
            let left = emit.sub(whole, others);
            let (before, after) = (emit.int64s(&sizes[..rest]), emit.int64s(&sizes[rest + 1..]));
            let sizes = emit.concat(&[before, left, after], 0);
            Ok(emit.op_n("Split", &[x, sizes], [("axis", axis.into())], count).into())
        }
    }
}

fn reverse(node: &mut Node<'_>) -> Result<Output> {
    let mut x = node.input(0)?;
    let rank = node.rank(0)?;
    // `Reverse` has a flag for each axis, `ReverseV2` a list of axes.
    let axes: Vec<usize> = if node.dtype(1)? == DType::Bool {
        let flags = node.constant_ints(1, "the axes")?;
        flags.iter().enumerate().filter(|(_, flag)| **flag != 0).map(|(axis, _)| axis).collect()
    } else {
        let axes = node.constant_ints(1, "the axes")?;
        axes.iter().map(|&axis| wrap_axis(axis, rank)).collect::<Result<_>>()?
    };
    for axis in axes {
        x = node.emit.slice_by(x, axis as i64, -1, i64::MIN, -1);
    }
    Ok(x.into())
}

/// `size` elements from `begin` on each axis; a size of -1 is all the rest.
fn slice(node: &mut Node<'_>) -> Result<Output> {
    let (x, begin, size) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let emit = &mut *node.emit;
    let (begin, size) = (emit.cast(begin, DType::Int64), emit.cast(size, DType::Int64));
    let (all, none) = (emit.int64(i64::MAX), emit.int64(-1));
    let end = match (emit.ints_of(begin), emit.ints_of(size)) {
        (Some(begin), Some(size)) => {
            let ends = begin.iter().zip(&size).map(
                |(&begin, &size)| {
                    if size == -1 { i64::MAX } else { begin.saturating_add(size) }
                },
            );
            let ends: Vec<i64> = ends.collect();
            emit.int64s(&ends)
        }
        _ => {
            let sum = emit.add(begin, size);
            let rest = emit.op("Equal", &[size, none]);
            emit.op("Where", &[rest, all, sum])
        }
    };
    let sliced = emit.op("Slice", &[x, begin, end]);
    if let (Some(sizes), Some(rank)) = (emit.elements_of(size).cloned(), emit.rank(sliced))
        && sizes.len() == rank
    {
        let sizes: Vec<Option<i64>> =
            sizes.iter().map(|size| size.map(|size| size as i64).filter(|&size| size >= 0)).collect();
        emit.assume_shape(sliced, &sizes);
    }
    Ok(sliced.into())
}

fn tile(node: &mut Node<'_>) -> Result<Output> {
    let (x, repeats) = (node.input(0)?, node.input(1)?);
    let dtype = node.dtype(0)?;
    let emit = &mut *node.emit;
    let repeats = emit.cast(repeats, DType::Int64);
    let made = emit.op("Tile", &[x, repeats]);
    Ok(emit.cast(made, dtype).into())
}

fn scatter_nd(node: &mut Node<'_>) -> Result<Output> {
    let (indices, updates, shape) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let dtype = node.dtype(1)?;
    let emit = &mut *node.emit;
    let zeros = emit.fill(0.0, dtype, shape);
    let indices = emit.cast(indices, DType::Int64);
    // Places that are named twice hold the sum.
    Ok(emit.op_with("ScatterND", &[zeros, indices, updates], [("reduction", "add".into())]).into())
}

fn tensor_scatter_update(node: &mut Node<'_>) -> Result<Output> {
    let (x, indices, updates) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let indices = node.emit.cast(indices, DType::Int64);
    Ok(node.emit.op("ScatterND", &[x, indices, updates]).into())
}

fn sparse_to_dense(node: &mut Node<'_>) -> Result<Output> {
    let [indices, shape, values, default] = [node.input(0)?, node.input(1)?, node.input(2)?, node.input(3)?];
    let rank = node.rank(0)?;
    let emit = &mut *node.emit;
    let shape = emit.cast(shape, DType::Int64);
    let dense = emit.op("Expand", &[default, shape]);
    let indices = emit.cast(indices, DType::Int64);
    // A scalar names one place, a list names places of a list, rows name places of a tensor.
    let indices = match rank {
        0 => emit.reshape(indices, &[1, 1]),
        1 => emit.unsqueeze(indices, &[1]),
        _ => indices,
    };
    let places = emit.shape_of(indices);
    let places = emit.slice(places, 0, 0, 1);
    let values = emit.op("Expand", &[values, places]);
    Ok(emit.op("ScatterND", &[dense, indices, values]).into())
}
