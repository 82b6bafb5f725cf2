//! The population stability index: the sum over bins of (reference - current) ln(reference / current).

use super::measured::{Measured, Outcome};
use super::samples::Numbers;
use super::shares::Shares;

const DECILES: u32 = 10;
/// Its multiples are the deciles as NumPy's linspace has them: some lie a rounding above, and a value on one of these below it.
const DECILE: f64 = 0.1;

/// Over Evidently's bins and filled shares.
pub fn psi(shares: Shares) -> Outcome {
    Ok(Measured::distance(psi_of(&shares.filled())))
}

/// The textbook's form: between the deciles of the reference, the outer bins open, shares of at least 0.0001.
pub fn decile_psi(numbers: &Numbers) -> Outcome {
    Ok(Measured::distance(psi_of(&Shares::within(numbers, &decile_edges(numbers, 0.0)?).at_least_small())))
}

/// The deciles, or quantiles that are `by` beside them.
pub fn decile_edges(numbers: &Numbers, by: f64) -> Result<Vec<f64>, &'static str> {
    let mut edges: Vec<f64> = (0..=DECILES)
        .map(|at| numbers.pooled.reference_quantile((f64::from(at) * DECILE + by).clamp(0.0, 1.0)))
        .collect();
    edges.dedup();
    if edges.len() < 3 {
        return Err("the deciles of the reference are too few different numbers");
    }
    let last = edges.len() - 1;
    (edges[0], edges[last]) = (f64::NEG_INFINITY, f64::INFINITY);
    Ok(edges)
}

/// The index of shares of which none is 0.
pub fn psi_of(shares: &Shares) -> f64 {
    shares.0.iter().map(|(reference, current)| (reference - current) * (reference / current).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let found = psi(Shares(vec![(0.5, 0.25), (0.5, 0.75)])).unwrap();
        assert!((found.score - 0.25 * 3f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn deciles_are_those_of_the_reference() {
        let reference: Vec<f64> = (0..100).map(f64::from).collect();
        let same = decile_psi(&Numbers::of(reference.clone(), reference.clone()).unwrap()).unwrap();
        assert_eq!(same.score, 0.0);
        // All below the first decile; each of the others has a tenth of the reference.
        let low = decile_psi(&Numbers::of(reference, vec![-5.0; 10]).unwrap()).unwrap();
        let expected = (0.1 - 1.0) * 0.1f64.ln() + 9.0 * (0.1 - 1e-4) * (0.1f64 / 1e-4).ln();
        assert!((low.score - expected).abs() < 1e-12);
        assert!(decile_psi(&Numbers::of(vec![1.0, 1.0], vec![1.0]).unwrap()).is_err());
    }
}
