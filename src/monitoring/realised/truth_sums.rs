//! How much of what numbers did was predicted.

use crate::monitoring::quality::explained;
use crate::statistics::ExactSum;
use serde::{Deserialize, Serialize};

/// Sums over the true numbers of regressions. What is added can be taken away again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TruthSums {
    count: i64,
    truth: ExactSum,
    squares: ExactSum,
    squared_error: ExactSum,
}

impl TruthSums {
    /// A true number, and by how much the predicted one is off.
    pub fn add(&mut self, truth: f64, error: f64) {
        self.count = self.count.wrapping_add(1);
        self.truth.add(truth);
        self.squares.add_product(truth, truth);
        self.squared_error.add_product(error, error);
    }

    pub fn merge_times(&mut self, other: &Self, times: i64) {
        self.count = self.count.wrapping_add(other.count.wrapping_mul(times));
        self.truth.merge_times(&other.truth, times);
        self.squares.merge_times(&other.squares, times);
        self.squared_error.merge_times(&other.squared_error, times);
    }

    /// As in [`crate::monitoring::quality::RegressionQuality`]; `None` also where a sum is beyond the numbers.
    pub fn r2(&self) -> Option<f64> {
        let spread = self.spread().filter(|_| self.count > 1)?;
        Some(explained(self.squared_error.value(), spread)).filter(|r2| r2.is_finite())
    }

    /// The sum of (truth - mean)², which is sum(truth²) - sum(truth)² / n: without an error, as it loses all its digits where numbers are
    /// far from 0.
    fn spread(&self) -> Option<f64> {
        let count = self.count as f64;
        let (truth, squares) = (self.truth.parts()?, self.squares.parts()?);
        let mut spread = ExactSum::default();
        squares.iter().for_each(|square| spread.add_product(count, *square));
        for one in &truth {
            truth.iter().for_each(|other| spread.add_product(-one, *other));
        }
        Some(spread.value() / count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::quality::{RegressionRows, regression};

    fn sums(rows: &[(f64, f64)]) -> TruthSums {
        let mut sums = TruthSums::default();
        rows.iter().for_each(|(truth, predicted)| sums.add(*truth, predicted - truth));
        sums
    }

    #[test]
    fn equal_to_what_the_rows_say() {
        for offset in [0.0, -3.5, 1e6, 1e9, 1e15] {
            let rows: Vec<_> = (0..100)
                .map(|at| (offset + f64::from(at * 37 % 101) / 4.0, offset + f64::from(at * 61 % 101) / 4.0))
                .collect();
            let (truth, predicted): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
            let exact = regression(&RegressionRows { truth: &truth, predicted: &predicted, weights: None }).unwrap().r2;
            let (found, exact) = (sums(&rows).r2().unwrap(), exact.unwrap());
            assert!((found - exact).abs() < 1e-12 * exact.abs(), "{offset}: {found}, {exact}");
        }
    }

    #[test]
    fn a_constant_truth_one_row_and_numbers_without_squares() {
        assert_eq!(sums(&[(0.1, 0.1); 20]).r2(), Some(1.0));
        assert_eq!(sums(&[(0.1, 0.1), (0.1, 0.1), (0.1, 0.2)]).r2(), Some(0.0));
        assert_eq!(sums(&[(0.1, 0.2)]).r2(), None);
        assert_eq!(sums(&[(1e200, 0.0), (0.0, 0.0)]).r2(), None);
        assert_eq!(sums(&[(1e153, 0.0), (-1e153, 0.0)]).r2(), Some(0.0));
    }

    #[test]
    fn what_is_taken_away_is_gone() {
        let mut whole = sums(&[(1.0, 2.0), (0.1, 0.3), (1e9, 0.0)]);
        let other = sums(&[(0.7, -0.1), (1e-9, 5.0)]);
        whole.merge_times(&other, -1);
        whole.merge_times(&other, 1);
        assert_eq!(whole, sums(&[(1e9, 0.0), (1.0, 2.0), (0.1, 0.3)]));
        whole.merge_times(&sums(&[(1.0, 2.0), (0.1, 0.3), (1e9, 0.0)]), -1);
        assert_eq!(whole, TruthSums::default());
    }
}
