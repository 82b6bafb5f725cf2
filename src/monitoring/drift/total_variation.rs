//! Distances by the differences of shares.

use super::measured::{Measured, Outcome};
use super::samples::Categories;
use super::shares::Shares;
use crate::statistics::Permutations;

/// Evidently deals 1000 times, in a sequence that differs between its processes.
const ROUNDS: u32 = 5000;

/// The total variation distance, half the sum of differences, with the p-value of a permutation test.
pub fn total_variation(categories: &Categories) -> Outcome {
    let (all_reference, all_current) = (categories.reference as f64, categories.current as f64);
    let distance = |counts: &[(u64, u64)]| {
        let difference = |(reference, current): &(u64, u64)| {
            (*reference as f64 / all_reference - *current as f64 / all_current).abs()
        };
        counts.iter().map(difference).sum::<f64>() / 2.0
    };
    let p_value = Permutations::of(&categories.counts).p_value(&categories.counts, ROUNDS, distance);
    Ok(Measured::new(distance(&categories.counts), p_value))
}

/// The largest difference of a category.
pub fn l_infinity(shares: &Shares) -> Outcome {
    let differences = shares.0.iter().map(|(reference, current)| (reference - current).abs());
    Ok(Measured::distance(differences.fold(0.0, f64::max)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let found = total_variation(&Categories::of(vec![(1, 2), (1, 0), (2, 2)]).unwrap()).unwrap();
        assert_eq!(found.statistic, 0.25);
        assert!(found.score > 0.5);
        assert_eq!(l_infinity(&Shares(vec![(0.25, 0.5), (0.75, 0.5)])).unwrap().score, 0.25);
        let apart = total_variation(&Categories::of(vec![(30, 0), (0, 30)]).unwrap()).unwrap();
        assert_eq!((apart.statistic, apart.score), (1.0, 1.0 / 5001.0));
    }
}
