//! Averages.

use super::sum::Sum;

/// The mean of values, exact over millions of them.
#[derive(Debug, Clone, Default)]
pub struct Mean {
    count: u64,
    sum: Sum,
}

impl Mean {
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum.add(value);
    }

    /// Adds as many values, of which only their mean is known.
    pub fn add_mean(&mut self, mean: f64, count: u32) {
        self.count += u64::from(count);
        self.sum.add(mean * f64::from(count));
    }

    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum.merge(&other.sum);
    }

    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum.value() / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_sum_does_not_swallow_small_values() {
        let mut mean = Mean::default();
        mean.add(1e16);
        (0..1000).for_each(|_| mean.add(1.0));
        mean.add(-1e16);
        assert_eq!(mean.mean(), Some(1000.0 / 1002.0));
    }
}
