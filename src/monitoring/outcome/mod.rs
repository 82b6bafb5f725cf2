//! Whether, and by how much, what happened differs from what was predicted.

mod cells;
mod class;
mod deviation;
mod labelled;
mod maker;
mod output;
mod predicted;
mod probabilities;
#[cfg(test)]
mod tests;

use super::realised::{ClassRow, ClassSums, Classified, QualitySums, TruthSums};
use crate::error::{Result, error};
pub use deviation::Deviation;
pub use labelled::{LabelledRows, labelled_rows, numbers_of_features};
pub use maker::Maker;
use output::{Declared, Output, outputs_of};
use predicted::Predicted;
use probabilities::Probabilities;
use serde_json::{Map, Value as Json};

/// Fields of an outcome that hold the true class.
const CLASS_FIELDS: [&str; 2] = ["class", "label"];
/// Fields of an outcome that hold the true value of a regression.
const VALUE_FIELDS: [&str; 2] = ["value", "target"];

/// What an outcome says of a prediction.
#[derive(Debug, Default, PartialEq)]
pub struct Comparison {
    /// Whether the class of every row is right; `None` when that is not known.
    pub correct: Option<bool>,
    /// How far the numbers of a regression are off.
    pub deviation: Option<Deviation>,
    /// What quality is made of.
    pub quality: QualitySums,
}

/// Compares ground truth with a prediction, both JSON: the prediction an object of values by output name.
///
/// The outcome is a class (a string, an integer or a boolean; its name, or its position) or a number, bare, in a field (`class` or
/// `label`, `value` or `target`), or under the names of the outputs it belongs to; for a batch a list with one a row.
///
/// How the model tells a class is what its outputs are, not what they hold: an output of the role `label`, else a class map, else
/// the largest of an output of the role `scores`, else, in a prediction that has a confidence, of its only output of numbers, or
/// whether its single probability is at least one half. Without any of these the only output of numbers is a regression.
///
/// # Errors
/// `INVALID_JSON` when one of the texts is not JSON, or has a number that no double holds.
pub fn compare_outcome(prediction: &str, outcome: &str, maker: &Maker) -> Result<Comparison> {
    let parse = |name: &str, text: &str| {
        serde_json::from_str::<Json>(text).map_err(|problem| error!(InvalidJson, "{name} is not valid JSON: {problem}"))
    };
    let (prediction, outcome) = (parse("prediction", prediction)?, parse("outcome", outcome)?);
    let Json::Object(values) = &prediction else { return Ok(Comparison::default()) };
    let declared = maker.outputs.map(output::declared).unwrap_or_default();
    let outputs = outputs_of(values, &declared);
    let is_classifier = Predicted::is_classifier(&outputs, maker) || declared.iter().any(Declared::tells_class);
    let compare_bare = |class: &Json, value: &Json| {
        if is_classifier { compare_class(&outputs, class, maker) } else { compare_number(&outputs, value) }
    };
    Ok(match &outcome {
        Json::Object(fields) => compare_named(&outputs, fields, maker).unwrap_or_else(|| {
            let field = |names: [&str; 2]| names.iter().find_map(|name| fields.get(*name)).unwrap_or(&Json::Null);
            compare_bare(field(CLASS_FIELDS), field(VALUE_FIELDS))
        }),
        bare => compare_bare(bare, bare),
    })
}

/// `None` for an outcome that names no output.
fn compare_named(outputs: &[Output], fields: &Map<String, Json>, maker: &Maker) -> Option<Comparison> {
    let named: Vec<_> = outputs.iter().filter_map(|output| Some((output, fields.get(output.name)?))).collect();
    if named.is_empty() {
        return None;
    }
    let (mut verdicts, mut classified, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (output, truth) in named {
        match Predicted::by(output, outputs, maker) {
            Some(predicted) => {
                let rows = predicted.compare(truth);
                verdicts.push(rows.as_deref().map(are_right));
                classified.extend(rows.map(|rows| (rows, truth)));
            }
            None => errors.extend(output.errors(truth).into_iter().flatten()),
        }
    }
    // Classes of several outputs are not to be mixed.
    let only = if verdicts.len() == 1 { classified.pop() } else { None };
    let classified = only.map(|(rows, truth)| Box::new(classified_of(&rows, outputs, truth, maker)));
    let (deviation, truth) = deviation_of(&errors);
    Some(Comparison {
        correct: verdicts.into_iter().reduce(|one, other| Some(one? && other?)).flatten(),
        deviation,
        quality: QualitySums { classified, truth },
    })
}

fn compare_class(outputs: &[Output], truth: &Json, maker: &Maker) -> Comparison {
    let rows = Predicted::of(outputs, maker).and_then(|predicted| predicted.compare(truth));
    let Some(rows) = rows else { return Comparison::default() };
    let classified = Some(Box::new(classified_of(&rows, outputs, truth, maker)));
    Comparison { correct: Some(are_right(&rows)), deviation: None, quality: QualitySums { classified, truth: None } }
}

fn are_right(rows: &[ClassRow]) -> bool {
    rows.iter().all(|row| row.is_right)
}

fn classified_of(rows: &[ClassRow], outputs: &[Output], truth: &Json, maker: &Maker) -> Classified {
    let mut classes = ClassSums::default();
    rows.iter().for_each(|row| classes.add(row));
    let mut classified = Classified { classes, ..Classified::default() };
    if let Some(probabilities) = Probabilities::of(outputs, maker) {
        probabilities.judge(truth, &mut classified);
    }
    classified
}

fn compare_number(outputs: &[Output], truth: &Json) -> Comparison {
    let mut numbers = outputs.iter().filter(|output| output.is_numeric());
    let (Some(only), None) = (numbers.next(), numbers.next()) else { return Comparison::default() };
    let (deviation, truth) = deviation_of(&only.errors(truth).unwrap_or_default());
    Comparison { correct: None, deviation, quality: QualitySums { classified: None, truth } }
}

/// Of true numbers, and by how much the predicted ones are off.
fn deviation_of(errors: &[(f64, f64)]) -> (Option<Deviation>, Option<Box<TruthSums>>) {
    let deviation = Deviation::of(errors.iter().map(|(_, error)| *error));
    let truth = deviation.map(|_| {
        let mut sums = TruthSums::default();
        errors.iter().for_each(|(truth, error)| sums.add(*truth, *error));
        Box::new(sums)
    });
    (deviation, truth)
}
