//! Sums.

/// A sum that does not lose small values beside a large one (Neumaier), so that one over millions stays exact.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }

    pub fn merge(&mut self, other: &Self) {
        self.add(other.sum);
        self.add(other.lost);
    }

    pub fn value(&self) -> f64 {
        self.sum + self.lost
    }
}
