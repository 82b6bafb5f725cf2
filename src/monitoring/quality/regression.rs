//! Regressions: how far predicted numbers are from the true ones.

use super::rows::{Weights, check_finite, check_length, check_not_empty};
use crate::error::{Result, error};
use crate::statistics::ExactSum;
use serde::Serialize;

/// Numbers, one a row.
pub struct RegressionRows<'a> {
    pub truth: &'a [f64],
    pub predicted: &'a [f64],
    pub weights: Option<&'a [f64]>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct RegressionQuality {
    /// Rows.
    pub count: u64,
    /// The sum of the weights.
    pub weight: f64,
    /// The mean absolute error.
    pub mae: f64,
    /// The root of the mean squared error.
    pub rmse: f64,
    /// The mean error, predicted minus true.
    pub bias: f64,
    /// 1 - sum((true - predicted)²) / sum((true - mean(true))²). Of a constant truth 1 where every prediction is right, else 0, as
    /// scikit-learn says; `None` for a single row.
    pub r2: Option<f64>,
}

/// The quality of a regression.
///
/// # Errors
/// `INVALID_REQUEST` when lists differ in length or are empty, for a number that is not finite, a weight below 0, and errors whose
/// squares no number holds.
pub fn regression(rows: &RegressionRows) -> Result<RegressionQuality> {
    let count = rows.truth.len();
    check_not_empty(count)?;
    check_length("predicted", rows.predicted.len(), count)?;
    check_finite("truth", rows.truth)?;
    check_finite("predicted", rows.predicted)?;
    let weights = Weights::of(rows.weights, count)?;
    let mut sums = RegressionSums::default();
    for (row, (truth, predicted)) in rows.truth.iter().zip(rows.predicted).enumerate() {
        sums.add(*truth, *predicted, weights.at(row));
    }
    sums.quality().ok_or_else(|| error!(InvalidRequest, "the numbers are too large: no number holds their squares"))
}

/// What is known of rows after they are gone. Sums over parts of the rows merge.
#[derive(Debug, Clone, Default)]
pub struct RegressionSums {
    count: u64,
    weight: f64,
    absolute: ExactSum,
    squared: ExactSum,
    signed: ExactSum,
    truth: Spread,
}

impl RegressionSums {
    pub fn add(&mut self, truth: f64, predicted: f64, weight: f64) {
        self.count += 1;
        self.weight += weight;
        let error = predicted - truth;
        self.absolute.add(weight * error.abs());
        self.squared.add(weight * error * error);
        self.signed.add(weight * error);
        self.truth.add(truth, weight);
    }

    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.weight += other.weight;
        self.absolute.merge(&other.absolute);
        self.squared.merge(&other.squared);
        self.signed.merge(&other.signed);
        self.truth.merge(&other.truth);
    }

    /// `None` without rows of any weight, and where a sum is beyond the numbers.
    pub fn quality(&self) -> Option<RegressionQuality> {
        let Self { count, weight, .. } = *self;
        let (squared, spread) = (self.squared.value(), self.truth.squares);
        let mean = |sum: &ExactSum| sum.value() / weight;
        let explained = explained(squared, spread);
        let quality = RegressionQuality {
            count,
            weight,
            mae: mean(&self.absolute),
            rmse: (squared / weight).sqrt(),
            bias: mean(&self.signed),
            r2: (count > 1).then_some(explained),
        };
        let RegressionQuality { mae, rmse, bias, .. } = quality;
        [mae, rmse, bias, spread, explained].iter().all(|number| number.is_finite()).then_some(quality)
    }
}

/// R2 of the sum of squared errors, and of the squared distances of the truth from its mean.
pub fn explained(squared: f64, spread: f64) -> f64 {
    match (spread == 0.0, squared == 0.0) {
        (false, _) => 1.0 - squared / spread,
        (true, right) => f64::from(u8::from(right)),
    }
}

/// Weighted squares of the distances from the mean, in one pass: West (1979), merged as Chan, Golub and LeVeque (1979) say. Values are
/// taken from the first one, because those far from 0 would lose the digits that they differ in.
#[derive(Debug, Clone, Default)]
struct Spread {
    origin: Option<f64>,
    weight: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64, weight: f64) {
        if weight == 0.0 {
            return;
        }
        let before = self.weight;
        self.weight += weight;
        let away = value - *self.origin.get_or_insert(value) - self.mean;
        let step = away * (weight / self.weight);
        self.mean += step;
        self.squares += before * away * step;
    }

    fn merge(&mut self, other: &Self) {
        let Some(origin) = other.origin else { return };
        let own = *self.origin.get_or_insert(origin);
        let before = self.weight;
        self.weight += other.weight;
        let away = (origin - own) + (other.mean - self.mean);
        let step = away * (other.weight / self.weight);
        self.mean += step;
        self.squares += other.squares + before * away * step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(truth: &[f64], predicted: &[f64]) -> RegressionQuality {
        regression(&RegressionRows { truth, predicted, weights: None }).unwrap()
    }

    #[test]
    fn by_hand() {
        // Errors 1, -1, 2: squares 6 of 2 around the mean of the truth.
        let found = quality(&[1.0, 2.0, 3.0], &[2.0, 1.0, 5.0]);
        assert_eq!((found.count, found.mae, found.rmse), (3, 4.0 / 3.0, 2f64.sqrt()));
        assert_eq!((found.bias, found.r2), (2.0 / 3.0, Some(-2.0)));
    }

    #[test]
    fn a_constant_truth_and_one_row() {
        assert_eq!(quality(&[0.1; 3], &[0.1; 3]).r2, Some(1.0));
        assert_eq!(quality(&[0.1; 3], &[0.1, 0.1, 0.2]).r2, Some(0.0));
        assert_eq!(quality(&[2.0], &[2.5]).r2, None);
    }

    #[test]
    fn weights_are_rows_that_occur_more_than_once() {
        let (truth, predicted) = ([1.0, 4.0, 2.0], [1.5, 3.0, 9.0]);
        let weighted =
            regression(&RegressionRows { truth: &truth, predicted: &predicted, weights: Some(&[2.0, 1.0, 0.0]) })
                .unwrap();
        let repeated = quality(&[1.0, 1.0, 4.0], &[1.5, 1.5, 3.0]);
        assert_eq!(weighted, repeated);
    }

    #[test]
    fn far_from_zero() {
        let near = quality(&[1.0, 2.0, 4.0], &[1.5, 2.0, 3.0]);
        let far = quality(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 4.0], &[1e9 + 1.5, 1e9 + 2.0, 1e9 + 3.0]);
        assert_eq!(near, far);
    }

    #[test]
    fn merged_parts_equal_the_whole() {
        let (mut left, mut right, mut whole) =
            (RegressionSums::default(), RegressionSums::default(), RegressionSums::default());
        for at in 0..100 {
            let (truth, predicted) = (f64::from(at * 37 % 100), f64::from(at * 61 % 100));
            let weight = f64::from(at % 4);
            whole.add(truth, predicted, weight);
            if at < 30 { &mut left } else { &mut right }.add(truth, predicted, weight);
        }
        left.merge(&right);
        left.merge(&RegressionSums::default());
        let (merged, whole) = (left.quality().unwrap(), whole.quality().unwrap());
        assert_eq!((merged.count, merged.weight), (whole.count, whole.weight));
        for (merged, whole) in [(merged.mae, whole.mae), (merged.rmse, whole.rmse), (merged.bias, whole.bias)] {
            assert!((merged - whole).abs() < 1e-12);
        }
        assert!((merged.r2.unwrap() - whole.r2.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let refused = |truth: &[f64], predicted: &[f64], weights: Option<&[f64]>| {
            regression(&RegressionRows { truth, predicted, weights }).unwrap_err().message
        };
        assert_eq!(refused(&[], &[], None), "truth must have at least one row");
        assert_eq!(refused(&[1.0], &[], None), "predicted must have as many items as truth, 1; received 0");
        assert_eq!(refused(&[1.0], &[f64::NAN], None), "predicted[0] must be a finite number, received NaN");
        assert_eq!(refused(&[1.0], &[1.0], Some(&[-1.0])), "weights[0] must be at least 0, received -1");
        assert!(refused(&[1.0], &[1.0], Some(&[0.0])).contains("above 0"));
        assert!(refused(&[1e200, 0.0], &[0.0, 0.0], None).contains("too large"));
    }
}
