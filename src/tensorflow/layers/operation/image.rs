//! Images, one or a batch of them.

use super::operands::wrapped_axis;
use crate::error::{Result, error};
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::layers::preprocessing;
use crate::tensorflow::spatial::{self, Padding, Window};

/// Runs a rule for batches on a single image too.
fn batched(
    layer: &mut Layer<'_, '_>,
    rule: impl FnOnce(&mut Layer<'_, '_>) -> Result<Vec<Value>>,
) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let single = layer.rank(x)? == 3;
    layer.inputs[0].value = if single { layer.emit.unsqueeze(x, &[0]) } else { x };
    let made = rule(layer)?;
    Ok(if single { made.into_iter().map(|value| layer.emit.squeeze(value, &[0])).collect() } else { made })
}

pub fn resize(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    if layer.config.flag("antialias", false)? {
        return Err(error!(UnsupportedModel, "\"antialias\" is not supported"));
    }
    batched(layer, preprocessing::resizing)
}

/// The brightness of red, green and blue.
pub fn grayscale(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let axis = if layer.config.is_channels_first()? { -3 } else { -1 };
    if layer.emit.size(x, axis).is_some_and(|channels| channels != 3) {
        return Err(error!(InvalidModel, "three channels are expected"));
    }
    let shape: &[usize] = if axis == -3 { &[3, 1, 1] } else { &[3] };
    let shares = layer.emit.constant(Constant::of_f32(shape, &[0.2989, 0.5870, 0.1140]));
    let weighted = layer.emit.mul(x, shares);
    Ok(vec![layer.emit.reduce("ReduceSum", weighted, Some(&[axis]), true)])
}

/// Height and width: their axes, what is added or cut before, and the size that is left.
struct Sides {
    axes: [i64; 2],
    before: [i64; 2],
    sizes: [i64; 2],
    target: [i64; 2],
}

/// Of "top", "bottom" and "target_height", and of their like for the width, two say what the third is.
fn sides(layer: &Layer<'_, '_>, x: Value, ending: &str, grows: bool) -> Result<Sides> {
    let rank = layer.rank(x)?;
    let first = if layer.config.is_channels_first()? { -2 } else { -3 };
    let mut made = Sides { axes: [first, first + 1], before: [0; 2], sizes: [0; 2], target: [0; 2] };
    for (at, (start, end, target)) in
        [("top", "bottom", "target_height"), ("left", "right", "target_width")].into_iter().enumerate()
    {
        made.axes[at] = wrapped_axis(made.axes[at], rank)? as i64;
        let size = layer.emit.size(x, made.axes[at]);
        let size = size.ok_or_else(|| error!(UnsupportedModel, "the size of the image is not known"))?;
        let number = |field: &str| -> Result<Option<i64>> {
            if layer.config.has(field) { layer.config.int(field, 0).map(Some) } else { Ok(None) }
        };
        let (start, end) = (number(&format!("{start}_{ending}"))?, number(&format!("{end}_{ending}"))?);
        let target = number(target)?;
        let sign = if grows { 1 } else { -1 };
        let (before, target) = match (start, end, target) {
            (Some(start), _, Some(target)) => (start, target),
            (Some(start), Some(end), None) => (start, size + sign * (start + end)),
            (None, Some(end), Some(target)) => (sign * (target - size) - end, target),
            _ => return Err(error!(InvalidModel, "two of \"{ending}\" at both sides and the target are expected")),
        };
        let behind = sign * (target - size) - before;
        if before < 0 || behind < 0 || target < 1 {
            return Err(error!(InvalidModel, "an image of {size} cannot become one of {target} so"));
        }
        (made.before[at], made.sizes[at], made.target[at]) = (before, size, target);
    }
    Ok(made)
}

pub fn crop(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut x = layer.raw();
    let sides = sides(layer, x, "cropping", false)?;
    for (at, &axis) in sides.axes.iter().enumerate() {
        x = layer.emit.slice(x, axis, sides.before[at], sides.before[at] + sides.target[at]);
    }
    Ok(vec![x])
}

pub fn pad(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let rank = layer.rank(x)?;
    let sides = sides(layer, x, "padding", true)?;
    let mut pads = vec![0; rank * 2];
    for (at, &axis) in sides.axes.iter().enumerate() {
        pads[axis as usize] = sides.before[at];
        pads[rank + axis as usize] = sides.target[at] - sides.sizes[at] - sides.before[at];
    }
    let pads = layer.emit.int64s(&pads);
    Ok(vec![layer.emit.op("Pad", &[x, pads])])
}

/// Numbers that the kernel of patches may have.
const MAX_KERNEL: usize = 1 << 22;

/// The pixels of each patch behind each other, by a convolution that only picks them.
pub fn patches(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let size = layer.config.sizes("size", 2, 1)?;
    let strides = if layer.config.has("strides") { layer.config.sizes("strides", 2, 1)? } else { size.clone() };
    let window = Window {
        strides,
        dilations: layer.config.sizes("dilation_rate", 2, 1)?,
        padding: match layer.config.text("padding", "valid")? {
            "valid" => Padding::Valid,
            "same" => Padding::Same,
            other => return Err(error!(InvalidModel, "the padding \"{other}\" is not known")),
        },
    };
    batched(layer, |layer| {
        let made = layer.channels_first(2, |emit, x| {
            let channels = emit.size(x, 1).and_then(|channels| usize::try_from(channels).ok());
            let channels = channels.ok_or_else(|| error!(UnsupportedModel, "its channels are not known"))?;
            let kernel = picking(emit, size[0] as usize, size[1] as usize, channels)?;
            spatial::convolution(emit, x, kernel, None, &window)
        })?;
        Ok(vec![made])
    })
}

/// `[height, width, channels, height * width * channels]`, where each output is one of the inputs.
fn picking(emit: &mut Emit, height: usize, width: usize, channels: usize) -> Result<Value> {
    let count = height.saturating_mul(width).saturating_mul(channels);
    if count.saturating_mul(count) > MAX_KERNEL {
        return Err(error!(UnsupportedModel, "patches of {count} numbers are too large"));
    }
    let mut kernel = vec![0f32; count * count];
    (0..count).for_each(|at| kernel[at * count + at] = 1.0);
    Ok(emit.constant(Constant::of_f32(&[height, width, channels, count], &kernel)))
}

/// Channels into squares of pixels, or back.
pub fn blocks(layer: &mut Layer<'_, '_>, op_type: &'static str) -> Result<Vec<Value>> {
    let size = layer.field_int(&["block_size"], 2)?;
    if size < 1 {
        return Err(error!(InvalidModel, "\"block_size\" should be positive, not {size}"));
    }
    let made = layer.channels_first(2, |emit, x| Ok(emit.op_with(op_type, &[x], [("blocksize", size.into())])))?;
    Ok(vec![made])
}
