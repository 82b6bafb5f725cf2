//! The first Wasserstein distance: the area between both empirical distribution functions.

use super::measured::{Measured, Outcome};
use super::samples::Numbers;

/// What a reference that varies less is divided by: Evidently's floor. A column on a smaller scale never drifts.
pub const MIN_DEVIATION: f64 = 0.001;

/// The statistic is the distance itself, the score Evidently's: divided by the standard deviation of the reference.
pub fn wasserstein(numbers: &Numbers) -> Outcome {
    let distance: f64 =
        numbers.pooled.steps().map(|(reference, current, width)| (reference - current).abs() * width).sum();
    let deviation = numbers.reference.variance().sqrt();
    if !distance.is_finite() || !deviation.is_finite() {
        return Err("the numbers are too large");
    }
    Ok(Measured::new(distance, distance / deviation.max(MIN_DEVIATION)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_its_distance() {
        let numbers = Numbers::of(vec![0.0, 1.0, 2.0, 3.0], vec![2.0, 3.0, 4.0, 5.0]).unwrap();
        let found = wasserstein(&numbers).unwrap();
        assert_eq!((found.statistic, found.score), (2.0, 2.0 / 1.25f64.sqrt()));
        let constant = wasserstein(&Numbers::of(vec![1.0], vec![1.5]).unwrap()).unwrap();
        assert_eq!((constant.statistic, constant.score), (0.5, 500.0));
    }
}
