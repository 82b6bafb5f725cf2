//! Direct loss estimation, as NannyML defines it, with trees of our own for the loss of a row.

use super::measure::{Loss, Losses, Measure};
use super::trees::{Table, Trees};
use crate::error::{Result, error};
use crate::monitoring::estimate::{Estimate, Estimates, Range, thresholds};
use serde::{Deserialize, Serialize};

/// No mean of losses is below 0.
const RANGE: Range = (0.0, f64::INFINITY);

/// Rows whose truth is known.
pub struct Reference<'a> {
    pub predicted: &'a [f64],
    pub truth: &'a [f64],
    /// Row by row, as many of each; without any only losses that are told can be estimated.
    pub features: Option<&'a [f64]>,
    /// Thresholds are from the measures of chunks of so many rows.
    pub chunk_rows: usize,
}

/// What is known of the reference, and estimates how far off predictions are whose truth is not known. Right while rows like those of the
/// reference are as far off as they were there: where only inputs shift, and not to what the reference does not have.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dle {
    /// Features of a row, and its prediction; none where nothing was fitted.
    columns: usize,
    losses: Losses<Option<Known>>,
    thresholds: [Option<(f64, f64)>; Measure::ALL.len()],
}

/// What the losses of rows add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct DleSums {
    pub count: u64,
    losses: Losses<f64>,
}

impl DleSums {
    /// Adds those of other rows.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.losses.iter_mut().zip(other.losses).for_each(|(sum, other)| *sum += other);
    }
}

/// Of one loss.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    mean: f64,
    deviation: f64,
    trees: Option<Trees>,
}

impl Dle {
    /// # Errors
    /// `INVALID_REQUEST` for columns of different lengths, numbers that are not finite, and a reference of less than two chunks.
    pub fn fit(reference: &Reference) -> Result<Self> {
        let Reference { predicted, truth, features, chunk_rows } = *reference;
        check(truth, "truth", truth.len())?;
        check(predicted, "predicted", truth.len())?;
        let rows = truth.len();
        if rows < 2 * chunk_rows {
            return Err(error!(
                InvalidRequest,
                "the reference must have at least two chunks of {chunk_rows} rows, received {rows} rows"
            ));
        }
        let features = features.map(|features| with_predicted(features, predicted)).transpose()?;
        let columns = features.as_ref().map_or(0, |features| features.len() / rows);
        let of_rows = |loss: fn(Loss, f64, f64) -> Option<f64>, of: Loss| -> Option<Vec<f64>> {
            predicted.iter().zip(truth).map(|(predicted, truth)| loss(of, *predicted, *truth)).collect()
        };
        let realised = Loss::ALL.map(|loss| of_rows(Loss::of, loss));
        let losses = std::array::from_fn(|at| {
            let values = realised[at].as_ref()?;
            let trees = features.as_deref().map(|values_of| Trees::fit(Table { columns, values: values_of }, values));
            let deviation = deviation(&of_rows(Loss::scattered, Loss::ALL[at])?);
            Some(Known { mean: mean(values), deviation, trees })
        });
        let thresholds = Measure::ALL.map(|measure| {
            let chunks = realised[measure.loss as usize].as_ref()?.chunks(chunk_rows);
            thresholds(chunks.map(|chunk| measure.value(mean(chunk))), RANGE)
        });
        Ok(Self { columns, losses, thresholds })
    }

    /// # Errors
    /// `INVALID_REQUEST` for rows of other features than the reference had, and for numbers that are not finite.
    pub fn estimate(&self, features: &[f64], predicted: &[f64]) -> Result<Estimates> {
        check(predicted, "predicted", predicted.len())?;
        if self.columns == 0 {
            return Err(error!(InvalidRequest, "the reference had no features: losses have to be told"));
        }
        let values = with_predicted(features, predicted)?;
        if values.len() != predicted.len() * self.columns {
            let (expected, received) = (self.columns - 1, features.len() / predicted.len());
            return Err(error!(InvalidRequest, "each row must have {expected} features, received {received}"));
        }
        let mut sums = DleSums::default();
        values.chunks(self.columns).for_each(|row| self.add(row, &mut sums));
        Ok(self.estimates(&sums))
    }

    /// Of losses of rows that something else has estimated. Those that are missing are not answered.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for columns of different lengths, and numbers that are not finite.
    pub fn estimate_from(&self, losses: Losses<Option<&[f64]>>) -> Result<Estimates> {
        let rows = losses.iter().flatten().next().map_or(0, |losses| losses.len());
        for losses in losses.iter().flatten() {
            check(losses, "losses", rows)?;
        }
        if rows == 0 {
            return Err(error!(InvalidRequest, "there must be at least one row"));
        }
        Ok(self.judged(losses.map(|losses| Some(losses?.iter().map(|loss| loss.max(0.0)).sum())), rows))
    }

    /// Adds the losses of a row: its features, and its prediction. No loss is below 0.
    pub fn add(&self, row: &[f64], sums: &mut DleSums) {
        sums.count += 1;
        let trees = self.losses.iter().map(|known| known.as_ref()?.trees.as_ref());
        for (sum, trees) in sums.losses.iter_mut().zip(trees) {
            *sum += trees.map_or(0.0, |trees| trees.at(row).max(0.0));
        }
    }

    pub fn estimates(&self, sums: &DleSums) -> Estimates {
        self.judged(sums.losses.map(Some), sums.count as usize)
    }

    /// Features of a row and its prediction: none where nothing was fitted.
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Whether it can be one that was fitted to features.
    pub fn is_sound(&self) -> bool {
        let trees = self.losses.iter().flatten().map(|known| known.trees.as_ref());
        self.columns > 0 && trees.into_iter().all(|trees| trees.is_some_and(|trees| trees.is_sound(self.columns)))
    }

    fn judged(&self, sums: Losses<Option<f64>>, rows: usize) -> Estimates {
        let measures = Measure::ALL.iter().zip(&self.thresholds).filter_map(|(measure, thresholds)| {
            let known = self.losses[measure.loss as usize].as_ref()?;
            let value = sums[measure.loss as usize].map(|sum| measure.value(sum / rows as f64))?;
            let error = known.deviation / (rows as f64).sqrt();
            // To the first order, at the mean of the reference.
            let error = if measure.is_root { error / (2.0 * known.mean.sqrt()) } else { error };
            Some((measure.name, Estimate::of(Some(value).filter(|_| rows > 0), error, *thresholds, RANGE)))
        });
        Estimates { count: rows as u64, measures: measures.collect(), confusion: None }
    }
}

/// The features of each row, and behind them its prediction.
fn with_predicted(features: &[f64], predicted: &[f64]) -> Result<Vec<f64>> {
    let rows = predicted.len();
    if !features.len().is_multiple_of(rows) {
        return Err(error!(InvalidRequest, "{} features are not as many for each of {rows} rows", features.len()));
    }
    let columns = features.len() / rows;
    let row = |at: usize| features[at * columns..(at + 1) * columns].iter().chain(&predicted[at..=at]);
    Ok((0..rows).flat_map(row).copied().collect())
}

fn check(numbers: &[f64], name: &str, rows: usize) -> Result<()> {
    if numbers.is_empty() {
        return Err(error!(InvalidRequest, "there must be at least one row"));
    }
    if numbers.len() != rows {
        return Err(error!(
            InvalidRequest,
            "{name} must have {rows} items, one for each row; received {}",
            numbers.len()
        ));
    }
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(at) => Err(error!(InvalidRequest, "{name}[{at}] must be a finite number, received {}", numbers[at])),
        None => Ok(()),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64).sqrt()
}
