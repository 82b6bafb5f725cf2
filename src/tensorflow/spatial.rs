//! Convolution and pooling over any number of spatial axes, with TensorFlow's padding.
//!
//! These functions take and give channels first; [`channels_last`] puts the transposes around them.

use super::emit::{Emit, Value};
use crate::error::{Result, error};
use crate::onnx::Attribute;
use crate::tensor::DType;

/// What is added around the spatial axes.
#[derive(Debug, Clone, PartialEq)]
pub enum Padding {
    Valid,
    /// As much as gives `ceil(size / stride)` outputs, the odd one at the end.
    Same,
    /// Before and after each spatial axis.
    Explicit(Vec<(i64, i64)>),
}

/// How a kernel moves, by spatial axis.
#[derive(Debug, Clone)]
pub struct Window {
    pub strides: Vec<i64>,
    pub dilations: Vec<i64>,
    pub padding: Padding,
}

/// Runs `build` with the channels of `x` behind the batch, and moves those of its result to the end.
///
/// # Errors
/// `UNSUPPORTED_MODEL` when the rank of `x` is not known; those of `build`.
pub fn channels_last(
    emit: &mut Emit,
    x: Value,
    build: impl FnOnce(&mut Emit, Value) -> Result<Value>,
) -> Result<Value> {
    let first = to_channels_first(emit, x)?;
    let made = build(emit, first)?;
    to_channels_last(emit, made)
}

/// # Errors
/// `UNSUPPORTED_MODEL` when the rank of `x` is not known.
pub fn to_channels_first(emit: &mut Emit, x: Value) -> Result<Value> {
    let rank = known_rank(emit, x)?;
    let order: Vec<usize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
    Ok(emit.transpose(x, &order))
}

/// # Errors
/// `UNSUPPORTED_MODEL` when the rank of `x` is not known.
pub fn to_channels_last(emit: &mut Emit, x: Value) -> Result<Value> {
    let rank = known_rank(emit, x)?;
    let order: Vec<usize> = [0].into_iter().chain(2..rank).chain([1]).collect();
    Ok(emit.transpose(x, &order))
}

fn known_rank(emit: &Emit, x: Value) -> Result<usize> {
    match emit.rank(x) {
        Some(rank) if rank >= 3 => Ok(rank),
        Some(rank) => Err(error!(InvalidModel, "an image of rank {rank} has no channels")),
        None => Err(error!(UnsupportedModel, "the rank of the input is not known")),
    }
}

/// A convolution with TensorFlow's kernel `[spatial..., in / groups, out]`.
///
/// # Errors
/// `INVALID_MODEL` when kernel, strides and input have different numbers of axes.
pub fn convolution(emit: &mut Emit, x: Value, kernel: Value, bias: Option<Value>, window: &Window) -> Result<Value> {
    let shape = kernel_shape(emit, x, kernel, window)?;
    let rank = shape.len();
    let order: Vec<usize> = [rank - 1, rank - 2].into_iter().chain(0..rank - 2).collect();
    let weights = emit.transpose(kernel, &order);
    let groups = match (emit.size(x, 1), shape[rank - 2]) {
        (Some(channels), Some(each)) if each > 0 => channels / each,
        _ => 1,
    };
    let mut attributes = attributes(emit, x, &spatial_sizes(&shape, rank - 2)?, window);
    attributes.push(("group", groups.into()));
    Ok(emit.op_with("Conv", &[x, weights, bias.unwrap_or(Value::ABSENT)], attributes))
}

/// A convolution of each channel by itself, with TensorFlow's kernel `[spatial..., in, multiplier]`.
///
/// # Errors
/// As [`convolution`].
pub fn depthwise(emit: &mut Emit, x: Value, kernel: Value, bias: Option<Value>, window: &Window) -> Result<Value> {
    let shape = kernel_shape(emit, x, kernel, window)?;
    let rank = shape.len();
    let spatial = spatial_sizes(&shape, rank - 2)?;
    let (Some(channels), Some(multiplier)) = (shape[rank - 2], shape[rank - 1]) else {
        return Err(error!(UnsupportedModel, "the number of channels of the kernel is not known"));
    };
    let order: Vec<usize> = [rank - 2, rank - 1].into_iter().chain(0..rank - 2).collect();
    let weights = emit.transpose(kernel, &order);
    let flat: Vec<i64> = [channels.saturating_mul(multiplier), 1].into_iter().chain(spatial.iter().copied()).collect();
    let weights = emit.reshape(weights, &flat);
    let mut attributes = attributes(emit, x, &spatial, window);
    attributes.push(("group", channels.into()));
    Ok(emit.op_with("Conv", &[x, weights, bias.unwrap_or(Value::ABSENT)], attributes))
}

/// The gradient of a convolution, with TensorFlow's kernel `[spatial..., out, in]`. `output` holds the spatial sizes to be
/// made as far as they are known; those that are not are the input's times the stride, or what a valid convolution needs.
///
/// # Errors
/// As [`convolution`]; also when a size of `output` cannot come from the input.
pub fn convolution_transpose(
    emit: &mut Emit,
    x: Value,
    kernel: Value,
    bias: Option<Value>,
    window: &Window,
    output: &[Option<i64>],
) -> Result<Value> {
    let shape = kernel_shape(emit, x, kernel, window)?;
    let rank = shape.len();
    let spatial = spatial_sizes(&shape, rank - 2)?;
    let order: Vec<usize> = [rank - 1, rank - 2].into_iter().chain(0..rank - 2).collect();
    let weights = emit.transpose(kernel, &order);
    let (mut begins, mut ends, mut extra) = (Vec::new(), Vec::new(), Vec::new());
    for (axis, &size) in spatial.iter().enumerate() {
        let (stride, dilation) = (window.strides[axis], window.dilations[axis]);
        let covered = size.saturating_sub(1).saturating_mul(dilation).saturating_add(1);
        let wanted = output.get(axis).copied().flatten();
        // A full transposed convolution gives this much more than its pads take away.
        let input = emit.size(x, axis as i64 + 2).or_else(|| input_size(wanted?, covered, stride, &window.padding));
        let surplus = match (input, wanted) {
            (Some(input), Some(wanted)) => {
                (input.saturating_sub(1)).saturating_mul(stride).saturating_add(covered).saturating_sub(wanted)
            }
            _ if window.padding == Padding::Same => covered.saturating_sub(stride),
            _ => covered.saturating_sub(stride).min(0),
        };
        let (begin, end) = match &window.padding {
            Padding::Same => (surplus.max(0) / 2, surplus.max(0) - surplus.max(0) / 2),
            Padding::Valid => (0, surplus.max(0)),
            Padding::Explicit(pads) => *pads.get(axis).unwrap_or(&(0, 0)),
        };
        let missing = begin.saturating_add(end).saturating_sub(surplus);
        if missing < 0 || missing >= stride.max(dilation).max(1) {
            return Err(error!(
                InvalidModel,
                "a transposed convolution cannot give the size {wanted:?} on axis {axis}"
            ));
        }
        begins.push(begin);
        ends.push(end);
        extra.push(missing);
    }
    begins.append(&mut ends);
    let attributes = [
        ("kernel_shape", spatial.into()),
        ("strides", window.strides.clone().into()),
        ("dilations", window.dilations.clone().into()),
        ("pads", begins.into()),
        ("output_padding", extra.into()),
    ];
    Ok(emit.op_with("ConvTranspose", &[x, weights, bias.unwrap_or(Value::ABSENT)], attributes))
}

/// The size from which a transposed convolution can have made one.
fn input_size(output: i64, covered: i64, stride: i64, padding: &Padding) -> Option<i64> {
    match padding {
        Padding::Same => Some(output.saturating_add(stride - 1) / stride),
        Padding::Valid => Some(output.saturating_sub(covered).max(0) / stride + 1),
        Padding::Explicit(_) => None,
    }
}

/// `MaxPool` or `AveragePool`; what is added by padding is neither the largest nor counted.
///
/// # Errors
/// `INVALID_MODEL` when sizes, strides and input have different numbers of axes.
pub fn pool(emit: &mut Emit, op_type: &'static str, x: Value, sizes: &[i64], window: &Window) -> Result<Value> {
    check_axes(emit, x, sizes.len(), window)?;
    let mut attributes = attributes(emit, x, sizes, window);
    if op_type == "AveragePool" && window.dilations.iter().all(|&dilation| dilation == 1) {
        attributes.retain(|(name, _)| *name != "dilations");
    }
    Ok(emit.op_with(op_type, &[x], attributes))
}

/// Resizes the spatial axes to `size`. Whole factors are given as such, because they hold for every batch; sizes name the
/// batch too. (The attribute `axes` would not, but ONNX Runtime's optimizer does not heed it.)
pub fn resize(
    emit: &mut Emit,
    x: Value,
    size: Value,
    attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
) -> Value {
    let size = emit.cast(size, DType::Int64);
    let from = emit.shape(x).and_then(|shape| shape[2..].iter().copied().collect::<Option<Vec<i64>>>());
    if let (Some(from), Some(to)) = (from, emit.ints_of(size))
        && from.len() == to.len()
        && from.iter().zip(&to).all(|(&from, &to)| from > 0 && to % from == 0)
    {
        let factors: Vec<f32> =
            [1.0, 1.0].into_iter().chain(from.iter().zip(&to).map(|(from, to)| (to / from) as f32)).collect();
        let factors = emit.floats(&factors);
        return emit.op_with("Resize", &[x, Value::ABSENT, factors], attributes);
    }
    let shape = emit.shape_of(x);
    let outer = emit.slice(shape, 0, 0, 2);
    // ONNX's own inference takes a list of unknown length for an empty one.
    let count = emit.rank(x).map_or(-1, |rank| rank as i64 - 2);
    let size = emit.reshape(size, &[count]);
    let size = emit.concat(&[outer, size], 0);
    emit.op_with("Resize", &[x, Value::ABSENT, Value::ABSENT, size], attributes)
}

fn kernel_shape(emit: &Emit, x: Value, kernel: Value, window: &Window) -> Result<Vec<Option<i64>>> {
    let shape = emit.shape(kernel).cloned();
    let shape = shape.ok_or_else(|| error!(UnsupportedModel, "the shape of the kernel is not known"))?;
    let axes = shape.len().saturating_sub(2);
    check_axes(emit, x, axes, window)?;
    Ok(shape)
}

fn check_axes(emit: &Emit, x: Value, axes: usize, window: &Window) -> Result<()> {
    let agree = known_rank(emit, x)? == axes + 2 && window.strides.len() == axes && window.dilations.len() == axes;
    let positive = window.strides.iter().chain(&window.dilations).all(|&step| step > 0);
    if agree && positive {
        return Ok(());
    }
    Err(error!(
        InvalidModel,
        "a window of {axes} axes with strides {:?} and dilations {:?} does not fit the input",
        window.strides,
        window.dilations
    ))
}

fn spatial_sizes(shape: &[Option<i64>], axes: usize) -> Result<Vec<i64>> {
    let sizes: Option<Vec<i64>> = shape[..axes].iter().copied().collect();
    sizes.ok_or_else(|| error!(UnsupportedModel, "the size of the kernel is not known"))
}

fn attributes(emit: &Emit, x: Value, sizes: &[i64], window: &Window) -> Vec<(&'static str, Attribute)> {
    let mut made = vec![
        ("kernel_shape", sizes.into()),
        ("strides", window.strides.clone().into()),
        ("dilations", window.dilations.clone().into()),
    ];
    match &window.padding {
        Padding::Valid => {}
        Padding::Explicit(pads) => made.push(("pads", onnx_pads(pads).into())),
        Padding::Same => {
            let pads: Option<Vec<_>> = (0..sizes.len())
                .map(|axis| {
                    let (stride, dilation) = (window.strides[axis], window.dilations[axis]);
                    // With a stride of 1 the pads are the same for every size.
                    let size = if stride == 1 { Some(1) } else { emit.size(x, axis as i64 + 2) };
                    Some(same_pads(size?, sizes[axis], stride, dilation))
                })
                .collect();
            match pads {
                Some(pads) => made.push(("pads", onnx_pads(&pads).into())),
                None => made.push(("auto_pad", "SAME_UPPER".into())),
            }
        }
    }
    made
}

/// Before and after an axis, so that there are `ceil(size / stride)` places for the kernel.
pub fn same_pads(size: i64, kernel: i64, stride: i64, dilation: i64) -> (i64, i64) {
    let covered = kernel.saturating_sub(1).saturating_mul(dilation).saturating_add(1);
    let places = size.saturating_add(stride - 1) / stride;
    let total = places.saturating_sub(1).saturating_mul(stride).saturating_add(covered).saturating_sub(size).max(0);
    (total / 2, total - total / 2)
}

fn onnx_pads(pads: &[(i64, i64)]) -> Vec<i64> {
    pads.iter().map(|pad| pad.0).chain(pads.iter().map(|pad| pad.1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_odd_one_at_the_end() {
        assert_eq!(same_pads(5, 3, 1, 1), (1, 1));
        assert_eq!(same_pads(96, 3, 2, 1), (0, 1));
        assert_eq!(same_pads(5, 3, 1, 2), (2, 2));
        assert_eq!(same_pads(6, 2, 3, 1), (0, 0));
    }
}
