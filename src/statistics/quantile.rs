//! Quantiles.

/// The quantile `q` of values in ascending order, interpolated linearly between ranks (Hyndman and Fan's definition 7, which
/// NumPy takes). There is at least one value.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = q * (sorted.len() - 1) as f64;
    let (low, part) = (rank.floor(), rank - rank.floor());
    let lower = sorted[low as usize];
    let upper = sorted[(low as usize + 1).min(sorted.len() - 1)];
    // From the nearer end, so that a rank on a value is that value exactly.
    if part < 0.5 { lower + (upper - lower) * part } else { upper - (upper - lower) * (1.0 - part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lies_between_ranks() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!([0.0, 0.5, 1.0].map(|q| quantile(&values, q)), [1.0, 3.0, 8.0]);
        assert_eq!(quantile(&values, 0.75), 5.0);
        assert_eq!(quantile(&[3.0], 0.3), 3.0);
    }
}
