//! The Jensen-Shannon distance: the square root of the mean divergence from the mean of both distributions.

use super::measured::{Measured, Outcome};
use super::shares::Shares;
use std::f64::consts::LN_2;

/// With the natural logarithm, so that it is at most the root of ln 2, about 0.83.
pub fn jensen_shannon(shares: &Shares) -> Outcome {
    Ok(Measured::distance(divergence(shares).sqrt()))
}

/// With the logarithm to base 2, so that it is at most 1.
pub fn base_2_jensen_shannon(shares: &Shares) -> Outcome {
    Ok(Measured::distance((divergence(shares) / LN_2).sqrt()))
}

fn divergence(shares: &Shares) -> f64 {
    let from = |share: f64, mean: f64| if share == 0.0 { 0.0 } else { share * (share / mean).ln() };
    let terms = shares.0.iter().map(|(reference, current)| {
        let mean = (reference + current) / 2.0;
        from(*reference, mean) + from(*current, mean)
    });
    // Rounding may leave less than nothing.
    (terms.sum::<f64>() / 2.0).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lies_between_nothing_and_one() {
        let distances =
            |shares: &Shares| [jensen_shannon(shares), base_2_jensen_shannon(shares)].map(|found| found.unwrap().score);
        assert_eq!(distances(&Shares(vec![(0.3, 0.3), (0.7, 0.7)])), [0.0, 0.0]);
        let apart = distances(&Shares(vec![(1.0, 0.0), (0.0, 1.0)]));
        assert!((apart[0] - LN_2.sqrt()).abs() < 1e-15 && (apart[1] - 1.0).abs() < 1e-15);
    }
}
