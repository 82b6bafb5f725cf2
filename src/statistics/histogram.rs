//! Histograms of equal-width bins.

/// The edges of bins by Sturges' rule, log2(n) + 1 of them rounded up, as NumPy computes them for `count` floating-point numbers between
/// `first` and `last`.
pub fn sturges_edges(first: f64, last: f64, count: u64) -> Vec<f64> {
    if first == last {
        return vec![first - 0.5, last + 0.5];
    }
    let rule = (count as f64).log2() + 1.0;
    let range = last - first;
    if range == f64::INFINITY {
        let bins = rule.ceil();
        return (0..=bins as u32)
            .map(|at| f64::from(at) / bins)
            .map(|part| first * (1.0 - part) + last * part)
            .collect();
    }
    let width = range / rule;
    // A range of subnormal numbers has a width of zero.
    let bins = if width > 0.0 { (range / width).ceil() } else { 1.0 };
    let step = range / bins;
    let mut edges: Vec<f64> = (0..bins as u32).map(|at| f64::from(at) * step + first).collect();
    edges.push(last);
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_follow_sturges() {
        assert_eq!(sturges_edges(0.0, 3.5, 8), [0.0, 0.875, 1.75, 2.625, 3.5]);
    }

    #[test]
    fn a_single_number_has_a_bin_around_it() {
        assert_eq!(sturges_edges(3.0, 3.0, 2), [2.5, 3.5]);
    }

    #[test]
    fn the_whole_range_of_numbers_has_bins() {
        let edges = sturges_edges(f64::MIN, f64::MAX, 2);
        assert_eq!(edges, [f64::MIN, 0.0, f64::MAX]);
        let smallest = f64::from_bits(1);
        assert!(sturges_edges(0.0, smallest, 2).len() >= 2);
    }
}
