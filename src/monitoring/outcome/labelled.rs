//! The rows of a prediction whose truth is known, as estimators of quality are fitted to them.

use super::cells::Cells;
use super::class::Class;
use super::deviation::number;
use super::maker::Maker;
use super::output::{Declared, Output, declared, outputs_of};
use super::predicted::Predicted;
use super::probabilities::Probabilities;
use serde_json::{Map, Value as Json};

/// Fields of an outcome that hold what is true.
const TRUTH_FIELDS: [&str; 4] = ["class", "label", "value", "target"];

/// What a prediction and its outcome tell.
pub enum LabelledRows {
    Classes {
        output: String,
        /// Where the output is a map.
        keys: Option<Vec<String>>,
        /// Numbers of a row of it: one for each class, or the one of the second of two.
        width: usize,
        /// Row by row, for each class.
        probabilities: Vec<Vec<f64>>,
        truth: Vec<usize>,
        /// What the model said, where it says it apart from the probabilities.
        predicted: Vec<Option<usize>>,
    },
    Numbers {
        output: String,
        predicted: Vec<f64>,
        truth: Vec<f64>,
    },
}

/// `None` for what is no class with probabilities and no number of a single output, and where outcome and prediction have not as many rows.
pub fn labelled_rows(prediction: &Json, outcome: &Json, maker: &Maker) -> Option<LabelledRows> {
    let values = prediction.as_object()?;
    let declared = maker.outputs.map(declared).unwrap_or_default();
    let outputs = outputs_of(values, &declared);
    let truth = truth_in(outcome, values)?;
    if Predicted::is_classifier(&outputs, maker) || declared.iter().any(Declared::tells_class) {
        classes(&outputs, truth, maker)
    } else {
        numbers(&outputs, truth)
    }
}

/// The truth itself, of an outcome that may name one output or a field.
fn truth_in<'a>(outcome: &'a Json, values: &Map<String, Json>) -> Option<&'a Json> {
    let Json::Object(fields) = outcome else { return Some(outcome) };
    let mut named = fields.iter().filter(|(name, _)| values.contains_key(*name)).map(|(_, truth)| truth);
    match (named.next(), named.next()) {
        (Some(only), None) => Some(only),
        (Some(_), Some(_)) => None,
        (None, _) => TRUTH_FIELDS.iter().find_map(|name| fields.get(*name)),
    }
}

fn classes(outputs: &[Output], truth: &Json, maker: &Maker) -> Option<LabelledRows> {
    let (probabilities, output, width) = Probabilities::with_source(outputs, maker)?;
    let truths = Cells::of(truth)?.cells;
    if truths.len() != probabilities.rows.len() {
        return None;
    }
    let position = |class: Class| probabilities.classes.position_of(&class, false);
    let truth = truths.into_iter().map(|truth| position(Class::of(truth)?)).collect::<Option<Vec<_>>>()?;
    let said = Predicted::of(outputs, maker).map(|predicted| predicted.places(&probabilities.classes));
    let predicted = said.filter(|said| said.len() == truth.len()).unwrap_or_else(|| vec![None; truth.len()]);
    let keys = output.is_class_maps().then(|| {
        let first = Cells::of(output.value).and_then(|found| found.cells.first()?.as_object().cloned());
        first.map(|map| map.keys().cloned().collect())
    });
    Some(LabelledRows::Classes {
        output: output.name.to_owned(),
        keys: keys.flatten(),
        width,
        probabilities: probabilities.rows,
        truth,
        predicted,
    })
}

fn numbers(outputs: &[Output], truth: &Json) -> Option<LabelledRows> {
    let mut numeric = outputs.iter().filter(|output| output.is_numeric());
    let (Some(only), None) = (numeric.next(), numeric.next()) else { return None };
    let all = |value: &Json| -> Option<Vec<f64>> {
        Cells::of(value)?.cells.into_iter().map(|cell| number(cell).filter(|number| number.is_finite())).collect()
    };
    let (predicted, truth) = (all(only.value)?, all(truth)?);
    (predicted.len() == truth.len() && !truth.is_empty()).then(|| LabelledRows::Numbers {
        output: only.name.to_owned(),
        predicted,
        truth,
    })
}

/// The features of so many rows, by the names of inputs: those that are nothing but numbers, as many for each row and not more than a
/// few. `None` where an input has not as many for each row.
pub fn numbers_of_features(features: &Json, rows: usize, most: usize) -> Option<Vec<(String, Vec<f64>)>> {
    let of = |name: &str, value: &Json| -> Option<Option<(String, Vec<f64>)>> {
        let Some(found) = Cells::of(value) else { return Some(None) };
        let cell = |cell: &Json| cell.as_bool().map(|truth| f64::from(u8::from(truth))).or_else(|| cell.as_f64());
        let Some(numbers) = found.cells.into_iter().map(cell).collect::<Option<Vec<_>>>() else { return Some(None) };
        if numbers.len() > most * rows {
            return Some(None);
        }
        numbers.len().is_multiple_of(rows).then(|| Some((name.to_owned(), numbers)))
    };
    let found: Option<Vec<_>> = match features {
        Json::Object(inputs) => inputs.iter().map(|(name, value)| of(name, value)).collect(),
        Json::Array(objects) if objects.iter().any(Json::is_object) => {
            by_name(objects)?.iter().map(|(name, value)| of(name, value)).collect()
        }
        only => Some(vec![of("", only)?]),
    };
    Some(found?.into_iter().flatten().collect())
}

/// A list for each name that rows have; `None` for rows of different names.
fn by_name(rows: &[Json]) -> Option<Map<String, Json>> {
    let names = rows.first()?.as_object()?.keys();
    let has_others = |row: &Json| row.as_object().is_none_or(|row| row.len() != names.len());
    let column = |name: &String| rows.iter().map(|row| row.get(name).cloned()).collect::<Option<Vec<_>>>();
    if rows.iter().any(has_others) {
        return None;
    }
    names.clone().map(|name| Some((name.clone(), Json::Array(column(name)?)))).collect()
}
