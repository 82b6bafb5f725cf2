//! Which classes are taken for which, and how their scores rank.

use super::average_precision::binned_average_precision;
use super::roc_area::{Area, LAST_BIN, roc_area, score_bin};
use crate::monitoring::bins::Bins;
use serde::{Deserialize, Serialize};

/// Classes that sums tell apart. Beyond that they tell none: which ones are left would depend on their order.
const MAX_CLASSES: usize = 200;
/// A name that is longer is none.
pub const MAX_NAME_BYTES: usize = 64;
/// Where classes stand that are not told apart. The first name stands at 1.
const REST: u32 = 0;
/// Bits of a place, and of a bin of scores.
const BITS: u32 = 16;

/// A row of a classification.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassRow {
    /// The name of the true class; `None` for one that is not told apart from others.
    pub actual: Option<String>,
    pub predicted: Option<String>,
    /// Whether they are the same class, also where neither is named.
    pub is_right: bool,
}

/// Counts of rows. What is added can be taken away again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassSums {
    /// In their order.
    names: Vec<String>,
    /// Rows by the place of their true class, and that of their predicted one in the lower bits.
    cells: Bins,
    right: i64,
    /// By the place of a class, and in the lower bits by the bin of its score: rows of the class, and those that are not.
    positives: Bins,
    negatives: Bins,
    /// There were more classes than are told apart.
    is_folded: bool,
}

/// How the scores of a class rank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Rows of the class.
    pub support: f64,
    /// `None` without rows of the class, or without others.
    pub roc_area: Option<Area>,
    /// `None` without rows of the class.
    pub average_precision: Option<Area>,
}

impl ClassSums {
    pub fn add(&mut self, ClassRow { actual, predicted, is_right }: &ClassRow) {
        actual.iter().chain(predicted).for_each(|name| self.insert(name));
        let cell = self.place(actual.as_deref()) << BITS | self.place(predicted.as_deref());
        self.cells.add(cell, 1);
        self.right = self.right.wrapping_add(i64::from(*is_right));
        self.limit();
    }

    /// Adds what a row says of one of its classes.
    pub fn add_score(&mut self, class: &str, probability: f64, is_true: bool) {
        self.insert(class);
        let place = self.place(Some(class));
        if place != REST {
            let side = if is_true { &mut self.positives } else { &mut self.negatives };
            side.add(place << BITS | score_bin(probability), 1);
        }
        self.limit();
    }

    pub fn merge_times(&mut self, other: &Self, times: i64) {
        self.is_folded |= other.is_folded;
        let mut all = self.names.clone();
        if self.names != other.names {
            all.extend_from_slice(&other.names);
            all.sort_unstable();
            all.dedup();
            *self = self.renamed(&all);
        }
        let renamed;
        let other = if other.names == all {
            other
        } else {
            renamed = other.renamed(&all);
            &renamed
        };
        self.cells.merge_times(&other.cells, times);
        self.positives.merge_times(&other.positives, times);
        self.negatives.merge_times(&other.negatives, times);
        self.right = self.right.wrapping_add(other.right.wrapping_mul(times));
        self.drop_unused();
        self.limit();
    }

    fn insert(&mut self, name: &str) {
        if let Err(at) = self.names.binary_search_by(|own| own.as_str().cmp(name)) {
            let mut all = self.names.clone();
            all.insert(at, name.to_owned());
            *self = self.renamed(&all);
        }
    }

    fn place(&self, name: Option<&str>) -> u32 {
        let found = name.and_then(|name| self.names.binary_search_by(|own| own.as_str().cmp(name)).ok());
        found.map_or(REST, |at| at as u32 + 1)
    }

    /// The same with other names, in their order; classes that have none of them are not told apart.
    fn renamed(&self, names: &[String]) -> Self {
        let at = |name: &String| names.binary_search(name).map_or(REST, |at| at as u32 + 1);
        let places: Vec<u32> = std::iter::once(REST).chain(self.names.iter().map(at)).collect();
        let moved = |bin: u32| places[(bin >> BITS) as usize] << BITS;
        let score = |bin: u32| moved(bin) | (bin & LOW);
        Self {
            names: names.to_vec(),
            cells: self.cells.map(|cell| moved(cell) | places[(cell & LOW) as usize]),
            positives: self.positives.map(score),
            negatives: self.negatives.map(score),
            ..*self
        }
    }

    /// Drops the names of which nothing is left.
    fn drop_unused(&mut self) {
        let mut is_used = vec![false; self.names.len() + 1];
        for (cell, _) in self.cells.iter() {
            is_used[(cell >> BITS) as usize] = true;
            is_used[(cell & LOW) as usize] = true;
        }
        for (score, _) in self.positives.iter().chain(self.negatives.iter()) {
            is_used[(score >> BITS) as usize] = true;
        }
        if is_used[1..].contains(&false) {
            let used = self.names.iter().zip(&is_used[1..]).filter(|(_, is_used)| **is_used);
            let names: Vec<_> = used.map(|(name, _)| name.clone()).collect();
            *self = self.renamed(&names);
        }
    }

    /// Tells no classes apart any more once there were too many.
    fn limit(&mut self) {
        self.is_folded |= self.names.len() > MAX_CLASSES;
        if self.is_folded && !self.names.is_empty() {
            *self = self.renamed(&[]);
            (self.positives, self.negatives) = Default::default();
        }
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Rows.
    pub fn count(&self) -> i64 {
        self.cells.total()
    }

    /// Rows whose class is right.
    pub fn right(&self) -> i64 {
        self.right
    }

    /// The true and the predicted class of rows, and how many they are. Classes are positions of their names; those that are not told
    /// apart are behind the last one.
    pub fn cells(&self) -> impl Iterator<Item = (usize, usize, i64)> {
        let position = |place: u32| place.checked_sub(1).map_or(self.names.len(), |at| at as usize);
        self.cells.iter().map(move |(cell, count)| (position(cell >> BITS), position(cell & LOW), count))
    }

    /// `None` for a class without scores.
    pub fn ranked(&self, position: usize) -> Option<Ranked> {
        let first = (position as u32 + 1) << BITS;
        let of_class = |bins: &'_ Bins| bins.between(first, first + (1 << BITS)).to_vec();
        let (positives, negatives) = (of_class(&self.positives), of_class(&self.negatives));
        let support = positives.iter().map(|(_, count)| *count as f64).sum();
        (!positives.is_empty() || !negatives.is_empty()).then(|| Ranked {
            support,
            roc_area: roc_area(&positives, &negatives),
            average_precision: binned_average_precision(&positives, &negatives),
        })
    }

    /// Whether they can be some that were written.
    pub fn is_sound(&self) -> bool {
        let is_place = |place: u32| place as usize <= self.names.len();
        let is_score = |bin: u32| bin >> BITS != REST && is_place(bin >> BITS) && bin & LOW <= LAST_BIN;
        self.names.len() <= MAX_CLASSES
            && self.names.windows(2).all(|pair| pair[0] < pair[1])
            && self.names.iter().all(|name| name.len() <= MAX_NAME_BYTES)
            && self.cells.iter().all(|(cell, _)| is_place(cell >> BITS) && is_place(cell & LOW))
            && self.positives.iter().chain(self.negatives.iter()).all(|(bin, _)| is_score(bin))
            && (!self.is_folded || self.names.is_empty())
    }
}

const LOW: u32 = (1 << BITS) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn row(actual: Option<&str>, predicted: Option<&str>) -> ClassRow {
        let owned = |name: Option<&str>| name.map(str::to_owned);
        ClassRow { actual: owned(actual), predicted: owned(predicted), is_right: actual == predicted }
    }

    fn sums(rows: &[(&str, &str)]) -> ClassSums {
        let mut sums = ClassSums::default();
        rows.iter().for_each(|(actual, predicted)| sums.add(&row(Some(actual), Some(predicted))));
        sums
    }

    #[test]
    fn classes_come_in_any_order_and_go_without_a_trace() {
        let mut whole = sums(&[("b", "b"), ("d", "a"), ("a", "b")]);
        whole.add_score("c", 0.25, true);
        let mut other = sums(&[("d", "a"), ("c", "d")]);
        other.add_score("a", 0.5, false);
        let before = whole.clone();
        whole.merge_times(&other, 1);
        assert_eq!(whole.names(), ["a", "b", "c", "d"]);
        assert_eq!((whole.count(), whole.right()), (5, 1));
        let cells: Vec<_> = whole.cells().collect();
        assert_eq!(cells, [(0, 1, 1), (1, 1, 1), (2, 3, 1), (3, 0, 2)]);
        whole.merge_times(&other, -1);
        assert_eq!(whole, before);
        whole.merge_times(&before, -1);
        assert_eq!(whole, ClassSums::default());
        // What is taken away may come first.
        whole.merge_times(&other, -1);
        whole.merge_times(&before, 1);
        whole.merge_times(&other, 1);
        assert_eq!(whole, before);
    }

    #[test]
    fn what_has_no_name_is_counted_with_the_rest() {
        let mut found = sums(&[("a", "a")]);
        found.add(&ClassRow { is_right: true, ..row(None, None) });
        found.add(&ClassRow { is_right: false, ..row(None, None) });
        found.add(&row(Some("a"), None));
        let cells: Vec<_> = found.cells().collect();
        assert_eq!((found.right(), cells), (2, vec![(1, 1, 2), (0, 1, 1), (0, 0, 1)]));
    }

    #[test]
    fn too_many_classes_are_none() {
        let names: Vec<String> = (0..=MAX_CLASSES).map(|at| format!("class {at}")).collect();
        let mut all = ClassSums::default();
        for name in &names {
            all.add(&row(Some(name), Some(name)));
            all.add_score(name, 0.5, true);
        }
        assert_eq!((all.names().len(), all.count(), all.right()), (0, 201, 201));
        assert_eq!(all.cells().collect::<Vec<_>>(), [(0, 0, 201)]);
        let (mut left, mut right) = (sums(&[("x", "y")]), all.clone());
        left.merge_times(&all, 1);
        right.merge_times(&sums(&[("x", "y")]), 1);
        assert!(left == right && left.is_sound() && left.ranked(0).is_none());
        left.merge_times(&sums(&[("x", "y")]), -1);
        assert_eq!(left, all);
    }
}
