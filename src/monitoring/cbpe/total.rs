//! What adds up over rows: how many there are of a kind, and what predictions are worth.

use crate::error::{Result, error};
use crate::monitoring::estimate::{Estimate, Range, thresholds};
use serde::{Deserialize, Serialize};

/// Rows of one class that were taken for one.
pub const COUNT: Range = (0.0, f64::INFINITY);
/// What predictions are worth may be a loss.
pub const VALUE: Range = (f64::NEG_INFINITY, f64::INFINITY);

/// What is known of a total. Unlike a mean it grows with the rows, so its thresholds are of as many rows as chunks have.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Total {
    /// Of what a row adds.
    deviation: f64,
    /// Of chunks.
    thresholds: Option<(f64, f64)>,
}

impl Total {
    /// Of the standard deviation of what a row of the reference adds, and of totals of its chunks.
    pub fn of(deviation: f64, chunks: impl Iterator<Item = f64>, range: Range) -> Self {
        Self { deviation, thresholds: thresholds(chunks, range) }
    }

    /// `chunks` is to how many chunks thresholds are scaled.
    pub fn estimate(&self, value: Option<f64>, rows: usize, chunks: f64, range: Range) -> Estimate {
        let thresholds = self.thresholds.map(|(lower, upper)| (lower * chunks, upper * chunks));
        Estimate::of(value, self.deviation * (rows as f64).sqrt(), thresholds, range)
    }
}

/// What predictions are worth by their true and their predicted class, and what is known of that.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Worth {
    /// By the true class, and in that by the predicted one.
    values: Vec<f64>,
    total: Total,
}

impl Worth {
    /// # Errors
    /// `INVALID_REQUEST` unless `values` has a finite one for each true class and, in that, for each predicted one.
    pub fn of(values: &[f64], classes: usize, rows: &[(usize, usize)], chunk_rows: usize) -> Result<Self> {
        if values.len() != classes * classes || !values.iter().all(|value| value.is_finite()) {
            return Err(error!(
                InvalidRequest,
                "businessValue must have {classes} rows, one for each true class, of {classes} finite numbers, one for each predicted one"
            ));
        }
        let row = |(truth, predicted): &(usize, usize)| values[truth * classes + predicted];
        let mean = rows.iter().map(row).sum::<f64>() / rows.len() as f64;
        let squares: f64 = rows.iter().map(|of| (row(of) - mean) * (row(of) - mean)).sum();
        let chunks = rows.chunks(chunk_rows).map(|chunk| chunk.iter().map(row).sum());
        let total = Total::of((squares / rows.len() as f64).sqrt(), chunks, VALUE);
        Ok(Self { values: values.to_vec(), total })
    }

    /// Of a row: how probable each class is, and which one was predicted.
    pub fn value(&self, probabilities: impl ExactSizeIterator<Item = f64>, predicted: usize) -> f64 {
        let classes = probabilities.len();
        probabilities
            .enumerate()
            .map(|(class, probability)| probability * self.values[class * classes + predicted])
            .sum()
    }

    /// As [`Total::estimate`].
    pub fn estimate(&self, value: Option<f64>, rows: usize, chunks: f64) -> Estimate {
        self.total.estimate(value, rows, chunks, VALUE)
    }

    /// Whether it can be one of so many classes.
    pub fn is_sound(&self, classes: usize) -> bool {
        self.values.len() == classes * classes && self.values.iter().all(|value| value.is_finite())
    }
}

/// Of rows by their true and their predicted class, by the true class and in that by the predicted one.
pub fn confusion(classes: usize, rows: &[(usize, usize)], chunk_rows: usize) -> Vec<Total> {
    let cell = |(truth, predicted): &(usize, usize)| truth * classes + predicted;
    let counted = |rows: &[(usize, usize)]| {
        let mut counts = vec![0u32; classes * classes];
        rows.iter().for_each(|row| counts[cell(row)] += 1);
        counts
    };
    let (all, chunks) = (counted(rows), rows.chunks(chunk_rows).map(counted).collect::<Vec<_>>());
    let total = |(at, count): (usize, &u32)| {
        let share = f64::from(*count) / rows.len() as f64;
        Total::of((share * (1.0 - share)).sqrt(), chunks.iter().map(|counts| f64::from(counts[at])), COUNT)
    };
    all.iter().enumerate().map(total).collect()
}
