//! The number of distinct values of a stream in memory that does not grow with it.

use super::sketch_image::SketchImage;
use crate::error::{Error, Result, error};
use datasketches::common::NumStdDev;
use datasketches::hll::{HllSketch, HllType, HllUnion};
use serde::{Deserialize, Serialize};

/// 2,048 registers of a byte: a standard error of 2 %.
const LG_K: u8 = 11;
const REGISTERS: usize = 1 << LG_K;
/// What the serialized form has before its registers, and where in it: <https://datasketches.apache.org/docs/HLL/HllSketches.html>.
const PREAMBLE_BYTES: usize = 40;
const LG_K_AT: usize = 3;
const MODE_AT: usize = 7;
const ESTIMATES_AT: usize = 8;
const ZEROS_AT: usize = 32;
/// The lowest bits of the mode: registers instead of a list.
const REGISTERS_MODE: u8 = 2;
/// A hash has as many bits to be zero.
const MAX_REGISTER: u8 = 63;

/// How many distinct values there are, and the bounds of that, which hold in 95 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distinct {
    pub estimate: f64,
    pub lower: f64,
    pub upper: f64,
}

impl Distinct {
    pub fn exactly(count: usize) -> Self {
        let count = count as f64;
        Self { estimate: count, lower: count, upper: count }
    }
}

/// A HyperLogLog sketch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "SketchImage", try_from = "SketchImage")]
pub struct DistinctSketch(HllSketch);

impl Default for DistinctSketch {
    fn default() -> Self {
        Self(HllSketch::new(LG_K, HllType::Hll8).unwrap_or_else(|_| unreachable!("LG_K is in the range of the sketch")))
    }
}

impl DistinctSketch {
    pub fn add_number(&mut self, value: f64) {
        // Both zeros are one.
        self.0.update((value + 0.0).to_bits());
    }

    pub fn add_text(&mut self, text: &str) {
        self.0.update(text);
    }

    pub fn merge(&mut self, other: &Self) {
        let mut union = HllUnion::new(LG_K).unwrap_or_else(|_| unreachable!("LG_K is in the range of the union"));
        union.update(&self.0);
        union.update(&other.0);
        self.0 = union.to_sketch(HllType::Hll8);
    }

    pub fn distinct(&self) -> Distinct {
        let (lower, upper) = (self.0.lower_bound(NumStdDev::Two), self.0.upper_bound(NumStdDev::Two));
        Distinct { estimate: self.0.estimate(), lower, upper }
    }
}

impl From<DistinctSketch> for SketchImage {
    fn from(DistinctSketch(sketch): DistinctSketch) -> Self {
        Self(sketch.serialize())
    }
}

impl TryFrom<SketchImage> for DistinctSketch {
    type Error = Error;

    /// The crate believes what the bytes say of their registers; here it has to be true.
    fn try_from(SketchImage(bytes): SketchImage) -> Result<Self> {
        let refused =
            |problem: &dyn std::fmt::Display| error!(InvalidRequest, "no sketch of distinct values: {problem}");
        if bytes.get(LG_K_AT) != Some(&LG_K) {
            return Err(refused(&format_args!("it does not have {REGISTERS} registers")));
        }
        if bytes.get(MODE_AT).is_some_and(|mode| mode & 3 == REGISTERS_MODE) {
            let registers = bytes.get(PREAMBLE_BYTES..).unwrap_or_default();
            if registers.len() != REGISTERS || registers.iter().any(|register| *register > MAX_REGISTER) {
                return Err(refused(&"its registers are broken"));
            }
            let zeros = registers.iter().filter(|register| **register == 0).count();
            if bytes[ZEROS_AT..][..4] != (zeros as u32).to_le_bytes() {
                return Err(refused(&"its registers are miscounted"));
            }
            let estimates: [[u8; 8]; 3] = bytemuck::pod_read_unaligned(&bytes[ESTIMATES_AT..ZEROS_AT]);
            if estimates.iter().any(|value| !f64::from_le_bytes(*value).is_finite()) {
                return Err(refused(&"its estimates are no numbers"));
            }
        }
        let sketch = HllSketch::deserialize(&bytes).map_err(|problem| refused(&problem))?;
        if sketch.target_type() != HllType::Hll8 {
            return Err(refused(&"its registers have another size"));
        }
        Ok(Self(sketch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_sketches_count_what_both_saw() {
        let (mut one, mut other) = (DistinctSketch::default(), DistinctSketch::default());
        (0..30_000).for_each(|at| one.add_number(f64::from(at)));
        (20_000..50_000).for_each(|at| other.add_number(f64::from(at)));
        one.merge(&other);
        let Distinct { estimate, lower, upper } = one.distinct();
        // Four standard errors: the hash is fixed, and so is what it gives.
        assert!((estimate - 50_000.0).abs() < 4000.0 && lower < estimate && estimate < upper);
        let mut texts = DistinctSketch::default();
        ["a", "b", "a"].iter().for_each(|text| texts.add_text(text));
        assert_eq!(texts.distinct().estimate.round(), 2.0);
    }
}
