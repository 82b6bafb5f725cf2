//! Mean and variance.

use crate::monitoring::mean::Mean;

/// Of a sample, in two passes: far from zero the difference of sums of squares would have no digits left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    pub count: f64,
    pub mean: f64,
    /// The sum of squared deviations from the mean.
    pub squares: f64,
}

impl Moments {
    /// `None` without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mean = average(values.iter().copied())?;
        let count = values.len() as f64;
        let squares = average(values.iter().map(|value| (value - mean) * (value - mean)))? * count;
        Some(Self { count, mean, squares })
    }

    /// The variance of the sample as a population.
    pub fn variance(&self) -> f64 {
        self.squares / self.count
    }

    /// The unbiased estimate of the population's variance; NaN for a single value.
    pub fn sample_variance(&self) -> f64 {
        self.squares / (self.count - 1.0)
    }
}

fn average(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut mean = Mean::default();
    values.for_each(|value| mean.add(value));
    mean.mean()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_changes_no_variance() {
        let moments = Moments::of(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0, 1e9 + 4.0]).unwrap();
        assert_eq!((moments.mean, moments.variance()), (1e9 + 2.5, 1.25));
        assert_eq!(moments.sample_variance(), 5.0 / 3.0);
        assert_eq!(Moments::of(&[]), None);
    }
}
