//! The classes that a prediction tells.

use super::cells::Cells;
use super::class::{Class, Classes};
use super::maker::Maker;
use super::output::Output;
use crate::monitoring::realised::ClassRow;
use serde_json::Value as Json;

/// One class for each row, or for each label of a row.
#[derive(Debug)]
pub struct Predicted {
    /// Without sizes of one.
    shape: Vec<usize>,
    each: Vec<Class>,
    /// The classes are positions of scores, not names.
    are_positions: bool,
    classes: Classes,
}

impl Predicted {
    /// Whether a model predicts classes: such a prediction is right or wrong, but never off by a number.
    pub fn is_classifier(outputs: &[Output], maker: &Maker) -> bool {
        maker.confident_rows.is_some()
            || outputs.iter().any(|output| output.is_label() || output.is_scores() || output.is_class_maps())
    }

    /// The classes that the outputs of a prediction tell together; `None` when several might.
    pub fn of(outputs: &[Output], maker: &Maker) -> Option<Self> {
        let named = |output: &&Output| crate::signature::is_label_name(output.name);
        let labels: Vec<_> = outputs.iter().filter(|output| output.is_label()).collect();
        let label = match labels.as_slice() {
            [] => None,
            [only] => Some(*only),
            several => Some(only(several.iter().copied().filter(named))?),
        };
        let telling = label
            .or_else(|| only(outputs.iter().filter(|output| output.is_class_maps())))
            .or_else(|| only(outputs.iter().filter(|output| output.is_scores())))
            .or_else(|| only(outputs.iter().filter(|output| output.is_float())))?;
        Self::by(telling, outputs, maker)
    }

    /// The classes that one output tells.
    pub fn by(output: &Output, outputs: &[Output], maker: &Maker) -> Option<Self> {
        let (own, labels) = (|| own_classes(output, outputs), || named_classes(maker));
        if output.is_label() || output.is_text_or_bool() {
            let found = Cells::of(output.value)?;
            let each: Vec<Class> = found.cells.iter().map(|cell| Class::of(cell)).collect::<Option<_>>()?;
            let classes = Classes::new(own(), labels(), None);
            return (!each.is_empty()).then(|| Self { shape: found.squeezed(), each, are_positions: false, classes });
        }
        if output.is_class_maps() {
            let found = Cells::of(output.value)?;
            let each = found.cells.iter().map(|cell| likeliest(cell)).collect::<Option<_>>()?;
            let keys = found.cells.first()?.as_object()?.keys().map(|key| Class::named(key)).collect();
            let classes = Classes::new(Some(keys), labels(), None);
            return Some(Self { shape: found.squeezed(), each, are_positions: false, classes });
        }
        if !output.is_scores() && !is_confident(output, outputs, maker) {
            return None;
        }
        let (rows, scores) = score_rows(output, maker.confident_rows)?;
        let is_single = scores.first()?.len() == 1;
        if is_single && output.is_scores() {
            return None;
        }
        let position = |row: &Vec<f64>| if is_single { Some(usize::from(*row.first()? >= 0.5)) } else { largest(row) };
        let each = scores.iter().map(|row| position(row).map(Class::at)).collect::<Option<_>>()?;
        let count = if is_single { 2 } else { scores.first()?.len() };
        let shape = if rows == 1 { Vec::new() } else { vec![rows] };
        Some(Self { shape, each, are_positions: true, classes: Classes::new(own(), labels(), Some(count)) })
    }

    /// Where each class stands among others; `None` for one that is not there.
    pub fn places(&self, classes: &Classes) -> Vec<Option<usize>> {
        let place = |class: &Class| classes.position_of(class, self.are_positions);
        self.each.iter().map(place).collect()
    }

    /// Each class beside the true one; `None` unless it is known of all of them whether they are the same.
    pub fn compare(&self, truth: &Json) -> Option<Vec<ClassRow>> {
        let truths = Cells::of(truth)?;
        if truths.squeezed() != self.shape || truths.cells.len() != self.each.len() {
            return None;
        }
        let row = |(predicted, truth): (&Class, &Json)| {
            let truth = Class::of(truth)?;
            Some(ClassRow {
                is_right: self.classes.agree(predicted, self.are_positions, &truth)?,
                predicted: self.classes.name(predicted, self.are_positions),
                actual: self.classes.name(&truth, false),
            })
        };
        self.each.iter().zip(truths.cells).map(row).collect()
    }
}

/// The classes as the model itself names them.
pub fn own_classes(output: &Output, outputs: &[Output]) -> Option<Vec<Class>> {
    let given = output.classes().or_else(|| outputs.iter().find_map(Output::classes))?;
    Some(given.iter().map(|name| Class::named(name)).collect())
}

/// The classes as people name them.
pub fn named_classes(maker: &Maker) -> Option<Vec<Class>> {
    maker.labels.map(|labels| labels.iter().map(|label| Class::named(label)).collect())
}

/// Whether the confidence of a prediction is of this output: the only one that has numbers for it.
pub fn is_confident(output: &Output, outputs: &[Output], maker: &Maker) -> bool {
    let mut others = outputs.iter().filter(|other| other.name != output.name);
    let is_of_another = |other: &Output| other.is_float() || other.is_scores() || other.is_class_maps();
    maker.confident_rows.is_some() && output.is_float() && !others.any(is_of_another)
}

pub fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    found.next().filter(|_| found.next().is_none())
}

/// The class of a map from classes to numbers.
fn likeliest(map: &Json) -> Option<Class> {
    let classes = map.as_object()?;
    let probabilities: Vec<f64> = classes.values().map(Json::as_f64).collect::<Option<_>>()?;
    Some(Class::named(classes.keys().nth(largest(&probabilities)?)?))
}

/// The scores of each row, and how many rows there are; `None` unless a row has one list of them.
pub fn score_rows(output: &Output, confident_rows: Option<usize>) -> Option<(usize, Vec<Vec<f64>>)> {
    let found = Cells::of(output.value)?;
    let scores: Vec<f64> = found.cells.iter().map(|cell| cell.as_f64()).collect::<Option<_>>()?;
    let depth = found.shape.len();
    let is_batch = match (confident_rows, output.rank()) {
        (Some(rows), _) => rows > 0,
        (None, Some(rank)) => rank > 1 && depth == rank,
        (None, None) => return None,
    };
    let (rows, row) = match found.shape.split_first() {
        Some((rows, row)) if is_batch => (*rows, row),
        _ => (1, found.shape.as_slice()),
    };
    let count: usize = row.iter().product();
    let is_list = row.iter().filter(|size| **size != 1).count() <= 1;
    let is_counted = confident_rows.is_none_or(|confident| confident == 0 || confident == rows);
    (is_list && is_counted && count > 0 && rows > 0)
        .then(|| (rows, scores.chunks(count).map(<[f64]>::to_vec).collect()))
}

/// The position of the first largest value.
pub fn largest(values: &[f64]) -> Option<usize> {
    values.iter().enumerate().rev().max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(at, _)| at)
}
