//! Average precisions of scores that are known by their bins only.

use super::roc_area::Area;
use std::collections::BTreeMap;

/// The average precision of counts by bin: of rows of the class, and of the others. `None` without rows of the class.
pub fn binned_average_precision(positives: &[(u32, i64)], negatives: &[(u32, i64)]) -> Option<Area> {
    let weights = |bins: &[(u32, i64)]| bins.iter().map(|(bin, count)| (*bin, *count as f64)).collect::<Vec<_>>();
    weighted_average_precision(&weights(positives), &weights(negatives))
}

/// The same of weights, which for each row add up to 1. Rows of a bin count as if their scores were the same; in which order they are is
/// not known, and how far that may put it off is bounded.
pub fn weighted_average_precision(positives: &[(u32, f64)], negatives: &[(u32, f64)]) -> Option<Area> {
    let mut bins: BTreeMap<u32, Bin> = BTreeMap::new();
    positives.iter().for_each(|(bin, weight)| bins.entry(*bin).or_default().positive += *weight);
    negatives.iter().for_each(|(bin, weight)| bins.entry(*bin).or_default().negative += *weight);
    let (mut above, mut tied, mut least, mut most) = (Bin::default(), 0.0, 0.0, 0.0);
    for bin in bins.values().rev().filter(|bin| bin.positive + bin.negative > 0.0) {
        if bin.positive > 0.0 {
            tied += bin.tied(above);
            least += bin.least(above);
            most += bin.most(above);
        }
        above = Bin { positive: above.positive + bin.positive, negative: above.negative + bin.negative };
    }
    let total = above.positive;
    let error = f64::max(most - tied, tied - least).max(0.0);
    (total > 0.0).then(|| Area { value: tied / total, error: error / total })
}

/// Rows of the class and others, by weight.
#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    positive: f64,
    negative: f64,
}

/// What a bin adds below others: for each row its weight in the class, times the precision down to it and to those of its score.
impl Bin {
    const fn all(self) -> f64 {
        self.positive + self.negative
    }

    /// Where all have the same score.
    fn tied(self, above: Self) -> f64 {
        self.positive * (above.positive + self.positive) / (above.all() + self.all())
    }

    /// The precision is the highest where the rows of the class come first.
    fn most(self, above: Self) -> f64 {
        let at = |rows: f64| (above.positive + self.positive.min(rows)) / (above.all() + rows);
        self.positive * f64::max(at(self.positive.floor().max(1.0)), at(self.positive.ceil().max(1.0)))
    }

    fn least(self, above: Self) -> f64 {
        let (positive, negative, all) = (self.positive, self.negative, self.all());
        // All rows above count below all of these, and of these half the pairs and each with itself.
        let of_pairs = positive * (above.positive + positive * (1.0 + 1.0 / all) / 2.0) / (above.all() + all);
        // The others come first, and each takes from the precision of those behind it.
        let first = negative.floor();
        let reciprocals =
            1.0 / (above.all() + first + 1.0) + f64::max((above.all() + all) / (above.all() + first + 1.0), 1.0).ln();
        let others = above.negative + negative;
        let at_first = if first > 0.0 { first * others / (above.all() + negative) } else { 0.0 };
        f64::max(of_pairs, positive - at_first - others * reciprocals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::quality::average_precision;
    use crate::monitoring::realised::score_bin;

    /// Between 0 and 1, the same ones each time.
    fn random() -> impl FnMut() -> f64 {
        let mut state = 3u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / (1u64 << 31) as f64
        }
    }

    /// Of scores and how much of each row is of the class, from bins of so many each, and exactly.
    fn areas(rows: &[(f64, f64)], width: u32) -> (Area, f64) {
        let side = |weight: fn(f64) -> f64| {
            rows.iter().map(|(score, share)| (score_bin(*score) / width, weight(*share))).collect::<Vec<_>>()
        };
        let found = weighted_average_precision(&side(|share| share), &side(|share| 1.0 - share)).unwrap();
        (found, average_precision(rows.iter().map(|(score, share)| (*score, *share, 1.0))).unwrap())
    }

    #[test]
    fn the_exact_precision_is_within_the_error() {
        let mut random = random();
        let mut largest: f64 = 0.0;
        for round in 0..10_000 {
            // Bins from narrow ones to one for all; whole rows, shares of rows, shares near 1, and tied scores.
            let width = [1, 4, 64, 4096][round % 4];
            let rows: Vec<_> = (0..1 + round % 150)
                .map(|_| {
                    let score = random().powi(1 + (round / 4 % 3) as i32);
                    let score = if round % 7 == 0 { (score * 8.0).round() / 8.0 } else { score };
                    let share = match round / 16 % 4 {
                        0 => f64::from(random() < score),
                        1 => random(),
                        2 => 1.0 - random().powi(8),
                        _ => f64::from(random() < 0.95),
                    };
                    (score, share.max(1e-9))
                })
                .collect();
            let (found, exact) = areas(&rows, width);
            let off = (found.value - exact).abs();
            assert!(off <= found.error + 1e-9, "{off} of {found:?} in round {round}");
            assert!(found.error <= 1.0, "{found:?}");
            if width == 1 && rows.len() > 100 && round % 7 != 0 {
                largest = largest.max(found.error);
            }
        }
        assert!(largest < 0.1, "{largest}");
    }

    #[test]
    fn what_shares_no_bin_is_exact() {
        let rows = [(0.9, 1.0), (0.7, 0.25), (0.4, 0.5), (0.1, 0.0)];
        let (found, exact) = areas(&rows, 1);
        assert!((found.value - exact).abs() < 1e-12 && found.error < 1e-12, "{found:?}, {exact}");
        assert_eq!(binned_average_precision(&[], &[(3, 1)]), None);
        assert_eq!(binned_average_precision(&[(4, 2)], &[(3, 1)]).unwrap().value, 1.0);
    }

    #[test]
    fn scores_of_a_sure_model_leave_little_open() {
        let (positives, negatives) = ([(9, 9_800)], [(9, 200), (1, 90_000)]);
        let found = binned_average_precision(&positives, &negatives).unwrap();
        assert!(found.error < 0.1, "{found:?}");
    }
}
