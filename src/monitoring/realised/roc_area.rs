//! Areas under ROC curves of scores that are known by their bins only.

/// Bins from a power of two to the next: 64.
const DROPPED_BITS: u32 = 52 - 6;
/// What is nearer to 0 or 1 counts as that.
const LEAST: f64 = 1.0 / (1 << 20) as f64;
/// The bin of one half. Those above it mirror those below.
const MIDDLE: u32 = place(0.5);
/// The last bin, that of 1.
pub const LAST_BIN: u32 = 2 * MIDDLE;

/// The number of the bin of a probability; a larger one is in the same bin or a later one. Bins are the narrower the nearer they are to 0
/// or 1, where most scores of a good model are: from 1/256 at one half to less than a millionth.
pub fn score_bin(probability: f64) -> u32 {
    if probability < 0.5 { place(probability) } else { LAST_BIN - place(1.0 - probability) }
}

/// Of a value up to one half.
const fn place(value: f64) -> u32 {
    const FIRST: u64 = LEAST.to_bits() >> DROPPED_BITS;
    if value < LEAST { 0 } else { ((value.to_bits() >> DROPPED_BITS) - FIRST) as u32 + 1 }
}

/// An area under a curve, and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    pub value: f64,
    pub error: f64,
}

/// Of counts by bin, ascending: of rows of the class, and of the others. `None` where either has no rows.
pub fn roc_area(positives: &[(u32, i64)], negatives: &[(u32, i64)]) -> Option<Area> {
    let weights = |bins: &[(u32, i64)]| bins.iter().map(|(bin, count)| (*bin, *count as f64)).collect::<Vec<_>>();
    weighted_roc_area(&weights(positives), &weights(negatives))
}

/// The same of weights. It may be off by half the share of the pairs, one of the class and one not, that share a bin: such a pair counts
/// one half, and may be in order, or not.
pub fn weighted_roc_area(positives: &[(u32, f64)], negatives: &[(u32, f64)]) -> Option<Area> {
    let total = |bins: &[(u32, f64)]| bins.iter().map(|(_, weight)| *weight).sum::<f64>();
    let pairs = total(positives) * total(negatives);
    let (mut above, mut area, mut undecided) = (0.0, 0.0, 0.0);
    let mut left = positives.iter().rev().peekable();
    for (bin, weight) in negatives.iter().rev() {
        while let Some((_, positive)) = left.next_if(|(other, _)| other > bin) {
            above += *positive;
        }
        let tied = left.peek().filter(|(other, _)| other == bin).map_or(0.0, |(_, positive)| *positive);
        area += *weight * (above + tied / 2.0);
        undecided += *weight * tied / 2.0;
    }
    (total(positives) > 0.0 && total(negatives) > 0.0).then(|| Area { value: area / pairs, error: undecided / pairs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::bins::Bins;
    use crate::monitoring::quality::roc_auc;

    #[test]
    fn bins_are_in_the_order_of_the_probabilities() {
        let mut before = 0;
        for at in 0..=1_000_000u32 {
            let bin = score_bin(f64::from(at) / 1e6);
            assert!(bin >= before && bin <= LAST_BIN, "{at}");
            before = bin;
        }
        let nearest = [0.0, 1e-9, 0.499_999, 0.5, 0.500_001, 1.0 - 1e-9, 1.0].map(score_bin);
        assert_eq!(nearest, [0, 0, MIDDLE - 1, MIDDLE, MIDDLE + 1, LAST_BIN, LAST_BIN]);
        assert!(score_bin(0.999) < score_bin(0.9991) && score_bin(1e-4) < score_bin(1.05e-4));
    }

    /// Of scores of both kinds, from bins and exactly.
    fn areas(rows: &[(f64, bool)]) -> (Area, f64) {
        let (mut positives, mut negatives) = (Bins::default(), Bins::default());
        for (score, is_positive) in rows {
            if *is_positive { &mut positives } else { &mut negatives }.add(score_bin(*score), 1);
        }
        let all = |bins: &Bins| bins.between(0, LAST_BIN + 1).to_vec();
        let exact = roc_auc(rows.iter().map(|(score, is_positive)| (*score, *is_positive, 1.0)));
        (roc_area(&all(&positives), &all(&negatives)).unwrap(), exact.unwrap())
    }

    #[test]
    fn the_exact_area_is_within_the_error() {
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / (1u64 << 31) as f64
        };
        let mut largest: f64 = 0.0;
        for round in 0..2000 {
            // Scores near the middle, near the ends, and tied ones.
            let shape = [0.2, 1.0, 6.0, 20.0][round % 4];
            let rows: Vec<_> = (0..20 + round % 300)
                .map(|at| {
                    let is_positive = at == 0 || (at > 1 && random() < 0.3);
                    let pull = if is_positive { random().max(random()) } else { random() };
                    let score = 1.0 / (1.0 + (-shape * (pull - 0.5)).exp());
                    (if round % 7 == 0 { (score * 10.0).round() / 10.0 } else { score }, is_positive)
                })
                .collect();
            let (found, exact) = areas(&rows);
            assert!((found.value - exact).abs() <= found.error + 1e-12, "{round}: {found:?}, exactly {exact}");
            if shape > 0.5 && round % 7 > 0 && rows.len() > 100 {
                largest = largest.max(found.error);
            }
        }
        // Of scores that are spread as those of models are.
        assert!(largest < 0.02, "{largest}");
    }

    #[test]
    fn without_pairs_there_is_no_area() {
        assert_eq!(roc_area(&[(3, 5)], &[]), None);
        assert_eq!(roc_area(&[], &[(3, 5)]), None);
        assert_eq!(roc_area(&[(3, 1)], &[(3, 1)]), Some(Area { value: 0.5, error: 0.5 }));
    }
}
