//! Tests on counts of categories whose statistic is a sum over them and has the chi-square distribution.

use super::measured::{Measured, Outcome};
use super::samples::Categories;
use crate::statistics::chi_square_sf;

/// Why a test of categories has nothing to say.
pub const ONE_CATEGORY: &str = "both sides have one and the same category only";

/// The reference taken for the exact distribution: `term` of the observed and the expected count of each category.
pub fn with_exact_reference(categories: &Categories, term: impl Fn(f64, f64) -> f64) -> Outcome {
    let scale = categories.current as f64 / categories.reference as f64;
    test(categories, categories.observed().map(|(reference, observed)| term(observed, reference * scale)).sum())
}

/// The test of homogeneity, for which both sides are samples: `term` for each side of each category.
pub fn of_two_samples(categories: &Categories, term: impl Fn(f64, f64) -> f64) -> Outcome {
    let (n, m) = (categories.reference as f64, categories.current as f64);
    let terms = categories.observed().map(|(reference, current)| {
        let share = (reference + current) / (n + m);
        term(reference, share * n) + term(current, share * m)
    });
    test(categories, terms.sum())
}

fn test(categories: &Categories, statistic: f64) -> Outcome {
    let degrees_of_freedom = categories.counts.len() as f64 - 1.0;
    if degrees_of_freedom == 0.0 {
        return Err(ONE_CATEGORY);
    }
    let p_value = chi_square_sf(statistic, degrees_of_freedom);
    Ok(Measured::new(statistic, p_value).with_degrees_of_freedom(degrees_of_freedom))
}
