//! The quality of classifications as metrics answer it.

use super::class_sums::{ClassSums, Ranked};
use super::probability_sums::ProbabilitySums;
use super::roc_area::Area;
use super::{Classified, QualitySums};
use crate::monitoring::quality::{
    Averages, Calibration, ClassQuality, ConfusionMatrix, RocAverages, averages, macro_averages,
    macro_averages_of_defined,
};
use serde::Serialize;

/// What is named as in [`crate::monitoring::quality::ClassificationQuality`] is the same.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quality<'a> {
    /// Rows.
    count: i64,
    accuracy: Option<f64>,
    classes: &'a [String],
    /// With a row and a column more, behind the others, where there are rows of the rest.
    confusion_matrix: Vec<Vec<f64>>,
    /// Rows whose true or predicted class is not told apart from others.
    rest_count: i64,
    per_class: Vec<NamedClass<'a>>,
    /// `None` within where there is a rest: its classes are not known.
    #[serde(rename = "macro")]
    averages: Averages,
    macro_of_defined: Averages,
    roc_auc: Option<RocAuc>,
    average_precision: Option<AveragePrecision>,
    /// Rows with probabilities.
    probability_count: i64,
    log_loss: Option<f64>,
    brier: Option<f64>,
    calibration: Option<Calibration>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NamedClass<'a> {
    class: &'a str,
    #[serde(flatten)]
    quality: ClassQuality,
    /// How far the area under the ROC curve may be off.
    #[serde(skip_serializing_if = "Option::is_none")]
    roc_auc_error: Option<Option<f64>>,
    /// The same of the average precision.
    #[serde(skip_serializing_if = "Option::is_none")]
    average_precision_error: Option<Option<f64>>,
}

/// Each class against the rows of all others.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RocAuc {
    one_vs_rest: RocAverages,
    /// How far each of the means may be off: as far as the area of any class.
    error: f64,
}

/// The same of average precisions.
#[derive(Debug, Serialize)]
struct AveragePrecision {
    #[serde(flatten)]
    averages: RocAverages,
    error: f64,
}

impl QualitySums {
    /// `None` without classifications.
    pub fn answer(&self) -> Option<Quality<'_>> {
        let Classified { classes, probabilities } = self.classified.as_deref()?;
        Some(answer(classes, probabilities))
    }
}

fn answer<'a>(classes: &'a ClassSums, probabilities: &ProbabilitySums) -> Quality<'a> {
    let names = classes.names();
    let is_of_rest = |at: usize| at == names.len();
    let rest = classes.cells().filter(|(actual, predicted, _)| is_of_rest(*actual) || is_of_rest(*predicted));
    let rest_count = rest.map(|(_, _, count)| count).fold(0, i64::wrapping_add);
    let mut matrix = ConfusionMatrix::new(names.len() + usize::from(rest_count != 0));
    for (actual, predicted, count) in classes.cells() {
        if rest_count != 0 || !(is_of_rest(actual) || is_of_rest(predicted)) {
            matrix.add(actual, predicted, count as f64);
        }
    }
    let mut measures = matrix.by_class();
    measures.truncate(names.len());
    let ranked: Vec<_> = (0..names.len()).map(|class| classes.ranked(class)).collect();
    let per_class = names.iter().zip(&measures).zip(&ranked).map(|((class, measures), ranked)| {
        let area = |of: fn(&Ranked) -> Option<Area>| ranked.as_ref().map(of);
        let (roc, precision) = (area(|ranked| ranked.roc_area), area(|ranked| ranked.average_precision));
        NamedClass {
            class,
            quality: ClassQuality {
                roc_auc: roc.map(|area| area.map(|area| area.value)),
                average_precision: precision.map(|area| area.map(|area| area.value)),
                ..ClassQuality::of(measures)
            },
            roc_auc_error: roc.map(|area| area.map(|area| area.error)),
            average_precision_error: precision.map(|area| area.map(|area| area.error)),
        }
    });
    let unless_rest = |averages: Averages| {
        if rest_count == 0 { averages } else { Averages { precision: None, recall: None, f1: None } }
    };
    let ranked: Vec<_> = ranked.iter().flatten().collect();
    let (count, probability_count) = (classes.count(), probabilities.count());
    let are_probable = probability_count > 0;
    Quality {
        count,
        accuracy: (count > 0).then(|| classes.right() as f64 / count as f64),
        classes: names,
        confusion_matrix: matrix.rows(),
        rest_count,
        per_class: per_class.collect(),
        averages: unless_rest(macro_averages(&measures)),
        macro_of_defined: unless_rest(macro_averages_of_defined(&measures)),
        roc_auc: mean_area(&ranked, |ranked| ranked.roc_area).map(|(one_vs_rest, error)| RocAuc { one_vs_rest, error }),
        average_precision: mean_area(&ranked, |ranked| ranked.average_precision)
            .map(|(averages, error)| AveragePrecision { averages, error }),
        probability_count,
        log_loss: are_probable.then(|| probabilities.log_loss()),
        brier: are_probable.then(|| probabilities.brier()),
        calibration: are_probable.then(|| probabilities.calibration()),
    }
}

/// Of the classes that have scores: the means of their areas, and how far those may be off.
fn mean_area(classes: &[&Ranked], area: fn(&Ranked) -> Option<Area>) -> Option<(RocAverages, f64)> {
    let known = || classes.iter().filter_map(|ranked| Some((ranked.support, area(ranked)?)));
    let mut means = averages(known().map(|(support, area)| (area.value, support)));
    means.plain = means.plain.filter(|_| classes.iter().all(|ranked| area(ranked).is_some()));
    let error = known().map(|(_, area)| area.error).fold(0.0, f64::max);
    known().next().is_some().then_some((means, error))
}
