//! Layers of several inputs.

use super::author::Keras;
use super::layer::{Layer, Rule};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::Value;
use serde_json::Value as Json;

pub const RULES: &[(&str, Rule)] = &[
    ("Add", |layer| elementwise(layer, "Add")),
    ("Subtract", |layer| elementwise(layer, "Sub")),
    ("Multiply", |layer| elementwise(layer, "Mul")),
    ("Maximum", |layer| elementwise(layer, "Max")),
    ("Minimum", |layer| elementwise(layer, "Min")),
    ("Average", average),
    ("Concatenate", concatenate),
    ("Dot", dot),
];

fn elementwise(layer: &mut Layer<'_, '_>, op_type: &'static str) -> Result<Vec<Value>> {
    let values = aligned(layer)?;
    merge_masks(layer);
    let made = values.into_iter().reduce(|a, b| layer.emit.op(op_type, &[a, b]));
    made.map(|made| vec![made]).ok_or_else(|| error!(InvalidModel, "it has no inputs"))
}

fn average(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let count = layer.inputs.len() as f32;
    let sum = elementwise(layer, "Add")?;
    let part = layer.emit.float(1.0 / count);
    Ok(vec![layer.emit.mul(sum[0], part)])
}

/// The inputs with axes of size 1 behind the batch where they have fewer than others.
fn aligned(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let inputs: Vec<Value> = layer.inputs.iter().map(|input| input.value).collect();
    let mut values = inputs.into_iter().map(|value| layer.float(value)).collect::<Result<Vec<_>>>()?;
    let ranks = values.iter().map(|&value| layer.rank(value)).collect::<Result<Vec<_>>>()?;
    let most = ranks.iter().copied().max().unwrap_or(0);
    for (value, rank) in values.iter_mut().zip(ranks) {
        if rank < most {
            let axes: Vec<i64> = (1..=(most - rank) as i64).collect();
            *value = layer.emit.unsqueeze(*value, &axes);
        }
    }
    // A number in the call of an operation such as `x + 1`.
    let plain = layer.given.arguments.iter().filter_map(|argument| match argument {
        super::topology::Argument::Plain(Json::Number(number)) => number.as_f64(),
        _ => None,
    });
    for number in plain.collect::<Vec<_>>() {
        let number = layer.emit.float(number as f32);
        values.push(number);
    }
    Ok(values)
}

/// A step counts when it does in every masked input; since Keras 3 when it does in one and all inputs have masks.
fn merge_masks(layer: &mut Layer<'_, '_>) {
    let masks: Vec<Value> = layer.inputs.iter().filter_map(|input| input.mask).collect();
    let three = layer.context.keras == Keras::Three;
    layer.mask = if three && masks.len() < layer.inputs.len() {
        None
    } else {
        let op_type = if three { "Or" } else { "And" };
        masks.into_iter().reduce(|a, b| layer.emit.op(op_type, &[a, b]))
    };
}

fn concatenate(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut values: Vec<Value> = layer.inputs.iter().map(|input| input.value).collect();
    let dtype = layer.emit.dtype(values[0]);
    if values.iter().any(|&value| layer.emit.dtype(value) != dtype) {
        values = values.into_iter().map(|value| layer.float(value)).collect::<Result<_>>()?;
    }
    let rank = layer.rank(values[0])?;
    let axis = layer.config.int("axis", -1)?;
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    if axis < 1 || axis >= rank as i64 {
        return Err(error!(InvalidModel, "inputs of rank {rank} cannot be joined on axis {axis}"));
    }
    layer.mask = joined_mask(layer, axis, rank);
    Ok(vec![layer.emit.concat(&values, axis)])
}

/// Masks one after the other in time; across features a step counts when it does everywhere (since Keras 3: anywhere).
fn joined_mask(layer: &mut Layer<'_, '_>, axis: i64, rank: usize) -> Option<Value> {
    if rank < 3 || layer.inputs.iter().all(|input| input.mask.is_none()) {
        return None;
    }
    if axis == 1 {
        let masks =
            layer.inputs.clone().into_iter().map(|input| input.mask.unwrap_or_else(|| all_true(layer, input.value)));
        let masks: Vec<Value> = masks.collect();
        return Some(layer.emit.concat(&masks, 1));
    }
    if axis as usize != rank - 1 {
        return None;
    }
    let any = layer.context.keras == Keras::Three;
    // An input without a mask counts everywhere.
    if any && layer.inputs.iter().any(|input| input.mask.is_none()) {
        return layer.inputs.first().map(|input| input.value).map(|value| all_true(layer, value));
    }
    let op_type = if any { "Or" } else { "And" };
    let masks: Vec<Value> = layer.inputs.iter().filter_map(|input| input.mask).collect();
    masks.into_iter().reduce(|a, b| layer.emit.op(op_type, &[a, b]))
}

fn all_true(layer: &mut Layer<'_, '_>, value: Value) -> Value {
    let shape = layer.emit.shape_of(value);
    let steps = layer.emit.slice(shape, 0, 0, 2);
    let one = layer.emit.int64(1);
    let ones = layer.emit.op("Expand", &[one, steps]);
    layer.emit.cast(ones, DType::Bool)
}

/// Products along one axis of each input, for each pair in the batch.
fn dot(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let &[a, b] = layer.inputs.as_slice() else {
        return Err(error!(InvalidModel, "two inputs are expected"));
    };
    layer.mask = None;
    let (mut a, mut b) = (layer.float(a.value)?, layer.float(b.value)?);
    let ranks = [layer.rank(a)?, layer.rank(b)?];
    let axes = match layer.config.ints("axes")?.as_deref() {
        Some(&[both]) => [both, both],
        Some(&[first, second]) => [first, second],
        _ => return Err(error!(InvalidModel, "\"axes\" should be one or two axes")),
    };
    let mut terms: [Vec<u8>; 2] = [Vec::new(), Vec::new()];
    let mut output = vec![b'a'];
    for side in 0..2 {
        let axis = if axes[side] < 0 { axes[side] + ranks[side] as i64 } else { axes[side] };
        if axis < 1 || axis >= ranks[side] as i64 || ranks[side] > 8 {
            return Err(error!(InvalidModel, "\"axes\" names an axis that the input does not have"));
        }
        let first = if side == 0 { b'c' } else { b'n' };
        for at in 0..ranks[side] {
            let letter = match at {
                0 => b'a',
                at if at as i64 == axis => b'b',
                at => first + at as u8,
            };
            terms[side].push(letter);
            if letter > b'b' {
                output.push(letter);
            }
        }
        if layer.config.flag("normalize", false)? {
            let value = if side == 0 { &mut a } else { &mut b };
            *value = normalized(layer, *value, axis);
        }
    }
    let text = |letters: &[u8]| letters.iter().map(|&letter| char::from(letter)).collect::<String>();
    let equation = format!("{},{}->{}", text(&terms[0]), text(&terms[1]), text(&output));
    let made = layer.emit.op_with("Einsum", &[a, b], [("equation", equation.into())]);
    Ok(vec![if output.len() == 1 { layer.emit.unsqueeze(made, &[1]) } else { made }])
}

/// Each vector along an axis by its length.
fn normalized(layer: &mut Layer<'_, '_>, value: Value, axis: i64) -> Value {
    let square = layer.emit.reduce("ReduceSumSquare", value, Some(&[axis]), true);
    let least = layer.emit.float(1e-12);
    let square = layer.emit.op("Max", &[square, least]);
    let length = layer.emit.op("Sqrt", &[square]);
    layer.emit.div(value, length)
}
