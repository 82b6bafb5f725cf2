//! How far a measure is off by chance alone, as the reference shows it.

use super::measure::{Measure, Measures};
use serde::{Deserialize, Serialize};

/// The standard deviation of what a row contributes to a measure, and the share of rows that contribute.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Deviation {
    deviation: f64,
    share: f64,
}

impl Deviation {
    /// The squared standard error of the measure over so many rows; not finite where none contributes.
    pub fn variance(self, rows: usize) -> f64 {
        self.deviation * self.deviation / (rows as f64 * self.share)
    }

    fn of(values: &[f64], rows: usize, scale: f64) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        Self { deviation: (squares / count).sqrt() * scale, share: count / rows as f64 }
    }
}

/// A row of the reference, seen from one class: its score, whether that was predicted, and whether it is true.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub score: f64,
    pub is_predicted: bool,
    pub is_true: bool,
}

/// Of one class. With `is_binary` F1 is scaled to the rows that it counts half, which NannyML does for two classes only.
pub fn deviations(rows: &[Seen], is_binary: bool) -> Measures<Deviation> {
    let over = |is_counted: fn(&Seen) -> bool, value: fn(&Seen) -> bool, scale: f64| {
        let values: Vec<f64> =
            rows.iter().filter(|row| is_counted(row)).map(|row| f64::from(u8::from(value(row)))).collect();
        Deviation::of(&values, rows.len(), scale)
    };
    let count = |is_counted: fn(&Seen) -> bool| rows.iter().filter(|row| is_counted(row)).count() as f64;
    let (any, both) = (count(|row| row.is_true || row.is_predicted), count(|row| row.is_true && row.is_predicted));
    let f1_scale = if is_binary { any / ((any - both) / 2.0 + both) } else { 1.0 };
    Measure::ALL.map(|measure| match measure {
        Measure::Accuracy => over(|_| true, |row| row.is_true == row.is_predicted, 1.0),
        Measure::Precision => over(|row| row.is_predicted, |row| row.is_true, 1.0),
        Measure::Recall => over(|row| row.is_true, |row| row.is_predicted, 1.0),
        Measure::Specificity => over(|row| !row.is_true, |row| row.is_predicted, 1.0),
        Measure::F1 => over(|row| row.is_true || row.is_predicted, |row| row.is_true && row.is_predicted, f1_scale),
        Measure::RocAuc => of_ranks(rows),
        Measure::AveragePrecision => of_precision(rows),
    })
}

/// Each row of the rarer side contributes the share of the other side that its score exceeds; the same score counts one half.
fn of_ranks(rows: &[Seen]) -> Deviation {
    let is_rare = rows.iter().filter(|row| row.is_true).count() * 2 <= rows.len();
    let signed = |row: &Seen| if is_rare { row.score } else { -row.score };
    let mut others: Vec<f64> = rows.iter().filter(|row| row.is_true != is_rare).map(signed).collect();
    others.sort_unstable_by(f64::total_cmp);
    let values: Vec<f64> = rows
        .iter()
        .filter(|row| row.is_true == is_rare)
        .map(|row| {
            let score = signed(row);
            let (below, up_to) =
                (others.partition_point(|other| *other < score), others.partition_point(|other| *other <= score));
            (below + up_to) as f64 / 2.0 / others.len() as f64
        })
        .collect();
    Deviation::of(&values, rows.len(), 1.0)
}

/// How much each row moves the average precision by its weight (the infinitesimal jackknife of Efron, 1982): what a bootstrap comes to,
/// without chance. NannyML draws 50 samples, which are off by a tenth and more.
fn of_precision(rows: &[Seen]) -> Deviation {
    let mut ranked: Vec<&Seen> = rows.iter().collect();
    ranked.sort_unstable_by(|one, other| other.score.total_cmp(&one.score));
    let groups: Vec<(f64, f64)> = ranked
        .chunk_by(|one, other| one.score == other.score)
        .map(|tied| (tied.iter().filter(|row| row.is_true).count() as f64, tied.len() as f64))
        .collect();
    // Of the rows down to each group: those that are true, and all.
    let mut down_to = Vec::with_capacity(groups.len());
    let (mut positives, mut all, mut sum) = (0.0, 0.0, 0.0);
    for (positive, count) in &groups {
        positives += positive;
        all += count;
        sum += positive * positives / all;
        down_to.push((positives, all));
    }
    let average = sum / positives;
    // Of the rows from a group on, which a weight of a row of it counts in.
    let (mut gained, mut lost, mut squares) = (0.0, 0.0, 0.0);
    for ((positive, count), (positives_to, all_to)) in groups.iter().zip(&down_to).rev() {
        gained += positive / all_to;
        lost += positive * positives_to / (all_to * all_to);
        let of_true = positives_to / all_to + gained - lost - average;
        squares += positive * of_true * of_true + (count - positive) * lost * lost;
    }
    Deviation { deviation: (rows.len() as f64 * squares).sqrt() / positives, share: 1.0 }
}
