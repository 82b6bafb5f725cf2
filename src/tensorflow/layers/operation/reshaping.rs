//! Operations that arrange elements in other shapes.

use super::operands::{list, wrapped_axis};
use crate::error::{Result, error};
use crate::tensorflow::emit::Value;
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::layers::topology::Argument;

pub fn expand_dims(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let axes = layer.field_ints(&["axis"])?.ok_or_else(|| error!(InvalidModel, "it has no axis"))?;
    Ok(vec![layer.emit.unsqueeze(x, &axes)])
}

pub fn squeeze(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let axes = match layer.field_ints(&["axis"])?.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes,
        None => {
            let shape = layer.emit.shape(x).filter(|shape| shape.iter().skip(1).all(Option::is_some));
            let shape = shape.ok_or_else(|| error!(UnsupportedModel, "the axes that it removes are not known"))?;
            let ones = shape.iter().enumerate().filter(|(_, size)| **size == Some(1));
            ones.map(|(axis, _)| axis as i64).collect()
        }
    };
    Ok(vec![layer.emit.squeeze(x, &axes)])
}

pub fn reshape(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let shape = layer.field_ints(&["newshape", "shape"])?;
    let shape = shape.ok_or_else(|| error!(UnsupportedModel, "its shape is not in the file"))?;
    if shape.iter().any(|&size| size < -1) || shape.iter().filter(|&&size| size == -1).count() > 1 {
        return Err(error!(InvalidModel, "{shape:?} is not a shape"));
    }
    Ok(vec![layer.emit.reshape(x, &shape)])
}

pub fn transpose(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let rank = layer.rank(x)?;
    let order: Vec<usize> = match layer.field_ints(&["axes", "perm"])? {
        None => (0..rank).rev().collect(),
        Some(axes) => axes.iter().filter_map(|&axis| usize::try_from(axis).ok()).collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..rank) {
        return Err(error!(InvalidModel, "{order:?} does not name each of {rank} axes"));
    }
    Ok(vec![layer.emit.transpose(x, &order)])
}

pub fn swap_axes(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let rank = layer.rank(x)?;
    let one = wrapped_axis(layer.field_int(&["axis1"], 0)?, rank)?;
    let other = wrapped_axis(layer.field_int(&["axis2"], 0)?, rank)?;
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(one, other);
    Ok(vec![layer.emit.transpose(x, &order)])
}

pub fn concatenate(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let values = list(layer)?;
    let axis = layer.field_int(&["axis"], 0)?;
    Ok(vec![layer.emit.concat(&values, axis)])
}

pub fn stack(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let axis = layer.field_int(&["axis"], 0)?;
    let values: Vec<Value> = list(layer)?.into_iter().map(|value| layer.emit.unsqueeze(value, &[axis])).collect();
    Ok(vec![layer.emit.concat(&values, axis)])
}

/// Into equal parts, or at indices; TensorFlow gives the sizes instead.
pub fn split(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let axis = layer.field_int(&["axis"], 0)?;
    split_along(layer, axis, false)
}

/// Into parts along an axis; those of an `uneven` split differ by one element at most.
pub fn split_along(layer: &mut Layer<'_, '_>, axis: i64, uneven: bool) -> Result<Vec<Value>> {
    let x = layer.raw();
    let rank = layer.rank(x)?;
    // A list has only one.
    let axis = wrapped_axis(if rank == 1 { 0 } else { axis }, rank)?;
    let size = layer.emit.size(x, axis as i64);
    let size = size.ok_or_else(|| error!(UnsupportedModel, "the size of the axis that it splits is not known"))?;
    let by_sizes = layer.field_ints(&["num_or_size_splits"])?;
    let by_indices = layer.field_ints(&["indices_or_sections"])?;
    let whole = layer.field(&["indices_or_sections", "num_or_size_splits"]);
    let single = matches!(whole, Some(Argument::Plain(json)) if json.is_number());
    let sizes = match (by_indices, by_sizes) {
        (Some(count), _) | (None, Some(count)) if single => {
            let count = count[0];
            if !(1..=1000).contains(&count) || (size % count != 0 && !uneven) {
                return Err(error!(InvalidModel, "{size} elements cannot be split into {count} parts"));
            }
            (0..count).map(|at| size / count + i64::from(at < size % count)).collect()
        }
        (Some(indices), _) => {
            let bounds: Vec<i64> = [0].into_iter().chain(indices).chain([size]).collect();
            bounds.windows(2).map(|pair| pair[1] - pair[0]).collect()
        }
        (None, Some(sizes)) => sizes,
        (None, None) => return Err(error!(InvalidModel, "it does not say how to split")),
    };
    if sizes.iter().any(|&size| size < 0) || sizes.iter().sum::<i64>() != size || sizes.len() > 1000 {
        return Err(error!(InvalidModel, "{size} elements cannot be split into {sizes:?}"));
    }
    Ok(layer.emit.split(x, axis as i64, &sizes))
}

pub fn tile(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let repeats = layer.field_ints(&["repeats", "multiples"])?.unwrap_or_default();
    if repeats.len() != layer.rank(x)? || repeats.iter().any(|&count| count < 0) {
        return Err(error!(UnsupportedModel, "a count for each axis is expected"));
    }
    let repeats = layer.emit.int64s(&repeats);
    Ok(vec![layer.emit.op("Tile", &[x, repeats])])
}
