//! The Cramer-von Mises test: the mean squared distance between both empirical distribution functions.

use super::measured::{Measured, Outcome};
use super::samples::Numbers;
use crate::statistics::{Permutations, exact_cramer_von_mises_sf, limiting_cramer_von_mises_sf};

/// The larger sample up to which the p-value is exact, as SciPy has it.
const MAX_EXACT: u64 = 20;
const ROUNDS: u32 = 5000;

/// With the distribution for samples without ties, as SciPy and Evidently have it. **With many ties its p-value is wrong**, far too
/// small: take [`permutation_cramer_von_mises`].
pub fn cramer_von_mises(numbers: &Numbers) -> Outcome {
    let (n, m) = sizes(numbers)?;
    let groups: Vec<_> = groups(numbers);
    let u = rank_statistic(&groups);
    let statistic = criterion(u, n, m);
    let p_value = if numbers.pooled.reference.max(numbers.pooled.current) <= MAX_EXACT {
        exact_cramer_von_mises_sf(u, numbers.pooled.reference, numbers.pooled.current)
    } else {
        limiting_score(statistic, n, m)
    };
    Ok(Measured::new(statistic, p_value))
}

/// With the p-value of a permutation test, right also with ties.
pub fn permutation_cramer_von_mises(numbers: &Numbers) -> Outcome {
    let (n, m) = sizes(numbers)?;
    let groups = groups(numbers);
    let p_value = Permutations::of(&groups).p_value(&groups, ROUNDS, rank_statistic);
    Ok(Measured::new(criterion(rank_statistic(&groups), n, m), p_value))
}

/// The p-value of a statistic by its limit.
pub fn limiting_score(statistic: f64, n: f64, m: f64) -> f64 {
    limiting_cramer_von_mises_sf(standardized(statistic, n, m))
}

/// What the mean squared distance between both functions is multiplied with.
pub fn weight_of_square(n: f64, m: f64) -> f64 {
    n * m / (n + m)
}

fn sizes(numbers: &Numbers) -> Result<(f64, f64), &'static str> {
    let (n, m) = (numbers.pooled.reference, numbers.pooled.current);
    if n.min(m) < 2 { Err("a side has one value only") } else { Ok((n as f64, m as f64)) }
}

fn groups(numbers: &Numbers) -> Vec<(u64, u64)> {
    numbers.pooled.groups.iter().map(|group| (group.reference, group.current)).collect()
}

/// Anderson's U: each side's sum of squared differences between the midranks of its values, in order, and their places in the
/// side, weighted by the side's size.
fn rank_statistic(groups: &[(u64, u64)]) -> f64 {
    let (mut before_reference, mut before_current) = (0.0, 0.0);
    let (mut of_reference, mut of_current) = (0.0, 0.0);
    for (reference, current) in groups.iter().map(|(reference, current)| (*reference as f64, *current as f64)) {
        let rank = before_reference + before_current + (reference + current + 1.0) / 2.0;
        of_reference += squares(rank - before_reference, reference);
        of_current += squares(rank - before_current, current);
        before_reference += reference;
        before_current += current;
    }
    before_reference * of_reference + before_current * of_current
}

/// The sum of (start - place)² over the places 1 .. count.
fn squares(start: f64, count: f64) -> f64 {
    let middle = start - (count + 1.0) / 2.0;
    count * middle * middle + count * (count * count - 1.0) / 12.0
}

/// T of U (Anderson 1962).
fn criterion(u: f64, n: f64, m: f64) -> f64 {
    let (product, sum) = (n * m, n + m);
    u / (product * sum) - (4.0 * product - 1.0) / (6.0 * sum)
}

/// T with the mean and the variance of its limit.
fn standardized(statistic: f64, n: f64, m: f64) -> f64 {
    let (product, sum) = (n * m, n + m);
    let mean = (1.0 + 1.0 / sum) / 6.0;
    let variance = (sum + 1.0) * (4.0 * product * sum - 3.0 * (n * n + m * m) - 2.0 * product)
        / (45.0 * sum * sum * 4.0 * product);
    1.0 / 6.0 + (statistic - mean) / (45.0 * variance).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_apart() {
        let found = cramer_von_mises(&Numbers::of(vec![1.0, 2.0], vec![3.0, 4.0]).unwrap()).unwrap();
        assert_eq!(found.statistic, 0.375);
        assert!((found.score - 1.0 / 3.0).abs() < 1e-15);
        assert!(cramer_von_mises(&Numbers::of(vec![1.0], vec![3.0, 4.0]).unwrap()).is_err());
    }

    #[test]
    fn permutations_are_right_with_ties() {
        let numbers = Numbers::of(vec![1.0; 50], vec![1.0; 40]).unwrap();
        let p = cramer_von_mises(&numbers).unwrap().score;
        assert!(p < 0.1, "{p}");
        assert!(permutation_cramer_von_mises(&numbers).unwrap().score > 0.9);
    }
}
