//! Fisher's exact test of two categories.

use super::contingency::ONE_CATEGORY;
use super::measured::{Measured, Outcome};
use super::samples::Categories;
use crate::statistics::ln_choose;

/// What rounding may make of tables that are as likely as the observed one.
const AS_LIKELY: f64 = 1.0 + 1e-7;

/// Two-sided: all tables with the same margins that are no more likely. The statistic is the odds ratio of the sample.
pub fn fisher_exact(categories: &Categories) -> Outcome {
    let [(a, c), (b, d)] = categories.counts[..] else { return Err(ONE_CATEGORY) };
    let (n, all) = (categories.reference, categories.reference + categories.current);
    let first = a + c;
    let total = ln_choose(all, n);
    let likelihood = |x: u64| (ln_choose(first, x) + ln_choose(all - first, n - x) - total).exp();
    let least = likelihood(a) * AS_LIKELY;
    let tables = (n + first).saturating_sub(all)..=first.min(n);
    let p_value: f64 = tables.map(likelihood).filter(|likelihood| *likelihood <= least).sum();
    let odds_ratio = (a as f64 * d as f64) / (b as f64 * c as f64);
    Ok(Measured::new(odds_ratio, p_value.min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lady_tasting_tea() {
        let found = fisher_exact(&Categories::of(vec![(3, 1), (1, 3)]).unwrap()).unwrap();
        assert!((found.score - 34.0 / 70.0).abs() < 1e-12);
        assert_eq!(found.statistic, 9.0);
    }

    #[test]
    fn sides_apart() {
        let found = fisher_exact(&Categories::of(vec![(4, 0), (0, 4)]).unwrap()).unwrap();
        assert!((found.score - 2.0 / 70.0).abs() < 1e-12);
        assert_eq!(found.statistic, f64::INFINITY);
    }
}
