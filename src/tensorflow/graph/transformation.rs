//! The same elements in another shape, type or frame.

use super::Rule;
use super::item::Item;
use super::node::{Node, Output, wrap_axis};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::numeric;
use crate::tensorflow::spatial::channels_last;

pub const RULES: &[(&str, Rule)] = &[
    ("Reshape", reshape),
    ("EnsureShape", ensure_shape),
    ("ExpandDims", expand_dims),
    ("Squeeze", squeeze),
    ("Cast", cast),
    ("BroadcastTo", broadcast_to),
    ("BroadcastArgs", broadcast_args),
    ("Pad", pad),
    ("PadV2", pad),
    ("MirrorPad", mirror_pad),
    ("DepthToSpace", |node| blocks(node, "DepthToSpace")),
    ("SpaceToBatchND", space_to_batch),
    ("BatchToSpaceND", batch_to_space),
];

fn reshape(node: &mut Node<'_>) -> Result<Output> {
    let (x, shape) = (node.input(0)?, node.input(1)?);
    if let Some(shape) = node.emit.ints_of(shape) {
        return Ok(node.emit.reshape(x, &shape).into());
    }
    Ok(node.emit.reshape_to(x, shape).into())
}

fn ensure_shape(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let x = node.emit.op("Identity", &[x]);
    if let Some(Some(shape)) = node.definition.shape("shape") {
        node.emit.assume_shape(x, &shape);
    }
    Ok(x.into())
}

fn expand_dims(node: &mut Node<'_>) -> Result<Output> {
    let (x, axis) = (node.input(0)?, node.constant_int(1, "the axis")?);
    if let Some(rank) = node.emit.rank(x) {
        wrap_axis(axis, rank + 1)?;
    }
    Ok(node.emit.unsqueeze(x, &[axis]).into())
}

fn squeeze(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let mut axes = node.definition.ints("squeeze_dims").or_else(|| node.definition.ints("axis")).unwrap_or_default();
    if axes.is_empty() {
        let Some(shape) = node.emit.fixed_shape(x) else { return Ok(node.emit.op("Squeeze", &[x]).into()) };
        axes = (0..shape.len() as i64).filter(|&axis| shape[axis as usize] == 1).collect();
    }
    if let Some(rank) = node.emit.rank(x) {
        axes.iter().try_for_each(|&axis| wrap_axis(axis, rank).map(drop))?;
    }
    if axes.is_empty() {
        return Ok(x.into());
    }
    Ok(node.emit.squeeze(x, &axes).into())
}

fn cast(node: &mut Node<'_>) -> Result<Output> {
    if let Some(Item::Complex(real, _)) = node.inputs.first() {
        return Ok((*real).into());
    }
    let x = node.input(0)?;
    let to =
        node.definition.dtype("DstT").ok_or_else(|| error!(UnsupportedModel, "the element type is not supported"))?;
    if (to == DType::String) != (node.dtype(0)? == DType::String) {
        return Err(error!(UnsupportedModel, "casts between numbers and texts are not supported"));
    }
    Ok(node.emit.cast(x, to).into())
}

fn broadcast_to(node: &mut Node<'_>) -> Result<Output> {
    let (x, shape) = (node.input(0)?, node.input(1)?);
    let emit = &mut *node.emit;
    let shape = emit.cast(shape, DType::Int64);
    let made = emit.op("Expand", &[x, shape]);
    let rank = emit.size(shape, 0).and_then(|rank| usize::try_from(rank).ok()).filter(|&rank| rank <= 16);
    if let (None, Some(rank)) = (emit.rank(made), rank) {
        let sizes = emit.elements_of(shape).cloned().unwrap_or_else(|| vec![None; rank]);
        let sizes: Vec<Option<i64>> = sizes.into_iter().map(|size| size.map(|size| size as i64)).collect();
        emit.assume_shape(made, &sizes);
    }
    Ok(made.into())
}

/// The shape that two shapes are broadcast to: that of nothing, spread to both.
fn broadcast_args(node: &mut Node<'_>) -> Result<Output> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    let emit = &mut *node.emit;
    let (a, b) = (emit.fill(0.0, DType::Bool, a), emit.fill(0.0, DType::Bool, b));
    let both = emit.op("Or", &[a, b]);
    let shape = emit.shape_of(both);
    Ok(emit.cast(shape, DType::Int32).into())
}

/// ONNX's list of all starts and then all ends, from rows of both.
fn onnx_pads(emit: &mut Emit, pads: Value) -> Value {
    let pads = emit.cast(pads, DType::Int64);
    let pads = emit.op_with("Transpose", &[pads], [("perm", vec![1i64, 0].into())]);
    emit.reshape(pads, &[-1])
}

fn pad(node: &mut Node<'_>) -> Result<Output> {
    let (x, pads) = (node.input(0)?, node.input(1)?);
    let number = node.optional_input(2);
    let pads = onnx_pads(node.emit, pads);
    if node.emit.ints_of(pads).is_some_and(|pads| pads.iter().all(|&pad| pad == 0)) {
        return Ok(x.into());
    }
    Ok(node.emit.op("Pad", &[x, pads, number.unwrap_or(Value::ABSENT)]).into())
}

fn mirror_pad(node: &mut Node<'_>) -> Result<Output> {
    let (mut x, pads) = (node.input(0)?, node.input(1)?);
    match node.definition.text("mode").as_deref() {
        None | Some("REFLECT") => {
            let pads = onnx_pads(node.emit, pads);
            Ok(node.emit.op_with("Pad", &[x, pads], [("mode", "reflect".into())]).into())
        }
        Some("SYMMETRIC") => {
            let pads = node.constant_ints(1, "the paddings")?;
            let emit = &mut *node.emit;
            for (axis, &[before, after]) in pads.as_chunks().0.iter().enumerate() {
                x = numeric::mirror(emit, x, axis as i64, before, after);
            }
            Ok(x.into())
        }
        Some(other) => Err(error!(UnsupportedModel, "mode {other} is not supported")),
    }
}

fn blocks(node: &mut Node<'_>, op_type: &'static str) -> Result<Output> {
    let x = node.input(0)?;
    let size = node.definition.int("block_size").unwrap_or(2);
    if node.rank(0)? != 4 || size < 1 {
        return Err(error!(InvalidModel, "the input must have rank 4 and the block a size"));
    }
    let build = |emit: &mut Emit, x| Ok(emit.op_with(op_type, &[x], [("blocksize", size.into())]));
    let first = node.definition.text("data_format").as_deref() == Some("NCHW");
    let made = if first { build(node.emit, x)? } else { channels_last(node.emit, x, build)? };
    Ok(made.into())
}

struct Blocks {
    sizes: Vec<i64>,
    rank: usize,
}

fn block_sizes(node: &Node<'_>) -> Result<Blocks> {
    let sizes = node.constant_ints(1, "the block shape")?;
    let rank = node.rank(0)?;
    if rank <= sizes.len() || sizes.iter().any(|&size| size < 1) {
        return Err(error!(InvalidModel, "blocks of {sizes:?} do not fit an input of rank {rank}"));
    }
    Ok(Blocks { sizes, rank })
}

/// The sizes of some axes as a list.
fn sizes_of(emit: &mut Emit, x: Value, from: usize, to: usize) -> Value {
    let shape = emit.shape_of(x);
    emit.slice(shape, 0, from as i64, to as i64)
}

fn space_to_batch(node: &mut Node<'_>) -> Result<Output> {
    let (x, pads) = (node.input(0)?, node.input(2)?);
    let Blocks { sizes, rank } = block_sizes(node)?;
    let axes = sizes.len();
    let emit = &mut *node.emit;
    // Rows of zeros for the other axes: ONNX Runtime's optimizer does not heed the axes that `Pad` can be given.
    let pads = emit.cast(pads, DType::Int64);
    let (before, behind) = (vec![0i64; 2], vec![0i64; 2 * (rank - 1 - axes)]);
    let (before, behind) = (emit.int64s(&before), emit.int64s(&behind));
    let (before, behind) = (emit.reshape(before, &[1, 2]), emit.reshape(behind, &[(rank - 1 - axes) as i64, 2]));
    let pads = emit.concat(&[before, pads, behind], 0);
    let pads = onnx_pads(emit, pads);
    let x = emit.op("Pad", &[x, pads]);
    // [b, s / block, block, ..., rest] to [block, ..., b, s / block, ..., rest]
    let mut split = vec![sizes_of(emit, x, 0, 1)];
    for (axis, &size) in sizes.iter().enumerate() {
        let block = emit.int64s(&[size]);
        let whole = sizes_of(emit, x, axis + 1, axis + 2);
        split.push(emit.div(whole, block));
        split.push(block);
    }
    split.push(sizes_of(emit, x, axes + 1, rank));
    let split = emit.concat(&split, 0);
    let parts = emit.reshape_to(x, split);
    let order: Vec<usize> = (0..axes)
        .map(|axis| 2 * axis + 2)
        .chain([0])
        .chain((0..axes).map(|axis| 2 * axis + 1))
        .chain(2 * axes + 1..rank + axes)
        .collect();
    let moved = emit.transpose(parts, &order);
    let rest = sizes_of(emit, moved, axes + 1, rank + axes);
    let batch = sizes_of(emit, x, 0, 1);
    let blocks = emit.int64s(&[sizes.iter().product()]);
    let batch = emit.mul(batch, blocks);
    let shape = emit.concat(&[batch, rest], 0);
    let blocks = emit.reshape_to(moved, shape);
    Ok(Item::Blocks { blocks, whole: x, sizes }.into())
}

fn batch_to_space(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let Blocks { sizes, rank } = block_sizes(node)?;
    let crops = node.input(2)?;
    if let Some(Item::Blocks { whole, sizes: same, .. }) = node.inputs.first()
        && *same == sizes
    {
        let shape = node.emit.shape_of(*whole);
        let spatial = node.emit.slice(shape, 0, 1, 1 + sizes.len() as i64);
        return Ok(crop(node.emit, *whole, spatial, crops).into());
    }
    let axes = sizes.len();
    let emit = &mut *node.emit;
    // [block, ..., b, s, ..., rest] to [b, s, block, ..., rest]
    let blocks = emit.int64s(&sizes);
    let (all, count) = (sizes_of(emit, x, 0, 1), emit.int64s(&[sizes.iter().product()]));
    let batch = emit.div(all, count);
    let rest = sizes_of(emit, x, 1, rank);
    let split = emit.concat(&[blocks, batch, rest], 0);
    let parts = emit.reshape_to(x, split);
    let order: Vec<usize> = [axes]
        .into_iter()
        .chain((0..axes).flat_map(|axis| [axes + 1 + axis, axis]))
        .chain(2 * axes + 1..rank + axes)
        .collect();
    let moved = emit.transpose(parts, &order);
    let mut shape = vec![batch];
    for (axis, &size) in sizes.iter().enumerate() {
        let (inner, block) = (sizes_of(emit, x, axis + 1, axis + 2), emit.int64s(&[size]));
        shape.push(emit.mul(inner, block));
    }
    shape.push(sizes_of(emit, x, axes + 1, rank));
    let joined_shape = emit.concat(&shape, 0);
    let joined = emit.reshape_to(moved, joined_shape);
    let spatial = emit.concat(&shape[1..=axes], 0);
    Ok(crop(emit, joined, spatial, crops).into())
}

/// Takes away so much before and behind each spatial axis; `sizes` are theirs.
fn crop(emit: &mut Emit, x: Value, sizes: Value, crops: Value) -> Value {
    let crops = emit.cast(crops, DType::Int64);
    if emit.ints_of(crops).is_some_and(|crops| crops.iter().all(|&crop| crop == 0)) {
        return x;
    }
    let (starts, cut) = (emit.slice(crops, 1, 0, 1), emit.slice(crops, 1, 1, 2));
    let (starts, cut) = (emit.reshape(starts, &[-1]), emit.reshape(cut, &[-1]));
    let ends = emit.sub(sizes, cut);
    let axes = emit.size(sizes, 0).unwrap_or(0);
    let axes: Vec<i64> = (1..=axes).collect();
    let axes = emit.int64s(&axes);
    emit.op("Slice", &[x, starts, ends, axes])
}
