//! The Kullback-Leibler divergence of the current distribution from the reference.

use super::measured::{Measured, Outcome};
use super::shares::Shares;

/// Over Evidently's filled shares, which are scaled to add up to 1 again; natural logarithm.
pub fn kullback_leibler(shares: Shares) -> Outcome {
    let shares = shares.filled();
    let (all_reference, all_current) = shares.sums();
    let terms = shares.0.iter().map(|(reference, current)| {
        let (reference, current) = (reference / all_reference, current / all_current);
        reference * (reference / current).ln()
    });
    Ok(Measured::distance(terms.sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let found = kullback_leibler(Shares(vec![(0.5, 0.25), (0.5, 0.75)])).unwrap();
        assert!((found.score - 0.5 * (2f64.ln() + (2.0f64 / 3.0).ln())).abs() < 1e-15);
    }
}
