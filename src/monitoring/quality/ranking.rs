//! Whether rows of a class have larger scores than others: areas under the ROC curve, and average precisions.

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

/// The average precision of rows, each a score, how much of it is of the class, and its weight: the mean over the rows of the class of
/// the precision down to their score. `None` without any.
pub fn average_precision(rows: impl Iterator<Item = (f64, f64, f64)>) -> Option<f64> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
    let (mut sum, mut positives, mut all) = (0.0, 0.0, 0.0);
    for tied in rows.chunk_by(|one, other| one.0 == other.0) {
        let positive: f64 = tied.iter().map(|row| row.1).sum();
        positives += positive;
        all += tied.iter().map(|row| row.2).sum::<f64>();
        if all > 0.0 {
            sum += positive * positives / all;
        }
    }
    (positives > 0.0).then(|| sum / positives)
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

    /// Of each class.
    pub fn average_precisions(&self) -> Vec<Option<f64>> {
        let of_class = |class: usize| {
            let row = |(row, truth): (usize, &u32)| {
                let weight = self.weights.at(row);
                (self.scores.at(row, class), if *truth as usize == class { weight } else { 0.0 }, weight)
            };
            average_precision(self.truth.iter().enumerate().map(row))
        };
        (0..self.classes).map(of_class).collect()
    }

    /// Means over the classes; the plain one is undefined where a class has no rows.
    pub fn means(&self, of_classes: &[Option<f64>]) -> RocAverages {
        let support = self.support();
        let mut means = averages(of_classes.iter().zip(&support).filter_map(|(of, support)| Some(((*of)?, *support))));
        means.plain = means.plain.filter(|_| of_classes.iter().all(Option::is_some));
        means
    }

    /// The weights of the rows of each class.
    fn support(&self) -> Vec<f64> {
        let mut support = vec![0.0; self.classes];
        self.truth.iter().enumerate().for_each(|(row, truth)| support[*truth as usize] += self.weights.at(row));
        support
    }

    /// Means over what [`Self::one_vs_rest`] gave.
    pub fn averages(&self, one_vs_rest: &[Option<f64>]) -> RocAuc {
        let mut rows_of = vec![Vec::new(); self.classes];
        self.truth.iter().enumerate().for_each(|(row, truth)| rows_of[*truth as usize].push(row));
        let averages = self.means(one_vs_rest);
        if self.classes == 2 {
            return RocAuc { one_vs_rest: averages, one_vs_one: averages };
        }
        RocAuc { one_vs_rest: averages, one_vs_one: self.one_vs_one(&rows_of, &self.support()) }
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
        let precision =
            |rows: &[(f64, f64)]| average_precision(rows.iter().map(|(score, share)| (*score, *share, 1.0)));
        // One of one, and two of three that have its score.
        assert_eq!(precision(&[(0.9, 1.0), (0.5, 1.0), (0.5, 0.0), (0.1, 0.0)]), Some((1.0 + 2.0 / 3.0) / 2.0));
        assert_eq!(precision(&[(0.9, 0.0)]), None);
    }

    #[test]
    fn a_weight_counts_as_so_many_rows() {
        let weighted = roc_auc([(0.9, true, 2.0), (0.4, true, 1.0), (0.5, false, 3.0)].into_iter());
        assert_eq!(weighted, Some(2.0 / 3.0));
    }
}
