//! What estimates are made of: sums over rows that merge, whatever threads, nodes and times they are of.

use super::measure::Cells;
use crate::monitoring::realised::{Area, LAST_BIN, score_bin, weighted_average_precision, weighted_roc_area};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bins of realised scores that are one here: a histogram is held for each class of each model, and they are small.
const WIDTH: u32 = 4;
const BINS: usize = (LAST_BIN / WIDTH) as usize + 1;

/// Sums over rows of one estimator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CbpeSums {
    /// Rows.
    pub count: u64,
    /// Of more than two classes: the probabilities of those that were predicted.
    pub(super) right: f64,
    /// What they are worth; 0 where nobody told that.
    pub(super) worth: f64,
    /// Of each estimated class.
    pub(super) cells: Vec<Cells>,
    /// The same; none where scores are not ranked.
    ranks: Vec<Ranks>,
}

/// Of one class: for each bin of raw scores how probable the class is, and how probable it is not, added up.
#[derive(Debug, Clone)]
struct Ranks(Box<[[f64; 2]]>);

/// The area under a curve, and how far it may be off where it is of bins.
#[derive(Debug, Clone, Copy)]
pub struct ClassArea {
    pub value: f64,
    pub error: Option<f64>,
}

impl CbpeSums {
    pub(super) fn new(estimated: usize, is_ranked: bool) -> Self {
        let ranks = if is_ranked { vec![Ranks(vec![[0.0; 2]; BINS].into()); estimated] } else { Vec::new() };
        Self { count: 0, right: 0.0, worth: 0.0, cells: vec![Cells::default(); estimated], ranks }
    }

    /// Adds those of other rows, which are of the same estimator; false when they cannot be.
    pub fn merge(&mut self, other: &Self) -> bool {
        if (self.cells.len(), self.ranks.len()) != (other.cells.len(), other.ranks.len()) {
            return false;
        }
        self.count += other.count;
        self.right += other.right;
        self.worth += other.worth;
        self.cells.iter_mut().zip(&other.cells).for_each(|(own, other)| own.merge(other));
        let bins = self.ranks.iter_mut().zip(&other.ranks).flat_map(|(own, other)| own.0.iter_mut().zip(&other.0));
        for (own, other) in bins {
            own[0] += other[0];
            own[1] += other[1];
        }
        true
    }

    pub(super) fn rank(&mut self, at: usize, score: f64, probability: f64) {
        if let Some(Ranks(bins)) = self.ranks.get_mut(at) {
            let bin = &mut bins[(score_bin(score.clamp(0.0, 1.0)) / WIDTH) as usize];
            bin[0] += probability;
            bin[1] += 1.0 - probability;
        }
    }

    /// Under the ROC curve.
    pub(super) fn roc_area(&self, at: usize) -> Option<ClassArea> {
        self.area(at, weighted_roc_area)
    }

    pub(super) fn average_precision(&self, at: usize) -> Option<ClassArea> {
        self.area(at, weighted_average_precision)
    }

    /// Of the rows of the class and the others, by bin.
    fn area(&self, at: usize, of: fn(&[(u32, f64)], &[(u32, f64)]) -> Option<Area>) -> Option<ClassArea> {
        let Ranks(bins) = self.ranks.get(at)?;
        let side = |side: usize| -> Vec<(u32, f64)> {
            let numbered = bins.iter().enumerate().map(|(bin, weights)| (bin as u32, weights[side]));
            numbered.filter(|(_, weight)| *weight > 0.0).collect()
        };
        let Area { value, error } = of(&side(0), &side(1))?;
        Some(ClassArea { value, error: Some(error) })
    }
}

impl Serialize for Ranks {
    /// Without the bins that nothing fell into.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbered = self.0.iter().enumerate().filter(|(_, weights)| **weights != [0.0; 2]);
        let bins: Vec<(u32, f64, f64)> = numbered.map(|(bin, weights)| (bin as u32, weights[0], weights[1])).collect();
        bins.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Ranks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bins = vec![[0.0; 2]; BINS];
        for (bin, positive, negative) in Vec::<(u32, f64, f64)>::deserialize(deserializer)? {
            let place = bins.get_mut(bin as usize).ok_or_else(|| D::Error::custom("a bin that there is not"))?;
            *place = [positive, negative];
        }
        Ok(Self(bins.into()))
    }
}
