//! Whether rows of a class have larger scores than others: areas under the ROC curve.

use super::rows::Weights;
use super::scores::ScoreTable;
use serde::Serialize;

/// Means of the areas under the ROC curve; with two classes all are the same. What is undefined is `None`.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RocAuc {
    /// Each class against the rows of all others. The plain mean is undefined where a class has no rows, or all.
    pub one_vs_rest: RocAverages,
    /// Over the pairs of classes that have rows (Hand and Till, 2001).
    pub one_vs_one: RocAverages,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RocAverages {
    /// All count the same.
    #[serde(rename = "macro")]
    pub plain: Option<f64>,
    /// By the rows of the class, or of both classes.
    pub weighted: Option<f64>,
}

/// The area under the ROC curve of rows, each a score, whether it is of the class, and its weight. It is the probability that a row of
/// the class has the larger score than one that is not; the same score counts one half.
pub fn roc_auc(rows: impl Iterator<Item = (f64, bool, f64)>) -> Option<f64> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
    let (mut area, mut positives, mut negatives) = (0.0, 0.0, 0.0);
    for tied in rows.chunk_by(|one, other| one.0 == other.0) {
        let weight = |class: bool| -> f64 { tied.iter().filter(|row| row.1 == class).map(|row| row.2).sum() };
        let (positive, negative) = (weight(true), weight(false));
        area += negative * (positives + positive / 2.0);
        positives += positive;
        negatives += negative;
    }
    (positives > 0.0 && negatives > 0.0).then(|| area / (positives * negatives))
}

/// Rows of classes with their scores.
pub struct Ranking<'a> {
    pub truth: &'a [u32],
    pub classes: usize,
    pub scores: ScoreTable<'a>,
    pub weights: Weights<'a>,
}

impl Ranking<'_> {
    /// Each class against all others.
    pub fn one_vs_rest(&self) -> Vec<Option<f64>> {
        let area = |class: usize| {
            let row = |(row, truth): (usize, &u32)| {
                (self.scores.at(row, class), *truth as usize == class, self.weights.at(row))
            };
            roc_auc(self.truth.iter().enumerate().map(row))
        };
        // Both are the same, but 1 - p has lost digits.
        if self.classes == 2 { vec![area(1); 2] } else { (0..self.classes).map(area).collect() }
    }

    /// Means over what [`Self::one_vs_rest`] gave.
    pub fn averages(&self, one_vs_rest: &[Option<f64>]) -> RocAuc {
        let mut rows_of = vec![Vec::new(); self.classes];
        self.truth.iter().enumerate().for_each(|(row, truth)| rows_of[*truth as usize].push(row));
        let support: Vec<f64> = rows_of.iter().map(|rows| rows.iter().map(|row| self.weights.at(*row)).sum()).collect();
        let areas = one_vs_rest.iter().zip(&support).filter_map(|(area, support)| Some(((*area)?, *support)));
        let mut averages = averages(areas);
        averages.plain = averages.plain.filter(|_| one_vs_rest.iter().all(Option::is_some));
        if self.classes == 2 {
            return RocAuc { one_vs_rest: averages, one_vs_one: averages };
        }
        RocAuc { one_vs_rest: averages, one_vs_one: self.one_vs_one(&rows_of, &support) }
    }

    fn one_vs_one(&self, rows_of: &[Vec<usize>], support: &[f64]) -> RocAverages {
        let area = |class: usize, other: usize| {
            let row =
                |row: &usize| (self.scores.at(*row, class), self.truth[*row] as usize == class, self.weights.at(*row));
            roc_auc(rows_of[class].iter().chain(&rows_of[other]).map(row))
        };
        let pairs = (0..self.classes).flat_map(|one| (one + 1..self.classes).map(move |other| (one, other)));
        averages(pairs.filter_map(|(one, other)| {
            let mean = (area(one, other)? + area(other, one)?) / 2.0;
            Some((mean, support[one] + support[other]))
        }))
    }
}

/// Of areas and their weights.
pub fn averages(areas: impl Iterator<Item = (f64, f64)>) -> RocAverages {
    let (mut count, mut plain, mut sum, mut weight) = (0.0, 0.0, 0.0, 0.0);
    for (area, support) in areas {
        count += 1.0;
        plain += area;
        sum += area * support;
        weight += support;
    }
    RocAverages { plain: (count > 0.0).then(|| plain / count), weighted: (weight > 0.0).then(|| sum / weight) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let area = |rows: &[(f64, bool)]| roc_auc(rows.iter().map(|(score, positive)| (*score, *positive, 1.0)));
        // Three of four pairs are in order, and one is a tie.
        assert_eq!(area(&[(0.9, true), (0.5, true), (0.5, false), (0.1, false)]), Some(3.5 / 4.0));
        assert_eq!(area(&[(0.0, true), (-0.0, false)]), Some(0.5));
        assert_eq!(area(&[(0.9, true)]), None);
    }

    #[test]
    fn a_weight_counts_as_so_many_rows() {
        let weighted = roc_auc([(0.9, true, 2.0), (0.4, true, 1.0), (0.5, false, 3.0)].into_iter());
        assert_eq!(weighted, Some(2.0 / 3.0));
    }
}
