//! Confidence-based performance estimation, as NannyML defines it.

use super::isotonic::Isotonic;
use super::measure::{Cells, Measure, Measures, expected_average_precision};
use super::sampling::{Deviation, Seen, deviations};
use super::sums::{CbpeSums, ClassArea};
use super::total::{COUNT, Total, Worth, confusion};
use crate::error::{Result, error};
use crate::monitoring::estimate::{Estimate, Estimates, Range, thresholds};
use crate::monitoring::quality::{
    Binning, ScoreKind, ScoreTable, Scores, average_precision, calibration, check_classes, roc_auc,
};
use serde::{Deserialize, Serialize};

/// What a measure can be.
const RANGE: Range = (0.0, 1.0);
/// The name of what predictions are worth.
const BUSINESS_VALUE: &str = "businessValue";
/// With more classes it is not told which ones are taken for which.
const MAX_CONFUSED: usize = 50;
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
    /// What a prediction is worth, by the true class, and in that by the predicted one.
    pub business_value: Option<&'a [f64]>,
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
    chunk_rows: usize,
    worth: Option<Worth>,
    /// By the true class, and in that by the predicted one; only of rows, not of sums.
    #[serde(skip)]
    confusion: Vec<Total>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Estimated {
    class: usize,
    calibrator: Option<Isotonic>,
    deviations: Measures<Deviation>,
}

impl Cbpe {
    /// # Errors
    /// As of a classification, and `INVALID_REQUEST` for a reference of less than two chunks, and for values that are not one for each
    /// true and each predicted class.
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
        let pairs: Vec<_> =
            truth.iter().zip(predicted).map(|(truth, said)| (*truth as usize, *said as usize)).collect();
        let worth =
            reference.business_value.map(|values| Worth::of(values, classes, &pairs, chunk_rows)).transpose()?;
        let confusion = if classes <= MAX_CONFUSED { confusion(classes, &pairs, chunk_rows) } else { Vec::new() };
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
        let thresholds = std::array::from_fn(|at| thresholds(realised.iter().filter_map(|chunk| chunk[at]), RANGE));
        Ok(Self { classes, estimated, accuracy, thresholds, chunk_rows, worth, confusion })
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
        let mut counts = vec![0.0; self.confusion.len()];
        for (row, found) in calibrated.chunks_mut(self.estimated.len()).enumerate() {
            self.calibrate(|class| scores.at(row, class), found);
            self.add_calibrated(found, predicted[row] as usize, &mut sums);
            if !counts.is_empty() {
                let told = of_all_classes(found).enumerate();
                told.for_each(|(truth, probability)| counts[truth * classes + predicted[row] as usize] += probability);
            }
        }
        // Each row is of the class as probable as it is.
        let ranked = |at: usize| {
            let class = self.estimated[at].class;
            let calibrated = calibrated.iter().skip(at).step_by(self.estimated.len());
            calibrated.enumerate().map(move |(row, probability)| (scores.at(row, class), *probability))
        };
        let exact = |value: f64| ClassArea { value, error: None };
        let roc = |at: usize| {
            let parts = |(score, probability)| [(score, true, probability), (score, false, 1.0 - probability)];
            roc_auc(ranked(at).flat_map(parts)).map(exact)
        };
        let precision = |at: usize| expected_average_precision(ranked(at)).map(exact);
        let mut estimates = self.estimates_with(&sums, self.mean_area(roc), self.mean_area(precision), 1.0);
        let cell = |at: usize| self.confusion[at].estimate(Some(counts[at]), count, 1.0, COUNT);
        let row = |truth: usize| (0..classes).map(|predicted| cell(truth * classes + predicted)).collect();
        estimates.confusion = (!counts.is_empty()).then(|| (0..classes).map(row).collect());
        Ok(estimates)
    }

    /// The same of sums, in which areas under curves are known within a bound, and which class is taken for which is not. Thresholds of what
    /// predictions are worth are of as many rows as the sums have.
    pub fn estimates(&self, sums: &CbpeSums) -> Estimates {
        let (roc, precision) = (|at: usize| sums.roc_area(at), |at: usize| sums.average_precision(at));
        let chunks = sums.count as f64 / self.chunk_rows as f64;
        self.estimates_with(sums, self.mean_area(roc), self.mean_area(precision), chunks)
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
        self.classes >= 2
            && self.chunk_rows > 0
            && self.estimated.len() == count
            && self.estimated.iter().enumerate().all(is_sound)
            && self.worth.as_ref().is_none_or(|worth| worth.is_sound(self.classes))
    }

    fn add_calibrated(&self, calibrated: &[f64], predicted: usize, sums: &mut CbpeSums) {
        sums.count += 1;
        for ((estimated, cells), probability) in self.estimated.iter().zip(&mut sums.cells).zip(calibrated) {
            cells.add(*probability, predicted == estimated.class);
        }
        if self.classes > 2 {
            sums.right += calibrated[predicted];
        }
        if let Some(worth) = &self.worth {
            sums.worth += worth.value(of_all_classes(calibrated), predicted);
        }
    }

    /// `chunks` is to how many chunks thresholds of totals are scaled.
    fn estimates_with(
        &self,
        sums: &CbpeSums,
        roc: Option<ClassArea>,
        precision: Option<ClassArea>,
        chunks: f64,
    ) -> Estimates {
        let area = |measure: Measure| match measure {
            Measure::RocAuc => roc,
            Measure::AveragePrecision => precision,
            _ => None,
        };
        let value = |measure: Measure| match measure {
            Measure::RocAuc | Measure::AveragePrecision => area(measure).map(|area| area.value),
            Measure::Accuracy if self.classes > 2 => Some(sums.right / sums.count as f64),
            _ => mean(sums.cells.iter().map(|cells| cells.measure(measure))),
        };
        let estimates = Measure::ALL.into_iter().enumerate().map(|(at, measure)| {
            let estimate = self.judged(at, measure, value(measure).filter(|_| sums.count > 0), sums.count as usize);
            (measure.name(), Estimate { bound: area(measure).and_then(|area| area.error), ..estimate })
        });
        let worth = self.worth.iter().map(|worth| {
            let value = Some(sums.worth).filter(|_| sums.count > 0);
            (BUSINESS_VALUE, worth.estimate(value, sums.count as usize, chunks))
        });
        Estimates { count: sums.count, measures: estimates.chain(worth).collect(), confusion: None }
    }

    /// Of areas of the estimated classes; it is off by their errors' mean at most. `None` when one of them is.
    fn mean_area(&self, area: impl Fn(usize) -> Option<ClassArea>) -> Option<ClassArea> {
        let areas = (0..self.estimated.len()).map(area).collect::<Option<Vec<_>>>()?;
        Some(ClassArea {
            value: mean(areas.iter().map(|area| Some(area.value)))?,
            error: mean(areas.iter().map(|area| area.error)),
        })
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
        let variances = || self.estimated.iter().map(|class| class.deviations[at].variance(rows)).sum::<f64>();
        let error = match measure {
            Measure::Accuracy if classes > 1.0 => self.accuracy.variance(rows).sqrt(),
            // NannyML takes the mean of the variances here, as if classes were off together.
            Measure::AveragePrecision => (variances() / classes).sqrt(),
            _ => variances().sqrt() / classes,
        };
        let scale = if measure == Measure::RocAuc && classes > 1.0 { ROC_AUC_OF_MEANS } else { 1.0 };
        Estimate::of(value, error * scale, self.thresholds[at], RANGE)
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
            let rows = chunk.clone().map(|row| self.seen(row, class));
            match measure {
                Measure::RocAuc => return roc_auc(rows.map(|row| (row.score, row.is_true, 1.0))),
                Measure::AveragePrecision => {
                    return average_precision(rows.map(|row| (row.score, f64::from(u8::from(row.is_true)), 1.0)));
                }
                _ => {}
            }
            let mut cells = Cells::default();
            for Seen { is_true, is_predicted, .. } in rows {
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

/// The probability of each class, of those that are estimated.
fn of_all_classes(estimated: &[f64]) -> impl ExactSizeIterator<Item = f64> {
    let first = if let [second] = estimated { Some(1.0 - *second) } else { None };
    let count = estimated.len() + usize::from(first.is_some());
    (0..count).map(move |class| match (class, first) {
        (0, Some(first)) => first,
        (class, _) => estimated[class - usize::from(first.is_some())],
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
