//! What probabilities were worth.

use crate::monitoring::bins::Bins;
use crate::monitoring::quality::{Calibration, Penalties, ReliabilityBin, bin_of};
use crate::statistics::ExactSum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bins of the reliability table, all of the same width.
const BINS: usize = 10;

/// Sums over rows. What is added can be taken away again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProbabilitySums {
    log_loss: ExactSum,
    brier: ExactSum,
    /// Rows by the bin of their largest probability, those of them whose class is right, and the sums of these probabilities.
    counts: Bins,
    right: Bins,
    confidence: BTreeMap<u32, ExactSum>,
}

impl ProbabilitySums {
    /// A row: its penalties, its largest probability, and whether that class is the true one.
    pub fn add(&mut self, penalties: Penalties, largest: f64, is_right: bool) {
        let bin = bin_of(largest, BINS) as u32;
        self.log_loss.add(penalties.log_loss);
        self.brier.add(penalties.brier);
        self.counts.add(bin, 1);
        if is_right {
            self.right.add(bin, 1);
        }
        self.confidence.entry(bin).or_default().add(largest);
    }

    pub fn merge_times(&mut self, other: &Self, times: i64) {
        self.log_loss.merge_times(&other.log_loss, times);
        self.brier.merge_times(&other.brier, times);
        self.counts.merge_times(&other.counts, times);
        self.right.merge_times(&other.right, times);
        for (bin, sum) in &other.confidence {
            self.confidence.entry(*bin).or_default().merge_times(sum, times);
        }
        self.confidence.retain(|_, sum| !sum.is_zero());
    }

    /// Rows.
    pub fn count(&self) -> i64 {
        self.counts.total()
    }

    /// The mean of -ln(probability of the true class).
    pub fn log_loss(&self) -> f64 {
        self.log_loss.value() / self.count() as f64
    }

    /// As [`crate::monitoring::quality::ScoringRules::brier`].
    pub fn brier(&self) -> f64 {
        self.brier.value() / self.count() as f64
    }

    pub fn calibration(&self) -> Calibration {
        let rows = self.counts.iter().filter(|(_, count)| *count > 0);
        Calibration::of(rows.map(|(bin, count)| self.bin(bin, count)).collect())
    }

    fn bin(&self, bin: u32, count: i64) -> ReliabilityBin {
        let weight = count as f64;
        let edge = |bin: u32| f64::from(bin) / BINS as f64;
        ReliabilityBin {
            lower: edge(bin),
            upper: edge(bin + 1),
            count: count as u64,
            weight,
            mean_confidence: self.confidence.get(&bin).map_or(0.0, ExactSum::value) / weight,
            accuracy: self.right.count(bin) as f64 / weight,
        }
    }

    /// Whether they can be some that were written.
    pub fn is_sound(&self) -> bool {
        let bins =
            self.counts.iter().chain(self.right.iter()).map(|(bin, _)| bin).chain(self.confidence.keys().copied());
        bins.into_iter().all(|bin| (bin as usize) < BINS)
    }
}
