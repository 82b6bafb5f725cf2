//! Pearson's chi-square test on counts of categories.

use super::contingency::{of_two_samples, with_exact_reference};
use super::measured::Outcome;
use super::samples::Categories;

/// Evidently's form: the reference is taken for the exact distribution, so that its own chance is left out and equal
/// distributions are rejected too often. A category that the reference does not have is impossible: p = 0.
pub fn chi_square(categories: &Categories) -> Outcome {
    with_exact_reference(categories, term)
}

/// The test of homogeneity: both sides are samples.
pub fn two_sample_chi_square(categories: &Categories) -> Outcome {
    of_two_samples(categories, term)
}

fn term(observed: f64, expected: f64) -> f64 {
    (observed - expected) * (observed - expected) / expected
}

#[cfg(test)]
mod tests {
    use super::super::contingency::ONE_CATEGORY;
    use super::*;

    #[test]
    fn by_hand() {
        let categories = Categories::of(vec![(10, 20), (30, 20)]).unwrap();
        let exact = chi_square(&categories).unwrap();
        assert!((exact.statistic - (100.0 / 10.0 + 100.0 / 30.0)).abs() < 1e-12);
        let two_sample = two_sample_chi_square(&categories).unwrap();
        assert!((two_sample.statistic - (2.0 * 25.0 / 15.0 + 2.0 * 25.0 / 25.0)).abs() < 1e-12);
        assert_eq!(two_sample.degrees_of_freedom, Some(1.0));
        assert!(exact.score < two_sample.score);
    }

    #[test]
    fn a_new_category_is_impossible_by_the_reference() {
        let categories = Categories::of(vec![(10, 9), (0, 1)]).unwrap();
        let found = chi_square(&categories).unwrap();
        assert_eq!((found.statistic, found.score), (f64::INFINITY, 0.0));
        assert!(two_sample_chi_square(&categories).unwrap().score > 0.3);
        assert_eq!(chi_square(&Categories::of(vec![(10, 9)]).unwrap()), Err(ONE_CATEGORY));
    }
}
