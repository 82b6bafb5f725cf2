//! What is estimated.

use serde::{Deserialize, Serialize};

/// Of one class against the rest; with more than two classes their means, but for accuracy, which is of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Accuracy,
    Precision,
    Recall,
    Specificity,
    F1,
    RocAuc,
    AveragePrecision,
}

/// A value for each measure, in the order of [`Measure::ALL`].
pub type Measures<T> = [T; Measure::ALL.len()];

impl Measure {
    pub const ALL: [Self; 7] = [
        Self::Accuracy,
        Self::Precision,
        Self::Recall,
        Self::Specificity,
        Self::F1,
        Self::RocAuc,
        Self::AveragePrecision,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Specificity => "specificity",
            Self::F1 => "f1",
            Self::RocAuc => "rocAuc",
            Self::AveragePrecision => "averagePrecision",
        }
    }
}

/// The average precision of rows, each a score and how probable it is of the class. Of rows with the same score each counts on its own, in
/// their order, as NannyML has it. `None` where nothing can be of the class.
pub fn expected_average_precision(rows: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (mut sum, mut positives) = (0.0, 0.0);
    for (above, (_, probability)) in rows.iter().enumerate() {
        positives += probability;
        sum += probability * positives / (above + 1) as f64;
    }
    (positives > 0.0).then(|| sum / positives)
}

/// Rows of one class against the rest, by what is true and what was predicted; what is true may be as probable as it is.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Cells {
    true_positive: f64,
    false_positive: f64,
    true_negative: f64,
    false_negative: f64,
}

impl Cells {
    /// A row: how probable it is of the class, and whether that was predicted.
    pub fn add(&mut self, probability: f64, is_predicted: bool) {
        if is_predicted {
            self.true_positive += probability;
            self.false_positive += 1.0 - probability;
        } else {
            self.false_negative += probability;
            self.true_negative += 1.0 - probability;
        }
    }

    /// Adds those of other rows.
    pub fn merge(&mut self, other: &Self) {
        self.true_positive += other.true_positive;
        self.false_positive += other.false_positive;
        self.true_negative += other.true_negative;
        self.false_negative += other.false_negative;
    }

    /// What would divide by 0 is 0.
    pub fn measure(&self, measure: Measure) -> Option<f64> {
        let Self { true_positive, false_positive, true_negative, false_negative } = *self;
        let wrong = false_positive + false_negative;
        let right = true_positive + true_negative;
        let (part, rest) = match measure {
            Measure::Accuracy => (right, wrong),
            Measure::Precision => (true_positive, false_positive),
            Measure::Recall => (true_positive, false_negative),
            Measure::Specificity => (true_negative, false_positive),
            Measure::F1 => (2.0 * true_positive, wrong),
            Measure::RocAuc | Measure::AveragePrecision => return None,
        };
        Some(if part + rest > 0.0 { part / (part + rest) } else { 0.0 })
    }
}
