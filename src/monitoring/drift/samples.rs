//! What is compared: one column on both sides.

use crate::statistics::Pooled;

/// A column of numbers, cleaned: finite, in ascending order, at least one on each side.
#[derive(Debug, Clone)]
pub struct Numbers {
    pub reference: Vec<f64>,
    pub current: Vec<f64>,
    pub pooled: Pooled,
}

impl Numbers {
    /// `None` when a side is empty.
    pub fn of(mut reference: Vec<f64>, mut current: Vec<f64>) -> Option<Self> {
        if reference.is_empty() || current.is_empty() {
            return None;
        }
        reference.sort_unstable_by(f64::total_cmp);
        current.sort_unstable_by(f64::total_cmp);
        let pooled = Pooled::of(&reference, &current);
        Some(Self { reference, current, pooled })
    }

    /// The distinct numbers as categories.
    pub fn as_categories(&self) -> Categories {
        let counts = self.pooled.groups.iter().map(|group| (group.reference, group.current)).collect();
        Categories { counts, reference: self.pooled.reference, current: self.pooled.current }
    }

    /// Distinct numbers on the side of the reference.
    pub fn distinct_reference(&self) -> usize {
        self.pooled.groups.iter().filter(|group| group.reference > 0).count()
    }

    /// All of them, in no order.
    pub fn both(&self) -> impl Iterator<Item = f64> + Clone {
        self.reference.iter().chain(&self.current).copied()
    }
}

/// Rows of as many finite numbers each, those of the reference first; at least one on each side.
#[derive(Debug, Clone)]
pub struct Vectors {
    pub dimension: usize,
    pub reference: u64,
    pub current: u64,
    pub values: Vec<f64>,
}

/// How often each category occurs, `(reference, current)`, and how many rows that are; at least one on each side.
#[derive(Debug, Clone)]
pub struct Categories {
    pub counts: Vec<(u64, u64)>,
    pub reference: u64,
    pub current: u64,
}

impl Categories {
    /// `None` when a side is empty. Categories that occur nowhere are none.
    pub fn of(mut counts: Vec<(u64, u64)>) -> Option<Self> {
        counts.retain(|(reference, current)| reference + current > 0);
        let (reference, current) = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
        (reference > 0 && current > 0).then_some(Self { counts, reference, current })
    }

    /// Counts as numbers to compute with.
    pub fn observed(&self) -> impl Iterator<Item = (f64, f64)> {
        self.counts.iter().map(|(reference, current)| (*reference as f64, *current as f64))
    }
}
