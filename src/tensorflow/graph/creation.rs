//! Tensors made from numbers.

use super::Rule;
use super::item::Item;
use super::node::{Node, Output};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::Value;

pub const RULES: &[(&str, Rule)] = &[
    ("Const", constant),
    ("Fill", fill),
    ("Zeros", |node| numbers(node, 0.0)),
    ("Ones", |node| numbers(node, 1.0)),
    ("ZerosLike", |node| like(node, 0.0)),
    ("OnesLike", |node| like(node, 1.0)),
    ("LinSpace", lin_space),
    ("Range", range),
    ("OneHot", one_hot),
    ("Multinomial", multinomial),
    ("RandomUniform", |node| random(node, "RandomUniformLike")),
    ("RandomStandardNormal", |node| random(node, "RandomNormalLike")),
    ("RandomUniformInt", random_int),
    ("TruncatedNormal", truncated_normal),
];

fn constant(node: &mut Node<'_>) -> Result<Output> {
    let weight = node.weight()?;
    Ok(node.emit.constant(weight).into())
}

fn fill(node: &mut Node<'_>) -> Result<Output> {
    let (shape, number) = (node.input(0)?, node.input(1)?);
    let shape = node.emit.cast(shape, DType::Int64);
    Ok(node.emit.op("Expand", &[number, shape]).into())
}

fn numbers(node: &mut Node<'_>, number: f64) -> Result<Output> {
    let shape = node.input(0)?;
    let dtype = node.definition.dtype("T").or_else(|| node.definition.dtype("dtype")).unwrap_or(DType::Float32);
    Ok(node.emit.fill(number, dtype, shape).into())
}

fn like(node: &mut Node<'_>, number: f64) -> Result<Output> {
    if let Some(Item::List(list)) = node.inputs.first() {
        return Ok(Item::List(list.zeros(node.emit)).into());
    }
    let x = node.input(0)?;
    let dtype = node.dtype(0)?;
    let shape = node.emit.shape_of(x);
    Ok(node.emit.fill(number, dtype, shape).into())
}

fn lin_space(node: &mut Node<'_>) -> Result<Output> {
    let (start, stop, count) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let emit = &mut *node.emit;
    let count = emit.cast(count, DType::Float32);
    let count = emit.reshape(count, &[]);
    let (zero, one) = (emit.float(0.0), emit.float(1.0));
    let steps = emit.op("Range", &[zero, count, one]);
    let gaps = emit.sub(count, one);
    let gaps = emit.op("Max", &[gaps, one]);
    let length = emit.sub(stop, start);
    let step = emit.div(length, gaps);
    let reach = emit.mul(steps, step);
    Ok(emit.add(reach, start).into())
}

fn range(node: &mut Node<'_>) -> Result<Output> {
    let inputs = [node.input(0)?, node.input(1)?, node.input(2)?];
    // `Range` takes scalars only, and some models give lists of one number.
    let inputs =
        inputs.map(|value| if node.emit.rank(value) == Some(1) { node.emit.squeeze(value, &[0]) } else { value });
    Ok(node.emit.op("Range", &inputs).into())
}

fn one_hot(node: &mut Node<'_>) -> Result<Output> {
    let (indices, depth, on, off) = (node.input(0)?, node.input(1)?, node.input(2)?, node.input(3)?);
    let axis = node.definition.int("axis").unwrap_or(-1);
    let dtype = node.dtype(2)?;
    let emit = &mut *node.emit;
    let depth = emit.cast(depth, DType::Int64);
    let depth = emit.reshape(depth, &[1]);
    let indices = emit.cast(indices, DType::Int64);
    // ONNX counts a negative index from the end; here it is nowhere, as is one beyond the end.
    let zero = emit.int64(0);
    let negative = emit.op("Less", &[indices, zero]);
    let beyond = emit.squeeze(depth, &[0]);
    let indices = emit.select(negative, beyond, indices);
    let (off, on) = (emit.cast(off, DType::Float32), emit.cast(on, DType::Float32));
    let (off, on) = (emit.reshape(off, &[1]), emit.reshape(on, &[1]));
    let off_on = emit.concat(&[off, on], 0);
    let made = emit.op_with("OneHot", &[indices, depth, off_on], [("axis", axis.into())]);
    Ok(emit.cast(made, dtype).into())
}

fn multinomial(node: &mut Node<'_>) -> Result<Output> {
    let logits = node.input(0)?;
    let count = node.constant_int(1, "num_samples")?;
    let attributes = [("sample_size", count.into()), ("dtype", DType::Int32.code().into())];
    let made = node.emit.op_with("Multinomial", &[logits], attributes);
    let made = node.emit.cast(made, DType::Int32);
    Ok(made.into())
}

fn seed(node: &Node<'_>) -> Option<f32> {
    let seeds = ["seed", "seed2"].map(|name| node.definition.int(name).unwrap_or(0));
    (seeds != [0, 0]).then(|| (seeds[0] ^ seeds[1].rotate_left(16)) as f32)
}

fn random_of_shape(node: &mut Node<'_>, op_type: &'static str, shape: Value, draw: usize) -> Value {
    let seed = seed(node).map(|seed| seed + draw as f32);
    let emit = &mut *node.emit;
    let shape = emit.cast(shape, DType::Int64);
    let zeros = emit.fill(0.0, DType::Float32, shape);
    match seed {
        Some(seed) => emit.op_with(op_type, &[zeros], [("seed", seed.into())]),
        None => emit.op(op_type, &[zeros]),
    }
}

fn random(node: &mut Node<'_>, op_type: &'static str) -> Result<Output> {
    let shape = node.input(0)?;
    Ok(random_of_shape(node, op_type, shape, 0).into())
}

fn random_int(node: &mut Node<'_>) -> Result<Output> {
    let (shape, low, high) = (node.input(0)?, node.input(1)?, node.input(2)?);
    if node.dtype(1)? != DType::Int32 {
        return Err(error!(InvalidModel, "the limits must be integers"));
    }
    let part = random_of_shape(node, "RandomUniformLike", shape, 0);
    let emit = &mut *node.emit;
    let (low, high) = (emit.cast(low, DType::Float32), emit.cast(high, DType::Float32));
    let length = emit.sub(high, low);
    let reach = emit.mul(part, length);
    let number = emit.add(reach, low);
    let whole = emit.op("Floor", &[number]);
    Ok(emit.cast(whole, DType::Int32).into())
}

/// How often a number beyond two standard deviations is drawn again: the chance that one is left is 2e-11.
const REDRAWS: usize = 8;

/// Normally distributed numbers, of which those beyond two standard deviations are drawn again.
fn truncated_normal(node: &mut Node<'_>) -> Result<Output> {
    let shape = node.input(0)?;
    let mut made = random_of_shape(node, "RandomNormalLike", shape, 0);
    for draw in 1..=REDRAWS {
        let again = random_of_shape(node, "RandomNormalLike", shape, draw);
        let limit = node.emit.float(2.0);
        let size = node.emit.op("Abs", &[made]);
        let near = node.emit.op("LessOrEqual", &[size, limit]);
        made = node.emit.select(near, made, again);
    }
    let (low, high) = (node.emit.float(-2.0), node.emit.float(2.0));
    Ok(node.emit.op("Clip", &[made, low, high]).into())
}
