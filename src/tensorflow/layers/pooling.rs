//! Pooling over windows and over whole axes.

use super::layer::{Layer, Rule};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::Value;
use crate::tensorflow::spatial;

pub const RULES: &[(&str, Rule)] = &[
    ("MaxPooling1D", |layer| pool(layer, "MaxPool", 1)),
    ("MaxPooling2D", |layer| pool(layer, "MaxPool", 2)),
    ("MaxPooling3D", |layer| pool(layer, "MaxPool", 3)),
    ("AveragePooling1D", |layer| pool(layer, "AveragePool", 1)),
    ("AveragePooling2D", |layer| pool(layer, "AveragePool", 2)),
    ("AveragePooling3D", |layer| pool(layer, "AveragePool", 3)),
    ("GlobalAveragePooling1D", global_average_1d),
    ("GlobalAveragePooling2D", |layer| global(layer, "ReduceMean", 2)),
    ("GlobalAveragePooling3D", |layer| global(layer, "ReduceMean", 3)),
    ("GlobalMaxPooling1D", |layer| global(layer, "ReduceMax", 1)),
    ("GlobalMaxPooling2D", |layer| global(layer, "ReduceMax", 2)),
    ("GlobalMaxPooling3D", |layer| global(layer, "ReduceMax", 3)),
    ("AdaptiveAveragePooling1D", |layer| adaptive(layer, "AveragePool", 1)),
    ("AdaptiveAveragePooling2D", |layer| adaptive(layer, "AveragePool", 2)),
    ("AdaptiveAveragePooling3D", |layer| adaptive(layer, "AveragePool", 3)),
    ("AdaptiveMaxPooling1D", |layer| adaptive(layer, "MaxPool", 1)),
    ("AdaptiveMaxPooling2D", |layer| adaptive(layer, "MaxPool", 2)),
    ("AdaptiveMaxPooling3D", |layer| adaptive(layer, "MaxPool", 3)),
];

pub fn pool(layer: &mut Layer<'_, '_>, op_type: &'static str, axes: usize) -> Result<Vec<Value>> {
    let field = if layer.config.has("pool_length") { "pool_length" } else { "pool_size" };
    let sizes = layer.config.sizes(field, axes, 2)?;
    let window = layer.window(&sizes, Some(&sizes))?;
    let made = layer.channels_first(axes, |emit, x| spatial::pool(emit, op_type, x, &sizes, &window))?;
    Ok(vec![made])
}

fn global(layer: &mut Layer<'_, '_>, op_type: &'static str, axes: usize) -> Result<Vec<Value>> {
    let x = layer.x_of_rank(axes + 2)?;
    let first = if layer.config.is_channels_first()? { 2 } else { 1 };
    let over: Vec<i64> = (first..first + axes as i64).collect();
    let keep = layer.config.flag("keepdims", false)?;
    Ok(vec![layer.emit.reduce(op_type, x, Some(&over), keep)])
}

/// The mean over time; steps that are masked do not count.
fn global_average_1d(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let Some(mask) = layer.inputs[0].mask else { return global(layer, "ReduceMean", 1) };
    let x = layer.x_of_rank(3)?;
    let (time, channels) = if layer.config.is_channels_first()? { (2, 1) } else { (1, 2) };
    let keep = layer.config.flag("keepdims", false)?;
    let counts = layer.emit.cast(mask, DType::Float32);
    let counts = layer.emit.unsqueeze(counts, &[channels]);
    let kept = layer.emit.mul(x, counts);
    let sum = layer.emit.reduce("ReduceSum", kept, Some(&[time]), keep);
    let count = layer.emit.reduce("ReduceSum", counts, Some(&[time]), keep);
    Ok(vec![layer.emit.div(sum, count)])
}

/// Pooling to an output of a given size, where the input is a multiple of it.
pub fn adaptive(layer: &mut Layer<'_, '_>, op_type: &'static str, axes: usize) -> Result<Vec<Value>> {
    let wanted = layer.config.sizes("output_size", axes, 1)?;
    let made = layer.channels_first(axes, |emit, x| {
        let mut sizes = Vec::new();
        for (axis, &wanted) in wanted.iter().enumerate() {
            match emit.size(x, axis as i64 + 2) {
                Some(size) if size % wanted == 0 && size > 0 => sizes.push(size / wanted),
                _ => return Err(error!(UnsupportedModel, "its input is not a multiple of its output")),
            }
        }
        let window =
            spatial::Window { strides: sizes.clone(), dilations: vec![1; axes], padding: spatial::Padding::Valid };
        spatial::pool(emit, op_type, x, &sizes, &window)
    })?;
    Ok(vec![made])
}
