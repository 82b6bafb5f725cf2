//! Activations, as functions of other layers and as layers.

use super::author::Keras;
use super::config::{Config, wrong};
use super::layer::{Layer, Rule};
use crate::error::{Result, error};
use crate::tensorflow::emit::{Emit, Value};
use serde_json::Value as Json;

pub const RULES: &[(&str, Rule)] = &[
    ("Activation", activation),
    ("ReLU", plain),
    ("LeakyReLU", plain),
    ("PReLU", p_relu),
    ("ELU", plain),
    ("ThresholdedReLU", plain),
    ("Softmax", softmax),
];

impl Layer<'_, '_> {
    /// Applies the function that the field `activation` names.
    ///
    /// # Errors
    /// `UNSUPPORTED_MODEL` for a function that is not known.
    pub fn activate(&mut self, x: Value) -> Result<Value> {
        apply(self.emit, self.context.keras, self.config.json("activation"), x)
    }
}

/// The name of a function: a text, or an object that wraps it. `linear` when it is absent. Keras wrote the names of some of
/// TensorFlow's functions, such as `softmax_v2`.
pub fn name(json: &Json) -> Result<&str> {
    match json {
        Json::Null => Ok("linear"),
        Json::String(name) => Ok(name.strip_suffix("_v2").unwrap_or(name)),
        Json::Object(_) => {
            let class = json["class_name"].as_str();
            let inside = if class == Some("function") { json["config"].as_str() } else { class };
            let inside = inside.ok_or_else(|| wrong("activation", "a function", json))?;
            Ok(inside.strip_suffix("_v2").unwrap_or(inside))
        }
        other => Err(wrong("activation", "a function", other)),
    }
}

/// Applies a function by its name.
///
/// # Errors
/// `UNSUPPORTED_MODEL` for a function that is not known.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn apply(emit: &mut Emit, keras: Keras, function: &Json, x: Value) -> Result<Value> {
    let name = name(function)?;
    if function.is_object()
        && let Some(made) = layer_function(emit, name, Config(&function["config"]), x)?
    {
        return Ok(made);
    }
    Ok(match name {
        "linear" | "Linear" => x,
        "relu" => emit.op("Relu", &[x]),
        "relu6" => clip(emit, x, 0.0, 6.0),
        "elu" => emit.op("Elu", &[x]),
        "selu" => emit.op("Selu", &[x]),
        "celu" => emit.op("Celu", &[x]),
        "sigmoid" => emit.op("Sigmoid", &[x]),
        "hard_sigmoid" => hard_sigmoid(emit, keras, x),
        "softplus" => emit.op("Softplus", &[x]),
        "softsign" => emit.op("Softsign", &[x]),
        "tanh" => emit.op("Tanh", &[x]),
        "exponential" => emit.op("Exp", &[x]),
        "softmax" => emit.op_with("Softmax", &[x], [("axis", (-1).into())]),
        "log_softmax" => emit.op_with("LogSoftmax", &[x], [("axis", (-1).into())]),
        "swish" | "silu" => {
            let gate = emit.op("Sigmoid", &[x]);
            emit.mul(x, gate)
        }
        "hard_silu" | "hard_swish" => emit.op("HardSwish", &[x]),
        "gelu" => emit.op("Gelu", &[x]),
        "gelu_new" => emit.op_with("Gelu", &[x], [("approximate", "tanh".into())]),
        "mish" => emit.op("Mish", &[x]),
        "leaky_relu" => emit.op_with("LeakyRelu", &[x], [("alpha", 0.2f32.into())]),
        "log_sigmoid" => {
            let negative = emit.op("Neg", &[x]);
            let soft = emit.op("Softplus", &[negative]);
            emit.op("Neg", &[soft])
        }
        "hard_tanh" => clip(emit, x, -1.0, 1.0),
        "tanh_shrink" => {
            let tanh = emit.op("Tanh", &[x]);
            emit.sub(x, tanh)
        }
        "soft_shrink" => emit.op_with("Shrink", &[x], [("lambd", 0.5f32.into()), ("bias", 0.5f32.into())]),
        "hard_shrink" => emit.op_with("Shrink", &[x], [("lambd", 0.5f32.into()), ("bias", 0f32.into())]),
        "squareplus" => {
            let square = emit.mul(x, x);
            let four = emit.float(4.0);
            let sum = emit.add(square, four);
            let root = emit.op("Sqrt", &[sum]);
            let both = emit.add(x, root);
            let half = emit.float(0.5);
            emit.mul(both, half)
        }
        "sparse_sigmoid" => {
            let one = emit.float(1.0);
            let sum = emit.add(x, one);
            let half = emit.float(0.5);
            let scaled = emit.mul(sum, half);
            clip(emit, scaled, 0.0, 1.0)
        }
        "sparse_plus" => {
            let one = emit.float(1.0);
            let sum = emit.add(x, one);
            let square = emit.mul(sum, sum);
            let quarter = emit.float(0.25);
            let curve = emit.mul(square, quarter);
            let minus = emit.float(-1.0);
            let low = emit.op("LessOrEqual", &[x, minus]);
            let high = emit.op("GreaterOrEqual", &[x, one]);
            let zero = emit.float(0.0);
            let rising = emit.op("Where", &[high, x, curve]);
            emit.op("Where", &[low, zero, rising])
        }
        "glu" => {
            let size = emit.size(x, -1).filter(|size| size % 2 == 0);
            let size = size.ok_or_else(|| error!(UnsupportedModel, "\"glu\" needs an even number of channels"))?;
            let halves = emit.split(x, -1, &[size / 2, size / 2]);
            let gate = emit.op("Sigmoid", &[halves[1]]);
            emit.mul(halves[0], gate)
        }
        other => return Err(error!(UnsupportedModel, "the activation \"{other}\" is not supported")),
    })
}

/// `0.2 x + 0.5` before Keras 3, `relu6(x + 3) / 6` since.
fn hard_sigmoid(emit: &mut Emit, keras: Keras, x: Value) -> Value {
    emit.op_with("HardSigmoid", &[x], [("alpha", hard_sigmoid_slope(keras).into()), ("beta", 0.5f32.into())])
}

pub fn hard_sigmoid_slope(keras: Keras) -> f32 {
    if keras == Keras::Three { 1.0 / 6.0 } else { 0.2 }
}

fn clip(emit: &mut Emit, x: Value, low: f32, high: f32) -> Value {
    let (low, high) = (emit.float(low), emit.float(high));
    emit.op("Clip", &[x, low, high])
}

fn activation(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    Ok(vec![layer.activate(x)?])
}

/// A layer that stands for a function, with its own configuration; `None` for other names.
fn layer_function(emit: &mut Emit, class: &str, config: Config, x: Value) -> Result<Option<Value>> {
    Ok(Some(match class {
        "ReLU" => relu_of(emit, config, x)?,
        "LeakyReLU" => {
            let slope = config.number("alpha", config.number("negative_slope", 0.3)?)? as f32;
            emit.op_with("LeakyRelu", &[x], [("alpha", slope.into())])
        }
        "ELU" => {
            let alpha = config.number("alpha", 1.0)? as f32;
            emit.op_with("Elu", &[x], [("alpha", alpha.into())])
        }
        "ThresholdedReLU" => {
            let theta = config.number("theta", 1.0)? as f32;
            emit.op_with("ThresholdedRelu", &[x], [("alpha", theta.into())])
        }
        "Softmax" => {
            let axes = config.ints("axis")?.unwrap_or_else(|| vec![-1]);
            softmax_over(emit, x, &axes)
        }
        _ => return Ok(None),
    }))
}

fn plain(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let made = layer_function(layer.emit, layer.class, layer.config, x)?;
    Ok(made.into_iter().collect())
}

/// `x` above the threshold, at most `max_value`; below it `negative_slope * (x - threshold)`.
fn relu_of(emit: &mut Emit, config: Config, x: Value) -> Result<Value> {
    let slope = config.number("negative_slope", 0.0)? as f32;
    let threshold = config.number("threshold", 0.0)? as f32;
    let max = if config.has("max_value") { Some(config.number("max_value", 0.0)? as f32) } else { None };
    let made = match (slope == 0.0, threshold == 0.0, max) {
        (true, true, None) => return Ok(emit.op("Relu", &[x])),
        (true, true, Some(max)) => return Ok(clip(emit, x, 0.0, max)),
        (false, true, _) => emit.op_with("LeakyRelu", &[x], [("alpha", slope.into())]),
        (_, false, _) => {
            let edge = emit.float(threshold);
            let factor = emit.float(slope);
            let above = emit.op("GreaterOrEqual", &[x, edge]);
            let distance = emit.sub(x, edge);
            let below = emit.mul(distance, factor);
            emit.op("Where", &[above, x, below])
        }
    };
    Ok(match max {
        Some(max) => {
            let max = emit.float(max);
            emit.op("Min", &[made, max])
        }
        None => made,
    })
}

fn p_relu(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let slope = layer.weight("alpha", rank.saturating_sub(1))?;
    let slope = layer.emit.constant(slope);
    Ok(vec![layer.emit.op("PRelu", &[x, slope])])
}

fn softmax(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut x = layer.x()?;
    let rank = layer.rank(x)? as i64;
    let axes = layer.config.ints("axis")?.unwrap_or_else(|| vec![-1]);
    // A mask, given by name or as the second input, takes elements out.
    let mask = layer.named_tensor("mask").or_else(|| layer.inputs.get(1).copied()).map(|mask| mask.value);
    if let Some(mask) = mask.or(layer.mask).filter(|&mask| layer.emit.rank(mask) == Some(rank as usize)) {
        let kept = layer.emit.cast(mask, crate::tensor::DType::Bool);
        let lowest = layer.emit.float(-1e9);
        x = layer.emit.op("Where", &[kept, x, lowest]);
    }
    Ok(vec![softmax_over(layer.emit, x, &axes)])
}

/// Softmax over several axes at once.
pub fn softmax_over(emit: &mut Emit, x: Value, axes: &[i64]) -> Value {
    if let &[axis] = axes {
        return emit.op_with("Softmax", &[x], [("axis", axis.into())]);
    }
    let highest = emit.reduce("ReduceMax", x, Some(axes), true);
    let lowered = emit.sub(x, highest);
    let powers = emit.op("Exp", &[lowered]);
    let sum = emit.reduce("ReduceSum", powers, Some(axes), true);
    emit.div(powers, sum)
}
