//! Averages.

/// A sum that does not lose small values beside a large one (Neumaier), so that an average over millions stays exact.
#[derive(Debug, Clone, Default)]
pub struct Mean {
    count: u64,
    sum: f64,
    lost: f64,
}

impl Mean {
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        self.accumulate(value);
    }

    /// Adds as many values, of which only their mean is known.
    pub fn add_mean(&mut self, mean: f64, count: u32) {
        self.count += u64::from(count);
        self.accumulate(mean * f64::from(count));
    }

    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.accumulate(other.sum);
        self.accumulate(other.lost);
    }

    fn accumulate(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }

    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.sum + self.lost) / self.count as f64)
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
