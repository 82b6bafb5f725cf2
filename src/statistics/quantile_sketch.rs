//! Quantiles of a stream of numbers in memory that does not grow with it.

use super::sketch_image::SketchImage;
use crate::error::{Error, Result, error};
use datasketches::common::SearchCriteria;
use datasketches::kll::{KllFloat, KllSketch};
use serde::{Deserialize, Serialize};

/// Accuracy and size: a rank is off by at most 0.68 % in 99 of 100 cases, and some 1,200 numbers are kept.
const K: u16 = 400;
/// Where the serialized form has the number of levels, their offsets, and then minimum, maximum and the levels:
/// <https://datasketches.apache.org/docs/KLL/KLLSketch.html>.
const LEVEL_COUNT_AT: usize = 18;
const OFFSETS_AT: usize = 20;

/// A KLL sketch (Karnin, Lang, Liberty 2016). It draws random bits, so two of them over the same numbers differ within the error.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "SketchImage", try_from = "SketchImage")]
pub struct QuantileSketch(KllSketch<KllFloat<f64>>);

impl Default for QuantileSketch {
    fn default() -> Self {
        Self(KllSketch::new(K).unwrap_or_else(|_| unreachable!("K is in the range of the sketch")))
    }
}

impl QuantileSketch {
    /// NaN is no number and is passed over.
    pub fn add(&mut self, value: f64) {
        if let Ok(value) = KllFloat::<f64>::new(value) {
            self.0.update(value);
        }
    }

    /// # Errors
    /// `INVALID_REQUEST` for more numbers than 64 bits count.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.0.merge(&other.0).map_err(|problem| error!(InvalidRequest, "the sketches cannot be merged: {problem}"))
    }

    pub fn count(&self) -> u64 {
        self.0.n()
    }

    /// Whether it still holds every number.
    pub fn is_exact(&self) -> bool {
        !self.0.is_estimation_mode()
    }

    /// By how much a share of the numbers is off at most, in 99 of 100 cases; 0 when it is exact.
    pub fn rank_error(&self) -> f64 {
        if self.is_exact() { 0.0 } else { self.0.normalized_rank_error() }
    }

    /// The share of the numbers that are smaller, or with `inclusive` not larger. `None` without numbers and for NaN.
    pub fn share_below(&self, value: f64, inclusive: bool) -> Option<f64> {
        let criteria = if inclusive { SearchCriteria::Inclusive } else { SearchCriteria::Exclusive };
        self.0.rank(&KllFloat::<f64>::new(value).ok()?, criteria)
    }

    /// By nearest rank: the smallest of the numbers that at least the share `q` does not exceed. Empty without numbers.
    pub fn quantiles(&self, shares: &[f64]) -> Vec<f64> {
        let found = self.0.quantiles(shares, SearchCriteria::Inclusive).ok().flatten().unwrap_or_default();
        found.into_iter().map(KllFloat::into_inner).collect()
    }

    pub fn min(&self) -> Option<f64> {
        self.0.min_item().map(|value| **value)
    }

    pub fn max(&self) -> Option<f64> {
        self.0.max_item().map(|value| **value)
    }

    /// The numbers it holds in ascending order, each with how many it stands for: where the distribution function steps, and how
    /// far.
    pub fn points(&self) -> Vec<(f64, u64)> {
        let mut points = match self.count() {
            0 => Vec::new(),
            1 => self.min().map(|value| (value, 1)).into_iter().collect(),
            _ => retained(&self.0.serialize()),
        };
        points.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
        points.dedup_by(|(value, weight), (kept, sum)| {
            let equal = *value == *kept;
            if equal {
                *sum += *weight;
            }
            equal
        });
        points
    }
}

/// The crate gives no access to what its sketch holds but as the bytes that all DataSketches libraries read: a number of level `l`
/// stands for two to the power of `l`.
fn retained(image: &[u8]) -> Vec<(f64, u64)> {
    let levels = usize::from(image[LEVEL_COUNT_AT]);
    let (offsets, items) = image[OFFSETS_AT..].split_at(4 * levels);
    let mut offsets: Vec<u32> =
        offsets.chunks_exact(4).map(bytemuck::pod_read_unaligned::<u32>).map(u32::from_le).collect();
    // The smallest and the largest number come first.
    let items = &items[16..];
    let first = offsets[0];
    offsets.push(first + (items.len() / 8) as u32);
    let level_of = |at: u32| offsets.partition_point(|offset| *offset <= at + first) - 1;
    let value = |bytes: &[u8]| f64::from_bits(u64::from_le(bytemuck::pod_read_unaligned(bytes)));
    items.chunks_exact(8).enumerate().map(|(at, bytes)| (value(bytes), 1 << level_of(at as u32))).collect()
}

impl From<QuantileSketch> for SketchImage {
    fn from(QuantileSketch(sketch): QuantileSketch) -> Self {
        Self(sketch.serialize())
    }
}

impl TryFrom<SketchImage> for QuantileSketch {
    type Error = Error;

    fn try_from(SketchImage(bytes): SketchImage) -> Result<Self> {
        let sketch = KllSketch::<KllFloat<f64>>::deserialize(&bytes)
            .map_err(|problem| error!(InvalidRequest, "no sketch of quantiles: {problem}"))?;
        let is_finite = |value: Option<&KllFloat<f64>>| value.is_none_or(|value| value.is_finite());
        if sketch.k() != K || !is_finite(sketch.min_item()) || !is_finite(sketch.max_item()) {
            return Err(error!(InvalidRequest, "no sketch of quantiles of finite numbers with k {K}"));
        }
        Ok(Self(sketch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers_are_exact() {
        let mut sketch = QuantileSketch::default();
        assert_eq!((sketch.quantiles(&[0.5]), sketch.share_below(1.0, true), sketch.points()), (vec![], None, vec![]));
        sketch.add(7.0);
        assert_eq!(sketch.points(), [(7.0, 1)]);
        [5.0, 1.0, 5.0, 3.0, f64::NAN].iter().for_each(|value| sketch.add(*value));
        assert_eq!((sketch.count(), sketch.is_exact(), sketch.rank_error()), (5, true, 0.0));
        assert_eq!(sketch.points(), [(1.0, 1), (3.0, 1), (5.0, 2), (7.0, 1)]);
        assert_eq!((sketch.share_below(5.0, false), sketch.share_below(5.0, true)), (Some(0.4), Some(0.8)));
        assert_eq!(sketch.quantiles(&[0.0, 0.5, 1.0]), [1.0, 5.0, 7.0]);
    }

    #[test]
    fn points_stand_for_all_numbers() {
        let mut sketch = QuantileSketch::default();
        (0..100_000).for_each(|at| sketch.add(f64::from(at)));
        let points = sketch.points();
        assert!(!sketch.is_exact() && points.len() < 2000);
        assert_eq!(points.iter().map(|(_, weight)| weight).sum::<u64>(), 100_000);
        let mut below = 0;
        for (value, weight) in points {
            assert_eq!(sketch.share_below(value, false), Some(below as f64 / 1e5));
            below += weight;
            assert_eq!(sketch.share_below(value, true), Some(below as f64 / 1e5));
        }
    }
}
