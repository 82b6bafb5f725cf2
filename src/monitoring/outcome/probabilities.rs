//! The probabilities that a prediction gives its classes.

use super::cells::Cells;
use super::class::{Class, Classes, Place};
use super::maker::Maker;
use super::output::Output;
use super::predicted::{is_confident, largest, named_classes, only, own_classes, score_rows};
use crate::monitoring::quality::{Penalties, ScoreKind, ScoreTable, Scores};
use crate::monitoring::realised::Classified;
use serde_json::Value as Json;

/// With more classes their scores are not ranked: that takes bins for each of them.
const MAX_RANKED: usize = 10;

/// One list for each row, in the order of the classes.
pub struct Probabilities {
    pub classes: Classes,
    pub rows: Vec<Vec<f64>>,
}

impl Probabilities {
    /// `None` for a model that gives none, or whose scores are none.
    pub fn of(outputs: &[Output], maker: &Maker) -> Option<Self> {
        Self::with_source(outputs, maker).map(|(found, ..)| found)
    }

    /// The same, with the output that has them, and how many numbers a row of it has.
    pub fn with_source<'a>(outputs: &'a [Output<'a>], maker: &Maker) -> Option<(Self, &'a Output<'a>, usize)> {
        let (found, output, width) = if let Some(output) = only(outputs.iter().filter(|output| output.is_class_maps()))
        {
            let found = Self::of_maps(output, maker)?;
            let width = found.rows.first()?.len();
            (found, output, width)
        } else {
            let output = only(outputs.iter().filter(|output| output.is_scores()))
                .or_else(|| only(outputs.iter().filter(|output| is_confident(output, outputs, maker))))?;
            let (_, mut rows) = score_rows(output, maker.confident_rows)?;
            let width = rows.first()?.len();
            rows.iter_mut().filter(|row| row.len() == 1).for_each(|row| row.insert(0, 1.0 - row[0]));
            let classes = Classes::new(own_classes(output, outputs), named_classes(maker), Some(rows.first()?.len()));
            (Self { classes, rows }, output, width)
        };
        found.rows.iter().all(|row| are_probabilities(row)).then_some((found, output, width))
    }

    fn of_maps(output: &Output, maker: &Maker) -> Option<Self> {
        let cells = Cells::of(output.value)?.cells;
        let names: Vec<&String> = cells.first()?.as_object()?.keys().collect();
        let own = names.iter().map(|name| Class::named(name)).collect();
        let row = |cell: &Json| {
            let map = cell.as_object().filter(|map| map.keys().eq(names.iter().copied()))?;
            map.values().map(Json::as_f64).collect()
        };
        let rows = cells.into_iter().map(row).collect::<Option<_>>()?;
        Some(Self { classes: Classes::new(Some(own), named_classes(maker), None), rows })
    }

    /// Adds what they were worth. A row whose true class is none of the model's has no part in that.
    pub fn judge(&self, truth: &Json, classified: &mut Classified) {
        let truths = Cells::of(truth).map(|found| found.cells).unwrap_or_default();
        if truths.len() != self.rows.len() {
            return;
        }
        let names = self.ranked();
        for (row, truth) in self.rows.iter().zip(truths) {
            let place = Class::of(truth).map_or(Place::Unknown, |truth| self.classes.place(&truth));
            let (Place::At(truth), Some(top)) = (place, largest(row)) else { continue };
            classified.probabilities.add(Penalties::of(row.iter().copied(), truth), row[top], top == truth);
            for (class, (name, probability)) in names.iter().zip(row).enumerate() {
                classified.classes.add_score(name, *probability, class == truth);
            }
        }
    }

    /// The names of the classes whose scores are ranked.
    fn ranked(&self) -> Vec<String> {
        let count = self.rows.first().map_or(0, Vec::len);
        let names = (0..count).map(|position| self.classes.name(&Class::at(position), true));
        if count > MAX_RANKED { Vec::new() } else { names.collect::<Option<_>>().unwrap_or_default() }
    }
}

fn are_probabilities(row: &[f64]) -> bool {
    ScoreTable::of(Scores { kind: ScoreKind::Probabilities, values: row }, 1, row.len()).is_ok()
}
