//! The quality of a column's values against a reference.

use crate::monitoring::profile::{Column, Kind, Number, Strings};

/// New categories that are named.
const MAX_NAMED: usize = 10;

/// A share on both sides: `None` where a side has no row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    pub reference: Option<f64>,
    pub current: Option<f64>,
}

/// Categories that the reference does not have.
#[derive(Debug, Clone, PartialEq)]
pub struct Unseen {
    /// How many are counted, and their rows among the current ones.
    pub categories: u64,
    pub share: f64,
    /// The most frequent ones.
    pub names: Vec<String>,
    /// Whether all categories of both sides are counted.
    pub is_exact: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    pub missing: Shares,
    /// Infinite numbers.
    pub infinite: Shares,
    /// Values of another kind than the column's.
    pub mismatched: Shares,
    /// Whether all values of a side are one and the same.
    pub constant: (bool, bool),
    /// Of numbers: the share of the current ones below the smallest of the reference, and above its largest.
    pub out_of_range: Option<(f64, f64)>,
    /// By how much each of both is off at most, in 99 of 100 cases.
    pub out_of_range_error: f64,
    /// Of strings that are no text.
    pub unseen: Option<Unseen>,
    /// Of text: the share of the words that the reference does not have.
    pub new_words: Option<f64>,
    /// Of vectors: the mean cosine of the current ones to the mean of the reference.
    pub mean_cosine: Option<f64>,
}

impl Quality {
    pub fn of(reference: &Column, current: &Column) -> Self {
        let shares = |of: &dyn Fn(&Column) -> u64| {
            let share = |column: &Column| (column.values() > 0).then(|| of(column) as f64 / column.values() as f64);
            Shares { reference: share(reference), current: share(current) }
        };
        let mut quality = Self {
            missing: shares(&|column| column.missing),
            infinite: shares(&infinite),
            mismatched: shares(&|column| column.mismatched),
            constant: (is_constant(reference), is_constant(current)),
            out_of_range: None,
            out_of_range_error: 0.0,
            unseen: None,
            new_words: None,
            mean_cosine: None,
        };
        match (&reference.kind, &current.kind) {
            (Kind::Number(before), Kind::Number(now)) => {
                quality.out_of_range = out_of_range(before, now);
                quality.out_of_range_error = now.rank_error();
            }
            (Kind::Strings(before), Kind::Strings(now)) if before.is_text() => {
                quality.new_words = now.new_words(before);
            }
            (Kind::Strings(before), Kind::Strings(now)) => quality.unseen = unseen(before, now),
            (Kind::Vectors(before), Kind::Vectors(now)) => quality.mean_cosine = now.mean_cosine(before),
            _ => {}
        }
        quality
    }
}

fn infinite(column: &Column) -> u64 {
    match &column.kind {
        Kind::Number(numbers) => numbers.infinite(),
        Kind::Vectors(vectors) => vectors.infinite(),
        Kind::Strings(_) | Kind::Unknown => 0,
    }
}

fn is_constant(column: &Column) -> bool {
    match &column.kind {
        Kind::Number(numbers) => numbers.count() > 0 && numbers.min() == numbers.max(),
        Kind::Strings(strings) => strings.counts().len() == 1 && strings.count_error() == 0,
        Kind::Vectors(_) | Kind::Unknown => false,
    }
}

fn out_of_range(reference: &Number, current: &Number) -> Option<(f64, f64)> {
    let (min, max) = (reference.min()?, reference.max()?);
    // The sketch may have dropped the largest and the smallest number, which are known beside it.
    let below = if current.min()? < min { current.share_below(min, false)? } else { 0.0 };
    let above = if current.max()? > max { 1.0 - current.share_below(max, true)? } else { 0.0 };
    Some((below, above))
}

fn unseen(reference: &Strings, current: &Strings) -> Option<Unseen> {
    if current.count() == 0 {
        return None;
    }
    let known: std::collections::HashSet<&str> = reference.counts().into_iter().map(|(name, ..)| name).collect();
    let new: Vec<(&str, u64)> = current
        .counts()
        .into_iter()
        .filter(|(name, ..)| !known.contains(name))
        .map(|(name, count, _)| (name, count))
        .collect();
    Some(Unseen {
        categories: new.len() as u64,
        share: new.iter().map(|(_, count)| *count as f64).sum::<f64>() / current.count() as f64,
        names: new.iter().take(MAX_NAMED).map(|(name, _)| (*name).to_owned()).collect(),
        is_exact: reference.count_error() == 0 && current.count_error() == 0,
    })
}
