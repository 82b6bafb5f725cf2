//! The G test on counts of categories: the likelihood ratio where chi-square has its approximation.

use super::contingency::{of_two_samples, with_exact_reference};
use super::measured::Outcome;
use super::samples::Categories;

/// Evidently's form, the reference taken for the exact distribution. Evidently refuses sides of different sizes; here the reference is
/// scaled, as for its chi-square test.
pub fn g_test(categories: &Categories) -> Outcome {
    with_exact_reference(categories, term)
}

/// The test of homogeneity: both sides are samples.
pub fn two_sample_g_test(categories: &Categories) -> Outcome {
    of_two_samples(categories, term)
}

fn term(observed: f64, expected: f64) -> f64 {
    if observed == 0.0 { 0.0 } else { 2.0 * observed * (observed / expected).ln() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let categories = Categories::of(vec![(10, 20), (30, 20)]).unwrap();
        let exact = g_test(&categories).unwrap();
        assert!((exact.statistic - 40.0 * (2f64.ln() + (2.0f64 / 3.0).ln())).abs() < 1e-12);
        let equal = two_sample_g_test(&Categories::of(vec![(10, 20), (30, 60)]).unwrap()).unwrap();
        assert!(equal.statistic.abs() < 1e-12 && equal.score > 0.999);
    }

    #[test]
    fn a_new_category_is_impossible_by_the_reference() {
        let categories = Categories::of(vec![(10, 9), (0, 1)]).unwrap();
        assert_eq!(g_test(&categories).unwrap().score, 0.0);
        assert!(two_sample_g_test(&categories).unwrap().score > 0.2);
    }
}
