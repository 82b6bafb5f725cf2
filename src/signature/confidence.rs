//! How sure a model is, read from its outputs.

use super::Signature;
use crate::tensor::{DType, Tensor, Value};
use serde::{Serialize, Serializer};

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

/// How far the sum of a probability vector may be from one.
const SUM_TOLERANCE: f64 = 1e-3;

/// The largest probability of each row, from the first output that is a class map or a probability vector (values within
/// [0, 1] that sum to 1 within 1e-3); for one probability per class in outputs of their own, the largest of them; for a
/// single sigmoid probability p, max(p, 1 - p).
pub fn confidence(signature: &Signature, outputs: &[(&str, &Value)], unbatched: bool) -> Confidence {
    let rows = outputs
        .iter()
        .find_map(|(_, value)| class_maps(value).or_else(|| probability_vectors(value)))
        .or_else(|| probability_columns(outputs))
        .or_else(|| {
            outputs
                .iter()
                .filter(|(name, _)| signature.sigmoid_outputs.iter().any(|sigmoid| sigmoid == name))
                .find_map(|(_, value)| binary_probabilities(value))
        });
    match rows {
        Some(rows) if unbatched && rows.len() == 1 => rows[0].map_or(Confidence::None, Confidence::Row),
        Some(rows) if !rows.is_empty() => Confidence::Batch(rows),
        _ => Confidence::None,
    }
}

type Rows = Option<Vec<Option<f64>>>;

fn class_maps(value: &Value) -> Rows {
    let Value::Sequence(values) = value else { return None };
    values
        .iter()
        .map(|value| match value {
            Value::Map { values, .. } => Some(largest_in(values, &numbers(values)?)),
            _ => None,
        })
        .collect()
}

fn probability_vectors(value: &Value) -> Rows {
    let tensor = value.as_tensor()?;
    let &[rows, classes] = tensor.shape.as_slice() else { return None };
    if rows == 0 || classes < 2 {
        return None;
    }
    let found: Vec<_> = numbers(tensor)?.chunks(classes).map(|row| largest_in(tensor, row)).collect();
    found.iter().any(Option::is_some).then_some(found)
}

fn probability_columns(outputs: &[(&str, &Value)]) -> Rows {
    let columns: Vec<Vec<f64>> = outputs.iter().filter_map(|(_, value)| single_column(value.as_tensor()?)).collect();
    let rows = columns.first()?.len();
    if columns.len() < 2 || columns.iter().any(|column| column.len() != rows) {
        return None;
    }
    let row = |at: usize| columns.iter().map(|column| column[at]).collect::<Vec<_>>();
    let found: Vec<_> = (0..rows).map(|at| largest_probability(&row(at))).collect();
    found.iter().any(Option::is_some).then_some(found)
}

fn binary_probabilities(value: &Value) -> Rows {
    Some(single_column(value.as_tensor()?)?.into_iter().map(|p| Some(p.max(1.0 - p))).collect())
}

/// The values of a float tensor of shape `[N]` or `[N, 1]`.
fn single_column(tensor: &Tensor) -> Option<Vec<f64>> {
    let column = matches!(tensor.shape.as_slice(), [_] | [_, 1]).then(|| numbers(tensor)).flatten()?;
    Some(column.into_iter().map(|number| as_printed(tensor, number)).collect())
}

fn largest_in(tensor: &Tensor, row: &[f64]) -> Option<f64> {
    largest_probability(row).map(|p| as_printed(tensor, p))
}

fn largest_probability(row: &[f64]) -> Option<f64> {
    let sum: f64 = row.iter().sum();
    let valid = row.iter().all(|p| (0.0..=1.0 + SUM_TOLERANCE).contains(p)) && (sum - 1.0).abs() <= SUM_TOLERANCE;
    valid.then(|| row.iter().copied().fold(0.0, f64::max))
}

fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    if let Some(elements) = tensor.elements::<f32>() {
        return Some(elements.iter().map(|&value| f64::from(value)).collect());
    }
    if let Some(elements) = tensor.elements::<half::f16>() {
        return Some(elements.iter().map(|value| value.to_f64()).collect());
    }
    tensor.elements::<f64>().map(<[f64]>::to_vec)
}

/// For an element of a float32 tensor the float64 that prints like it, so that confidence equals the probability beside it in
/// an answer.
fn as_printed(tensor: &Tensor, number: f64) -> f64 {
    if tensor.dtype != DType::Float32 {
        return number;
    }
    let mut buffer = ryu::Buffer::new();
    buffer.format(number as f32).parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::MapKeys;

    fn of(outputs: &[(&str, Value)], unbatched: bool) -> Confidence {
        let signature = Signature { sigmoid_outputs: vec!["sigmoid".to_owned()], ..Signature::default() };
        let outputs: Vec<_> = outputs.iter().map(|(name, value)| (*name, value)).collect();
        confidence(&signature, &outputs, unbatched)
    }

    fn floats(shape: &[usize], values: &[f32]) -> Value {
        Tensor::from_elements(shape, values).into()
    }

    #[test]
    fn a_probability_vector_gives_its_largest() {
        let outputs = [("label", Tensor::from_elements(&[1], &[1i64]).into()), ("p", floats(&[1, 2], &[0.2, 0.8]))];
        assert_eq!(of(&outputs, true), Confidence::Row(0.8));
        assert_eq!(of(&outputs, false), Confidence::Batch(vec![Some(0.8)]));
    }

    #[test]
    fn what_does_not_sum_to_one_is_no_probability() {
        assert_eq!(of(&[("y", floats(&[1, 2], &[0.2, 0.9]))], true), Confidence::None);
        assert_eq!(of(&[("y", floats(&[1, 2], &[-0.5, 1.5]))], true), Confidence::None);
        assert_eq!(of(&[("y", floats(&[1, 1], &[1.0]))], true), Confidence::None);
        assert_eq!(of(&[("y", floats(&[1, 2], &[f32::NAN, 0.5]))], true), Confidence::None);
        assert_eq!(of(&[("y", floats(&[0, 2], &[]))], false), Confidence::None);
        let rows = floats(&[2, 2], &[0.5, 0.5, 3.0, 4.0]);
        assert_eq!(of(&[("y", rows)], false), Confidence::Batch(vec![Some(0.5), None]));
    }

    #[test]
    fn class_maps_columns_and_sigmoids_count_too() {
        let map = |p: [f32; 2]| Value::Map { keys: MapKeys::Ints(vec![0, 1]), values: Tensor::from_elements(&[2], &p) };
        let maps = Value::Sequence(vec![map([0.1, 0.9]), map([0.75, 0.25])]);
        assert_eq!(of(&[("p", maps)], false), Confidence::Batch(vec![Some(0.9), Some(0.75)]));
        let columns = [("a", floats(&[1, 1], &[0.25])), ("b", floats(&[1, 1], &[0.75]))];
        assert_eq!(of(&columns, true), Confidence::Row(0.75));
        assert_eq!(of(&[("sigmoid", floats(&[1, 1], &[0.25]))], true), Confidence::Row(0.75));
        assert_eq!(of(&[("linear", floats(&[1, 1], &[0.25]))], true), Confidence::None);
    }
}
