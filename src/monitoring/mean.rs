//! Averages.

use crate::statistics::ExactSum;
use serde::{Deserialize, Serialize};

/// The mean of values, exact whatever their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    count: i64,
    sum: ExactSum,
}

impl Mean {
    pub fn add(&mut self, value: f64) {
        self.count = self.count.wrapping_add(1);
        self.sum.add(value);
    }

    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.wrapping_add(other.count);
        self.sum.merge(&other.sum);
    }

    pub fn count(&self) -> i64 {
        self.count
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
