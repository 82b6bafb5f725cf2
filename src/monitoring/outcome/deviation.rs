//! How far predicted numbers are from the true ones.

use crate::monitoring::mean::Mean;
use serde::Serialize;
use serde_json::Value as Json;

/// Over the values of one prediction, or of many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Deviation {
    /// Values.
    pub count: u32,
    /// The mean absolute error.
    pub mae: f64,
    /// The root of the mean squared error.
    pub rmse: f64,
    /// The mean error, predicted minus true.
    pub bias: f64,
}

impl Deviation {
    /// Of errors, predicted minus true; `None` without any, or when they are too large for their squares.
    pub fn of(errors: impl ExactSizeIterator<Item = f64>) -> Option<Self> {
        let count = u32::try_from(errors.len()).ok()?;
        let (mut absolute, mut squares, mut signed) = (Mean::default(), Mean::default(), Mean::default());
        for error in errors {
            absolute.add(error.abs());
            squares.add(error * error);
            signed.add(error);
        }
        let (mae, rmse, bias) = (absolute.mean()?, squares.mean()?.sqrt(), signed.mean()?);
        Some(Self { count, mae, rmse, bias }).filter(Self::is_sound)
    }

    /// Whether it can be averaged with others.
    pub fn is_sound(&self) -> bool {
        let Self { count, mae, rmse, bias } = self;
        let sums = [*mae, rmse * rmse, *bias].map(|mean| mean * f64::from(*count));
        *count > 0 && sums.iter().all(|number| number.is_finite())
    }
}

/// Predicted minus true, without the digits lost that the difference has.
pub fn difference(predicted: &Json, truth: &Json) -> Option<f64> {
    if let (Some(predicted), Some(truth)) = (integer(predicted), integer(truth)) {
        return Some((predicted - truth) as f64);
    }
    Some(number(predicted)? - truth.as_f64()?).filter(|error| error.is_finite())
}

pub fn number(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| integer(value).map(|integer| integer as f64))
}

/// Also one that an answer writes as text, because it is beyond what JSON's readers hold.
fn integer(value: &Json) -> Option<i128> {
    match value {
        Json::Number(number) => number.as_i128(),
        Json::String(digits) => digits.parse().ok(),
        _ => None,
    }
}
