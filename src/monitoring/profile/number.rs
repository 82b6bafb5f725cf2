//! A column of numbers.

use crate::error::Result;
use crate::statistics::{CentralMoments, Distinct, DistinctSketch, QuantileSketch};
use serde::{Deserialize, Serialize};

/// While there are no more distinct values, each has its own count.
const MAX_COUNTED_VALUES: usize = 64;

/// Numbers without NaN. Infinities are counted and not measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Number {
    infinite: u64,
    moments: CentralMoments,
    quantiles: QuantileSketch,
    values: Values,
}

/// The distinct values.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Values {
    /// In ascending order, each with its count.
    Counted(Vec<(f64, u64)>),
    /// Too many to count each.
    Many(DistinctSketch),
}

impl Default for Number {
    fn default() -> Self {
        Self {
            infinite: 0,
            moments: CentralMoments::default(),
            quantiles: QuantileSketch::default(),
            values: Values::Counted(Vec::new()),
        }
    }
}

impl Number {
    pub(super) fn add(&mut self, values: &[f64]) {
        let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let infinite = values.iter().filter(|value| value.is_infinite()).count() as u64;
        self.infinite = self.infinite.saturating_add(infinite);
        self.moments.add(&finite);
        for value in finite {
            self.quantiles.add(value);
            self.values.add(value, 1);
        }
    }

    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.infinite = self.infinite.saturating_add(other.infinite);
        self.moments.merge(&other.moments);
        self.values.merge(&other.values);
        self.quantiles.merge(&other.quantiles)
    }

    /// Of finite numbers. All measures are of these.
    pub fn count(&self) -> u64 {
        self.moments.count()
    }

    pub fn infinite(&self) -> u64 {
        self.infinite
    }

    pub fn min(&self) -> Option<f64> {
        self.quantiles.min()
    }

    pub fn max(&self) -> Option<f64> {
        self.quantiles.max()
    }

    /// Mean, variance, skewness.
    pub fn moments(&self) -> &CentralMoments {
        &self.moments
    }

    /// Whether the distribution function is known exactly: because the numbers are few, or their distinct values.
    pub fn is_exact(&self) -> bool {
        matches!(self.values, Values::Counted(_)) || self.quantiles.is_exact()
    }

    /// By how much a share of the numbers is off at most, in 99 of 100 cases; 0 when it is exact.
    pub fn rank_error(&self) -> f64 {
        if self.is_exact() { 0.0 } else { self.quantiles.rank_error() }
    }

    /// The share of the numbers that are smaller, or with `inclusive` not larger. `None` without numbers and for NaN.
    pub fn share_below(&self, value: f64, inclusive: bool) -> Option<f64> {
        match &self.values {
            Values::Counted(counts) if !counts.is_empty() && !value.is_nan() => {
                let below = counts.iter().filter(|(own, _)| *own < value || (inclusive && *own == value));
                Some(below.map(|(_, count)| count).sum::<u64>() as f64 / self.count() as f64)
            }
            Values::Counted(_) => None,
            Values::Many(_) => self.quantiles.share_below(value, inclusive),
        }
    }

    /// By nearest rank: the smallest of the numbers that at least each share does not exceed. Empty without numbers.
    pub fn quantiles(&self, shares: &[f64]) -> Vec<f64> {
        match &self.values {
            Values::Counted(counts) => counted_quantiles(counts, self.count(), shares),
            Values::Many(_) => self.quantiles.quantiles(shares),
        }
    }

    /// Where the distribution function steps: numbers in ascending order, each with how many it stands for.
    pub fn points(&self) -> Vec<(f64, u64)> {
        match &self.values {
            Values::Counted(counts) => counts.clone(),
            Values::Many(_) => self.quantiles.points(),
        }
    }

    /// The count of each distinct value in ascending order, while these are at most 64.
    pub fn counts(&self) -> Option<&[(f64, u64)]> {
        match &self.values {
            Values::Counted(counts) => Some(counts),
            Values::Many(_) => None,
        }
    }

    pub fn distinct(&self) -> Distinct {
        match &self.values {
            Values::Counted(counts) => Distinct::exactly(counts.len()),
            Values::Many(sketch) => sketch.distinct(),
        }
    }

    /// Whether it is what adding and merging can make.
    pub(super) fn is_sound(&self) -> bool {
        let counted = match &self.values {
            Values::Counted(counts) => {
                counts.len() <= MAX_COUNTED_VALUES
                    && counts.iter().all(|(value, count)| value.is_finite() && *count > 0)
                    && counts.windows(2).all(|pair| pair[0].0 < pair[1].0)
                    && counts.iter().try_fold(0u64, |sum, (_, count)| sum.checked_add(*count)) == Some(self.count())
            }
            Values::Many(_) => true,
        };
        counted && self.quantiles.count() == self.count()
    }
}

fn counted_quantiles(counts: &[(f64, u64)], total: u64, shares: &[f64]) -> Vec<f64> {
    let quantile = |share: &f64| {
        let rank = (share * total as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let reaches = |(_, count): &&(f64, u64)| {
            below += count;
            below >= rank
        };
        counts.iter().find(reaches).or(counts.last()).map(|(value, _)| *value)
    };
    shares.iter().filter_map(quantile).collect()
}

impl Values {
    fn add(&mut self, value: f64, count: u64) {
        let counts = match self {
            Self::Counted(counts) => counts,
            Self::Many(sketch) => return sketch.add_number(value),
        };
        match counts.binary_search_by(|(own, _)| own.total_cmp(&(value + 0.0))) {
            Ok(at) => counts[at].1 = counts[at].1.saturating_add(count),
            // Both zeros are one.
            Err(at) if counts.len() < MAX_COUNTED_VALUES => counts.insert(at, (value + 0.0, count)),
            Err(_) => {
                let mut sketch = sketched(counts);
                sketch.add_number(value);
                *self = Self::Many(sketch);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Counted(counts)) => counts.iter().for_each(|(value, count)| self.add(*value, *count)),
            (Self::Many(own), Self::Many(other)) => own.merge(other),
            (Self::Counted(counts), Self::Many(other)) => {
                let mut sketch = sketched(counts);
                sketch.merge(other);
                *self = Self::Many(sketch);
            }
        }
    }
}

fn sketched(counts: &[(f64, u64)]) -> DistinctSketch {
    let mut sketch = DistinctSketch::default();
    counts.iter().for_each(|(value, _)| sketch.add_number(*value));
    sketch
}
