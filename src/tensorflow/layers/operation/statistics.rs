//! What several numbers together are like.

use super::operands::{Order, alike, wrapped_axes, wrapped_axis};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::numeric;

/// The mean, and the variance around it; both with their axes.
fn moments_of(emit: &mut Emit, x: Value, axes: Option<&[i64]>) -> (Value, Value) {
    let mean = emit.reduce("ReduceMean", x, axes, true);
    let centred = emit.sub(x, mean);
    let square = emit.mul(centred, centred);
    (mean, emit.reduce("ReduceMean", square, axes, true))
}

/// Removes the axes that were reduced, unless they are to stay.
fn without(layer: &mut Layer<'_, '_>, x: Value, axes: Option<&[i64]>, rank: usize) -> Value {
    if layer.field_flag(&["keepdims"]) || rank == 0 {
        return x;
    }
    let all: Vec<i64> = (0..rank as i64).collect();
    layer.emit.squeeze(x, axes.unwrap_or(&all))
}

pub fn variance(layer: &mut Layer<'_, '_>, root: bool) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let axes = layer.field_ints(&["axis"])?;
    let (_, mut made) = moments_of(layer.emit, x, axes.as_deref());
    if root {
        made = layer.emit.op("Sqrt", &[made]);
    }
    Ok(vec![without(layer, made, axes.as_deref(), rank)])
}

pub fn moments(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let axes = layer.field_ints(&["axes"])?;
    let (mean, variance) = moments_of(layer.emit, x, axes.as_deref());
    Ok(vec![without(layer, mean, axes.as_deref(), rank), without(layer, variance, axes.as_deref(), rank)])
}

/// The mean by weights, which have the shape of the input or one element for each along the axis.
pub fn average(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let axes = layer.field_ints(&["axis"])?;
    let given = layer.operand(1, &["weights"]).ok().filter(|given| !given.is_nothing());
    let Some(weights) = given else {
        return Ok(vec![layer.emit.reduce("ReduceMean", x, axes.as_deref(), false)]);
    };
    let weights = alike(layer, &[weights])?[0];
    let mut weights = layer.float(weights)?;
    if let (Some(&[axis]), Some(1)) = (axes.as_deref(), layer.emit.rank(weights))
        && rank > 1
    {
        let mut shape = vec![1; rank];
        shape[wrapped_axis(axis, rank)?] = -1;
        weights = layer.emit.reshape(weights, &shape);
    }
    let shape = layer.emit.shape_of(x);
    let weights = layer.emit.op("Expand", &[weights, shape]);
    let weighted = layer.emit.mul(x, weights);
    let sum = layer.emit.reduce("ReduceSum", weighted, axes.as_deref(), false);
    let whole = layer.emit.reduce("ReduceSum", weights, axes.as_deref(), false);
    Ok(vec![layer.emit.div(sum, whole)])
}

/// From the smallest to the largest.
pub fn range(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let axes = layer.field_ints(&["axis"])?;
    let keep = layer.field_flag(&["keepdims"]);
    let high = layer.emit.reduce("ReduceMax", x, axes.as_deref(), keep);
    let low = layer.emit.reduce("ReduceMin", x, axes.as_deref(), keep);
    Ok(vec![layer.emit.sub(high, low)])
}

pub fn count_nonzero(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let axes = layer.field_ints(&["axis"])?;
    let set = layer.emit.cast(x, DType::Bool);
    let numbers = layer.emit.op_with("Cast", &[set], [("to", DType::Int32.code().into())]);
    Ok(vec![layer.emit.reduce("ReduceSum", numbers, axes.as_deref(), false)])
}

/// The input without what is no number, which `instead` stands for, and how many numbers there are, with their axes.
fn numbers_only(layer: &mut Layer<'_, '_>, instead: f32) -> Result<(Value, Value, Option<Vec<i64>>)> {
    let x = layer.x()?;
    let axes = layer.field_ints(&["axis"])?;
    let emit = &mut *layer.emit;
    let nan = emit.op("IsNaN", &[x]);
    let other = emit.float(instead);
    let kept = emit.select(nan, other, x);
    let is_number = emit.op("Not", &[nan]);
    let counted = emit.cast(is_number, DType::Float32);
    let count = emit.reduce("ReduceSum", counted, axes.as_deref(), true);
    Ok((kept, count, axes))
}

pub fn of_numbers(layer: &mut Layer<'_, '_>, op_type: &'static str, neutral: f32) -> Result<Vec<Value>> {
    let rank = layer.rank(layer.raw())?;
    let (kept, count, axes) = numbers_only(layer, neutral)?;
    let mut made = layer.emit.reduce(op_type, kept, axes.as_deref(), true);
    if neutral.is_infinite() {
        // Where there is no number, there is no largest one either.
        let (zero, nan) = (layer.emit.float(0.0), layer.emit.float(f32::NAN));
        let none = layer.emit.op("Equal", &[count, zero]);
        made = layer.emit.select(none, nan, made);
    }
    Ok(vec![without(layer, made, axes.as_deref(), rank)])
}

pub fn mean_of_numbers(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let rank = layer.rank(layer.raw())?;
    let (kept, count, axes) = numbers_only(layer, 0.0)?;
    let sum = layer.emit.reduce("ReduceSum", kept, axes.as_deref(), true);
    let mean = layer.emit.div(sum, count);
    Ok(vec![without(layer, mean, axes.as_deref(), rank)])
}

pub fn variance_of_numbers(layer: &mut Layer<'_, '_>, root: bool) -> Result<Vec<Value>> {
    let rank = layer.rank(layer.raw())?;
    let x = layer.x()?;
    let (kept, count, axes) = numbers_only(layer, 0.0)?;
    let emit = &mut *layer.emit;
    let sum = emit.reduce("ReduceSum", kept, axes.as_deref(), true);
    let mean = emit.div(sum, count);
    let centred = emit.sub(x, mean);
    let (nan, zero) = (emit.op("IsNaN", &[x]), emit.float(0.0));
    let centred = emit.select(nan, zero, centred);
    let square = emit.mul(centred, centred);
    let squares = emit.reduce("ReduceSum", square, axes.as_deref(), true);
    let mut made = emit.div(squares, count);
    if root {
        made = emit.op("Sqrt", &[made]);
    }
    Ok(vec![without(layer, made, axes.as_deref(), rank)])
}

/// Sums or products of all elements up to each.
pub fn running(layer: &mut Layer<'_, '_>, product: bool, numbers_only: bool) -> Result<Vec<Value>> {
    let mut x = layer.raw();
    if layer.emit.dtype(x) == DType::Bool {
        x = layer.emit.cast(x, DType::Int32);
    }
    if numbers_only && layer.emit.dtype(x) == DType::Float32 {
        let (nan, neutral) = (layer.emit.op("IsNaN", &[x]), layer.emit.float(if product { 1.0 } else { 0.0 }));
        x = layer.emit.select(nan, neutral, x);
    }
    let axis = match layer.field_ints(&["axis"])?.as_deref() {
        None => {
            x = layer.emit.reshape(x, &[-1]);
            0
        }
        Some(&[axis]) => wrapped_axis(axis, layer.rank(x)?)?,
        Some(_) => return Err(error!(InvalidModel, "\"axis\" should be one integer")),
    };
    let (exclusive, reverse) = (layer.field_flag(&["exclusive"]), layer.field_flag(&["reverse"]));
    if product {
        return Ok(vec![numeric::running_product(layer.emit, x, axis, exclusive, reverse)?]);
    }
    let axis = layer.emit.int64(axis as i64);
    let flags = [("exclusive", i64::from(exclusive).into()), ("reverse", i64::from(reverse).into())];
    Ok(vec![layer.emit.op_with("CumSum", &[x, axis], flags)])
}

/// Lengths of vectors by an order, and of matrices as vectors of all their elements.
pub fn norm(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let axes = layer.field_ints(&["axis"])?;
    let keep = layer.field_flag(&["keepdims"]);
    let over = axes.as_ref().map_or(rank, Vec::len);
    let order = layer.field_order()?;
    let of_matrix = over == 2 && order != Order::Default;
    let emit = &mut *layer.emit;
    let size = emit.op("Abs", &[x]);
    let made = match order {
        Order::Default => emit.reduce("ReduceL2", x, axes.as_deref(), keep),
        Order::Number(2.0) if !of_matrix => emit.reduce("ReduceL2", x, axes.as_deref(), keep),
        Order::Number(1.0) if !of_matrix => emit.reduce("ReduceL1", x, axes.as_deref(), keep),
        Order::Number(0.0) if !of_matrix => {
            let set = emit.cast(x, DType::Bool);
            let numbers = emit.op_with("Cast", &[set], [("to", DType::Float32.code().into())]);
            emit.reduce("ReduceSum", numbers, axes.as_deref(), keep)
        }
        Order::Number(order) if !of_matrix => {
            let (order, inverse) = (emit.float(order as f32), emit.float(1.0 / order as f32));
            let powers = emit.op("Pow", &[size, order]);
            let sum = emit.reduce("ReduceSum", powers, axes.as_deref(), keep);
            emit.op("Pow", &[sum, inverse])
        }
        _ => return Err(error!(UnsupportedModel, "this order is not supported for matrices")),
    };
    Ok(vec![made])
}

/// The element below which a part of all lies, by the place in order that `q` times the last place gives.
pub fn quantile(layer: &mut Layer<'_, '_>, whole: f64, median: bool) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let axes = match layer.field_ints(&["axis"])? {
        None => (0..rank).collect(),
        Some(axes) => wrapped_axes(&axes, rank)?,
    };
    let (parts, is_list) = if median { (vec![0.5], false) } else { layer.plain_numbers(1, &["q"])? };
    let method = layer.config.text("method", "linear")?;
    let keep = layer.field_flag(&["keepdims"]);

    // The axes come last, as one.
    let others: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
    let order: Vec<usize> = others.iter().chain(&axes).copied().collect();
    let emit = &mut *layer.emit;
    let behind = emit.transpose(x, &order);
    let shape = emit.shape_of(behind);
    let outer = emit.slice(shape, 0, 0, others.len() as i64);
    let free = emit.int64s(&[-1]);
    let flat = emit.concat(&[outer, free], 0);
    let flat = emit.reshape_to(behind, flat);
    let shape = emit.shape_of(flat);
    let count = emit.slice(shape, 0, others.len() as i64, others.len() as i64 + 1);
    let sorted = emit.op_n("TopK", &[flat, count], [("axis", (-1).into()), ("largest", 0.into())], 2)[0];
    let one = emit.int64s(&[1]);
    let last = emit.sub(count, one);
    let last = emit.cast(last, DType::Float32);
    let mut found = Vec::new();
    for part in parts {
        if !(0.0..=whole).contains(&part) {
            return Err(error!(InvalidModel, "\"q\" should be between 0 and {whole}, not {part}"));
        }
        let part = emit.float((part / whole) as f32);
        let place = emit.mul(last, part);
        let mut made = at_place(emit, sorted, place, method)?;
        if keep {
            let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
            made = emit.unsqueeze(made, &axes);
        }
        found.push(made);
    }
    if !is_list {
        return Ok(found);
    }
    let rows: Vec<Value> = found.into_iter().map(|value| emit.unsqueeze(value, &[0])).collect();
    Ok(vec![emit.concat(&rows, 0)])
}

/// The element at a place between two others; the place is a list of one number.
fn at_place(emit: &mut Emit, sorted: Value, place: Value, method: &str) -> Result<Value> {
    let take = |emit: &mut Emit, place: Value| {
        let index = emit.cast(place, DType::Int64);
        let made = emit.gather(sorted, index, -1);
        emit.squeeze(made, &[-1])
    };
    let (low, high) = (emit.op("Floor", &[place]), emit.op("Ceil", &[place]));
    Ok(match method {
        "lower" => take(emit, low),
        "higher" => take(emit, high),
        "nearest" => {
            let nearest = emit.op("Round", &[place]);
            take(emit, nearest)
        }
        "midpoint" => {
            let (low, high) = (take(emit, low), take(emit, high));
            let (sum, half) = (emit.add(low, high), emit.float(0.5));
            emit.mul(sum, half)
        }
        "linear" => {
            let share = emit.sub(place, low);
            let (low, high) = (take(emit, low), take(emit, high));
            let distance = emit.sub(high, low);
            let share = emit.squeeze(share, &[0]);
            let way = emit.mul(distance, share);
            emit.add(low, way)
        }
        other => return Err(error!(UnsupportedModel, "the method \"{other}\" is not supported")),
    })
}
