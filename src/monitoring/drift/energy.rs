//! The energy distance of numbers: by the squared distance between both empirical distribution functions.

use super::measured::{Measured, Outcome};
use super::samples::Numbers;

/// The root of twice the integral.
pub fn energy(numbers: &Numbers) -> Outcome {
    let squares = numbers.pooled.steps().map(|(reference, current, width)| (reference - current).powi(2) * width);
    let distance = (2.0 * squares.sum::<f64>()).sqrt();
    if distance.is_finite() { Ok(Measured::distance(distance)) } else { Err("the numbers are too large") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let found = energy(&Numbers::of(vec![0.0], vec![2.0]).unwrap()).unwrap();
        assert_eq!(found.score, 2.0);
        assert!(energy(&Numbers::of(vec![f64::MIN], vec![f64::MAX]).unwrap()).is_err());
    }
}
