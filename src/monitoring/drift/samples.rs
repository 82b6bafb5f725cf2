//! What is compared: one column on both sides.

use super::moments::Moments;
use crate::statistics::{Pooled, sturges_edges};

/// A column of numbers, cleaned: finite, at least one on each side.
#[derive(Debug, Clone)]
pub struct Numbers {
    pub pooled: Pooled,
    /// The smallest number of both sides and the largest one.
    pub range: (f64, f64),
    /// Different numbers of the reference, and of both sides together.
    pub distinct_reference: u64,
    pub distinct: u64,
    pub reference: Moments,
    pub current: Moments,
}

impl Numbers {
    /// `None` when a side is empty.
    pub fn of(mut reference: Vec<f64>, mut current: Vec<f64>) -> Option<Self> {
        reference.sort_unstable_by(f64::total_cmp);
        current.sort_unstable_by(f64::total_cmp);
        let pooled = Pooled::of(&reference, &current);
        Some(Self {
            range: (pooled.groups.first()?.value, pooled.groups.last()?.value),
            distinct_reference: pooled.groups.iter().filter(|group| group.reference > 0).count() as u64,
            distinct: pooled.groups.len() as u64,
            reference: Moments::of(&reference)?,
            current: Moments::of(&current)?,
            pooled,
        })
    }

    /// The distinct numbers as categories.
    pub fn as_categories(&self) -> Categories {
        let counts = self.pooled.groups.iter().map(|group| (group.reference, group.current)).collect();
        Categories { counts, reference: self.pooled.reference, current: self.pooled.current }
    }

    /// Equal-width bins over both sides by Sturges' rule for `count` numbers.
    pub fn edges(&self, count: u64) -> Vec<f64> {
        sturges_edges(self.range.0, self.range.1, count)
    }

    /// How many numbers that are.
    pub fn count(&self) -> u64 {
        self.pooled.reference + self.pooled.current
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
