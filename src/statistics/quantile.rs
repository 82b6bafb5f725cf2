//! Quantiles.

/// The quantile `q` of `count` values, at least one, interpolated linearly between ranks (Hyndman and Fan's definition 7, which
/// NumPy takes). `value_at` gives the value of a rank, from 0.
pub fn quantile(count: u64, q: f64, value_at: impl Fn(u64) -> f64) -> f64 {
    let rank = q * (count - 1) as f64;
    let (low, part) = (rank.floor(), rank - rank.floor());
    let lower = value_at(low as u64);
    let upper = value_at((low as u64 + 1).min(count - 1));
    // From the nearer end, so that a rank on a value is that value exactly.
    if part < 0.5 { lower + (upper - lower) * part } else { upper - (upper - lower) * (1.0 - part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lies_between_ranks() {
        let values = [1.0, 2.0, 4.0, 8.0];
        let of = |q| quantile(4, q, |rank| values[rank as usize]);
        assert_eq!([0.0, 0.5, 1.0].map(of), [1.0, 3.0, 8.0]);
        assert_eq!(of(0.75), 5.0);
        assert_eq!(quantile(1, 0.3, |_| 3.0), 3.0);
    }
}
