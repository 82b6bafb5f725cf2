//! The Epps-Singleton test: whether the empirical characteristic functions differ, at two points (Epps and Singleton 1986). It
//! needs no continuous distribution.

use super::measured::{Measured, Outcome};
use super::samples::Numbers;
use crate::statistics::{Group, chi_square_sf};

/// The points, in units of the pooled half interquartile range: the authors' choice.
const POINTS: [f64; 2] = [0.4, 0.8];
const SIZE: usize = 2 * POINTS.len();
const MIN_ROWS: u64 = 5;
/// Fewer rows on both sides have their statistic corrected.
const FEW: f64 = 25.0;
/// Eigenvalues that are smaller, relative to the largest, are zero.
const SINGULAR: f64 = 1e-15;

type Vector = [f64; SIZE];
type Matrix = [Vector; SIZE];

pub fn epps_singleton(numbers: &Numbers) -> Outcome {
    let (rows_reference, rows_current) = (numbers.pooled.reference, numbers.pooled.current);
    if rows_reference.min(rows_current) < MIN_ROWS {
        return Err("a side has fewer than five values");
    }
    let scale = (numbers.pooled.quantile(0.75) - numbers.pooled.quantile(0.25)) / 2.0;
    if scale == 0.0 {
        return Err("the middle half of the numbers of both sides is a single number");
    }
    if !scale.is_finite() {
        return Err("the numbers are too large");
    }
    let (n, m) = (rows_reference as f64, rows_current as f64);
    let all = n + m;
    let values_of = |count: fn(&Group) -> u64| {
        numbers.pooled.groups.iter().flat_map(move |group| std::iter::repeat_n(group.value, count(group) as usize))
    };
    let (reference, of_reference) = characteristic(values_of(|group| group.reference), n, scale);
    let (current, of_current) = characteristic(values_of(|group| group.current), m, scale);
    let covariance = combine(|row, column| all / n * of_reference[row][column] + all / m * of_current[row][column]);
    let (values, vectors) = eigen(covariance);
    let largest = values.iter().copied().fold(0.0, f64::max);
    let (mut statistic, mut rank) = (0.0, 0.0);
    for (value, vector) in values.iter().zip(vectors).filter(|(value, _)| **value > largest * SINGULAR) {
        let along: f64 = (0..SIZE).map(|at| (reference[at] - current[at]) * vector[at]).sum();
        statistic += all * along * along / value;
        rank += 1.0;
    }
    if n.max(m) < FEW {
        statistic /= 1.0 + all.powf(-0.45) + 10.1 * (n.powf(-1.7) + m.powf(-1.7));
    }
    Ok(Measured::new(statistic, chi_square_sf(statistic, rank)).with_degrees_of_freedom(rank))
}

/// The mean and the covariance of cosine and sine at each point, over `count` values.
fn characteristic(values: impl Iterator<Item = f64> + Clone, count: f64, scale: f64) -> (Vector, Matrix) {
    let at = |value: f64| {
        let [first, second] = POINTS.map(|point| point / scale * value);
        [first.cos(), second.cos(), first.sin(), second.sin()]
    };
    let mut mean = [0.0; SIZE];
    for value in values.clone() {
        mean.iter_mut().zip(at(value)).for_each(|(sum, part)| *sum += part / count);
    }
    let mut covariance = [[0.0; SIZE]; SIZE];
    for value in values {
        let parts = at(value);
        for row in 0..SIZE {
            for column in 0..SIZE {
                covariance[row][column] += (parts[row] - mean[row]) * (parts[column] - mean[column]) / count;
            }
        }
    }
    (mean, covariance)
}

fn combine(cell: impl Fn(usize, usize) -> f64) -> Matrix {
    std::array::from_fn(|row| std::array::from_fn(|column| cell(row, column)))
}

/// Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's rotations.
fn eigen(mut matrix: Matrix) -> (Vector, Matrix) {
    const SWEEPS: usize = 50;
    let mut vectors = combine(|row, column| f64::from(u8::from(row == column)));
    for _ in 0..SWEEPS {
        for (p, q) in (0..SIZE).flat_map(|p| (p + 1..SIZE).map(move |q| (p, q))) {
            if matrix[p][q] == 0.0 {
                continue;
            }
            let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
            let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
            let cosine = 1.0 / tangent.hypot(1.0);
            let sine = tangent * cosine;
            for row in &mut matrix {
                (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
            }
            for column in 0..SIZE {
                let (above, below) = (matrix[p][column], matrix[q][column]);
                matrix[p][column] = cosine * above - sine * below;
                matrix[q][column] = sine * above + cosine * below;
                // Each row of `vectors` is one of them.
                let (above, below) = (vectors[p][column], vectors[q][column]);
                vectors[p][column] = cosine * above - sine * below;
                vectors[q][column] = sine * above + cosine * below;
            }
        }
    }
    (std::array::from_fn(|at| matrix[at][at]), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_find_eigenvalues() {
        let matrix = [[2.0, 1.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0], [0.0, 0.0, 0.0, 0.0]];
        let (values, vectors) = eigen(matrix);
        let mut sorted = values;
        sorted.sort_unstable_by(f64::total_cmp);
        assert!(sorted.iter().zip([0.0, 1.0, 3.0, 5.0]).all(|(found, expected)| (found - expected).abs() < 1e-14));
        for (value, vector) in values.iter().zip(vectors) {
            let image: Vector = std::array::from_fn(|row| (0..SIZE).map(|at| matrix[row][at] * vector[at]).sum());
            assert!(image.iter().zip(vector).all(|(image, part)| (image - value * part).abs() < 1e-14));
        }
    }

    #[test]
    fn sees_a_shift() {
        let of = |shift: f64| {
            Numbers::of((0..60).map(f64::from).collect(), (0..60).map(|at| f64::from(at) + shift).collect())
        };
        let p = epps_singleton(&of(0.5).unwrap()).unwrap().score;
        assert!(p > 0.9, "{p}");
        assert!(epps_singleton(&of(40.0).unwrap()).unwrap().score < 1e-6);
        assert!(epps_singleton(&Numbers::of(vec![1.0; 9], vec![1.0; 9]).unwrap()).is_err());
    }
}
