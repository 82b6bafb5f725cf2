//! Confidence-based performance estimation, as NannyML defines it.

use super::isotonic::Isotonic;
use super::measure::{Cells, Measure, Measures};
use super::sampling::{Deviation, Seen, deviations};
use super::sums::{CbpeSums, ClassArea};
use crate::error::{Result, error};
use crate::monitoring::estimate::{Estimate, Estimates, thresholds};
use crate::monitoring::quality::{Binning, ScoreKind, ScoreTable, Scores, calibration, check_classes, roc_auc};
use serde::{Deserialize, Serialize};

/// What a measure can be at most.
const HIGHEST: f64 = 1.0;
/// With more classes the scores in sums are not ranked: that takes a histogram for each of them.
const MAX_RANKED: usize = 10;
/// The mean of the areas of classes is further off than their variances say, NannyML's experiments found.
const ROC_AUC_OF_MEANS: f64 = 1.2;
/// Parts of the reference on which it is tried whether calibration helps, and bins of the error that it is to lower.
const FOLDS: usize = 10;
const BINS: usize = 10;

/// Rows whose truth is known, with probabilities.
pub struct Reference<'a> {
    pub classes: usize,
    pub truth: &'a [u32],
    pub predicted: &'a [u32],
    /// As of [`Scores`].
    pub probabilities: &'a [f64],
    /// Thresholds are from the measures of chunks of so many rows.
    pub chunk_rows: usize,
    /// For each class; where it lowers the calibration error when it is not told.
    pub calibrate: Option<&'a [bool]>,
}

/// What is known of the reference, and estimates the quality of predictions whose truth is not known. Right while the probabilities
/// mean what they meant in the reference: where only inputs shift, and not to what the model has never seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cbpe {
    classes: usize,
    /// For each estimated class: the second of two, or all.
    estimated: Vec<Estimated>,
    /// Of whether the predicted class is right.
    accuracy: Deviation,
    thresholds: Measures<Option<(f64, f64)>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Estimated {
    class: usize,
    calibrator: Option<Isotonic>,
    deviations: Measures<Deviation>,
}

impl Cbpe {
    /// # Errors
    /// As of a classification, and `INVALID_REQUEST` for a reference of less than two chunks.
    pub fn fit(reference: &Reference) -> Result<Self> {
        let Reference { classes, truth, predicted, chunk_rows, .. } = *reference;
        check_classes(classes, truth, predicted)?;
        let scores = table(reference.probabilities, truth.len(), classes)?;
        if truth.len() < 2 * chunk_rows {
            return Err(error!(
                InvalidRequest,
                "the reference must have at least two chunks of {chunk_rows} rows, received {} rows",
                truth.len()
            ));
        }
        let rows = Rows { truth, predicted, scores };
        let is_binary = classes == 2;
        let estimated = if is_binary { 1..2 } else { 0..classes };
        let estimated: Vec<Estimated> = estimated
            .map(|class| {
                let seen: Vec<Seen> = (0..truth.len()).map(|row| rows.seen(row, class)).collect();
                let is_calibrated = reference.calibrate.map_or_else(|| calibration_helps(&seen), |told| told[class]);
                let calibrator = is_calibrated.then(|| Isotonic::fit(seen.iter().map(|row| (row.score, row.is_true))));
                Estimated { class, calibrator, deviations: deviations(&seen, is_binary) }
            })
            .collect();
        let right: Vec<Seen> = (0..truth.len()).map(|row| rows.is_right(row)).collect();
        let [accuracy, ..] = deviations(&right, false);
        let realised: Vec<_> =
            (0..truth.len()).step_by(chunk_rows).map(|start| rows.realised(start, chunk_rows, &estimated)).collect();
        let thresholds = std::array::from_fn(|at| thresholds(realised.iter().filter_map(|chunk| chunk[at]), HIGHEST));
        Ok(Self { classes, estimated, accuracy, thresholds })
    }

    /// # Errors
    /// `INVALID_REQUEST` for rows that are none of the classes, or have no probabilities.
    pub fn estimate(&self, predicted: &[u32], probabilities: &[f64]) -> Result<Estimates> {
        let (classes, count) = (self.classes, predicted.len());
        // What is true is not known: what was predicted stands for it.
        check_classes(classes, predicted, predicted)?;
        let scores = table(probabilities, count, classes)?;
        let mut sums = CbpeSums::new(self.estimated.len(), false);
        let mut calibrated = vec![0.0; count * self.estimated.len()];
        for (row, found) in calibrated.chunks_mut(self.estimated.len()).enumerate() {
            self.calibrate(|class| scores.at(row, class), found);
            self.add_calibrated(found, predicted[row] as usize, &mut sums);
        }
        let area = |at: usize| {
            let class = self.estimated[at].class;
            // Each row is of the class as probable as it is.
            let parts = |row: usize| {
                let (score, probability) = (scores.at(row, class), calibrated[row * self.estimated.len() + at]);
                [(score, true, probability), (score, false, 1.0 - probability)]
            };
            Some(ClassArea { value: roc_auc((0..count).flat_map(parts))?, error: None })
        };
        Ok(self.estimates_with(&sums, mean_area((0..self.estimated.len()).map(area))))
    }

    /// The same of sums, in which the area under the ROC curve is known within a bound.
    pub fn estimates(&self, sums: &CbpeSums) -> Estimates {
        self.estimates_with(sums, mean_area((0..self.estimated.len()).map(|at| sums.area(at))))
    }

    /// Sums of no rows, with the scores of a few classes ranked.
    pub fn no_sums(&self) -> CbpeSums {
        CbpeSums::new(self.estimated.len(), self.classes <= MAX_RANKED)
    }

    /// Adds a row: the probability of each class, and the position of the predicted one. `calibrated` is memory for it.
    pub fn add(&self, probabilities: &[f64], predicted: usize, calibrated: &mut Vec<f64>, sums: &mut CbpeSums) {
        calibrated.resize(self.estimated.len(), 0.0);
        self.calibrate(|class| probabilities[class], calibrated);
        self.add_calibrated(calibrated, predicted, sums);
        let ranked = self.estimated.iter().zip(calibrated.iter()).enumerate();
        ranked.for_each(|(at, (estimated, probability))| sums.rank(at, probabilities[estimated.class], *probability));
    }

    pub const fn classes(&self) -> usize {
        self.classes
    }

    /// For each class that is estimated, whether it is calibrated.
    pub fn calibrated(&self) -> Vec<bool> {
        self.estimated.iter().map(|estimated| estimated.calibrator.is_some()).collect()
    }

    /// Whether it can be one that was fitted.
    pub fn is_sound(&self) -> bool {
        let count = if self.classes == 2 { 1 } else { self.classes };
        let is_sound = |(at, estimated): (usize, &Estimated)| {
            estimated.class == if count == 1 { 1 } else { at }
                && estimated.calibrator.as_ref().is_none_or(Isotonic::is_sound)
        };
        self.classes >= 2 && self.estimated.len() == count && self.estimated.iter().enumerate().all(is_sound)
    }

    fn add_calibrated(&self, calibrated: &[f64], predicted: usize, sums: &mut CbpeSums) {
        sums.count += 1;
        for ((estimated, cells), probability) in self.estimated.iter().zip(&mut sums.cells).zip(calibrated) {
            cells.add(*probability, predicted == estimated.class);
        }
        if self.classes > 2 {
            sums.right += calibrated[predicted];
        }
    }

    fn estimates_with(&self, sums: &CbpeSums, area: Option<ClassArea>) -> Estimates {
        let value = |measure: Measure| match measure {
            Measure::RocAuc => area.map(|area| area.value),
            Measure::Accuracy if self.classes > 2 => Some(sums.right / sums.count as f64),
            _ => mean(sums.cells.iter().map(|cells| cells.measure(measure))),
        };
        let estimates = Measure::ALL.into_iter().enumerate().map(|(at, measure)| {
            let mut estimate = self.judged(at, measure, value(measure).filter(|_| sums.count > 0), sums.count as usize);
            if measure == Measure::RocAuc {
                estimate.bound = area.and_then(|area| area.error);
            }
            (measure.name(), estimate)
        });
        Estimates { count: sums.count, measures: estimates.collect() }
    }

    /// The probabilities of the estimated classes of a row; those of more than two add up to 1.
    fn calibrate(&self, score: impl Fn(usize) -> f64, found: &mut [f64]) {
        for (Estimated { class, calibrator, .. }, found) in self.estimated.iter().zip(found.iter_mut()) {
            let score = score(*class);
            *found = calibrator.as_ref().map_or(score, |calibrator| calibrator.at(score));
        }
        if found.len() == 1 {
            return;
        }
        let (sum, count) = (found.iter().sum::<f64>(), found.len() as f64);
        // Otherwise every class is thought to be impossible.
        found.iter_mut().for_each(|found| *found = if sum > 0.0 { *found / sum } else { 1.0 / count });
    }

    fn judged(&self, at: usize, measure: Measure, value: Option<f64>, rows: usize) -> Estimate {
        let classes = self.estimated.len() as f64;
        let error = match measure {
            Measure::Accuracy if classes > 1.0 => self.accuracy.variance(rows).sqrt(),
            _ => self.estimated.iter().map(|class| class.deviations[at].variance(rows)).sum::<f64>().sqrt() / classes,
        };
        let scale = if measure == Measure::RocAuc && classes > 1.0 { ROC_AUC_OF_MEANS } else { 1.0 };
        Estimate::of(value, error * scale, self.thresholds[at], HIGHEST)
    }
}

fn table(probabilities: &[f64], rows: usize, classes: usize) -> Result<ScoreTable<'_>> {
    ScoreTable::of(Scores { kind: ScoreKind::Probabilities, values: probabilities }, rows, classes)
}

/// Rows whose truth is known.
struct Rows<'a> {
    truth: &'a [u32],
    predicted: &'a [u32],
    scores: ScoreTable<'a>,
}

impl Rows<'_> {
    fn seen(&self, row: usize, class: usize) -> Seen {
        let (is_predicted, is_true) = (self.predicted[row] as usize == class, self.truth[row] as usize == class);
        Seen { score: self.scores.at(row, class), is_predicted, is_true }
    }

    /// A row whose class is right or wrong, whichever it is.
    fn is_right(&self, row: usize) -> Seen {
        Seen { score: 0.0, is_predicted: true, is_true: self.truth[row] == self.predicted[row] }
    }

    /// The measures of a chunk.
    fn realised(&self, start: usize, rows: usize, estimated: &[Estimated]) -> Measures<Option<f64>> {
        let chunk = start..(start + rows).min(self.truth.len());
        let of_class = |class: usize, measure: Measure| {
            if measure == Measure::RocAuc {
                let row = |row| self.seen(row, class);
                return roc_auc(chunk.clone().map(row).map(|row| (row.score, row.is_true, 1.0)));
            }
            let mut cells = Cells::default();
            for Seen { is_true, is_predicted, .. } in chunk.clone().map(|row| self.seen(row, class)) {
                cells.add(f64::from(u8::from(is_true)), is_predicted);
            }
            cells.measure(measure)
        };
        Measure::ALL.map(|measure| {
            if measure == Measure::Accuracy {
                let right = chunk.clone().filter(|row| self.truth[*row] == self.predicted[*row]).count();
                return Some(right as f64 / chunk.len() as f64);
            }
            mean(estimated.iter().map(|estimated| of_class(estimated.class, measure)))
        })
    }
}

/// Of areas of classes; it is off by their errors' mean at most. `None` when one of them is.
fn mean_area(areas: impl ExactSizeIterator<Item = Option<ClassArea>>) -> Option<ClassArea> {
    let areas = areas.collect::<Option<Vec<_>>>()?;
    Some(ClassArea {
        value: mean(areas.iter().map(|area| Some(area.value)))?,
        error: mean(areas.iter().map(|area| area.error)),
    })
}

/// `None` when one of the values is.
fn mean(values: impl ExactSizeIterator<Item = Option<f64>>) -> Option<f64> {
    let count = values.len() as f64;
    values.sum::<Option<f64>>().map(|sum| sum / count)
}

/// Whether the expected calibration error is lower with calibration than without, on rows that it was not fitted to: each tenth row in
/// turn, so that the answer does not depend on chance.
fn calibration_helps(rows: &[Seen]) -> bool {
    let is_in = |fold: usize, row: usize| row % FOLDS == fold;
    let numbered = || rows.iter().enumerate();
    let mut calibrated = Vec::with_capacity(rows.len());
    for fold in 0..FOLDS {
        let others = numbered().filter(|(at, _)| !is_in(fold, *at));
        let calibrator = Isotonic::fit(others.map(|(_, row)| (row.score, row.is_true)));
        let held_out = numbered().filter(|(at, _)| is_in(fold, *at));
        calibrated.extend(held_out.map(|(_, row)| (calibrator.at(row.score), row.is_true, 1.0)));
    }
    let error = |rows: Vec<(f64, bool, f64)>| calibration(rows.into_iter(), Binning::EqualWidth(BINS)).ece;
    error(calibrated) < error(rows.iter().map(|row| (row.score, row.is_true, 1.0)).collect())
}
