//! The G test on counts of categories: the likelihood ratio where chi-square has its approximation.

use super::chi_square::ONE_CATEGORY;
use super::measured::{Measured, Outcome};
use super::samples::Categories;
use crate::statistics::chi_square_sf;

/// Evidently's form, the reference taken for the exact distribution. Evidently refuses sides of different sizes; here the reference is
/// scaled, as for its chi-square test.
pub fn g_test(categories: &Categories) -> Outcome {
    let scale = categories.current as f64 / categories.reference as f64;
    test(categories, categories.observed().map(|(reference, observed)| term(observed, reference * scale)).sum())
}

/// The test of homogeneity: both sides are samples.
pub fn two_sample_g_test(categories: &Categories) -> Outcome {
    let (n, m) = (categories.reference as f64, categories.current as f64);
    let terms = categories.observed().map(|(reference, current)| {
        let share = (reference + current) / (n + m);
        term(reference, share * n) + term(current, share * m)
    });
    test(categories, terms.sum())
}

fn term(observed: f64, expected: f64) -> f64 {
    if observed == 0.0 { 0.0 } else { 2.0 * observed * (observed / expected).ln() }
}

fn test(categories: &Categories, statistic: f64) -> Outcome {
    let degrees_of_freedom = categories.counts.len() as f64 - 1.0;
    if degrees_of_freedom == 0.0 {
        return Err(ONE_CATEGORY);
    }
    let p_value = chi_square_sf(statistic, degrees_of_freedom);
    Ok(Measured::new(statistic, p_value).with_degrees_of_freedom(degrees_of_freedom))
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
