//! The values of a stream.

use crate::error::{Result, error};

/// Squares of larger ones, added up, would soon be beyond the numbers.
const MAX_MAGNITUDE: f64 = 1e100;

/// Whether a detector can count it.
pub fn is_value(value: f64) -> bool {
    value.abs() <= MAX_MAGNITUDE
}

/// INVALID_REQUEST for what no detector can count.
pub fn check_value(value: f64) -> Result<()> {
    if is_value(value) {
        return Ok(());
    }
    Err(error!(
        InvalidRequest,
        "a value must be a number from -{MAX_MAGNITUDE:e} to {MAX_MAGNITUDE:e}, received {value}"
    ))
}
