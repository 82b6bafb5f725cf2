//! How sure a model is: which outputs say it, by its graph, and what they say of a run.

mod kind;
mod source;
mod walk;

pub use source::sources;

use super::Signature;
use super::probabilities::Place;
use crate::tensor::{DType, Tensor, Value};
use serde::{Serialize, Serializer};
use smallvec::SmallVec;

/// The confidence of one row, or of each row of a batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Confidence {
    /// No output is a probability.
    None,
    Row(f64),
    Batch(Vec<Option<f64>>),
}

impl Serialize for Confidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_none(),
            Self::Row(value) => serializer.serialize_f64(*value),
            Self::Batch(values) => values.serialize(serializer),
        }
    }
}

/// How far the sum of probabilities that are no softmax may be from one.
const SUM_TOLERANCE: f64 = 1e-3;
/// The same where they are of a type of few digits.
const COARSE_SUM_TOLERANCE: f64 = 2e-2;

/// The confidence in what a run gave, from the outputs that the model's graph says tell it: the largest probability of each
/// row, and of a single one p, max(p, 1 - p). It is within 0 and 1; a row of what is no probability, as NaN, has none.
pub fn confidence(signature: &Signature, outputs: &[(&str, &Value)], unbatched: bool) -> Confidence {
    let rows = signature.confidence.iter().find_map(|source| {
        let find = |wanted: &String| outputs.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
        rows_of(source.place, &source.outputs.iter().map(find).collect::<Option<SmallVec<[&Value; 4]>>>()?)
    });
    match rows {
        Some(Rows::Batch(rows)) if unbatched && rows.len() == 1 => rows[0].map_or(Confidence::None, Confidence::Row),
        Some(Rows::Batch(rows)) if !rows.is_empty() => Confidence::Batch(rows),
        Some(Rows::One(row)) => row.map_or(Confidence::None, Confidence::Row),
        _ => Confidence::None,
    }
}

enum Rows {
    Batch(Vec<Option<f64>>),
    /// The outputs have no dimension of rows.
    One(Option<f64>),
}

fn rows_of(place: Place, values: &[&Value]) -> Option<Rows> {
    match place {
        Place::Columns => return columns(values).map(Rows::Batch),
        Place::Maps => return class_maps(values.first()?).map(Rows::Batch),
        _ => {}
    }
    let tensor = values.first()?.as_tensor()?;
    let shape = tensor.shape.as_slice();
    let others_are_one = |axis: usize| shape.iter().enumerate().all(|(at, &size)| at == 0 || at == axis || size == 1);
    let (classes, has_rows) = match (place, shape) {
        (Place::Classes { axis: 0, .. }, [classes]) => (*classes, false),
        (Place::Classes { axis, .. }, _) if axis > 0 && others_are_one(axis) => (*shape.get(axis)?, true),
        (Place::Largest, [] | [_] | [_, _]) => (shape.get(1).copied().unwrap_or(1), !shape.is_empty()),
        (Place::Single, _) if others_are_one(0) => (1, !shape.is_empty()),
        _ => return None,
    };
    if classes == 0 {
        return None;
    }
    let numbers = numbers(tensor)?;
    let mut rows = numbers.chunks(classes).map(|row| of_row(place, tensor.dtype, row));
    if has_rows { Some(Rows::Batch(rows.collect())) } else { rows.next().map(Rows::One) }
}

fn of_row(place: Place, dtype: DType, row: &[f64]) -> Option<f64> {
    let largest = match place {
        Place::Classes { are_logarithms: true, .. } => {
            let probabilities: SmallVec<[f64; 16]> = row.iter().map(|logarithm| logarithm.exp()).collect();
            return largest_probability(dtype, &probabilities).map(|p| p.min(1.0));
        }
        // A softmax sums up to one however coarse its type is.
        Place::Classes { is_softmax: true, .. } | Place::Largest => largest(row)?,
        Place::Single => {
            let p = as_printed(dtype, largest(row)?);
            return Some(p.max(1.0 - p).clamp(0.0, 1.0));
        }
        _ => largest_probability(dtype, row)?,
    };
    Some(as_printed(dtype, largest).clamp(0.0, 1.0))
}

fn class_maps(value: &Value) -> Option<Vec<Option<f64>>> {
    let of_map = |map: &Value| match map {
        Value::Map { values, .. } => {
            let row = numbers(values)?;
            Some(largest_probability(values.dtype, &row).map(|p| as_printed(values.dtype, p).clamp(0.0, 1.0)))
        }
        _ => None,
    };
    match value {
        Value::Sequence(maps) => maps.iter().map(of_map).collect(),
        _ => None,
    }
}

/// Of one output for each class, each with a value a row.
fn columns(values: &[&Value]) -> Option<Vec<Option<f64>>> {
    let tensors: Vec<&Tensor> = values.iter().map(|value| value.as_tensor()).collect::<Option<_>>()?;
    let columns: Vec<Vec<f64>> = tensors.iter().map(|tensor| numbers(tensor)).collect::<Option<_>>()?;
    let (dtype, rows) = (tensors.first()?.dtype, columns.first()?.len());
    if columns.iter().any(|column| column.len() != rows) {
        return None;
    }
    let of_row = |at: usize| {
        let row: SmallVec<[f64; 16]> = columns.iter().map(|column| column[at]).collect();
        largest_probability(dtype, &row).map(|p| as_printed(dtype, p).clamp(0.0, 1.0))
    };
    Some((0..rows).map(of_row).collect())
}

/// The largest, when all are probabilities but for rounding.
fn largest(row: &[f64]) -> Option<f64> {
    let is_probability = |p: &f64| (-SUM_TOLERANCE..=1.0 + COARSE_SUM_TOLERANCE).contains(p);
    row.iter().all(is_probability).then(|| row.iter().copied().fold(0.0, f64::max))
}

/// The same, when they also sum up to one.
fn largest_probability(dtype: DType, row: &[f64]) -> Option<f64> {
    let tolerance = match dtype {
        DType::Float16 | DType::BFloat16 => COARSE_SUM_TOLERANCE,
        _ => SUM_TOLERANCE,
    };
    let sum: f64 = row.iter().sum();
    largest(row).filter(|_| (sum - 1.0).abs() <= tolerance)
}

fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    if let Some(elements) = tensor.elements::<f32>() {
        return Some(elements.iter().map(|&value| f64::from(value)).collect());
    }
    if let Some(elements) = tensor.elements::<half::f16>() {
        return Some(elements.iter().map(|value| value.to_f64()).collect());
    }
    if let Some(elements) = tensor.elements::<half::bf16>() {
        return Some(elements.iter().map(|value| value.to_f64()).collect());
    }
    tensor.elements::<f64>().map(<[f64]>::to_vec)
}

/// The float64 that prints like an element of a narrower type, so that confidence equals the probability beside it in an
/// answer.
fn as_printed(dtype: DType, number: f64) -> f64 {
    if dtype == DType::Float64 {
        return number;
    }
    let mut buffer = ryu::Buffer::new();
    buffer.format(number as f32).parse().unwrap_or(number)
}

#[cfg(test)]
mod tests;
