//! The rows that measures are taken of.

use crate::error::{Result, error};

/// INVALID_REQUEST unless a list has one item for each row.
pub fn check_length(name: &str, length: usize, rows: usize) -> Result<()> {
    if length == rows {
        return Ok(());
    }
    Err(error!(InvalidRequest, "{name} must have as many items as truth, {rows}; received {length}"))
}

/// INVALID_REQUEST for NaN and the infinities.
pub fn check_finite(name: &str, values: &[f64]) -> Result<()> {
    let Some(row) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    Err(error!(InvalidRequest, "{name}[{row}] must be a finite number, received {}", values[row]))
}

/// INVALID_REQUEST without any row.
pub fn check_not_empty(rows: usize) -> Result<()> {
    if rows > 0 {
        return Ok(());
    }
    Err(error!(InvalidRequest, "truth must have at least one row"))
}

/// How much each row counts: 1 where no weights are given.
#[derive(Clone, Copy)]
pub struct Weights<'a>(Option<&'a [f64]>);

impl<'a> Weights<'a> {
    /// INVALID_REQUEST unless there is a finite weight of at least 0 for each row, and not all are 0.
    pub fn of(given: Option<&'a [f64]>, rows: usize) -> Result<Self> {
        let Some(weights) = given else { return Ok(Self(None)) };
        check_length("weights", weights.len(), rows)?;
        check_finite("weights", weights)?;
        if let Some(row) = weights.iter().position(|weight| *weight < 0.0) {
            return Err(error!(InvalidRequest, "weights[{row}] must be at least 0, received {}", weights[row]));
        }
        let sum: f64 = weights.iter().sum();
        if sum == 0.0 || !sum.is_finite() {
            return Err(error!(InvalidRequest, "weights must add up to a finite number above 0, and add up to {sum}"));
        }
        Ok(Self(Some(weights)))
    }

    pub fn at(self, row: usize) -> f64 {
        self.0.map_or(1.0, |weights| weights[row])
    }
}
