//! The maximum mean discrepancy with a Gaussian kernel, unbiased (Gretton et al. 2012, lemma 6): of numbers, or of vectors.

use super::measured::{Measured, Outcome};
use super::samples::{Numbers, Vectors};
use crate::statistics::Permutations;

/// Their kernel is a matrix, and each deal of the permutation test goes through it.
const MAX_VALUES: usize = 2000;
const ROUNDS: u32 = 200;

/// Of numbers; the width of the kernel is Evidently's, from the median distance within the reference. The p-value is that of a
/// permutation test, in which equal numbers stay together.
pub fn number_mmd(numbers: &Numbers) -> Outcome {
    let values: Vec<f64> = numbers.pooled.groups.iter().map(|group| group.value).collect();
    let counts: Vec<_> = numbers.pooled.groups.iter().map(|group| (group.reference, group.current)).collect();
    mmd(&values, 1, &counts)
}

/// The same of vectors, by their Euclidean distances.
pub fn vector_mmd(vectors: &Vectors) -> Outcome {
    let counts = [vec![(1, 0); vectors.reference as usize], vec![(0, 1); vectors.current as usize]].concat();
    mmd(&vectors.values, vectors.dimension, &counts)
}

/// Of points, row by row, and how often each occurs on both sides.
fn mmd(values: &[f64], dimension: usize, counts: &[(u64, u64)]) -> Outcome {
    if counts.len() > MAX_VALUES {
        return Err("there are more than 2000 different values; compare a sample");
    }
    let (n, m) = counts.iter().fold((0, 0), |(n, m), (reference, current)| (n + reference, m + current));
    if n.min(m) < 2 {
        return Err("a side has one value only");
    }
    let mut kernel = squared_distances(values, dimension);
    let median = median_within_reference(&kernel, counts);
    if !kernel.iter().all(|distance| distance.is_finite()) {
        return Err("the numbers are too large");
    }
    let gamma = if median == 0.0 { 1.0 } else { 1.0 / median };
    kernel.iter_mut().for_each(|distance| *distance = (-gamma * *distance).exp());
    let both: Vec<f64> = counts.iter().map(|(reference, current)| (reference + current) as f64).collect();
    let sums_of_both = times(&kernel, &both);
    let statistic = |counts: &[(u64, u64)]| {
        let of_reference: Vec<f64> = counts.iter().map(|(reference, _)| *reference as f64).collect();
        let sums = times(&kernel, &of_reference);
        let (mut within_reference, mut within_current, mut between) = (0.0, 0.0, 0.0);
        for (((reference, both), sum), sum_of_both) in of_reference.iter().zip(&both).zip(&sums).zip(&sums_of_both) {
            within_reference += reference * sum;
            between += reference * (sum_of_both - sum);
            within_current += (both - reference) * (sum_of_both - sum);
        }
        let (n, m) = (n as f64, m as f64);
        // Without each value beside itself, where the kernel is 1.
        (within_reference - n) / (n * (n - 1.0)) + (within_current - m) / (m * (m - 1.0)) - 2.0 * between / (n * m)
    };
    let p_value = Permutations::of(counts).p_value(counts, ROUNDS, statistic);
    Ok(Measured::new(statistic(counts), p_value))
}

/// Of all pairs, as a matrix.
fn squared_distances(values: &[f64], dimension: usize) -> Vec<f64> {
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    values.chunks_exact(dimension).flat_map(|a| values.chunks_exact(dimension).map(move |b| distance(a, b))).collect()
}

/// The middle one of the distances between all pairs of the reference's rows, each row beside itself counted too.
fn median_within_reference(distances: &[f64], counts: &[(u64, u64)]) -> f64 {
    let mut pairs: Vec<(f64, u64)> = Vec::new();
    for (row, (a, _)) in distances.chunks_exact(counts.len()).zip(counts) {
        pairs.extend(
            row.iter().zip(counts).map(|(distance, (b, _))| (*distance, a * b)).filter(|(_, count)| *count > 0),
        );
    }
    pairs.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut left = pairs.iter().map(|(_, count)| count).sum::<u64>() / 2;
    for (distance, count) in &pairs {
        if left < *count {
            return *distance;
        }
        left -= count;
    }
    0.0
}

/// A square matrix times a vector.
fn times(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(vector.len()).map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Within the reference the kernel is exp(-1), within current 1, between them exp(-4) and exp(-9).
        let found = number_mmd(&Numbers::of(vec![0.0, 1.0], vec![3.0, 3.0]).unwrap()).unwrap();
        let expected = (-1.0f64).exp() + 1.0 - ((-9.0f64).exp() + (-4.0f64).exp());
        assert!((found.statistic - expected).abs() < 1e-12, "{}", found.statistic);
    }

    #[test]
    fn vectors_of_one_number_are_numbers() {
        let (reference, current) = (vec![0.0, 1.0, 2.5, 4.0], vec![3.0, 3.5, 7.0]);
        let values = [reference.clone(), current.clone()].concat();
        let numbers = Numbers::of(reference, current).unwrap();
        let vectors = Vectors { dimension: 1, reference: 4, current: 3, values };
        let (of_numbers, of_vectors) = (number_mmd(&numbers).unwrap(), vector_mmd(&vectors).unwrap());
        assert!((of_numbers.statistic - of_vectors.statistic).abs() < 1e-12);
    }

    #[test]
    fn sees_what_no_coordinate_shows_alone() {
        // On both sides each coordinate is -1 or 1 evenly; they agree on one side only.
        let signs = |flip: f64| (0..60).flat_map(move |at| if at % 2 == 0 { [1.0, flip] } else { [-1.0, -flip] });
        let vectors =
            Vectors { dimension: 2, reference: 60, current: 60, values: signs(1.0).chain(signs(-1.0)).collect() };
        assert!(vector_mmd(&vectors).unwrap().score < 0.01);
        let same = Vectors { dimension: 2, reference: 60, current: 60, values: signs(1.0).chain(signs(1.0)).collect() };
        assert!(vector_mmd(&same).unwrap().score > 0.5);
    }

    #[test]
    fn what_has_no_value() {
        assert!(number_mmd(&Numbers::of(vec![1.0], vec![2.0, 3.0]).unwrap()).is_err());
        assert!(number_mmd(&Numbers::of(vec![f64::MIN, f64::MAX], vec![2.0, 3.0]).unwrap()).is_err());
        let many = (0..2001).map(f64::from).collect();
        assert!(number_mmd(&Numbers::of(many, vec![1.0, 2.0]).unwrap()).is_err());
    }
}
