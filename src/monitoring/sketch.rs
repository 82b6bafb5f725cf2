//! Quantiles of a stream in little memory.

use super::bins::Bins;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

/// How values are put into bins.
pub trait Scale {
    /// The number of the bin of a value; larger values are in the same bin or a later one.
    fn bin(value: f64) -> u32;
    /// The value that stands for those of a bin.
    fn middle(bin: u32) -> f64;
}

/// Values of at least 0, within [`Relative::ERROR`] of themselves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Relative;

/// Bins are doubles without the lower bits of their fraction: 64 from a power of two to the next, whose middle is off by 1/128 at most.
const DROPPED_BITS: u32 = 52 - 6;
/// What is below counts as 0: of milliseconds, less than a nanosecond.
const LEAST: f64 = 1e-6;

impl Relative {
    /// A reported 100 stands for 99 to 101.
    pub const ERROR: f64 = 0.01;
}

impl Scale for Relative {
    fn bin(value: f64) -> u32 {
        if value < LEAST { 0 } else { (value.to_bits() >> DROPPED_BITS) as u32 }
    }

    fn middle(bin: u32) -> f64 {
        if bin == 0 { 0.0 } else { f64::from_bits(u64::from(bin) << DROPPED_BITS | 1 << (DROPPED_BITS - 1)) }
    }
}

/// Numbers of either sign, within [`Relative::ERROR`] of themselves. What is nearer to 0 than [`Signed::LEAST`] counts as 0, and what is
/// further than [`Signed::MOST`] as that far: a stream of any numbers has a bounded number of bins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signed;

/// That of 0: negative numbers are before it.
const ZERO_BIN: u32 = 1 << 17;

impl Signed {
    pub const LEAST: f64 = 1e-9;
    pub const MOST: f64 = 1e12;
}

impl Scale for Signed {
    fn bin(value: f64) -> u32 {
        let distance = value.abs().min(Self::MOST);
        let size = if distance < Self::LEAST { 0 } else { (distance.to_bits() >> DROPPED_BITS) as u32 };
        if value < 0.0 { ZERO_BIN - size } else { ZERO_BIN + size }
    }

    fn middle(bin: u32) -> f64 {
        if bin < ZERO_BIN { -Relative::middle(ZERO_BIN - bin) } else { Relative::middle(bin - ZERO_BIN) }
    }
}

/// Shares from 0 to 1, within [`Share::ERROR`]. What lies beyond counts as 0 or 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Share;

const SHARE_BINS: f64 = 500.0;

impl Share {
    /// A reported 0.5 stands for 0.499 to 0.501.
    pub const ERROR: f64 = 0.5 / SHARE_BINS;
}

impl Scale for Share {
    fn bin(value: f64) -> u32 {
        (value * SHARE_BINS).clamp(0.0, SHARE_BINS - 1.0) as u32
    }

    fn middle(bin: u32) -> f64 {
        (f64::from(bin) + 0.5) / SHARE_BINS
    }
}

/// How many values of a stream fall into which bin. Nothing depends on their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sketch<S> {
    bins: Bins,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(skip)]
    scale: PhantomData<S>,
}

impl<S: Scale> Sketch<S> {
    /// A finite value of the scale.
    pub fn add(&mut self, value: f64) {
        // One zero of two.
        let value = value + 0.0;
        self.bins.add(S::bin(value), 1);
        self.span(Some(value), Some(value));
    }

    pub fn merge(&mut self, other: &Self) {
        self.bins.merge(&other.bins);
        self.span(other.min, other.max);
    }

    fn span(&mut self, min: Option<f64>, max: Option<f64>) {
        self.min = self.min.into_iter().chain(min).reduce(f64::min);
        self.max = self.max.into_iter().chain(max).reduce(f64::max);
    }

    /// By nearest rank: the smallest value that at least the part `q` of all values does not exceed.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = (q * self.bins.total() as f64).ceil() as i64;
        let bin = self.bins.at_rank(rank)?;
        // No quantile lies outside the values, even by the error.
        Some(S::middle(bin).max(self.min?).min(self.max?))
    }

    /// The smallest and the largest value.
    pub fn range(&self) -> Option<(f64, f64)> {
        self.min.zip(self.max)
    }

    /// Whether it can be one that was written.
    pub fn is_sound(&self) -> bool {
        [self.min, self.max].iter().flatten().all(|value| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(values: &[f64]) -> Sketch<Relative> {
        let mut sketch = Sketch::default();
        values.iter().for_each(|value| sketch.add(*value));
        sketch
    }

    #[test]
    fn quantiles_are_of_the_nearest_rank_and_within_the_values() {
        for (values, q, expected) in [
            (&[7.0][..], 0.01, 7.0),
            (&[1.0, 2.0], 0.5, 1.0),
            (&[1.0, 2.0], 0.51, 2.0),
            (&[0.0, -0.0, 5.0], 0.6, 0.0),
            (&[1e-9], 0.5, 1e-9),
            (&[f64::MAX], 0.5, f64::MAX),
        ] {
            let found = sketch(values).quantile(q).unwrap();
            assert!((found - expected).abs() <= expected * Relative::ERROR, "{values:?}: {found}");
        }
        assert_eq!(Sketch::<Relative>::default().quantile(0.5), None);
    }

    #[test]
    fn shares_are_within_their_error() {
        let mut sketch = Sketch::<Share>::default();
        let values: Vec<f64> = (0..=1000).map(|at| f64::from(at) / 1000.0).collect();
        values.iter().rev().for_each(|value| sketch.add(*value));
        for (q, expected) in [(0.0, 0.0), (0.1, 0.1), (0.5, 0.5), (0.9, 0.9), (1.0, 1.0)] {
            assert!((sketch.quantile(q).unwrap() - expected).abs() <= Share::ERROR + 1e-12, "{q}");
        }
    }

    #[test]
    fn numbers_of_either_sign_are_within_their_error() {
        let mut sketch = Sketch::<Signed>::default();
        let mut values: Vec<f64> = (-500..=500).map(|at| f64::from(at) * f64::from(at).abs().powi(3) / 1e5).collect();
        values.iter().for_each(|value| sketch.add(*value));
        values.sort_by(f64::total_cmp);
        for q in [0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0] {
            let exact = values[((q * values.len() as f64).ceil() as usize).max(1) - 1];
            let found = sketch.quantile(q).unwrap();
            assert!((found - exact).abs() <= exact.abs() * Relative::ERROR, "{q}: {found}, exactly {exact}");
        }
        assert_eq!(sketch.range(), Some((values[0], values[1000])));
        let mut extreme = Sketch::<Signed>::default();
        [-f64::MAX, -1e-300, 1e-300, f64::MAX, f64::MIN_POSITIVE].iter().for_each(|value| extreme.add(*value));
        assert_eq!(extreme.quantile(0.5), Some(0.0));
        assert_eq!(extreme.range(), Some((-f64::MAX, f64::MAX)));
    }

    #[test]
    fn order_does_not_matter() {
        let values: Vec<f64> = (0..300).map(|at| f64::from(at * 7919 % 300) / 7.0).collect();
        let mut merged = sketch(&values[250..]);
        merged.merge(&sketch(&values[..100]));
        merged.merge(&sketch(&values[100..250]));
        assert_eq!(merged, sketch(&values));
        let bytes = rmp_serde::to_vec(&merged).unwrap();
        assert_eq!(rmp_serde::from_slice::<Sketch<Relative>>(&bytes).unwrap(), merged);
    }
}
