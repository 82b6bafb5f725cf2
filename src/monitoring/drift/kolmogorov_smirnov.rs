//! The Kolmogorov-Smirnov test: the largest distance between both empirical distribution functions.

use super::measured::{Measured, Outcome};
use super::samples::Numbers;
use crate::statistics::{greatest_common_divisor, kolmogorov_sf, lattice_path_sf};

/// The larger sample up to which the p-value is exact, as SciPy has it. Ties make it larger than it is.
const MAX_EXACT: u64 = 10_000;

/// With an exact p-value as long as it can be had.
pub fn kolmogorov_smirnov(numbers: &Numbers) -> Outcome {
    let (n, m) = (numbers.pooled.reference, numbers.pooled.current);
    if n.max(m) > MAX_EXACT {
        return asymptotic_kolmogorov_smirnov(numbers);
    }
    let (measured, steps) = largest_distance(numbers);
    Ok(Measured { score: lattice_path_sf(n, m, steps), ..measured })
}

/// The product of both sizes up to which [`quick_kolmogorov_smirnov`] has an exact p-value, which takes time that grows with it.
const MAX_QUICK: u64 = 250_000;

/// With an exact p-value where that takes less than a millisecond, for many columns at once.
pub fn quick_kolmogorov_smirnov(numbers: &Numbers) -> Outcome {
    let (n, m) = (numbers.pooled.reference, numbers.pooled.current);
    let (measured, _) = largest_distance(numbers);
    Ok(Measured { score: score_of_distance(n, m, measured.statistic, true), ..measured })
}

/// The p-value of a distance, as [`quick_kolmogorov_smirnov`] has it, or the asymptotic one.
pub fn score_of_distance(n: u64, m: u64, distance: f64, is_exact: bool) -> f64 {
    if is_exact && n.saturating_mul(m) <= MAX_QUICK {
        let multiple = (n / greatest_common_divisor(n, m) * m) as f64;
        return lattice_path_sf(n, m, (distance * multiple).round() as u64);
    }
    let size = (n as f64 * m as f64 / (n as f64 + m as f64)).round_ties_even();
    kolmogorov_sf(size.max(1.0) as u64, distance)
}

/// With the p-value of one sample of n m / (n + m) values, rounded to the nearest number, to even where two are as near.
pub fn asymptotic_kolmogorov_smirnov(numbers: &Numbers) -> Outcome {
    let (n, m) = (numbers.pooled.reference as f64, numbers.pooled.current as f64);
    let size = (n * m / (n + m)).round_ties_even() as u64;
    if size == 0 {
        return Err("a side has too few values for the asymptotic distribution");
    }
    let (measured, _) = largest_distance(numbers);
    Ok(Measured { score: kolmogorov_sf(size, measured.statistic), ..measured })
}

/// D with its location, and D times the least common multiple of both sizes, a whole number.
fn largest_distance(numbers: &Numbers) -> (Measured, u64) {
    let pooled = &numbers.pooled;
    let divisor = greatest_common_divisor(pooled.reference, pooled.current);
    let (reference_step, current_step) = ((pooled.current / divisor) as i64, (pooled.reference / divisor) as i64);
    let mut difference = 0;
    // The reference's function above the current one's, and below it.
    let (mut above, mut below) = (Extreme::default(), Extreme::default());
    for group in &pooled.groups {
        difference += group.reference as i64 * reference_step - group.current as i64 * current_step;
        above.see(difference, group.value, group.reference > 0);
        below.see(-difference, group.value, group.reference > 0);
    }
    let largest = if below.steps > above.steps { below } else { above };
    let multiple = pooled.reference as f64 * reference_step as f64;
    let measured = Measured { location: largest.value, ..Measured::distance(largest.steps as f64 / multiple) };
    (measured, largest.steps as u64)
}

/// The largest difference and where it first is: at a value of the reference, if it is at one.
#[derive(Default)]
struct Extreme {
    steps: i64,
    value: Option<f64>,
    in_reference: bool,
}

impl Extreme {
    fn see(&mut self, steps: i64, value: f64, in_reference: bool) {
        let is_first = self.value.is_none() || (in_reference && !self.in_reference);
        if steps > self.steps || (steps == self.steps && is_first) {
            *self = Self { steps, value: Some(value), in_reference };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_apart_have_the_largest_distance() {
        let numbers = Numbers::of(vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]).unwrap();
        let found = kolmogorov_smirnov(&numbers).unwrap();
        // Two of the 20 orders of six values.
        assert_eq!((found.statistic, found.location), (1.0, Some(3.0)));
        assert!((found.score - 0.1).abs() < 1e-15);
    }

    #[test]
    fn equal_samples_have_none() {
        let numbers = Numbers::of(vec![1.0, 2.0], vec![2.0, 1.0]).unwrap();
        let found = kolmogorov_smirnov(&numbers).unwrap();
        assert_eq!((found.statistic, found.score), (0.0, 1.0));
        assert_eq!(asymptotic_kolmogorov_smirnov(&numbers).unwrap().score, 1.0);
    }
}
