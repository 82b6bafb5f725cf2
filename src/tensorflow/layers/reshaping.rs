//! Layers that move elements without computing.

use super::author::Keras;
use super::config::wrong;
use super::layer::{Layer, Rule};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::spatial;

pub const RULES: &[(&str, Rule)] = &[
    ("Flatten", flatten),
    ("Reshape", reshape),
    ("Permute", permute),
    ("RepeatVector", repeat),
    ("ZeroPadding1D", |layer| pad(layer, 1)),
    ("ZeroPadding2D", |layer| pad(layer, 2)),
    ("ZeroPadding3D", |layer| pad(layer, 3)),
    ("Cropping1D", |layer| crop(layer, 1)),
    ("Cropping2D", |layer| crop(layer, 2)),
    ("Cropping3D", |layer| crop(layer, 3)),
    ("UpSampling1D", |layer| up_sample(layer, 1)),
    ("UpSampling2D", |layer| up_sample(layer, 2)),
    ("UpSampling3D", |layer| up_sample(layer, 3)),
];

/// All axes but the batch as one, channels last.
fn flatten(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut x = layer.raw();
    if layer.config.is_channels_first()? && layer.rank(x)? > 2 {
        x = spatial::to_channels_last(layer.emit, x)?;
    }
    let inside = layer.emit.shape(x).and_then(|shape| shape.get(1..)?.iter().copied().collect::<Option<Vec<i64>>>());
    let count = inside.and_then(|sizes| sizes.iter().try_fold(1i64, |count, &size| count.checked_mul(size)));
    Ok(vec![match count {
        Some(count) if count > 0 => layer.emit.reshape(x, &[-1, count]),
        _ => layer.emit.op_with("Flatten", &[x], [("axis", 1.into())]),
    }])
}

fn reshape(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let target = layer.config.json("target_shape");
    let sizes = target.as_array().and_then(|sizes| {
        let size = |size: &serde_json::Value| if size.is_null() { Some(-1) } else { size.as_i64() };
        sizes.iter().map(size).collect::<Option<Vec<i64>>>()
    });
    let sizes = sizes.filter(|sizes| sizes.iter().all(|&size| size >= -1) && !sizes.contains(&0));
    let mut sizes = sizes.ok_or_else(|| wrong("target_shape", "sizes, of which one may be -1", target))?;
    if let Some(free) = sizes.iter().position(|&size| size == -1) {
        let inside =
            layer.emit.shape(x).and_then(|shape| shape.get(1..)?.iter().copied().collect::<Option<Vec<i64>>>());
        let count = inside.and_then(|sizes| sizes.iter().try_fold(1i64, |count, &size| count.checked_mul(size)));
        let others: i64 = sizes.iter().filter(|&&size| size != -1).fold(1, |count, &size| count.saturating_mul(size));
        match count {
            Some(count) => sizes[free] = count / others.max(1),
            None => {
                // The batch stays what it is.
                let shape: Vec<i64> = [0].into_iter().chain(sizes).collect();
                return Ok(vec![layer.emit.reshape(x, &shape)]);
            }
        }
    }
    let shape: Vec<i64> = [-1].into_iter().chain(sizes).collect();
    Ok(vec![layer.emit.reshape(x, &shape)])
}

fn permute(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let rank = layer.rank(x)?;
    let dims = layer.config.ints("dims")?.unwrap_or_default();
    let order: Vec<usize> = [0].into_iter().chain(dims.iter().filter_map(|&axis| usize::try_from(axis).ok())).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..rank) {
        return Err(wrong(
            "dims",
            &format!("each of the axes 1 to {}", rank.saturating_sub(1)),
            layer.config.json("dims"),
        ));
    }
    Ok(vec![layer.emit.transpose(x, &order)])
}

fn repeat(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let times = layer.config.int("n", 1)?;
    if layer.rank(x)? != 2 || times < 1 {
        return Err(error!(InvalidModel, "vectors and a positive number of repetitions are expected"));
    }
    let step = layer.emit.unsqueeze(x, &[1]);
    let shape = layer.emit.int64s(&[1, times, 1]);
    Ok(vec![layer.emit.op("Expand", &[step, shape])])
}

/// The first spatial axis.
fn first_axis(layer: &Layer<'_, '_>) -> Result<usize> {
    Ok(if layer.config.is_channels_first()? { 2 } else { 1 })
}

fn pad(layer: &mut Layer<'_, '_>, axes: usize) -> Result<Vec<Value>> {
    let x = layer.x_of_rank(axes + 2)?;
    let borders = layer.config.borders("padding", axes, 1)?;
    let first = first_axis(layer)?;
    let mut pads = vec![0; (axes + 2) * 2];
    for (at, (before, after)) in borders.into_iter().enumerate() {
        pads[first + at] = before;
        pads[first + at + axes + 2] = after;
    }
    let pads = layer.emit.int64s(&pads);
    Ok(vec![layer.emit.op("Pad", &[x, pads])])
}

fn crop(layer: &mut Layer<'_, '_>, axes: usize) -> Result<Vec<Value>> {
    let mut x = layer.x_of_rank(axes + 2)?;
    let borders = layer.config.borders("cropping", axes, if axes == 2 { 0 } else { 1 })?;
    let first = first_axis(layer)?;
    for (at, (before, after)) in borders.into_iter().enumerate() {
        let end = if after == 0 { i64::MAX } else { -after };
        if before > 0 || after > 0 {
            x = layer.emit.slice(x, (first + at) as i64, before, end);
        }
    }
    Ok(vec![x])
}

fn up_sample(layer: &mut Layer<'_, '_>, axes: usize) -> Result<Vec<Value>> {
    let field = if layer.config.has("length") { "length" } else { "size" };
    let sizes = layer.config.sizes(field, axes, 2)?;
    let method = Resize::named(layer.config.text("interpolation", "nearest")?, layer.context.keras, false)?;
    let scales: Vec<f32> = [1.0, 1.0].into_iter().chain(sizes.iter().map(|&size| size as f32)).collect();
    let made = layer.channels_first(axes, |emit, x| {
        let scales = emit.floats(&scales);
        Ok(method.emit(emit, x, scales, Value::ABSENT))
    })?;
    Ok(vec![made])
}

/// A way to resize images.
#[derive(Debug, Clone, Copy)]
pub struct Resize {
    mode: &'static str,
    coordinates: &'static str,
    nearest: &'static str,
}

impl Resize {
    /// `corners` aligns the corners where TensorFlow.js does.
    ///
    /// # Errors
    /// `UNSUPPORTED_MODEL` for a method that ONNX does not have.
    pub fn named(method: &str, keras: Keras, corners: bool) -> Result<Self> {
        let plain = if corners { "align_corners" } else { "asymmetric" };
        let browser = keras == Keras::TensorFlowJs;
        Ok(match method {
            "nearest" if browser && corners => {
                Self { mode: "nearest", coordinates: plain, nearest: "round_prefer_ceil" }
            }
            "nearest" if browser => Self { mode: "nearest", coordinates: plain, nearest: "floor" },
            // `floor((i + 0.5) * scale)`
            "nearest" => Self { mode: "nearest", coordinates: "half_pixel", nearest: "round_prefer_ceil" },
            "bilinear" => {
                Self { mode: "linear", coordinates: if browser { plain } else { "half_pixel" }, nearest: "floor" }
            }
            "bicubic" if !browser => Self { mode: "cubic", coordinates: "half_pixel", nearest: "floor" },
            other => return Err(error!(UnsupportedModel, "the interpolation \"{other}\" is not supported")),
        })
    }

    /// Resizes an image, channels first, by scales or to sizes.
    pub fn emit(self, emit: &mut Emit, x: Value, scales: Value, sizes: Value) -> Value {
        let x = emit.cast(x, DType::Float32);
        let mut attributes =
            vec![("mode", self.mode.into()), ("coordinate_transformation_mode", self.coordinates.into())];
        match self.mode {
            "nearest" => attributes.push(("nearest_mode", self.nearest.into())),
            "cubic" => {
                attributes.push(("cubic_coeff_a", (-0.5f32).into()));
                attributes.push(("exclude_outside", 1.into()));
            }
            _ => {}
        }
        emit.op_with("Resize", &[x, Value::ABSENT, scales, sizes], attributes)
    }
}
