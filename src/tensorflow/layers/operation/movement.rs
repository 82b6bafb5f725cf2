//! Operations that move elements along axes, repeat them or put others beside them.

use super::operands::{alike, integers, list, wrapped_axes, wrapped_axis};
use crate::error::{Result, error};
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::layers::layer::{Layer, Tensor};
use crate::tensorflow::layers::topology::Argument;
use crate::tensorflow::numeric;

pub fn broadcast_to(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let shape = layer.field_ints(&["shape"])?.filter(|shape| shape.iter().all(|&size| size >= 0));
    let shape = shape.ok_or_else(|| error!(UnsupportedModel, "its shape is not in the file"))?;
    let shape = layer.emit.int64s(&shape);
    Ok(vec![layer.emit.op("Expand", &[x, shape])])
}

fn reversed(emit: &mut Emit, x: Value, axis: usize) -> Value {
    emit.slice_by(x, axis as i64, -1, i64::MIN, -1)
}

/// The axes that a field names; all of them without it.
fn all_or_named(layer: &Layer<'_, '_>, field: &str, rank: usize) -> Result<Vec<usize>> {
    match layer.field_ints(&[field])? {
        None => Ok((0..rank).collect()),
        Some(axes) => wrapped_axes(&axes, rank),
    }
}

pub fn flip(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let axes = all_or_named(layer, "axis", layer.rank(x)?)?;
    Ok(vec![axes.into_iter().fold(x, |x, axis| reversed(layer.emit, x, axis))])
}

pub fn flip_axis(layer: &mut Layer<'_, '_>, axis: i64) -> Result<Vec<Value>> {
    let x = layer.raw();
    let axis = wrapped_axis(axis, layer.rank(x)?)?;
    Ok(vec![reversed(layer.emit, x, axis)])
}

/// Quarter turns from the first of two axes to the second.
pub fn rotate(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let rank = layer.rank(x)?;
    let axes = layer.field_ints(&["axes"])?.unwrap_or_else(|| vec![0, 1]);
    let &[first, second] = wrapped_axes(&axes, rank)?.as_slice() else {
        return Err(error!(InvalidModel, "\"axes\" should be two axes"));
    };
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(first, second);
    let emit = &mut *layer.emit;
    let turns = layer.config.int("k", 1)?.rem_euclid(4);
    Ok(vec![match turns {
        0 => x,
        1 => {
            let turned = reversed(emit, x, second);
            emit.transpose(turned, &order)
        }
        2 => {
            let turned = reversed(emit, x, first);
            reversed(emit, turned, second)
        }
        _ => {
            let turned = emit.transpose(x, &order);
            reversed(emit, turned, second)
        }
    }])
}

pub fn move_axes(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let rank = layer.rank(x)?;
    let both = ["source", "destination"].map(|field| {
        let axes = layer.field_ints(&[field])?.ok_or_else(|| error!(InvalidModel, "it has no \"{field}\""))?;
        wrapped_axes(&axes, rank)
    });
    let [from, to] = both;
    let (from, to) = (from?, to?);
    if from.len() != to.len() {
        return Err(error!(InvalidModel, "\"source\" and \"destination\" should be as long as each other"));
    }
    let mut order: Vec<usize> = (0..rank).filter(|axis| !from.contains(axis)).collect();
    let mut pairs: Vec<(usize, usize)> = to.into_iter().zip(from).collect();
    pairs.sort_unstable();
    for (to, from) in pairs {
        order.insert(to.min(order.len()), from);
    }
    Ok(vec![layer.emit.transpose(x, &order)])
}

pub fn flatten(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    Ok(vec![layer.emit.reshape(layer.raw(), &[-1])])
}

/// Each element several times, or each as often as a list says.
pub fn repeat(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut x = layer.raw();
    let counts = layer.field_ints(&["repeats"])?.unwrap_or_default();
    let axis = match layer.field_ints(&["axis"])?.as_deref() {
        Some(&[axis]) => wrapped_axis(axis, layer.rank(x)?)?,
        Some(_) => return Err(error!(InvalidModel, "\"axis\" should be one integer")),
        None => {
            x = layer.emit.reshape(x, &[-1]);
            0
        }
    };
    if counts.iter().any(|count| !(0..=MAX_COPIES).contains(count)) {
        return Err(error!(InvalidModel, "\"repeats\" should be between 0 and {MAX_COPIES}"));
    }
    let &[count] = counts.as_slice() else {
        let each = counts.iter().enumerate();
        let indices: Vec<i64> = each.flat_map(|(at, &count)| (0..count).map(move |_| at as i64)).collect();
        let indices = layer.emit.int64s(&indices);
        return Ok(vec![layer.emit.gather(x, indices, axis as i64)]);
    };
    let rank = layer.rank(x)?;
    let emit = &mut *layer.emit;
    let shape = emit.shape_of(x);
    let parts = [(0, axis), (axis, axis + 1), (axis + 1, rank)];
    let [before, own, behind] = parts.map(|(start, end)| emit.slice(shape, 0, start as i64, end as i64));
    let factor = emit.int64s(&[count]);
    let longer = emit.mul(own, factor);
    let whole = emit.concat(&[before, longer, behind], 0);
    let wide = emit.unsqueeze(x, &[axis as i64 + 1]);
    let counts: Vec<i64> = (0..=rank).map(|at| if at == axis + 1 { count } else { 1 }).collect();
    let counts = emit.int64s(&counts);
    let tiled = emit.op("Tile", &[wide, counts]);
    Ok(vec![emit.reshape_to(tiled, whole)])
}

/// As often as an element may be repeated by a number in the file.
const MAX_COPIES: i64 = 1 << 20;

/// Elements go so many places further; those beyond the end come in at the start.
pub fn roll(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let shifts = layer.field_ints(&["shift"])?.ok_or_else(|| error!(InvalidModel, "it has no \"shift\""))?;
    let Some(axes) = layer.field_ints(&["axis"])? else {
        let shape = layer.emit.shape_of(x);
        let flat = layer.emit.reshape(x, &[-1]);
        let rolled = rolled(layer.emit, flat, 0, shifts.iter().sum());
        return Ok(vec![layer.emit.reshape_to(rolled, shape)]);
    };
    let axes = wrapped_axes(&axes, layer.rank(x)?)?;
    let each: Vec<i64> = if shifts.len() == 1 { vec![shifts[0]; axes.len()] } else { shifts };
    if each.len() != axes.len() {
        return Err(error!(InvalidModel, "\"shift\" and \"axis\" should be as long as each other"));
    }
    Ok(vec![axes.into_iter().zip(each).fold(x, |x, (axis, shift)| rolled(layer.emit, x, axis as i64, shift))])
}

fn rolled(emit: &mut Emit, x: Value, axis: i64, shift: i64) -> Value {
    let shift = match emit.size(x, axis) {
        Some(size) if size > 0 => shift.rem_euclid(size),
        _ => shift,
    };
    if shift == 0 {
        return x;
    }
    let (end, start) = (emit.slice(x, axis, -shift, i64::MAX), emit.slice(x, axis, 0, -shift));
    emit.concat(&[end, start], axis)
}

/// Tensors of at least so many axes, one behind the other.
pub fn stack_along(layer: &mut Layer<'_, '_>, axis: i64, least: usize) -> Result<Vec<Value>> {
    let mut values = list(layer)?;
    let rank = layer.rank(values[0])?;
    for value in &mut values {
        match (rank, least) {
            (0, _) => *value = layer.emit.reshape(*value, &vec![1; least.max(1)]),
            (1, 2) => *value = layer.emit.unsqueeze(*value, &[0]),
            (1, 3) => *value = layer.emit.unsqueeze(*value, &[0, 2]),
            (2, 3) => *value = layer.emit.unsqueeze(*value, &[2]),
            _ => {}
        }
    }
    let axis = if axis == 1 && rank <= 1 { 0 } else { axis };
    Ok(vec![layer.emit.concat(&values, axis)])
}

pub fn append(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let operands = [layer.operand(0, &["x1"])?, layer.operand(1, &["x2"])?];
    let mut pair = alike(layer, &operands)?;
    let axis = match layer.field_ints(&["axis"])?.as_deref() {
        Some(&[axis]) => axis,
        Some(_) => return Err(error!(InvalidModel, "\"axis\" should be one integer")),
        None => {
            pair = pair.into_iter().map(|value| layer.emit.reshape(value, &[-1])).collect();
            0
        }
    };
    Ok(vec![layer.emit.concat(&pair, axis)])
}

pub fn unstack(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let axis = wrapped_axis(layer.field_int(&["axis"], 0)?, layer.rank(x)?)? as i64;
    let known = layer.emit.size(x, axis).or(match layer.field_int(&["num"], -1)? {
        -1 => None,
        count => Some(count),
    });
    let count = known.filter(|count| (1..=1000).contains(count));
    let count = count.ok_or_else(|| error!(UnsupportedModel, "the size of the axis that it splits is not known"))?;
    let parts = layer.emit.split(x, axis, &vec![1; count as usize]);
    Ok(parts.into_iter().map(|part| layer.emit.squeeze(part, &[axis])).collect())
}

/// Pads each axis: `n`, `[before, after]` or a pair for each.
pub fn pad(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut x = layer.raw();
    let rank = layer.rank(x)?;
    let widths = layer.field_ints(&["pad_width", "paddings"])?.unwrap_or_default();
    let pairs: Vec<(i64, i64)> = match widths.as_slice() {
        &[both] => vec![(both, both); rank],
        &[before, after] => vec![(before, after); rank],
        all if all.len() == rank * 2 => all.as_chunks().0.iter().map(|&[before, after]| (before, after)).collect(),
        _ => return Err(error!(InvalidModel, "\"pad_width\" should have a pair for each of {rank} axes")),
    };
    let pads: Vec<i64> = pairs.iter().map(|pair| pair.0).chain(pairs.iter().map(|pair| pair.1)).collect();
    if pads.iter().any(|&pad| pad < 0) {
        return Err(error!(InvalidModel, "\"pad_width\" should not be negative"));
    }
    let mode = match layer.field(&["mode"]) {
        Some(Argument::Plain(json)) => json.as_str().unwrap_or_default().to_lowercase(),
        _ => "constant".to_owned(),
    };
    let mode = match mode.as_str() {
        "symmetric" => {
            for (axis, (before, after)) in pairs.into_iter().enumerate() {
                x = numeric::mirror(layer.emit, x, axis as i64, before, after);
            }
            return Ok(vec![x]);
        }
        mode @ ("constant" | "reflect" | "edge" | "wrap") => mode.to_owned(),
        other => return Err(error!(UnsupportedModel, "the mode \"{other}\" is not supported")),
    };
    let number = match layer.operand(1, &["constant_values"]).ok().filter(|given| !given.is_nothing()) {
        Some(number) if mode == "constant" => {
            let number = alike(layer, &[number])?[0];
            let dtype = layer.emit.dtype(x);
            layer.emit.cast(number, dtype)
        }
        _ => Value::ABSENT,
    };
    let pads = layer.emit.int64s(&pads);
    Ok(vec![layer.emit.op_with("Pad", &[x, pads, number], [("mode", mode.into())])])
}

/// From given starts, so many elements of each axis; -1 stands for all that are left.
pub fn slice(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut x = layer.raw();
    let sizes = layer.field_ints(&["shape"])?.ok_or_else(|| error!(InvalidModel, "it has no \"shape\""))?;
    let starts = integers(&layer.operand(1, &["start_indices"])?);
    let starts = starts.ok_or_else(|| error!(UnsupportedModel, "its starts are not in the file"))?;
    if starts.len() != sizes.len() || starts.iter().any(|&start| start < 0) {
        return Err(error!(InvalidModel, "a start that is not negative is expected for each of {} axes", sizes.len()));
    }
    for (axis, (&start, &size)) in starts.iter().zip(&sizes).enumerate() {
        let end = if size < 0 { i64::MAX } else { start.saturating_add(size) };
        x = layer.emit.slice(x, axis as i64, start, end);
    }
    Ok(vec![x])
}

/// Elements in place of others, or added to them, at places that a list of indices names.
pub fn scatter_update(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let operands = [layer.operand(0, &["inputs"])?, layer.operand(2, &["updates"])?];
    let values = alike(layer, &operands)?;
    let reduction = match layer.config.text("reduction", "none")? {
        known @ ("none" | "add" | "mul" | "max" | "min") => known,
        other => return Err(error!(UnsupportedModel, "the reduction \"{other}\" is not supported")),
    };
    scattered(layer, values[0], 1, values[1], reduction)
}

/// Elements at their places among zeros; those of one place are added.
pub fn scatter(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let values = layer.operand_value(1, &["values"])?;
    let shape = layer.field_ints(&["shape"])?.filter(|shape| shape.iter().all(|&size| size >= 0));
    let shape = shape.ok_or_else(|| error!(UnsupportedModel, "its shape is not in the file"))?;
    let shape = layer.emit.int64s(&shape);
    let dtype = layer.emit.dtype(values);
    let zeros = layer.emit.fill(0.0, dtype, shape);
    scattered(layer, zeros, 0, values, "add")
}

fn scattered(layer: &mut Layer<'_, '_>, x: Value, at: usize, updates: Value, how: &str) -> Result<Vec<Value>> {
    let indices = layer.operand_value(at, &["indices"])?;
    let indices = layer.emit.cast(indices, crate::tensor::DType::Int64);
    let attributes: Vec<_> = if how == "none" { Vec::new() } else { vec![("reduction", how.into())] };
    Ok(vec![layer.emit.op_with("ScatterND", &[x, indices, updates], attributes)])
}

/// For each index the element at that place along the axis.
pub fn take_along(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut x = layer.raw();
    let indices = layer.operand_value(1, &["indices"])?;
    let mut indices = layer.emit.cast(indices, crate::tensor::DType::Int64);
    let axis = match layer.field_ints(&["axis"])?.as_deref() {
        Some(&[axis]) => wrapped_axis(axis, layer.rank(x)?)? as i64,
        Some(_) => return Err(error!(InvalidModel, "\"axis\" should be one integer")),
        None => {
            (x, indices) = (layer.emit.reshape(x, &[-1]), layer.emit.reshape(indices, &[-1]));
            0
        }
    };
    let emit = &mut *layer.emit;
    let (whole, own) = (emit.shape_of(x), emit.shape_of(indices));
    let parts =
        [emit.slice(whole, 0, 0, axis), emit.slice(own, 0, axis, axis + 1), emit.slice(whole, 0, axis + 1, i64::MAX)];
    let shape = emit.concat(&parts, 0);
    let indices = emit.op("Expand", &[indices, shape]);
    Ok(vec![emit.op_with("GatherElements", &[x, indices], [("axis", axis.into())])])
}

/// The tensors of all operands, each along an axis of its own.
pub fn grid(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let lists: Vec<Tensor> = layer.inputs.clone();
    let count = lists.len();
    let mut axes: Vec<usize> = (0..count).collect();
    if layer.config.text("indexing", "xy")? == "xy" && count > 1 {
        axes.swap(0, 1);
    }
    let mut sizes = vec![Value::ABSENT; count];
    let mut spread = Vec::new();
    for (tensor, &axis) in lists.iter().zip(&axes) {
        let flat = layer.emit.reshape(tensor.value, &[-1]);
        sizes[axis] = layer.emit.shape_of(flat);
        let shape: Vec<i64> = (0..count).map(|at| if at == axis { -1 } else { 1 }).collect();
        spread.push(layer.emit.reshape(flat, &shape));
    }
    let shape = layer.emit.concat(&sizes, 0);
    Ok(spread.into_iter().map(|value| layer.emit.op("Expand", &[value, shape])).collect())
}
