//! What profiles keep of a column on one side.

use super::super::moments::Moments;
use super::super::samples::{Categories, Numbers};
use super::super::values::Rows;
use super::bounds::RankErrors;
use super::rank_error::RankError;
use crate::statistics::Pooled;
use std::collections::BTreeMap;

/// Finite numbers of one side.
#[derive(Debug, Clone)]
pub struct NumberSide {
    /// In ascending order, each with how many numbers it stands for.
    pub points: Vec<(f64, u64)>,
    /// By how much a share below a number is off at most, in 99 of 100 cases; 0 where `points` are all the numbers.
    pub rank_error: f64,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    /// As of a whole population.
    pub variance: f64,
    pub rows: Rows,
}

/// How often each category occurs on one side.
#[derive(Debug, Clone, Default)]
pub struct CategorySide {
    pub counts: Vec<(String, u64)>,
    /// By how much a count is too low at most, and how often a category may have occurred that is not counted; 0 where all are.
    pub error: u64,
    pub rows: Rows,
}

/// Numbers of both sides, and the error of their ranks.
pub struct Numerical {
    pub numbers: Numbers,
    pub errors: RankErrors,
}

impl Numerical {
    /// `distinct` are the different numbers of both sides together. `None` when a side is empty.
    pub fn of(reference: &NumberSide, current: &NumberSide, distinct: u64) -> Option<Self> {
        if reference.points.is_empty() || current.points.is_empty() {
            return None;
        }
        let errors = RankErrors { reference: RankError(reference.rank_error), current: RankError(current.rank_error) };
        let pooled = Pooled::merged(reference.points.iter().copied(), current.points.iter().copied());
        let numbers = Numbers {
            range: (reference.min.min(current.min), reference.max.max(current.max)),
            distinct_reference: reference.rows.distinct,
            distinct: if errors.are_none() { pooled.groups.len() as u64 } else { distinct },
            reference: reference.moments(),
            current: current.moments(),
            pooled,
        };
        Some(Self { numbers, errors })
    }
}

impl NumberSide {
    fn moments(&self) -> Moments {
        let count = self.rows.count as f64;
        Moments { count, mean: self.mean, squares: self.variance * count }
    }
}

/// The categories of both sides by name, `(reference, current)`. What a side counts no more is in the rest.
pub fn by_name<'a>(reference: &'a CategorySide, current: &'a CategorySide) -> BTreeMap<&'a str, (u64, u64)> {
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (name, count) in &reference.counts {
        counts.entry(name).or_default().0 += count;
    }
    for (name, count) in &current.counts {
        counts.entry(name).or_default().1 += count;
    }
    counts
}

/// The counted categories, and one for all the rest. `None` when a side is empty.
pub fn categories(counts: &[(u64, u64)], reference: &CategorySide, current: &CategorySide) -> Option<Categories> {
    let counted = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    let rest = (reference.rows.count.saturating_sub(counted.0), current.rows.count.saturating_sub(counted.1));
    Categories::of(counts.iter().copied().chain([rest]).collect())
}
