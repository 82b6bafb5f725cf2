//! Whether what was said with a confidence of 80 % is right in 80 of 100 cases.

use serde::Serialize;

/// How rows are put into bins, and into how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binning {
    /// By confidence: `[b / bins, (b + 1) / bins)`, the last one closed.
    EqualWidth(usize),
    /// In the order of confidence, as many rows in each as in the others, or one more.
    EqualMass(usize),
}

/// A bin of the reliability table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReliabilityBin {
    /// Of equal width: its bounds. Of equal mass: the least and the largest confidence in it.
    pub lower: f64,
    pub upper: f64,
    /// Rows.
    pub count: u64,
    /// The sum of their weights.
    pub weight: f64,
    /// What they said.
    pub mean_confidence: f64,
    /// The share of them that is right.
    pub accuracy: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The expected calibration error (Naeini et al., 2015): the mean of |mean confidence - accuracy|, each bin by its weight.
    pub ece: f64,
    /// The maximum calibration error: the largest of them.
    pub mce: f64,
    /// Without bins that have no rows of any weight.
    pub reliability: Vec<ReliabilityBin>,
}

/// A row: a confidence from 0 to 1, whether it was right, and its weight.
pub type Judged = (f64, bool, f64);

/// The calibration of rows.
pub fn calibration(rows: impl Iterator<Item = Judged>, binning: Binning) -> Calibration {
    match binning {
        Binning::EqualWidth(bins) => {
            let mut table = Reliability::new(bins);
            rows.for_each(|row| table.add(row));
            table.calibration()
        }
        Binning::EqualMass(bins) => of_equal_mass(rows.collect(), bins),
    }
}

/// Which of some bins of equal width a confidence is in.
pub fn bin_of(confidence: f64, bins: usize) -> usize {
    ((confidence * bins as f64) as usize).min(bins - 1)
}

/// Bins of equal width. Those of parts of the rows merge.
#[derive(Debug, Clone)]
pub struct Reliability {
    bins: Vec<BinSums>,
}

#[derive(Debug, Clone, Default)]
struct BinSums {
    count: u64,
    weight: f64,
    confidence: f64,
    right: f64,
}

impl Reliability {
    pub fn new(bins: usize) -> Self {
        Self { bins: vec![BinSums::default(); bins] }
    }

    pub fn add(&mut self, row: Judged) {
        let bin = bin_of(row.0, self.bins.len());
        self.bins[bin].add(row);
    }

    /// Adds the rows of another table of as many bins.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.bins.len(), other.bins.len(), "tables of other bins do not merge");
        for (own, other) in self.bins.iter_mut().zip(&other.bins) {
            own.count += other.count;
            own.weight += other.weight;
            own.confidence += other.confidence;
            own.right += other.right;
        }
    }

    pub fn calibration(&self) -> Calibration {
        let width = |bin: usize| bin as f64 / self.bins.len() as f64;
        let bins = self.bins.iter().enumerate();
        Calibration::of(bins.filter_map(|(bin, sums)| sums.finish(width(bin), width(bin + 1))).collect())
    }
}

fn of_equal_mass(mut rows: Vec<Judged>, bins: usize) -> Calibration {
    // Stable: rows of one confidence may be cut apart, and then where is decided by their order.
    rows.sort_by(|one, other| one.0.total_cmp(&other.0));
    let start = |bin: usize| bin * rows.len() / bins;
    let bins = (0..bins).filter_map(|bin| {
        let rows = &rows[start(bin)..start(bin + 1)];
        let mut sums = BinSums::default();
        rows.iter().for_each(|row| sums.add(*row));
        sums.finish(rows.first()?.0, rows.last()?.0)
    });
    Calibration::of(bins.collect())
}

impl BinSums {
    fn add(&mut self, (confidence, right, weight): Judged) {
        self.count += 1;
        self.weight += weight;
        self.confidence += weight * confidence;
        self.right += if right { weight } else { 0.0 };
    }

    fn finish(&self, lower: f64, upper: f64) -> Option<ReliabilityBin> {
        let Self { count, weight, confidence, right } = *self;
        let (mean_confidence, accuracy) = (confidence / weight, right / weight);
        (weight > 0.0).then_some(ReliabilityBin { lower, upper, count, weight, mean_confidence, accuracy })
    }
}

impl Calibration {
    pub fn of(reliability: Vec<ReliabilityBin>) -> Self {
        let gap = |bin: &ReliabilityBin| (bin.mean_confidence - bin.accuracy).abs();
        let weight: f64 = reliability.iter().map(|bin| bin.weight).sum();
        Self {
            ece: reliability.iter().map(|bin| bin.weight / weight * gap(bin)).sum(),
            mce: reliability.iter().map(gap).fold(0.0, f64::max),
            reliability,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [Judged; 4] = [(0.1, false, 1.0), (0.2, true, 1.0), (0.9, true, 1.0), (1.0, true, 1.0)];

    #[test]
    fn bins_of_equal_width_close_the_last_one() {
        let found = calibration(ROWS.into_iter(), Binning::EqualWidth(10));
        let bins: Vec<_> = found.reliability.iter().map(|bin| (bin.lower, bin.upper, bin.count)).collect();
        assert_eq!(bins, [(0.1, 0.2, 1), (0.2, 0.3, 1), (0.9, 1.0, 2)]);
        assert!((found.mce - 0.8).abs() < 1e-15);
        assert!((found.ece - (0.1 + 0.8 + 2.0 * 0.05) / 4.0).abs() < 1e-15);
    }

    #[test]
    fn bins_of_equal_mass_have_their_bounds_from_the_rows() {
        let found = calibration(ROWS.into_iter(), Binning::EqualMass(2));
        let bins: Vec<_> = found.reliability.iter().map(|bin| (bin.lower, bin.upper, bin.accuracy)).collect();
        assert_eq!(bins, [(0.1, 0.2, 0.5), (0.9, 1.0, 1.0)]);
        assert_eq!(calibration(ROWS.into_iter(), Binning::EqualMass(9)).reliability.len(), 4);
    }

    #[test]
    fn merged_parts_equal_the_whole() {
        let (mut left, mut right) = (Reliability::new(10), Reliability::new(10));
        ROWS[..3].iter().for_each(|row| left.add(*row));
        right.add(ROWS[3]);
        left.merge(&right);
        assert_eq!(left.calibration(), calibration(ROWS.into_iter(), Binning::EqualWidth(10)));
    }

    #[test]
    fn a_weight_counts_as_so_many_rows() {
        let weighted = calibration([(0.75, true, 3.0), (0.75, false, 1.0)].into_iter(), Binning::EqualWidth(5));
        assert_eq!((weighted.ece, weighted.reliability[0].accuracy), (0.0, 0.75));
    }
}
