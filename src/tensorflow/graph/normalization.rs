//! Normalisation.

use super::Rule;
use super::node::{Node, Output};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::spatial::channels_last;

pub const RULES: &[(&str, Rule)] = &[
    ("FusedBatchNorm", batch_norm),
    ("FusedBatchNormV2", batch_norm),
    ("FusedBatchNormV3", batch_norm),
    ("LRN", local_response),
    ("Softmax", |node| softmax(node, "Softmax")),
    ("LogSoftmax", |node| softmax(node, "LogSoftmax")),
];

fn batch_norm(node: &mut Node<'_>) -> Result<Output> {
    let inputs = node.all_inputs()?;
    let [x, scale, offset, mean, variance] = inputs
        .get(..5)
        .and_then(|five| five.try_into().ok())
        .ok_or_else(|| error!(InvalidModel, "five inputs are expected, received {}", inputs.len()))?;
    let epsilon = node.definition.float("epsilon").unwrap_or(1e-4) as f32;
    let first = node.definition.text("data_format").is_some_and(|format| format.starts_with("NC"));
    if node.definition.flag("is_training") {
        return in_training(node, x, [scale, offset, mean, variance], epsilon, first);
    }
    let build = |emit: &mut Emit, x| {
        Ok(emit.op_with("BatchNormalization", &[x, scale, offset, mean, variance], [("epsilon", epsilon.into())]))
    };
    let y = if first { build(node.emit, x)? } else { channels_last(node.emit, x, build)? };
    Ok(vec![y, mean, variance, mean, variance, variance].into())
}

/// By the mean and variance of the input itself, as Keras computes its `LayerNormalization`. Written with reductions:
/// ONNX Runtime runs no `BatchNormalization` in training mode.
fn in_training(
    node: &mut Node<'_>,
    x: Value,
    [scale, offset, moving_mean, moving_variance]: [Value; 4],
    epsilon: f32,
    channels_first: bool,
) -> Result<Output> {
    let rank = node.rank(0)? as i64;
    let factor = node.definition.float("exponential_avg_factor").unwrap_or(1.0) as f32;
    let emit = &mut *node.emit;
    let over: Vec<i64> =
        if channels_first { [0].into_iter().chain(2..rank).collect() } else { (0..rank - 1).collect() };
    let inner: Vec<i64> = if channels_first { (1..rank - 1).collect() } else { Vec::new() };
    let spread =
        |emit: &mut Emit, vector: Value| if inner.is_empty() { vector } else { emit.unsqueeze(vector, &inner) };
    let mean = emit.reduce("ReduceMean", x, Some(&over), true);
    let centred = emit.sub(x, mean);
    let square = emit.mul(centred, centred);
    let variance = emit.reduce("ReduceMean", square, Some(&over), true);
    let least = emit.float(epsilon);
    let sum = emit.add(variance, least);
    let root = emit.op("Sqrt", &[sum]);
    let normal = emit.div(centred, root);
    let (scale, offset) = (spread(emit, scale), spread(emit, offset));
    let scaled = emit.mul(normal, scale);
    let y = emit.add(scaled, offset);

    // The other outputs are what training goes on with: the variance of a sample, mixed into what was there before.
    let (mean, variance) = (emit.squeeze(mean, &over), emit.squeeze(variance, &over));
    let sizes = emit.shape_of(x);
    let axes = emit.int64s(&over);
    let counts = emit.gather(sizes, axes, 0);
    let count = emit.reduce("ReduceProd", counts, None, false);
    let count = emit.cast(count, DType::Float32);
    let one = emit.float(1.0);
    let less = emit.sub(count, one);
    let less = emit.op("Max", &[less, one]);
    let correction = emit.div(count, less);
    let sample = emit.mul(variance, correction);
    let mixed = |emit: &mut Emit, new: Value, old: Value| {
        if factor == 1.0 {
            return new;
        }
        let (part, rest) = (emit.float(factor), emit.float(1.0 - factor));
        let (new, old) = (emit.mul(new, part), emit.mul(old, rest));
        emit.add(new, old)
    };
    let (new_mean, new_variance) = (mixed(emit, mean, moving_mean), mixed(emit, sample, moving_variance));
    Ok(vec![y, new_mean, new_variance, mean, variance, variance].into())
}

/// ONNX divides alpha by the number of channels that are summed.
fn local_response(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let definition = node.definition;
    let size = definition.int("depth_radius").unwrap_or(5).clamp(0, 1 << 20) * 2 + 1;
    let number = |name: &str, default: f64| definition.float(name).unwrap_or(default) as f32;
    let attributes = [
        ("size", size.into()),
        ("alpha", (number("alpha", 1.0) * size as f32).into()),
        ("beta", number("beta", 0.5).into()),
        ("bias", number("bias", 1.0).into()),
    ];
    Ok(channels_last(node.emit, x, |emit, x| Ok(emit.op_with("LRN", &[x], attributes)))?.into())
}

fn softmax(node: &mut Node<'_>, op_type: &'static str) -> Result<Output> {
    let x = node.input(0)?;
    Ok(node.emit.op_with(op_type, &[x], [("axis", (-1).into())]).into())
}
