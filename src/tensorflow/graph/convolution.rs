//! Convolution and pooling.

use super::Rule;
use super::item::Item;
use super::math::fused_activation;
use super::node::{Node, Output};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::spatial::{self, Padding, Window, channels_last, same_pads};

pub const RULES: &[(&str, Rule)] = &[
    ("Conv1D", |node| convolution(node, spatial::convolution)),
    ("Conv2D", |node| convolution(node, spatial::convolution)),
    ("Conv3D", |node| convolution(node, spatial::convolution)),
    ("_FusedConv2D", |node| convolution(node, spatial::convolution)),
    ("DepthwiseConv2d", |node| convolution(node, spatial::depthwise)),
    ("DepthwiseConv2dNative", |node| convolution(node, spatial::depthwise)),
    ("FusedDepthwiseConv2dNative", |node| convolution(node, spatial::depthwise)),
    ("Conv2DBackpropInput", convolution_transpose),
    ("MaxPool", |node| pool(node, "MaxPool")),
    ("MaxPool3D", |node| pool(node, "MaxPool")),
    ("AvgPool", |node| pool(node, "AveragePool")),
    ("AvgPool3D", |node| pool(node, "AveragePool")),
    ("MaxPoolWithArgmax", max_pool_with_argmax),
    ("Dilation2D", dilation),
];

type Convolution = fn(&mut Emit, Value, Value, Option<Value>, &Window) -> Result<Value>;

/// Whether the node has its channels behind the batch.
fn channels_first(node: &Node<'_>) -> Result<bool> {
    match node.definition.text("data_format").as_deref() {
        None | Some("" | "NHWC" | "NDHWC" | "NWC" | "NHC") => Ok(false),
        Some("NCHW" | "NCDHW" | "NCW" | "NCH") => Ok(true),
        Some(other) => Err(error!(UnsupportedModel, "data_format {other} is not supported")),
    }
}

/// The spatial entries of a list that has one for each axis of the input.
fn spatial_part<T: Copy>(list: &[T], rank: usize, first: bool) -> Result<Vec<T>> {
    if list.len() != rank {
        return Err(error!(InvalidModel, "a list for {rank} axes has {} entries", list.len()));
    }
    Ok(if first { list[2..].to_vec() } else { list[1..rank - 1].to_vec() })
}

fn window(node: &Node<'_>, rank: usize, first: bool) -> Result<Window> {
    let definition = node.definition;
    let listed = |name: &str| match definition.ints(name) {
        Some(list) if !list.is_empty() => spatial_part(&list, rank, first),
        // `Conv1D` has a single number.
        _ => Ok(vec![definition.int(name.trim_end_matches('s')).unwrap_or(1); rank - 2]),
    };
    let padding = match definition.text("padding").as_deref() {
        Some("SAME") => Padding::Same,
        Some("VALID") | None => Padding::Valid,
        Some("EXPLICIT") => {
            let list = definition.ints("explicit_paddings").unwrap_or_default();
            let pairs: Vec<(i64, i64)> = list.as_chunks().0.iter().map(|&[before, after]| (before, after)).collect();
            Padding::Explicit(spatial_part(&pairs, rank, first)?)
        }
        Some(other) => return Err(error!(UnsupportedModel, "padding {other} is not supported")),
    };
    Ok(Window { strides: listed("strides")?, dilations: listed("dilations")?, padding })
}

/// Runs `build` with channels first, whatever the node has.
fn build(
    node: &mut Node<'_>,
    x: Value,
    first: bool,
    build: impl FnOnce(&mut Emit, Value) -> Result<Value>,
) -> Result<Value> {
    if first { build(node.emit, x) } else { channels_last(node.emit, x, build) }
}

/// The rank of an image. Of one that is not known the operation tells it.
fn image_rank(node: &mut Node<'_>, at: usize) -> Result<usize> {
    let x = node.input(at)?;
    let axes = if node.definition.op.contains("3D") { 3 } else { 2 };
    if node.emit.rank(x).is_none() && node.definition.op != "Conv1D" {
        node.emit.assume_shape(x, &vec![None; axes + 2]);
    }
    match node.rank(at)? {
        rank @ 3..=5 => Ok(rank),
        rank => Err(error!(InvalidModel, "the input must be an image, and has rank {rank}")),
    }
}

fn convolution(node: &mut Node<'_>, convolve: Convolution) -> Result<Output> {
    let (x, kernel) = (node.input(0)?, node.input(1)?);
    let rank = image_rank(node, 0)?;
    let first = channels_first(node)?;
    let window = window(node, rank, first)?;
    let mut fused = node.definition.texts("fused_ops").unwrap_or_default();
    let bias = if fused.first().is_some_and(|name| name == "BiasAdd") {
        fused.remove(0);
        Some(node.input(2)?)
    } else {
        None
    };
    let arguments = 2 + usize::from(bias.is_some());
    let channels = output_channels(node.emit, kernel, node.definition.op.contains("Depthwise"));
    let bias = bias.map(|bias| Bias::of(node.emit, bias, channels, first)).transpose()?;
    let (within, behind) = match bias {
        Some(Bias::Channels(bias)) => (Some(bias), None),
        Some(Bias::Broadcast(bias)) => (None, Some(bias)),
        None => (None, None),
    };
    let convolved = |node: &mut Node<'_>, x: Value, window: &Window| {
        let made = build(node, x, first, |emit, x| convolve(emit, x, kernel, within, window))?;
        let made = behind.map_or(made, |bias| node.emit.add(made, bias));
        fused.iter().try_fold(made, |x, name| fused_activation(node, name, x, arguments))
    };
    let made = convolved(node, x, &window)?;
    let Some(Item::Blocks { whole, sizes, .. }) = node.inputs.first().cloned() else { return Ok(made.into()) };
    let plain =
        window.padding == Padding::Valid && window.strides.iter().chain(&window.dilations).all(|&step| step == 1);
    if !plain || sizes.len() != window.strides.len() {
        return Ok(made.into());
    }
    let whole = convolved(node, whole, &Window { dilations: sizes.clone(), ..window })?;
    Ok(Item::Blocks { blocks: made, whole, sizes }.into())
}

/// The number of channels that a kernel gives.
fn output_channels(emit: &Emit, kernel: Value, depthwise: bool) -> Option<i64> {
    let last = emit.size(kernel, -1)?;
    if depthwise { emit.size(kernel, -2).map(|channels| channels.saturating_mul(last)) } else { Some(last) }
}

/// The bias of a fused convolution. TensorFlow fuses any sum whose second part has at most one axis that is not 1.
enum Bias {
    /// One number for each channel, as `Conv` takes it.
    Channels(Value),
    /// Added as it is broadcast.
    Broadcast(Value),
}

impl Bias {
    fn of(emit: &mut Emit, bias: Value, channels: Option<i64>, channels_first: bool) -> Result<Self> {
        let shape = emit.fixed_shape(bias);
        let size: Option<i64> = shape.as_ref().map(|shape| shape.iter().product::<usize>() as i64);
        let at_channel = |shape: &[usize]| {
            let place = if channels_first { shape.len().checked_sub(3) } else { shape.len().checked_sub(1) };
            shape.len() == 1 || place.is_some_and(|at| shape[at] as i64 == size.unwrap_or(0))
        };
        match (shape, channels) {
            (Some(shape), Some(channels)) if size == Some(channels) && at_channel(&shape) => {
                Ok(Self::Channels(emit.reshape(bias, &[channels])))
            }
            (Some(_), Some(channels)) if size == Some(1) => {
                let (one, count) = (emit.reshape(bias, &[1]), emit.int64s(&[channels]));
                Ok(Self::Channels(emit.op("Expand", &[one, count])))
            }
            _ if !channels_first => Ok(Self::Broadcast(bias)),
            _ => match emit.rank(bias) {
                Some(1) => Ok(Self::Broadcast(emit.unsqueeze(bias, &[1, 2]))),
                Some(_) => Ok(Self::Broadcast(bias)),
                None => Err(error!(UnsupportedModel, "the shape of the bias is not known")),
            },
        }
    }
}

fn convolution_transpose(node: &mut Node<'_>) -> Result<Output> {
    let (sizes, kernel, x) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let rank = image_rank(node, 2)?;
    let first = channels_first(node)?;
    let window = window(node, rank, first)?;
    let sizes = match node.emit.elements_of(sizes) {
        Some(sizes) => sizes.iter().map(|size| size.map(|size| size as i64)).collect(),
        None => vec![None; rank],
    };
    // Some models give the spatial sizes alone.
    let output = if sizes.len() == rank - 2 { sizes } else { spatial_part(&sizes, rank, first)? };
    let made =
        build(node, x, first, |emit, x| spatial::convolution_transpose(emit, x, kernel, None, &window, &output))?;
    Ok(made.into())
}

fn pool(node: &mut Node<'_>, op_type: &'static str) -> Result<Output> {
    let x = node.input(0)?;
    let rank = image_rank(node, 0)?;
    let first = channels_first(node)?;
    let window = window(node, rank, first)?;
    let sizes = spatial_part(&node.definition.ints("ksize").unwrap_or_default(), rank, first)?;
    Ok(build(node, x, first, |emit, x| spatial::pool(emit, op_type, x, &sizes, &window))?.into())
}

const MAX_CHANNELS: i64 = 1 << 16;
const MAX_SIDE: i64 = 1 << 16;

/// The second output counts elements with the channels last, within each image unless the batch is included.
fn max_pool_with_argmax(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let rank = image_rank(node, 0)?;
    let window = window(node, rank, false)?;
    let sizes = spatial_part(&node.definition.ints("ksize").unwrap_or_default(), rank, false)?;
    let unknown = || error!(UnsupportedModel, "the size of the image is not known");
    let sides: Vec<i64> = (1..rank as i64 - 1)
        .map(|axis| node.emit.size(x, axis).filter(|&side| side <= MAX_SIDE))
        .collect::<Option<_>>()
        .ok_or_else(unknown)?;
    let channels = node.emit.size(x, -1).filter(|&channels| channels <= MAX_CHANNELS).ok_or_else(unknown)?;
    let with_batch = node.definition.flag("include_batch_in_index");
    let largest = channels_last(node.emit, x, |emit, x| spatial::pool(emit, "MaxPool", x, &sizes, &window))?;
    let emit = &mut *node.emit;
    let first = spatial::to_channels_first(emit, x)?;
    let pads = match window.padding {
        Padding::Same => {
            let pads: Vec<_> = (0..sides.len())
                .map(|axis| same_pads(sides[axis], sizes[axis], window.strides[axis], window.dilations[axis]))
                .collect();
            pads.iter().map(|pad| pad.0).chain(pads.iter().map(|pad| pad.1)).collect()
        }
        _ => vec![0; sides.len() * 2],
    };
    let attributes = [("kernel_shape", sizes.into()), ("strides", window.strides.into()), ("pads", pads.into())];
    let both = emit.op_n("MaxPool", &[first], attributes, 2);
    let place = emit.cast(both[1], DType::Int64);
    let shape = emit.shape(largest).cloned();
    let place = spatial_last(emit, place, rank);
    if let Some(shape) = shape {
        emit.assume_shape(place, &shape);
    }
    let (area, count) = (emit.int64(sides.iter().product()), emit.int64(channels));
    let within = emit.op("Mod", &[place, area]);
    let scaled = emit.mul(within, count);
    let each: Vec<i64> = (0..channels).collect();
    let channel = emit.int64s(&each);
    let mut argmax = emit.add(scaled, channel);
    if with_batch {
        let sizes = emit.shape_of(x);
        let rows = emit.slice(sizes, 0, 0, 1);
        let rows = emit.squeeze(rows, &[0]);
        let (start, step) = (emit.int64(0), emit.int64(1));
        let row = emit.op("Range", &[start, rows, step]);
        let each = emit.int64(sides.iter().product::<i64>().saturating_mul(channels));
        let before = emit.mul(row, each);
        let inner: Vec<i64> = (1..rank as i64).collect();
        let before = emit.unsqueeze(before, &inner);
        argmax = emit.add(argmax, before);
    }
    let argmax = emit.cast(argmax, DType::Int32);
    Ok(vec![largest, argmax].into())
}

fn spatial_last(emit: &mut Emit, x: Value, rank: usize) -> Value {
    let order: Vec<usize> = [0].into_iter().chain(2..rank).chain([1]).collect();
    emit.transpose(x, &order)
}

/// Places of a kernel for `Dilation2D`, each of which becomes operations of its own.
const MAX_DILATION: usize = 1024;

/// The largest sum of the image and the kernel at each place of the kernel.
fn dilation(node: &mut Node<'_>) -> Result<Output> {
    let (x, kernel) = (node.input(0)?, node.input(1)?);
    let strides = spatial_part(&node.definition.ints("strides").unwrap_or_default(), 4, false)?;
    let rates = node.definition.ints("rates").or_else(|| node.definition.ints("dilations")).unwrap_or_default();
    let rates = spatial_part(&rates, 4, false)?;
    let sizes = node.emit.fixed_shape(kernel).filter(|shape| shape.len() == 3);
    let side = |axis| node.emit.size(x, axis).filter(|&side| side <= MAX_SIDE);
    let sides = (side(1), side(2));
    let (Some(sizes), (Some(height), Some(width))) = (sizes, sides) else {
        return Err(error!(UnsupportedModel, "the sizes of image and kernel is not known"));
    };
    if strides.iter().chain(&rates).any(|step| !(1..=MAX_SIDE).contains(step))
        || !(1..=MAX_DILATION).contains(&(sizes[0].saturating_mul(sizes[1])))
    {
        return Err(error!(
            InvalidModel,
            "strides and rates must be positive, and the kernel of at most {MAX_DILATION} places"
        ));
    }
    let covered = [0, 1].map(|axis| (sizes[axis] as i64 - 1).saturating_mul(rates[axis]).saturating_add(1));
    let pads = match node.definition.text("padding").as_deref() {
        Some("SAME") => [height, width]
            .iter()
            .zip([0, 1])
            .map(|(&side, axis)| same_pads(side, sizes[axis] as i64, strides[axis], rates[axis]))
            .collect(),
        _ => vec![(0, 0); 2],
    };
    let emit = &mut *node.emit;
    let amounts = emit.int64s(&[0, pads[0].0, pads[1].0, 0, 0, pads[0].1, pads[1].1, 0]);
    let lowest = emit.float(f32::MIN);
    let padded = emit.op("Pad", &[x, amounts, lowest]);
    let places = [0, 1].map(|axis| {
        let side = [height, width][axis] + pads[axis].0 + pads[axis].1;
        (side - covered[axis]).max(-1) / strides[axis] + 1
    });
    let mut largest = None;
    for row in 0..sizes[0] as i64 {
        for column in 0..sizes[1] as i64 {
            let (top, left) = (row * rates[0], column * rates[1]);
            let shifted = emit.slice_by(padded, 1, top, top + (places[0] - 1) * strides[0] + 1, strides[0]);
            let shifted = emit.slice_by(shifted, 2, left, left + (places[1] - 1) * strides[1] + 1, strides[1]);
            let weight = emit.slice(kernel, 0, row, row + 1);
            let weight = emit.slice(weight, 1, column, column + 1);
            let sum = emit.add(shifted, weight);
            largest = Some(largest.map_or(sum, |largest| emit.op("Max", &[largest, sum])));
        }
    }
    largest.map(Output::from).ok_or_else(|| error!(InvalidModel, "the kernel is empty"))
}
