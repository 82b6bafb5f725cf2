//! Histograms of equal-width bins.

/// The edges of bins by Sturges' rule, log2(n) + 1 of them rounded up, as NumPy computes them for floating-point numbers. `values` need
/// not be sorted, and there is at least one.
pub fn sturges_edges(values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let (mut first, mut last, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0u64);
    for value in values {
        first = first.min(value);
        last = last.max(value);
        count += 1;
    }
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

/// How many of the values, which are sorted, lie in each bin: from its lower edge on to below the upper one, which only the
/// last bin includes.
pub fn bin_counts(sorted: &[f64], edges: &[f64]) -> Vec<u64> {
    let below = |edge: f64| sorted.partition_point(|value| *value < edge);
    let last = edges.len() - 1;
    let up_to = |at: usize| {
        if at == last { sorted.partition_point(|value| *value <= edges[last]) } else { below(edges[at]) }
    };
    (0..last).map(|at| (up_to(at + 1) - up_to(at)) as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_follow_sturges() {
        let values: Vec<f64> = (0..8).map(|at| f64::from(at) * 0.5).collect();
        let edges = sturges_edges(values.iter().copied());
        assert_eq!(edges, [0.0, 0.875, 1.75, 2.625, 3.5]);
        assert_eq!(bin_counts(&values, &edges), [2, 2, 2, 2]);
        assert_eq!(bin_counts(&[], &edges), [0, 0, 0, 0]);
    }

    #[test]
    fn a_single_number_has_a_bin_around_it() {
        assert_eq!(sturges_edges([3.0, 3.0].into_iter()), [2.5, 3.5]);
    }

    #[test]
    fn the_whole_range_of_numbers_has_bins() {
        let edges = sturges_edges([f64::MIN, f64::MAX].into_iter());
        assert_eq!(edges, [f64::MIN, 0.0, f64::MAX]);
        let smallest = f64::from_bits(1);
        assert!(sturges_edges([0.5 * smallest, smallest].into_iter()).len() >= 2);
    }
}
