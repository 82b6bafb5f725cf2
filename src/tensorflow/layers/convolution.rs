//! Convolutions over one to three axes.

use super::author::Keras;
use super::layer::{Layer, Rule};
use crate::error::{Result, error};
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::spatial::{self, Padding, Window};

pub const RULES: &[(&str, Rule)] = &[
    ("Conv1D", |layer| convolution(layer, 1)),
    ("Conv2D", |layer| convolution(layer, 2)),
    ("Conv3D", |layer| convolution(layer, 3)),
    ("DepthwiseConv1D", |layer| depthwise(layer, 1)),
    ("DepthwiseConv2D", |layer| depthwise(layer, 2)),
    ("SeparableConv1D", |layer| separable(layer, 1)),
    ("SeparableConv2D", |layer| separable(layer, 2)),
    ("Conv1DTranspose", |layer| transposed(layer, 1)),
    ("Conv2DTranspose", |layer| transposed(layer, 2)),
    ("Conv3DTranspose", |layer| transposed(layer, 3)),
];

impl Layer<'_, '_> {
    /// Runs `build` with channels first, which is how the input already is for `data_format: channels_first`.
    ///
    /// # Errors
    /// Those of `build`; `INVALID_MODEL` when the input has another number of axes.
    pub fn channels_first(
        &mut self,
        axes: usize,
        build: impl FnOnce(&mut Emit, Value) -> Result<Value>,
    ) -> Result<Value> {
        let x = self.x_of_rank(axes + 2)?;
        if self.config.is_channels_first()? {
            return build(self.emit, x);
        }
        spatial::channels_last(self.emit, x, build)
    }

    /// How the kernel of `sizes` moves, as `strides`, `dilation_rate` and `padding` say.
    ///
    /// # Errors
    /// `INVALID_MODEL` for fields that make no sense.
    pub fn window(&self, sizes: &[i64], default_stride: Option<&[i64]>) -> Result<Window> {
        let axes = sizes.len();
        let dilations = self.config.sizes("dilation_rate", axes, 1)?;
        let strides = match default_stride {
            Some(strides) if !self.config.has("strides") => strides.to_vec(),
            _ => self.config.sizes("strides", axes, 1)?,
        };
        let padding = match self.config.text("padding", "valid")? {
            "valid" => Padding::Valid,
            "same" => Padding::Same,
            // Only what came before counts.
            "causal" if axes == 1 => Padding::Explicit(vec![((sizes[0] - 1).saturating_mul(dilations[0]), 0)]),
            other => return Err(error!(InvalidModel, "the padding \"{other}\" is not known")),
        };
        Ok(Window { strides, dilations, padding })
    }
}

fn convolution(layer: &mut Layer<'_, '_>, axes: usize) -> Result<Vec<Value>> {
    let kernel = layer.weight("kernel", axes + 2)?;
    let sizes = kernel_sizes(&kernel.shape);
    let filters = kernel.shape[axes + 1];
    let bias = layer.bias(filters)?;
    let window = layer.window(&sizes, None)?;
    let kernel = layer.emit.constant(kernel);
    let made = layer.channels_first(axes, |emit, x| spatial::convolution(emit, x, kernel, bias, &window))?;
    Ok(vec![layer.activate(made)?])
}

fn depthwise(layer: &mut Layer<'_, '_>, axes: usize) -> Result<Vec<Value>> {
    // Keras 3 calls it kernel.
    let mut again = layer.scope.clone();
    let kernel = match layer.weight("depthwise_kernel", axes + 2) {
        Ok(kernel) => kernel,
        Err(problem) => {
            let found = layer.context.weights.take(&mut again, "kernel", axes + 2);
            layer.scope = again;
            found.map_err(|_| problem)?
        }
    };
    let sizes = kernel_sizes(&kernel.shape);
    let bias = layer.bias(kernel.shape[axes].saturating_mul(kernel.shape[axes + 1]))?;
    let mut window = layer.window(&sizes, None)?;
    if layer.context.keras == Keras::TensorFlowJs {
        // It has the field and never used it.
        window.dilations = vec![1; axes];
    }
    let kernel = layer.emit.constant(kernel);
    let made = layer.channels_first(axes, |emit, x| spatial::depthwise(emit, x, kernel, bias, &window))?;
    Ok(vec![layer.activate(made)?])
}

/// Each channel by itself, then all channels at each place.
fn separable(layer: &mut Layer<'_, '_>, axes: usize) -> Result<Vec<Value>> {
    let depthwise = layer.weight("depthwise_kernel", axes + 2)?;
    let pointwise = layer.weight("pointwise_kernel", axes + 2)?;
    let bias = layer.bias(pointwise.shape[axes + 1])?;
    let window = layer.window(&kernel_sizes(&depthwise.shape), None)?;
    let still = Window { strides: vec![1; axes], dilations: vec![1; axes], padding: Padding::Valid };
    let (depthwise, pointwise) = (layer.emit.constant(depthwise), layer.emit.constant(pointwise));
    let made = layer.channels_first(axes, |emit, x| {
        let each = spatial::depthwise(emit, x, depthwise, None, &window)?;
        spatial::convolution(emit, each, pointwise, bias, &still)
    })?;
    Ok(vec![layer.activate(made)?])
}

fn transposed(layer: &mut Layer<'_, '_>, axes: usize) -> Result<Vec<Value>> {
    let kernel = layer.weight("kernel", axes + 2)?;
    let sizes = kernel_sizes(&kernel.shape);
    let bias = layer.bias(kernel.shape[axes])?;
    let window = layer.window(&sizes, None)?;
    let extra = match layer.config.ints("output_padding")? {
        None => None,
        Some(all) if all.len() == 1 => Some(vec![all[0]; axes]),
        Some(each) if each.len() == axes => Some(each),
        Some(_) => return Err(error!(InvalidModel, "\"output_padding\" should have {axes} sizes")),
    };
    let kernel = layer.emit.constant(kernel);
    let made = layer.channels_first(axes, |emit, x| {
        let mut wanted = Vec::with_capacity(axes);
        for (axis, &size) in sizes.iter().enumerate() {
            let extra = extra.as_ref().map(|extra| extra[axis]);
            let length = emit.size(x, axis as i64 + 2);
            if length.is_none() && extra.is_some() {
                return Err(error!(UnsupportedModel, "\"output_padding\" needs an input of known size"));
            }
            wanted.push(length.map(|length| transposed_length(length, size, axis, &window, extra)));
        }
        spatial::convolution_transpose(emit, x, kernel, bias, &window, &wanted)
    })?;
    Ok(vec![layer.activate(made)?])
}

/// How long an axis becomes.
fn transposed_length(length: i64, kernel: i64, axis: usize, window: &Window, extra: Option<i64>) -> i64 {
    let (stride, dilation) = (window.strides[axis], window.dilations[axis]);
    let covered = (kernel - 1).saturating_mul(dilation).saturating_add(1);
    match (extra, &window.padding) {
        (None, Padding::Same) => length.saturating_mul(stride),
        (None, _) => length.saturating_mul(stride).saturating_add((covered - stride).max(0)),
        (Some(extra), padding) => {
            let pad = if *padding == Padding::Same { covered / 2 } else { 0 };
            (length - 1).saturating_mul(stride).saturating_add(covered - 2 * pad).saturating_add(extra)
        }
    }
}

fn kernel_sizes(shape: &[usize]) -> Vec<i64> {
    shape[..shape.len() - 2].iter().map(|&size| size as i64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposed_convolutions_grow() {
        let window = |padding| Window { strides: vec![2], dilations: vec![1], padding };
        assert_eq!(transposed_length(4, 3, 0, &window(Padding::Same), None), 8);
        assert_eq!(transposed_length(4, 3, 0, &window(Padding::Valid), None), 9);
        assert_eq!(transposed_length(4, 1, 0, &window(Padding::Valid), None), 8);
        assert_eq!(transposed_length(4, 3, 0, &window(Padding::Same), Some(1)), 8);
        assert_eq!(transposed_length(4, 3, 0, &window(Padding::Valid), Some(1)), 10);
    }
}
