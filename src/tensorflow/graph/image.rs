//! Images of other sizes.

use super::Rule;
use super::node::{Node, Output};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::spatial::{self, channels_last};

pub const RULES: &[(&str, Rule)] = &[
    ("ResizeBilinear", |node| resize(node, "linear")),
    ("ResizeNearestNeighbor", |node| resize(node, "nearest")),
    ("CropAndResize", crop_and_resize),
    ("ImageProjectiveTransformV3", project),
];

fn resize(node: &mut Node<'_>, mode: &str) -> Result<Output> {
    let (mut x, size) = (node.input(0)?, node.input(1)?);
    if node.rank(0)? != 4 {
        return Err(error!(InvalidModel, "the input must have rank 4"));
    }
    if mode == "linear" {
        x = node.emit.cast(x, DType::Float32);
    }
    let (corners, centers) = (node.definition.flag("align_corners"), node.definition.flag("half_pixel_centers"));
    let (coordinates, nearest) = match (corners, centers) {
        (true, _) => ("align_corners", "round_prefer_ceil"),
        // The nearest to the centre of a pixel is the one that the centre lies in.
        (false, true) => ("half_pixel", "round_prefer_ceil"),
        (false, false) => ("asymmetric", "floor"),
    };
    let made = channels_last(node.emit, x, |emit, x| {
        Ok(spatial::resize(
            emit,
            x,
            size,
            [
                ("mode", mode.into()),
                ("coordinate_transformation_mode", coordinates.into()),
                ("nearest_mode", nearest.into()),
            ],
        ))
    })?;
    Ok(made.into())
}

/// Each box of the image, resized: rows and columns are blended by matrices that hold the two weights of each place.
fn crop_and_resize(node: &mut Node<'_>) -> Result<Output> {
    let (image, boxes, of_image) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let size = node.constant_ints(3, "crop_size")?;
    let nearest = match node.definition.text("method").as_deref() {
        None | Some("" | "bilinear") => false,
        Some("nearest") => true,
        Some(other) => return Err(error!(UnsupportedModel, "method {other} is not supported")),
    };
    let outside = node.definition.float("extrapolation_value").unwrap_or(0.0) as f32;
    let [height, width] = size[..] else { return Err(error!(InvalidModel, "crop_size must be two numbers")) };
    if node.rank(0)? != 4 || !(1..=4096).contains(&height) || !(1..=4096).contains(&width) {
        return Err(error!(InvalidModel, "the image must have rank 4 and the crop a size"));
    }
    let emit = &mut *node.emit;
    let image = emit.cast(image, DType::Float32);
    let sizes = emit.shape_of(image);
    let rows = blend(emit, boxes, sizes, 0, height, nearest);
    let columns = blend(emit, boxes, sizes, 1, width, nearest);
    let chosen = emit.gather(image, of_image, 0);
    let first = emit.transpose(chosen, &[0, 3, 1, 2]);
    let tall = emit.unsqueeze(rows.weights, &[1]);
    let wide = emit.unsqueeze(columns.weights, &[1]);
    let wide = emit.transpose(wide, &[0, 1, 3, 2]);
    let stretched = emit.op("MatMul", &[tall, first]);
    let stretched = emit.op("MatMul", &[stretched, wide]);
    let last = emit.transpose(stretched, &[0, 2, 3, 1]);
    let (inside_rows, inside_columns) = (emit.unsqueeze(rows.inside, &[2, 3]), emit.unsqueeze(columns.inside, &[1, 3]));
    let inside = emit.op("And", &[inside_rows, inside_columns]);
    let outside = emit.float(outside);
    Ok(emit.select(inside, last, outside).into())
}

struct Blend {
    /// `[boxes, places, size]`.
    weights: Value,
    /// `[boxes, places]`.
    inside: Value,
}

/// How one axis of each box is made of the image's pixels.
fn blend(
    emit: &mut crate::tensorflow::emit::Emit,
    boxes: Value,
    sizes: Value,
    axis: i64,
    places: i64,
    nearest: bool,
) -> Blend {
    let size = emit.slice(sizes, 0, axis + 1, axis + 2);
    let size = emit.squeeze(size, &[0]);
    let pixels = emit.cast(size, DType::Float32);
    let one = emit.float(1.0);
    let last = emit.sub(pixels, one);
    let start = emit.slice(boxes, 1, axis, axis + 1);
    let end = emit.slice(boxes, 1, axis + 2, axis + 3);
    let at = if places > 1 {
        let each: Vec<f32> = (0..places).map(|place| place as f32).collect();
        let (each, gaps) = (emit.floats(&each), emit.float((places - 1) as f32));
        let length = emit.sub(end, start);
        let pixels = emit.mul(length, last);
        let step = emit.div(pixels, gaps);
        let reach = emit.mul(step, each);
        let first = emit.mul(start, last);
        emit.add(first, reach)
    } else {
        let (sum, half) = (emit.add(start, end), emit.float(0.5));
        let middle = emit.mul(sum, half);
        emit.mul(middle, last)
    };
    let zero = emit.float(0.0);
    let (not_before, not_after) = (emit.op("GreaterOrEqual", &[at, zero]), emit.op("LessOrEqual", &[at, last]));
    let inside = emit.op("And", &[not_before, not_after]);
    let at = if nearest {
        let half = emit.float(0.5);
        let up = emit.add(at, half);
        emit.op("Floor", &[up])
    } else {
        at
    };
    let (start, step) = (emit.float(0.0), emit.float(1.0));
    let pixel = emit.op("Range", &[start, pixels, step]);
    let at = emit.unsqueeze(at, &[2]);
    let distance = emit.sub(at, pixel);
    let distance = emit.op("Abs", &[distance]);
    let weight = emit.sub(one, distance);
    Blend { weights: emit.op("Relu", &[weight]), inside }
}

/// A side of a projected image: its pixels' places are a constant.
const MAX_SIDE: i64 = 2048;

/// The places of the image that the pixels of the output show, by eight numbers of a projection for each image.
fn projected(emit: &mut Emit, maps: Value, one: Value, height: i64, width: i64) -> Value {
    let places: Vec<f32> = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x as f32, y as f32, 1.0])).collect();
    let places = emit.constant(Constant::of_f32(&[(height * width) as usize, 3], &places));
    let ninth = {
        let first = emit.slice(maps, 1, 0, 1);
        let zero = emit.sub(first, first);
        emit.add(zero, one)
    };
    let maps = emit.concat(&[maps, ninth], 1);
    let maps = emit.reshape(maps, &[-1, 3, 3]);
    let maps = emit.transpose(maps, &[0, 2, 1]);
    let mapped = emit.op("MatMul", &[places, maps]);
    let (xy, depth) = (emit.slice(mapped, 2, 0, 2), emit.slice(mapped, 2, 2, 3));
    emit.div(xy, depth)
}

/// Places outside of the image as those of one that is repeated on all sides.
fn wrapped(emit: &mut Emit, places: Value, sides: Value) -> Value {
    let (zero, one) = (emit.float(0.0), emit.float(1.0));
    let last = emit.sub(sides, one);
    let gaps = emit.op("Max", &[last, one]);
    let parts = emit.div(places, gaps);
    let (before, behind) = (emit.op("Less", &[places, zero]), emit.op("Greater", &[places, last]));
    let negative = emit.op("Neg", &[parts]);
    let down = emit.op("Floor", &[negative]);
    let down = emit.add(down, one);
    let down = emit.mul(down, sides);
    let raised = emit.add(places, down);
    let up = emit.op("Floor", &[parts]);
    let up = emit.mul(up, sides);
    let lowered = emit.sub(places, up);
    let made = emit.select(before, raised, places);
    let made = emit.select(behind, lowered, made);
    let made = emit.op("Max", &[made, zero]);
    emit.op("Min", &[made, last])
}

/// Each pixel of the output is looked up in the input, at the place that eight numbers map it to.
fn project(node: &mut Node<'_>) -> Result<Output> {
    let (image, maps, outside) = (node.input(0)?, node.input(1)?, node.input(3)?);
    let size = node.constant_ints(2, "output_shape")?;
    let [height, width] = size[..] else { return Err(error!(InvalidModel, "output_shape must be two numbers")) };
    if node.rank(0)? != 4 || !(1..=MAX_SIDE).contains(&height) || !(1..=MAX_SIDE).contains(&width) {
        return Err(error!(InvalidModel, "the image must have rank 4 and the output a size"));
    }
    let mode = match node.definition.text("interpolation").as_deref() {
        Some("NEAREST") => "nearest",
        Some("BILINEAR") => "linear",
        other => return Err(error!(UnsupportedModel, "interpolation {other:?} is not supported")),
    };
    let (padding, fills) = match node.definition.text("fill_mode").as_deref() {
        None | Some("" | "CONSTANT") => ("zeros", true),
        Some("REFLECT") => ("reflection", false),
        Some("NEAREST" | "WRAP") => ("border", false),
        Some(other) => return Err(error!(UnsupportedModel, "fill_mode {other} is not supported")),
    };
    let wraps = node.definition.text("fill_mode").as_deref() == Some("WRAP");
    let emit = &mut *node.emit;
    let one = emit.float(1.0);
    let pixels = projected(emit, maps, one, height, width);
    // `GridSample` counts from -1 at the left edge of the first pixel to 1 at the right edge of the last.
    let shape = emit.shape_of(image);
    let order = emit.int64s(&[2, 1]);
    let sides = emit.gather(shape, order, 0);
    let sides = emit.cast(sides, DType::Float32);
    let pixels = if wraps { wrapped(emit, pixels, sides) } else { pixels };
    let (half, two) = (emit.float(0.5), emit.float(2.0));
    // `GridSample` rounds halves to even numbers.
    let pixels = if mode == "nearest" {
        let up = emit.add(pixels, half);
        emit.op("Floor", &[up])
    } else {
        pixels
    };
    let centers = emit.add(pixels, half);
    let parts = emit.div(centers, sides);
    let doubled = emit.mul(parts, two);
    let grid = emit.sub(doubled, one);
    let grid = emit.reshape(grid, &[-1, height, width, 2]);
    let batch = emit.slice(shape, 0, 0, 1);
    let each = emit.int64s(&[height, width, 2]);
    let spread = emit.concat(&[batch, each], 0);
    let grid = emit.op("Expand", &[grid, spread]);
    // What is outside counts as zero there, so the image is moved to where the filling is zero.
    let moved = if fills { emit.sub(image, outside) } else { image };
    let made = channels_last(emit, moved, |emit, x| {
        let attributes = [("mode", mode.into()), ("padding_mode", padding.into()), ("align_corners", 0.into())];
        let made = emit.op_with("GridSample", &[x, grid], attributes);
        let (batch, channels) = (emit.size(x, 0), emit.size(x, 1));
        emit.assume_shape(made, &[batch, channels, Some(height), Some(width)]);
        Ok(made)
    })?;
    Ok(if fills { emit.add(made, outside) } else { made }.into())
}
