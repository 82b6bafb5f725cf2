//! What layers do, as operations on tensors that the call gives.

use super::operands::alike;
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::layers::pooling;
use crate::tensorflow::numeric;
use crate::tensorflow::spatial::{self, Padding, Window};

/// How many axes an image has beside batch and channels.
fn spatial_axes(layer: &Layer<'_, '_>) -> Result<usize> {
    match layer.rank(layer.raw())? {
        rank @ 3..=5 => Ok(rank - 2),
        rank => Err(error!(InvalidModel, "an input of rank 3 to 5 is expected, not {rank}")),
    }
}

pub fn pool(layer: &mut Layer<'_, '_>, op_type: &'static str) -> Result<Vec<Value>> {
    let axes = spatial_axes(layer)?;
    pooling::pool(layer, op_type, axes)
}

pub fn adaptive(layer: &mut Layer<'_, '_>, op_type: &'static str) -> Result<Vec<Value>> {
    let axes = spatial_axes(layer)?;
    pooling::adaptive(layer, op_type, axes)
}

/// A kernel that the call gives, and the sizes of its spatial axes.
fn kernel(layer: &mut Layer<'_, '_>, at: usize, name: &str) -> Result<(Value, Vec<i64>)> {
    let kernel = layer.operand_value(at, &[name])?;
    let kernel = layer.float(kernel)?;
    let axes = spatial_axes(layer)?;
    let shape = layer.emit.shape(kernel).filter(|shape| shape.len() == axes + 2);
    let sizes = shape.and_then(|shape| shape[..axes].iter().copied().collect::<Option<Vec<_>>>());
    let sizes =
        sizes.ok_or_else(|| error!(UnsupportedModel, "a kernel of {} axes of known sizes is expected", axes + 2))?;
    Ok((kernel, sizes))
}

pub fn convolution(layer: &mut Layer<'_, '_>, depthwise: bool) -> Result<Vec<Value>> {
    let (kernel, sizes) = kernel(layer, 1, "kernel")?;
    let window = layer.window(&sizes, None)?;
    let convolve = if depthwise { spatial::depthwise } else { spatial::convolution };
    let made = layer.channels_first(sizes.len(), |emit, x| convolve(emit, x, kernel, None, &window))?;
    Ok(vec![made])
}

pub fn separable(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let (each, sizes) = kernel(layer, 1, "depthwise_kernel")?;
    let (together, _) = kernel(layer, 2, "pointwise_kernel")?;
    let axes = sizes.len();
    let window = layer.window(&sizes, None)?;
    let still = Window { strides: vec![1; axes], dilations: vec![1; axes], padding: Padding::Valid };
    let made = layer.channels_first(axes, |emit, x| {
        let made = spatial::depthwise(emit, x, each, None, &window)?;
        spatial::convolution(emit, made, together, None, &still)
    })?;
    Ok(vec![made])
}

/// An optional tensor of the call.
fn optional(layer: &mut Layer<'_, '_>, at: usize, name: &str) -> Result<Option<Value>> {
    match layer.operand(at, &[name]).ok().filter(|given| !given.is_nothing()) {
        Some(given) => {
            let value = alike(layer, &[given])?[0];
            layer.float(value).map(Some)
        }
        None => Ok(None),
    }
}

/// Values by the root of their mean square, then by a scale and plus an offset where there are such.
fn by_deviation(
    emit: &mut Emit,
    centred: Value,
    mean_square: Value,
    epsilon: f32,
    [scale, offset]: [Option<Value>; 2],
) -> Value {
    let least = emit.float(epsilon);
    let sum = emit.add(mean_square, least);
    let root = emit.op("Sqrt", &[sum]);
    let mut made = emit.div(centred, root);
    if let Some(scale) = scale {
        made = emit.mul(made, scale);
    }
    if let Some(offset) = offset {
        made = emit.add(made, offset);
    }
    made
}

/// By means and variances that are given.
pub fn batch_norm(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let axes = layer.axes("axis", -1, rank)?;
    let shape: Vec<i64> = (0..rank).map(|axis| if axes.contains(&axis) { -1 } else { 1 }).collect();
    let mut parts = [None; 4];
    for (at, name) in ["mean", "variance", "offset", "scale"].into_iter().enumerate() {
        parts[at] = optional(layer, at + 1, name)?.map(|part| {
            let is_vector = layer.emit.rank(part) == Some(1) && axes.len() == 1;
            if is_vector { layer.emit.reshape(part, &shape) } else { part }
        });
    }
    let [Some(mean), Some(variance), offset, scale] = parts else {
        return Err(error!(InvalidModel, "a mean and a variance are expected"));
    };
    let epsilon = layer.field_number(&["epsilon"], 1e-3)? as f32;
    let emit = &mut *layer.emit;
    let centred = emit.sub(x, mean);
    Ok(vec![by_deviation(emit, centred, variance, epsilon, [scale, offset])])
}

/// By the mean and variance of the input itself, or by its square alone.
pub fn layer_norm(layer: &mut Layer<'_, '_>, root_only: bool) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let over: Vec<i64> = layer.axes("axis", -1, rank)?.into_iter().map(|axis| axis as i64).collect();
    let scale = optional(layer, 1, if root_only { "scale" } else { "gamma" })?;
    let offset = if root_only { None } else { optional(layer, 2, "beta")? };
    let epsilon = layer.field_number(&["epsilon"], 1e-7)? as f32;
    if layer.config.flag("rms_scaling", false)? {
        return Err(error!(UnsupportedModel, "\"rms_scaling\" is not supported"));
    }
    let emit = &mut *layer.emit;
    let centred = if root_only {
        x
    } else {
        let mean = emit.reduce("ReduceMean", x, Some(&over), true);
        emit.sub(x, mean)
    };
    let square = emit.mul(centred, centred);
    let mean = emit.reduce("ReduceMean", square, Some(&over), true);
    Ok(vec![by_deviation(emit, centred, mean, epsilon, [scale, offset])])
}

/// Attention with the heads on the last axis but one.
pub fn attention(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut given = Vec::new();
    for (at, name) in ["query", "key", "value"].into_iter().enumerate() {
        let value = optional(layer, at, name)?;
        given.push(value.ok_or_else(|| error!(InvalidModel, "it has no \"{name}\""))?);
    }
    let [query, key, value] = given[..] else { return Err(error!(InvalidModel, "three tensors are expected")) };
    let (bias, mask) = (optional(layer, 3, "bias")?, optional(layer, 4, "mask")?);
    if layer.field_flag(&["is_causal"]) || layer.config.has("attn_logits_soft_cap") {
        return Err(error!(UnsupportedModel, "\"is_causal\" and \"attn_logits_soft_cap\" are not supported"));
    }
    let depth = layer.emit.size(query, -1).filter(|&size| size > 0);
    let depth = depth.ok_or_else(|| error!(UnsupportedModel, "the size of the query is not known"))?;
    let scale = layer.plain_number(5, &["scale"]).unwrap_or(1.0 / (depth as f64).sqrt());
    let emit = &mut *layer.emit;
    let scale = emit.float(scale as f32);
    let query = emit.mul(query, scale);
    let mut scores = emit.op_with("Einsum", &[query, key], [("equation", "btnh,bsnh->bnts".into())]);
    if let Some(bias) = bias {
        scores = emit.add(scores, bias);
    }
    if let Some(mask) = mask {
        let (kept, lowest) = (emit.cast(mask, DType::Bool), emit.float(f32::MIN * 0.7));
        scores = emit.select(kept, scores, lowest);
    }
    let weights = emit.op_with("Softmax", &[scores], [("axis", (-1).into())]);
    Ok(vec![emit.op_with("Einsum", &[weights, value], [("equation", "bnts,bsnh->btnh".into())])])
}

/// Vectors with a 1 where an index points, along a new axis.
fn hot(layer: &mut Layer<'_, '_>, depth: &[&str], axis: i64) -> Result<(Value, DType)> {
    let x = layer.raw();
    let depth = layer.field_int(depth, 0)?;
    if depth < 1 {
        return Err(error!(InvalidModel, "a positive number of classes is expected, not {depth}"));
    }
    let dtype = layer.wanted_type(Some(DType::Float32))?;
    let depth = layer.emit.int64(depth);
    Ok((numeric::one_hot(layer.emit, x, depth, axis), dtype))
}

pub fn one_hot(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let axis = layer.field_int(&["axis"], -1)?;
    let (made, dtype) = hot(layer, &["num_classes", "depth"], axis)?;
    Ok(vec![layer.emit.cast(made, dtype)])
}

/// All indices of a row in one vector.
pub fn multi_hot(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let rank = layer.rank(layer.raw())?;
    let axis = layer.field_int(&["axis"], -1)?;
    let (made, dtype) = hot(layer, &["num_classes"], axis)?;
    let over = if rank > 1 { 1 } else { 0 };
    let made = layer.emit.reduce("ReduceMax", made, Some(&[over]), false);
    Ok(vec![layer.emit.cast(made, dtype)])
}
