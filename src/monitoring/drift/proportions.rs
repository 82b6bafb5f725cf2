//! The Z test of two proportions.

use super::measured::{Measured, Outcome};
use super::samples::Categories;
use crate::statistics::normal_sf;

/// Of at most two categories, with the pooled variance. One and the same category on both sides is no difference: p = 1.
pub fn proportions(categories: &Categories) -> Outcome {
    let (n, m) = (categories.reference as f64, categories.current as f64);
    if categories.counts.len() == 1 {
        return Ok(Measured::new(0.0, 1.0));
    }
    let (reference, current) = (categories.counts[0].0 as f64, categories.counts[0].1 as f64);
    let pooled = (reference + current) / (n + m);
    let z = (reference / n - current / m) / (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    Ok(Measured::new(z, 2.0 * normal_sf(z.abs())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let found = proportions(&Categories::of(vec![(30, 40), (70, 60)]).unwrap()).unwrap();
        assert!((found.statistic + 0.1 / (0.35f64 * 0.65 * 0.02).sqrt()).abs() < 1e-12);
        assert!((found.score - 0.138_207_67).abs() < 1e-5);
        assert_eq!(proportions(&Categories::of(vec![(3, 4)]).unwrap()).unwrap().score, 1.0);
    }
}
