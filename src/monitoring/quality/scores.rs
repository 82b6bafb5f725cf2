//! What a classifier says of each class.

use crate::error::{Result, error};

/// Probabilities of a row add up to 1 within this: what float16 loses over many classes.
const SUM_TOLERANCE: f64 = 1e-3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreKind {
    /// From 0 to 1; those of a row add up to 1.
    Probabilities,
    /// Any numbers, of which only the order tells something, such as margins.
    Scores,
}

/// One for each class in each row, row by row. With two classes there may be only one a row, for the second class.
#[derive(Clone, Copy)]
pub struct Scores<'a> {
    pub kind: ScoreKind,
    pub values: &'a [f64],
}

/// Scores that are known to be sound.
#[derive(Clone, Copy)]
pub struct ScoreTable<'a> {
    kind: ScoreKind,
    values: &'a [f64],
    classes: usize,
    /// Values in a row.
    columns: usize,
}

impl<'a> ScoreTable<'a> {
    /// INVALID_REQUEST for another number of scores, one that is not finite, and probabilities that are none.
    pub fn of(given: Scores<'a>, rows: usize, classes: usize) -> Result<Self> {
        let Scores { kind, values } = given;
        let name = match kind {
            ScoreKind::Probabilities => "probabilities",
            ScoreKind::Scores => "scores",
        };
        if classes < 2 {
            return Err(error!(InvalidRequest, "{name} need at least two classes, received {classes}"));
        }
        let columns = if classes == 2 && values.len() == rows { 1 } else { classes };
        if values.len() != rows * columns {
            let expected = rows * classes;
            return Err(error!(
                InvalidRequest,
                "{name} must have a value for each of {classes} classes in each row, {expected}; received {}",
                values.len()
            ));
        }
        for (row, values) in values.chunks(columns).enumerate() {
            let shown = || format!("{name} of row {row}");
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(error!(InvalidRequest, "{} must be finite numbers, received {value}", shown()));
            }
            if kind == ScoreKind::Scores {
                continue;
            }
            if let Some(value) = values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
                return Err(error!(
                    InvalidRequest,
                    "{} must be from 0 to 1, received {value}; give what are no probabilities as scores",
                    shown()
                ));
            }
            let sum: f64 = values.iter().sum();
            if columns > 1 && (sum - 1.0).abs() > SUM_TOLERANCE {
                return Err(error!(InvalidRequest, "{} must add up to 1, and add up to {sum}", shown()));
            }
        }
        Ok(Self { kind, values, classes, columns })
    }

    pub fn are_probabilities(self) -> bool {
        self.kind == ScoreKind::Probabilities
    }

    pub fn at(self, row: usize, class: usize) -> f64 {
        if self.columns > 1 {
            return self.values[row * self.columns + class];
        }
        match (class, self.kind) {
            (1, _) => self.values[row],
            (_, ScoreKind::Probabilities) => 1.0 - self.values[row],
            (_, ScoreKind::Scores) => -self.values[row],
        }
    }

    /// The class of the largest score, the first of several, and its score.
    pub fn largest(self, row: usize) -> (usize, f64) {
        let mut largest = (0, self.at(row, 0));
        for class in 1..self.classes {
            let score = self.at(row, class);
            if score > largest.1 {
                largest = (class, score);
            }
        }
        largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_column_is_of_the_second_class() {
        let table = ScoreTable::of(Scores { kind: ScoreKind::Probabilities, values: &[0.25, 0.5] }, 2, 2).unwrap();
        assert_eq!((table.at(0, 0), table.at(0, 1)), (0.75, 0.25));
        assert_eq!((table.largest(0), table.largest(1)), ((0, 0.75), (0, 0.5)));
        let table = ScoreTable::of(Scores { kind: ScoreKind::Scores, values: &[3.0] }, 1, 2).unwrap();
        assert_eq!((table.at(0, 0), table.at(0, 1)), (-3.0, 3.0));
    }

    #[test]
    fn what_are_no_probabilities_is_refused() {
        let refused = |values: &[f64], rows: usize, classes: usize| {
            ScoreTable::of(Scores { kind: ScoreKind::Probabilities, values }, rows, classes)
                .map(|_| ())
                .unwrap_err()
                .message
        };
        assert!(refused(&[0.5], 1, 1).contains("at least two classes"));
        assert!(refused(&[0.5, 0.5], 1, 3).contains("each of 3 classes in each row, 3; received 2"));
        assert!(refused(&[f64::NAN], 1, 2).contains("finite"));
        assert!(refused(&[0.5, 1.5], 2, 2).contains("of row 1 must be from 0 to 1, received 1.5"));
        assert!(refused(&[0.5, 0.25, 0.0], 1, 3).contains("add up to 0.75"));
    }
}
