//! Normalisation with what was learnt, or over the axes of each input.

use super::layer::{Layer, Rule};
use crate::error::{Result, error};
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::{Emit, Value};

pub const RULES: &[(&str, Rule)] = &[
    ("BatchNormalization", batch),
    ("BatchNormalizationV1", batch),
    ("BatchNormalizationV2", batch),
    ("SyncBatchNormalization", batch),
    ("LayerNormalization", layer_normalization),
    ("RMSNormalization", root_mean_square),
    ("GroupNormalization", group),
    ("UnitNormalization", unit),
];

impl Layer<'_, '_> {
    /// The axes that a field names, counted from the start, in order.
    ///
    /// # Errors
    /// `INVALID_MODEL` for an axis that the input does not have.
    pub fn axes(&self, field: &str, default: i64, rank: usize) -> Result<Vec<usize>> {
        let axes = self.config.ints(field)?.unwrap_or_else(|| vec![default]);
        let wrap = |&axis: &i64| {
            let axis = if axis < 0 { axis + rank as i64 } else { axis };
            usize::try_from(axis).ok().filter(|&axis| axis < rank)
        };
        let mut axes: Vec<usize> = axes.iter().map(wrap).collect::<Option<_>>().ok_or_else(|| {
            error!(InvalidModel, "\"{field}\" names an axis that an input of rank {rank} does not have")
        })?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }
}

fn batch(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let axes = layer.axes("axis", -1, rank)?;
    let &[axis] = axes.as_slice() else {
        return Err(error!(UnsupportedModel, "normalising several axes is not supported"));
    };
    if axis == 0 {
        return Err(error!(UnsupportedModel, "normalising the batch is not supported"));
    }
    let gamma = if layer.config.flag("scale", true)? { Some(layer.weight("gamma", 1)?) } else { None };
    let beta = if layer.config.flag("center", true)? { Some(layer.weight("beta", 1)?) } else { None };
    let mean = layer.weight("moving_mean", 1)?;
    let size = mean.shape[0];
    let variance = layer.vector("moving_variance", size)?;
    let fits = |weight: &Constant| weight.shape == [size];
    if !gamma.iter().chain(&beta).all(fits) || layer.emit.size(x, axis as i64).is_some_and(|found| found != size as i64)
    {
        return Err(error!(InvalidModel, "its weights do not fit its input"));
    }
    let gamma = gamma.unwrap_or_else(|| Constant::of_f32(&[size], &vec![1.0; size]));
    let beta = beta.unwrap_or_else(|| Constant::of_f32(&[size], &vec![0.0; size]));
    let epsilon = layer.config.number("epsilon", 1e-3)? as f32;

    // ONNX has the channels on axis 1.
    let order: Vec<usize> = [0, axis].into_iter().chain((1..rank).filter(|&at| at != axis)).collect();
    let mut back = vec![0; rank];
    order.iter().enumerate().for_each(|(to, &from)| back[from] = to);
    let weights = [gamma, beta, mean, variance].map(|weight| layer.emit.constant(weight));
    let first = layer.emit.transpose(x, &order);
    let made = layer.emit.op_with(
        "BatchNormalization",
        &[first, weights[0], weights[1], weights[2], weights[3]],
        [("epsilon", epsilon.into())],
    );
    Ok(vec![layer.emit.transpose(made, &back)])
}

fn layer_normalization(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let axes = layer.axes("axis", -1, rank)?;
    let root_only = layer.config.flag("rms_scaling", false)?;
    let gamma =
        if root_only || layer.config.flag("scale", true)? { Some(layer.weight("gamma", axes.len())?) } else { None };
    let beta =
        if !root_only && layer.config.flag("center", true)? { Some(layer.weight("beta", axes.len())?) } else { None };
    let epsilon = layer.config.number("epsilon", 1e-3)?;
    let last = axes.iter().rev().zip((0..rank).rev()).all(|(&axis, at)| axis == at);
    if let Some(gamma) = &gamma
        && last
        && !root_only
    {
        let gamma = layer.emit.constant(gamma.clone());
        let beta = beta.map_or(Value::ABSENT, |beta| layer.emit.constant(beta));
        let attributes = [("axis", (axes[0] as i64).into()), ("epsilon", (epsilon as f32).into())];
        return Ok(vec![layer.emit.op_with("LayerNormalization", &[x, gamma, beta], attributes)]);
    }
    let over: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
    let made = if root_only {
        // Keras divides by the root of the variance, around the mean, and leaves the mean.
        let variance = variance(layer.emit, x, &over).1;
        divide_by_root(layer.emit, x, variance, epsilon)
    } else {
        let (centred, variance) = variance(layer.emit, x, &over);
        divide_by_root(layer.emit, centred, variance, epsilon)
    };
    Ok(vec![scaled(layer.emit, made, [gamma, beta], &axes, rank)])
}

fn root_mean_square(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let axes = layer.axes("axis", -1, rank)?;
    let scale = layer.weight("scale", axes.len())?;
    let epsilon = layer.config.number("epsilon", 1e-6)?;
    let over: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
    let square = layer.emit.mul(x, x);
    let mean = layer.emit.reduce("ReduceMean", square, Some(&over), true);
    let made = divide_by_root(layer.emit, x, mean, epsilon);
    let scale = spread(layer.emit, scale, &axes, rank);
    Ok(vec![layer.emit.mul(made, scale)])
}

/// `x` around its mean, and its variance.
fn variance(emit: &mut Emit, x: Value, over: &[i64]) -> (Value, Value) {
    let mean = emit.reduce("ReduceMean", x, Some(over), true);
    let centred = emit.sub(x, mean);
    let square = emit.mul(centred, centred);
    (centred, emit.reduce("ReduceMean", square, Some(over), true))
}

fn divide_by_root(emit: &mut Emit, x: Value, square: Value, epsilon: f64) -> Value {
    let epsilon = emit.float(epsilon as f32);
    let sum = emit.add(square, epsilon);
    let root = emit.op("Sqrt", &[sum]);
    emit.div(x, root)
}

/// By gamma and plus beta, where there are such.
fn scaled(emit: &mut Emit, x: Value, [gamma, beta]: [Option<Constant>; 2], axes: &[usize], rank: usize) -> Value {
    let mut made = x;
    if let Some(gamma) = gamma {
        let gamma = spread(emit, gamma, axes, rank);
        made = emit.mul(made, gamma);
    }
    if let Some(beta) = beta {
        let beta = spread(emit, beta, axes, rank);
        made = emit.add(made, beta);
    }
    made
}

/// A weight with an axis for each of `axes`, as it is broadcast to a rank.
fn spread(emit: &mut Emit, weight: Constant, axes: &[usize], rank: usize) -> Value {
    let mut shape = vec![1; rank];
    for (&axis, &size) in axes.iter().zip(&weight.shape) {
        shape[axis] = size;
    }
    emit.constant(weight.reshaped(&shape))
}

fn group(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let axes = layer.axes("axis", -1, rank)?;
    let (&[axis], Some(shape)) = (axes.as_slice(), layer.emit.shape(x).cloned()) else {
        return Err(error!(UnsupportedModel, "normalising several axes is not supported"));
    };
    let channels = shape[axis].filter(|_| axis > 0);
    let channels = channels.ok_or_else(|| error!(UnsupportedModel, "its number of channels is not known"))?;
    let groups = match layer.config.int("groups", 32)? {
        -1 => channels,
        groups => groups,
    };
    if groups < 1 || channels % groups != 0 {
        return Err(error!(InvalidModel, "{channels} channels cannot be put into {groups} groups"));
    }
    let size = channels as usize;
    let gamma = if layer.config.flag("scale", true)? { Some(layer.vector("gamma", size)?) } else { None };
    let beta = if layer.config.flag("center", true)? { Some(layer.vector("beta", size)?) } else { None };
    let epsilon = layer.config.number("epsilon", 1e-3)?;

    let whole = layer.emit.shape_of(x);
    let before = layer.emit.slice(whole, 0, 0, axis as i64);
    let after = layer.emit.slice(whole, 0, axis as i64 + 1, i64::MAX);
    let inside = layer.emit.int64s(&[groups, channels / groups]);
    let split = layer.emit.concat(&[before, inside, after], 0);
    let grouped = layer.emit.reshape_to(x, split);
    let over: Vec<i64> = (1..=rank as i64).filter(|&at| at != axis as i64).collect();
    let (centred, variance) = variance(layer.emit, grouped, &over);
    let made = divide_by_root(layer.emit, centred, variance, epsilon);
    let made = layer.emit.reshape_to(made, whole);
    layer.emit.assume_shape(made, &shape);
    Ok(vec![scaled(layer.emit, made, [gamma, beta], &axes, rank)])
}

/// Each vector by its length.
fn unit(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let over: Vec<i64> = layer.axes("axis", -1, rank)?.into_iter().map(|axis| axis as i64).collect();
    let square = layer.emit.reduce("ReduceSumSquare", x, Some(&over), true);
    let least = layer.emit.float(1e-12);
    let square = layer.emit.op("Max", &[square, least]);
    let length = layer.emit.op("Sqrt", &[square]);
    Ok(vec![layer.emit.div(x, length)])
}
