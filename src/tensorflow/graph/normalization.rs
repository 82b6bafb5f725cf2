//! Normalisation.

use super::Rule;
use super::node::{Node, Output};
use crate::error::{Result, error};
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
    if node.definition.flag("is_training") {
        return Err(error!(UnsupportedModel, "is_training is not supported"));
    }
    let epsilon = node.definition.float("epsilon").unwrap_or(1e-4) as f32;
    let build = |emit: &mut crate::tensorflow::emit::Emit, x| {
        Ok(emit.op_with("BatchNormalization", &[x, scale, offset, mean, variance], [("epsilon", epsilon.into())]))
    };
    let first = node.definition.text("data_format").as_deref() == Some("NCHW");
    let y = if first { build(node.emit, x)? } else { channels_last(node.emit, x, build)? };
    Ok(vec![y, mean, variance, mean, variance, variance].into())
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
