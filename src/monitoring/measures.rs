//! What a stream of inference events measures, in memory that does not grow with it.

use super::mean::Mean;
use super::outcome::Deviation;
use sketches_ddsketch::{Config, DDSketch};

/// The relative error of a quantile: a reported 100 ms stands for 99 to 101 ms.
pub const QUANTILE_RELATIVE_ERROR: f64 = 0.01;
/// Enough for every latency from a nanosecond to years at that error; beyond, the lowest would be merged.
const MAX_SKETCH_BINS: u32 = 4096;
/// Latencies below a nanosecond (in milliseconds) count as zero.
const MIN_LATENCY_MS: f64 = 1e-6;

/// What one event contributes.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventMeasures {
    /// Unix milliseconds.
    pub timestamp: f64,
    /// Milliseconds; none for a run that failed.
    pub latency_ms: Option<f64>,
    /// Within [0, 1]; the mean of the rows of a batch.
    pub confidence: Option<f64>,
    /// Whether ground truth arrived.
    pub has_feedback: bool,
    /// Whether the ground truth agrees with the prediction, where that is known.
    pub correct: Option<bool>,
    /// How far the numbers of a regression are from the true ones, where that is known.
    pub deviation: Option<Deviation>,
    pub failed: bool,
}

/// Counts and averages are exact, quantiles within [`QUANTILE_RELATIVE_ERROR`].
#[derive(Clone)]
pub struct Measures {
    pub count: u64,
    pub errors: u64,
    pub feedback: u64,
    pub compared: u64,
    pub correct: u64,
    pub regressed: u64,
    pub absolute_error: Mean,
    pub squared_error: Mean,
    pub signed_error: Mean,
    pub latency: Mean,
    pub confidence: Mean,
    pub latencies: DDSketch,
    pub first: Option<f64>,
    pub last: Option<f64>,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            count: 0,
            errors: 0,
            feedback: 0,
            compared: 0,
            correct: 0,
            regressed: 0,
            absolute_error: Mean::default(),
            squared_error: Mean::default(),
            signed_error: Mean::default(),
            latency: Mean::default(),
            confidence: Mean::default(),
            latencies: DDSketch::new(Config::new(QUANTILE_RELATIVE_ERROR, MAX_SKETCH_BINS, MIN_LATENCY_MS)),
            first: None,
            last: None,
        }
    }
}

impl Measures {
    pub fn add(&mut self, event: &EventMeasures) {
        self.count += 1;
        self.errors += u64::from(event.failed);
        self.feedback += u64::from(event.has_feedback);
        self.compared += u64::from(event.correct.is_some());
        self.correct += u64::from(event.correct == Some(true));
        if let Some(latency_ms) = event.latency_ms.filter(|latency_ms| latency_ms.is_finite() && *latency_ms >= 0.0) {
            self.latency.add(latency_ms);
            self.latencies.add(latency_ms);
        }
        if let Some(confidence) = event.confidence.filter(|confidence| confidence.is_finite()) {
            self.confidence.add(confidence);
        }
        if let Some(Deviation { count, mae, rmse, bias }) = event.deviation.filter(Deviation::is_sound) {
            self.regressed += u64::from(count);
            self.absolute_error.add_mean(mae, count);
            self.squared_error.add_mean(rmse * rmse, count);
            self.signed_error.add_mean(bias, count);
        }
        self.span(Some(event.timestamp), Some(event.timestamp));
    }

    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        self.feedback += other.feedback;
        self.compared += other.compared;
        self.correct += other.correct;
        self.regressed += other.regressed;
        self.absolute_error.merge(&other.absolute_error);
        self.squared_error.merge(&other.squared_error);
        self.signed_error.merge(&other.signed_error);
        self.latency.merge(&other.latency);
        self.confidence.merge(&other.confidence);
        // Merging fails only for sketches of different configuration, and there is one.
        self.latencies.merge(&other.latencies).unwrap_or_else(|_| unreachable!("all sketches are configured alike"));
        self.span(other.first, other.last);
    }

    fn span(&mut self, first: Option<f64>, last: Option<f64>) {
        self.first = self.first.into_iter().chain(first).reduce(f64::min);
        self.last = self.last.into_iter().chain(last).reduce(f64::max);
    }

    /// By nearest rank: the smallest value that at least the part `q` of all values does not exceed.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let count = self.latencies.count() as f64;
        // The sketch takes the value at q * (count - 1), rounded down.
        let rank = (q * count).ceil() - 1.0;
        let of_sketch = if count > 1.0 { ((rank + 0.25) / (count - 1.0)).min(1.0) } else { 0.0 };
        // No quantile lies outside the values, even by the relative error.
        let (min, max) = (self.latencies.min()?, self.latencies.max()?);
        Some(self.latencies.quantile(of_sketch).ok()??.clamp(min, max))
    }
}
