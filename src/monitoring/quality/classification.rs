//! Classifications: which classes are taken for which, and what the scores are worth.

use super::calibration::{Binning, Calibration, calibration};
use super::confusion::{Averages, ClassMeasures, ConfusionMatrix, macro_averages, macro_averages_of_defined};
use super::ranking::{Ranking, RocAuc, RocAverages};
use super::rows::{Weights, check_length, check_not_empty};
use super::scores::{ScoreTable, Scores};
use super::scoring_rules::{Penalties, ScoringRules};
use crate::error::{Result, error};
use serde::Serialize;

/// The confusion matrix has the square of this many cells.
pub const MAX_CLASSES: usize = 1000;

/// Rows, with classes as positions from 0 to below `classes`.
pub struct ClassificationRows<'a> {
    pub classes: usize,
    pub truth: &'a [u32],
    pub predicted: &'a [u32],
    pub scores: Option<Scores<'a>>,
    pub weights: Option<&'a [f64]>,
    pub binning: Binning,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassificationQuality {
    /// Rows.
    pub count: u64,
    /// The sum of the weights.
    pub weight: f64,
    /// The share of rows whose class is right.
    pub accuracy: f64,
    /// Weights of rows: a row for each true class, a column for each predicted one.
    pub confusion_matrix: Vec<Vec<f64>>,
    pub per_class: Vec<ClassQuality>,
    /// Means over all classes; what is undefined counts as 0.
    #[serde(rename = "macro")]
    pub averages: Averages,
    /// Means over the classes for which a measure is defined.
    pub macro_of_defined: Averages,
    /// With scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roc_auc: Option<RocAuc>,
    /// With scores: means over the classes, of which the plain one is undefined where a class has no rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_precision: Option<RocAverages>,
    #[serde(flatten)]
    pub probabilistic: Option<Probabilistic>,
}

/// A class against all others.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassQuality {
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    /// The weights of the rows whose true class it is.
    pub support: f64,
    /// Those of precision, recall and f1 that would divide by 0, and are 0 instead.
    pub undefined: Vec<&'static str>,
    /// With scores; `None` within where no row, or every row, is of the class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roc_auc: Option<Option<f64>>,
    /// With scores; `None` within where no row is of the class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_precision: Option<Option<f64>>,
    /// With probabilities: of the probability of the class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

/// What only probabilities tell.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probabilistic {
    /// The mean of -ln(probability of the true class), which is clipped at 2.2e-16.
    pub log_loss: f64,
    /// The mean of (p - y)² for the second of two classes; with more, of its sum over the classes.
    pub brier: f64,
    /// Of the largest probability, and whether its class is true.
    pub calibration: Calibration,
    /// The mean of the expected calibration errors of the classes.
    pub classwise_ece: f64,
}

/// The quality of a classification.
///
/// # Errors
/// `INVALID_REQUEST` when lists differ in length or are empty, for a class that is none of the classes, scores that are not finite,
/// probabilities that are none, and a weight below 0; `TOO_LARGE` for more than [`MAX_CLASSES`] classes.
pub fn classification(rows: &ClassificationRows) -> Result<ClassificationQuality> {
    let ClassificationRows { classes, truth, predicted, .. } = *rows;
    check_classes(classes, truth, predicted)?;
    let weights = Weights::of(rows.weights, truth.len())?;
    let scores = rows.scores.map(|scores| ScoreTable::of(scores, truth.len(), classes)).transpose()?;

    let mut matrix = ConfusionMatrix::new(classes);
    for (row, (truth, predicted)) in truth.iter().zip(predicted).enumerate() {
        matrix.add(*truth as usize, *predicted as usize, weights.at(row));
    }
    let measures = matrix.by_class();
    let mut quality = ClassificationQuality {
        count: truth.len() as u64,
        weight: matrix.weight(),
        accuracy: matrix.accuracy(),
        confusion_matrix: matrix.rows(),
        per_class: measures.iter().map(ClassQuality::of).collect(),
        averages: macro_averages(&measures),
        macro_of_defined: macro_averages_of_defined(&measures),
        roc_auc: None,
        average_precision: None,
        probabilistic: None,
    };
    if let Some(scores) = scores {
        add_ranking(&mut quality, &Ranking { truth, classes, scores, weights });
        if scores.are_probabilities() {
            add_probabilistic(&mut quality, &Ranking { truth, classes, scores, weights }, rows.binning);
        }
    }
    Ok(quality)
}

/// `INVALID_REQUEST` and `TOO_LARGE`, as [`classification`].
pub fn check_classes(classes: usize, truth: &[u32], predicted: &[u32]) -> Result<()> {
    check_not_empty(truth.len())?;
    check_length("predicted", predicted.len(), truth.len())?;
    if classes > MAX_CLASSES {
        return Err(error!(TooLarge, "there are {classes} classes; at most {MAX_CLASSES} are measured"));
    }
    for (name, list) in [("truth", truth), ("predicted", predicted)] {
        if let Some(row) = list.iter().position(|class| *class as usize >= classes) {
            return Err(error!(
                InvalidRequest,
                "{name}[{row}] must be one of {classes} classes, received number {}", list[row]
            ));
        }
    }
    Ok(())
}

fn add_ranking(quality: &mut ClassificationQuality, ranking: &Ranking) {
    let areas = ranking.one_vs_rest();
    quality.roc_auc = Some(ranking.averages(&areas));
    let precisions = ranking.average_precisions();
    quality.average_precision = Some(ranking.means(&precisions));
    for ((class, area), precision) in quality.per_class.iter_mut().zip(areas).zip(precisions) {
        class.roc_auc = Some(area);
        class.average_precision = Some(precision);
    }
}

fn add_probabilistic(quality: &mut ClassificationQuality, rows: &Ranking, binning: Binning) {
    let Ranking { truth, classes, scores, weights } = *rows;
    let truth_of = |row: usize| truth[row] as usize;
    let mut rules = ScoringRules::default();
    for row in 0..truth.len() {
        let probabilities = (0..classes).map(|class| scores.at(row, class));
        rules.add(Penalties::of(probabilities, truth_of(row)), weights.at(row));
    }
    let largest = (0..truth.len()).map(|row| {
        let (class, probability) = scores.largest(row);
        (probability, class == truth_of(row), weights.at(row))
    });
    let largest = calibration(largest, binning);
    for (class, measured) in quality.per_class.iter_mut().enumerate() {
        let judged = (0..truth.len()).map(|row| (scores.at(row, class), truth_of(row) == class, weights.at(row)));
        measured.calibration = Some(calibration(judged, binning));
    }
    let errors = quality.per_class.iter().filter_map(|class| Some(class.calibration.as_ref()?.ece));
    quality.probabilistic = Some(Probabilistic {
        log_loss: rules.log_loss(),
        brier: rules.brier(),
        calibration: largest,
        classwise_ece: errors.sum::<f64>() / classes as f64,
    });
}

impl ClassQuality {
    pub fn of(measures: &ClassMeasures) -> Self {
        let ClassMeasures { precision, recall, f1, support } = *measures;
        let named = [("precision", precision), ("recall", recall), ("f1", f1)];
        Self {
            precision: precision.unwrap_or(0.0),
            recall: recall.unwrap_or(0.0),
            f1: f1.unwrap_or(0.0),
            support,
            undefined: named.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect(),
            roc_auc: None,
            average_precision: None,
            calibration: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scores::ScoreKind;
    use super::*;
    use crate::error::ErrorCode;

    fn rows<'a>(classes: usize, truth: &'a [u32], predicted: &'a [u32]) -> ClassificationRows<'a> {
        let binning = Binning::EqualWidth(10);
        ClassificationRows { classes, truth, predicted, scores: None, weights: None, binning }
    }

    #[test]
    fn without_scores_there_is_what_the_classes_tell() {
        let found = classification(&rows(2, &[0, 0, 1], &[0, 0, 0])).unwrap();
        assert_eq!((found.count, found.weight, found.accuracy), (3, 3.0, 2.0 / 3.0));
        assert_eq!(found.per_class[1].undefined, ["precision"]);
        assert_eq!((found.averages.precision, found.macro_of_defined.precision), (Some(1.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!((found.roc_auc, found.probabilistic), (None, None));
    }

    #[test]
    fn scores_tell_their_order_and_probabilities_more() {
        let of = |kind: ScoreKind, values: &[f64]| {
            classification(&ClassificationRows { scores: Some(Scores { kind, values }), ..rows(2, &[0, 1], &[0, 1]) })
                .unwrap()
        };
        let (ranked, probable) = (of(ScoreKind::Scores, &[-7.0, 3.0]), of(ScoreKind::Probabilities, &[0.25, 0.75]));
        assert_eq!((ranked.roc_auc.unwrap().one_vs_one.plain, ranked.probabilistic), (Some(1.0), None));
        let probabilistic = probable.probabilistic.unwrap();
        assert_eq!((probabilistic.brier, probabilistic.calibration.ece), (0.0625, 0.25));
        assert_eq!(probable.per_class[1].calibration.as_ref().unwrap().reliability.len(), 2);
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let refused = |rows: &ClassificationRows| classification(rows).unwrap_err();
        assert_eq!(refused(&rows(2, &[], &[])).message, "truth must have at least one row");
        assert!(refused(&rows(2, &[0], &[])).message.contains("received 0"));
        assert!(refused(&rows(2, &[0], &[2])).message.contains("predicted[0]"));
        assert_eq!(refused(&rows(1001, &[0], &[0])).code, ErrorCode::TooLarge);
        assert!(refused(&ClassificationRows { weights: Some(&[]), ..rows(2, &[0], &[0]) }).message.contains("weights"));
    }
}
