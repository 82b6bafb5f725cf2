//! Layers that prepare images and features.

use super::author::Keras;
use super::config::wrong;
use super::layer::{Layer, Rule};
use super::reshaping::Resize;
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::Value;
use serde_json::Value as Json;

pub const RULES: &[(&str, Rule)] = &[
    ("Rescaling", rescaling),
    ("Resizing", resizing),
    ("CenterCrop", center_crop),
    ("RandomCrop", random_crop),
    ("Normalization", normalization),
    ("CategoryEncoding", category_encoding),
    ("Discretization", discretization),
];

impl Layer<'_, '_> {
    /// A number or nested lists of numbers as a constant.
    fn numbers(&mut self, field: &str) -> Result<Option<Constant>> {
        let json = self.config.json(field);
        if json.is_null() {
            return Ok(None);
        }
        let mut shape = Vec::new();
        let mut numbers = Vec::new();
        let regular = collect(json, 0, &mut shape, &mut numbers) && shape.iter().product::<usize>() == numbers.len();
        if !regular {
            return Err(wrong(field, "numbers", json));
        }
        Ok(Some(Constant::of_f32(&shape, &numbers)))
    }
}

fn collect(json: &Json, depth: usize, shape: &mut Vec<usize>, numbers: &mut Vec<f32>) -> bool {
    match json {
        Json::Array(items) => {
            if shape.len() == depth {
                shape.push(items.len());
            }
            shape[depth] == items.len() && items.iter().all(|item| collect(item, depth + 1, shape, numbers))
        }
        json => {
            numbers.extend(json.as_f64().map(|number| number as f32));
            json.is_number() && shape.len() == depth
        }
    }
}

fn rescaling(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut x = layer.x()?;
    if let Some(scale) = layer.numbers("scale")? {
        let scale = layer.emit.constant(scale);
        x = layer.emit.mul(x, scale);
    }
    if let Some(offset) = layer.numbers("offset")? {
        let offset = layer.emit.constant(offset);
        x = layer.emit.add(x, offset);
    }
    Ok(vec![x])
}

/// Height and width of what is wanted.
fn wanted(layer: &Layer<'_, '_>) -> Result<(i64, i64)> {
    if layer.config.has("size") {
        let size = layer.config.sizes("size", 2, 1)?;
        return Ok((size[0], size[1]));
    }
    match (layer.config.int("height", 0)?, layer.config.int("width", 0)?) {
        (height, width) if height > 0 && width > 0 => Ok((height, width)),
        (height, width) => Err(error!(InvalidModel, "an image of {height} by {width} is no image")),
    }
}

pub fn resizing(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    if layer.config.flag("pad_to_aspect_ratio", false)? {
        return Err(error!(UnsupportedModel, "\"pad_to_aspect_ratio\" is not supported"));
    }
    let crop = layer.config.flag("crop_to_aspect_ratio", false)?;
    let browser = layer.context.keras == Keras::TensorFlowJs;
    let method = layer.config.text("interpolation", "bilinear")?;
    if method == "bicubic" && !browser && !crop {
        return bicubic(layer);
    }
    let method = Resize::named(method, layer.context.keras, browser && !crop)?;
    // TensorFlow.js reads the field and does not crop.
    Ok(vec![resize(layer, method, crop && !browser)?])
}

/// Cubic interpolation as a product with a matrix for each axis: ONNX Runtime moves transposes across its `Resize`, and then
/// refuses the cubic one.
fn bicubic(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let (height, width) = wanted(layer)?;
    let x = layer.x_of_rank(4)?;
    let first = layer.config.is_channels_first()?;
    let at = if first { 2 } else { 1 };
    let (Some(from_height), Some(from_width)) = (layer.emit.size(x, at), layer.emit.size(x, at + 1)) else {
        return Err(error!(UnsupportedModel, "\"bicubic\" needs an input of known size"));
    };
    let limit = 1 << 24;
    if from_height.saturating_mul(height) > limit || from_width.saturating_mul(width) > limit {
        return Err(error!(UnsupportedModel, "\"bicubic\" needs smaller images"));
    }
    let rows = cubic_weights(from_height as usize, height as usize);
    let columns = cubic_weights(from_width as usize, width as usize);
    let rows = layer.emit.constant(rows);
    let made = if first {
        let columns = layer.emit.constant(columns.transposed(&[1, 0]));
        let wide = layer.emit.op("MatMul", &[x, columns]);
        layer.emit.op("MatMul", &[rows, wide])
    } else {
        let columns = layer.emit.constant(columns);
        // The product is over the last axis but one: width, and then height with the rest of each row in one.
        let wide = layer.emit.op("MatMul", &[columns, x]);
        let channels = layer.emit.size(x, 3).ok_or_else(|| error!(UnsupportedModel, "its channels are not known"))?;
        let flat = layer.emit.reshape(wide, &[0, from_height, -1]);
        let high = layer.emit.op("MatMul", &[rows, flat]);
        layer.emit.reshape(high, &[-1, height, width, channels])
    };
    Ok(vec![made])
}

/// `[to, from]`: the part that each old element has in each new one, by Keys's cubic with a = -0.5. What lies outside does
/// not count.
fn cubic_weights(from: usize, to: usize) -> Constant {
    let kernel = |distance: f64| {
        let d = distance.abs();
        match d {
            d if d <= 1.0 => (1.5 * d - 2.5) * d * d + 1.0,
            d if d < 2.0 => ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0,
            _ => 0.0,
        }
    };
    let mut weights = vec![0f32; from * to];
    for (row, weights) in weights.chunks_exact_mut(from.max(1)).enumerate() {
        let centre = (row as f64 + 0.5) * from as f64 / to as f64 - 0.5;
        // TensorFlow looks the weights up in a table of 1024 steps between two elements.
        let centre = (centre * 1024.0).round_ties_even() / 1024.0;
        let low = (centre.floor() as i64 - 1).max(0) as usize;
        let near = low..(low + 4).min(from);
        let sum: f64 = near.clone().map(|at| kernel(at as f64 - centre)).sum();
        for at in near {
            weights[at] = (kernel(at as f64 - centre) / sum) as f32;
        }
    }
    Constant::of_f32(&[to, from], &weights)
}

/// Resizes the input, which may be cut to the wanted proportions before.
fn resize(layer: &mut Layer<'_, '_>, method: Resize, crop: bool) -> Result<Value> {
    let (height, width) = wanted(layer)?;
    layer.channels_first(2, |emit, mut x| {
        if crop {
            let (Some(from_height), Some(from_width)) = (emit.size(x, 2), emit.size(x, 3)) else {
                return Err(error!(UnsupportedModel, "cropping needs an input of known size"));
            };
            let share = |a: i64, b: i64, c: i64| (a.saturating_mul(b) as f64 / c as f64) as i64;
            let kept_height = share(from_width, height, width).clamp(1, from_height.max(1));
            let kept_width = share(from_height, width, height).clamp(1, from_width.max(1));
            let (top, left) = ((from_height - kept_height) / 2, (from_width - kept_width) / 2);
            if kept_height < from_height {
                x = emit.slice(x, 2, top, top + kept_height);
            }
            if kept_width < from_width {
                x = emit.slice(x, 3, left, left + kept_width);
            }
        }
        let shape = emit.shape_of(x);
        let before = emit.slice(shape, 0, 0, 2);
        let image = emit.int64s(&[height, width]);
        let sizes = emit.concat(&[before, image], 0);
        Ok(method.emit(emit, x, Value::ABSENT, sizes))
    })
}

/// The middle of the input; a smaller one is made larger.
fn center_crop(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let (height, width) = wanted(layer)?;
    let x = layer.x_of_rank(4)?;
    let axis = if layer.config.is_channels_first()? { 2 } else { 1 };
    let (Some(from_height), Some(from_width)) = (layer.emit.size(x, axis), layer.emit.size(x, axis + 1)) else {
        return Err(error!(UnsupportedModel, "cropping needs an input of known size"));
    };
    if from_height < height || from_width < width {
        return cut_and_resize(layer);
    }
    let (top, left) = ((from_height - height) / 2, (from_width - width) / 2);
    let rows = layer.emit.slice(x, axis, top, top + height);
    Ok(vec![layer.emit.slice(rows, axis + 1, left, left + width)])
}

/// Since Keras 3 this is for training only; before, images still got the wanted size.
fn random_crop(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    if layer.context.keras == Keras::Three { Ok(vec![layer.raw()]) } else { cut_and_resize(layer) }
}

/// The largest part of the wanted proportions, resized.
fn cut_and_resize(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let method = Resize::named("bilinear", layer.context.keras, false)?;
    Ok(vec![resize(layer, method, true)?])
}

fn normalization(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let axes = if layer.config.has("axis") { layer.axes("axis", -1, rank)? } else { Vec::new() };
    let mut found = Vec::new();
    for (field, weight) in [("mean", "mean"), ("variance", "variance")] {
        found.push(match layer.numbers(field)? {
            Some(given) => given,
            None => layer.weight(weight, axes.len())?,
        });
    }
    if !layer.config.has("mean") {
        let Layer { context, scope, .. } = layer;
        context.weights.skip(scope, "count");
    }
    let mut parts = Vec::new();
    for part in found {
        let mut shape = vec![1; rank];
        let fits = part.shape.len() == axes.len();
        if fits {
            axes.iter().zip(&part.shape).for_each(|(&axis, &size)| shape[axis] = size);
        }
        parts.push(if fits { part.reshaped(&shape) } else { part });
    }
    let deviations: Option<Vec<f32>> =
        parts[1].floats().map(|numbers| numbers.into_iter().map(|number| number.sqrt().max(1e-7)).collect());
    let deviation = Constant::of_f32(&parts[1].shape, &deviations.unwrap_or_default());
    let (mean, deviation) = (layer.emit.constant(parts[0].clone()), layer.emit.constant(deviation));
    Ok(vec![if layer.config.flag("invert", false)? {
        let spread = layer.emit.mul(x, deviation);
        layer.emit.add(spread, mean)
    } else {
        let centred = layer.emit.sub(x, mean);
        layer.emit.div(centred, deviation)
    }])
}

fn category_encoding(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let tokens = layer.config.int("num_tokens", 0)?;
    let mode = layer.config.text("output_mode", "multi_hot")?.to_owned();
    let weights = layer.named_tensor("count_weights").or_else(|| layer.inputs.get(1).copied());
    Ok(vec![encode(layer, x, tokens, &mode, weights.map(|weights| weights.value))?])
}

/// Indices as vectors in which the elements that they name are set or counted.
fn encode(layer: &mut Layer<'_, '_>, x: Value, tokens: i64, mode: &str, weights: Option<Value>) -> Result<Value> {
    if tokens < 1 {
        return Err(error!(InvalidModel, "\"num_tokens\" should be a positive integer"));
    }
    if layer.emit.dtype(x) == DType::String {
        return Err(error!(UnsupportedModel, "string tensors are not supported by this layer"));
    }
    let mut indices = layer.emit.cast(x, DType::Int64);
    let rank = layer.rank(indices)?;
    let single = layer.emit.size(indices, -1) == Some(1);
    let depth = layer.emit.int64s(&[tokens]);
    let values = layer.emit.floats(&[0.0, 1.0]);
    if mode == "one_hot" && single && rank > 1 {
        indices = layer.emit.squeeze(indices, &[-1]);
    }
    if mode != "one_hot" && rank < 2 {
        indices = layer.emit.unsqueeze(indices, &[-1]);
    }
    let mut hot = layer.emit.op_with("OneHot", &[indices, depth, values], [("axis", (-1).into())]);
    if let Some(weights) = weights {
        let weights = layer.float(weights)?;
        let weights = layer.emit.unsqueeze(weights, &[-1]);
        hot = layer.emit.mul(hot, weights);
    }
    match mode {
        "one_hot" => Ok(hot),
        "multi_hot" | "binary" => Ok(layer.emit.reduce("ReduceMax", hot, Some(&[-2]), false)),
        "count" => Ok(layer.emit.reduce("ReduceSum", hot, Some(&[-2]), false)),
        other => Err(error!(UnsupportedModel, "the \"output_mode\" \"{other}\" is not supported")),
    }
}

/// Between which of the boundaries each element is.
fn discretization(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let boundaries = layer.numbers("bin_boundaries")?.filter(|boundaries| boundaries.shape.len() == 1);
    let boundaries =
        boundaries.ok_or_else(|| error!(UnsupportedModel, "its boundaries are not in its configuration"))?;
    let count = boundaries.len() as i64;
    let boundaries = layer.emit.constant(boundaries);
    let each = layer.emit.unsqueeze(x, &[-1]);
    let passed = layer.emit.op("GreaterOrEqual", &[each, boundaries]);
    let passed = layer.emit.cast(passed, DType::Int64);
    let bin = layer.emit.reduce("ReduceSum", passed, Some(&[-1]), false);
    match layer.config.text("output_mode", "int")? {
        "int" => Ok(vec![layer.emit.cast(bin, DType::Int32)]),
        mode => Ok(vec![encode(layer, bin, count + 1, mode, None)?]),
    }
}
