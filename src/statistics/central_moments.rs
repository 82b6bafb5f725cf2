//! Mean, variance and skewness of numbers that come in blocks.

use serde::{Deserialize, Serialize};

/// Sums of powers of the deviations from the mean, of finite numbers. Two of them merge into what one over all numbers would be
/// (Chan, Golub and LeVeque 1979, Pébay 2008), without the loss of digits that sums of squares have far from zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CentralMoments {
    count: u64,
    mean: f64,
    squares: f64,
    cubes: f64,
}

impl CentralMoments {
    pub fn add(&mut self, values: &[f64]) {
        let Some(first) = values.first() else { return };
        let count = values.len() as f64;
        // Relative to one of them, so that an offset costs no digits.
        let mean = first + values.iter().map(|value| value - first).sum::<f64>() / count;
        let mut block = Self { count: values.len() as u64, mean, ..Self::default() };
        for value in values {
            let deviation = value - mean;
            block.squares += deviation * deviation;
            block.cubes += deviation * deviation * deviation;
        }
        self.merge(&block);
    }

    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (own, others) = (self.count as f64, other.count as f64);
        let count = own + others;
        let delta = other.mean - self.mean;
        self.cubes += other.cubes
            + delta * delta * delta * (own / count) * (others / count) * (own - others)
            + 3.0 * delta * (own * other.squares - others * self.squares) / count;
        self.squares += other.squares + delta * delta * (own / count) * others;
        self.mean += delta * (others / count);
        self.count = self.count.saturating_add(other.count);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// As of a whole population. `None` without numbers, and where it exceeds what a double holds.
    pub fn variance(&self) -> Option<f64> {
        finite(self.squares / self.count as f64)
    }

    /// Fisher's moment coefficient of a whole population; `None` for a constant as well.
    pub fn skewness(&self) -> Option<f64> {
        let deviation = self.variance()?.sqrt();
        finite(self.cubes / self.count as f64 / (deviation * deviation * deviation))
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_merge_into_the_whole() {
        let values: Vec<f64> = (0..100).map(|at| 1e9 + f64::from(at * at % 37)).collect();
        let mut whole = CentralMoments::default();
        whole.add(&values);
        let mut parts = CentralMoments::default();
        for size in [1, 7, 32, 60] {
            let mut part = CentralMoments::default();
            part.add(&values[parts.count() as usize..][..size]);
            parts.merge(&part);
        }
        let near = |one: Option<f64>, other: Option<f64>| (one.unwrap() - other.unwrap()).abs() < 1e-6;
        assert_eq!(parts.count(), 100);
        assert!((parts.mean().unwrap() - whole.mean().unwrap()).abs() < 1e-6);
        assert!(near(parts.variance(), whole.variance()) && near(parts.skewness(), whole.skewness()));
    }

    #[test]
    fn known_values() {
        let mut moments = CentralMoments::default();
        assert_eq!((moments.mean(), moments.variance(), moments.skewness()), (None, None, None));
        moments.add(&[1.0, 2.0, 3.0, 10.0]);
        assert_eq!((moments.mean(), moments.variance()), (Some(4.0), Some(12.5)));
        assert!((moments.skewness().unwrap() - 45.0 / 12.5f64.powf(1.5)).abs() < 1e-12);
        let mut constant = CentralMoments::default();
        constant.add(&[3.0; 5]);
        assert_eq!((constant.variance(), constant.skewness()), (Some(0.0), None));
    }
}
