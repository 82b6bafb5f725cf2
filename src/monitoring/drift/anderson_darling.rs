//! The Anderson-Darling test of k samples (Scholz and Stephens 1987), for two.

use super::measured::{Measured, Outcome};
use super::samples::Numbers;

/// How ties count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ties {
    /// By midranks, equation 7: SciPy's default and Evidently's form.
    Midrank,
    /// By the right-continuous distribution function, equation 6.
    Right,
    /// Not at all: equation 3, for continuous distributions.
    Continuous,
}

/// The p-value is that of a curve through the published significance levels, between 0.001 and 0.25, as SciPy has it.
pub fn anderson_darling(numbers: &Numbers, ties: Ties) -> Outcome {
    let all = numbers.pooled.reference + numbers.pooled.current;
    if numbers.pooled.groups.len() < 2 {
        return Err("all numbers of both sides are equal");
    }
    if all < 4 {
        return Err("there are fewer than four values");
    }
    let statistic = (squared_distance(numbers, ties) - 1.0) / variance(numbers).sqrt();
    Ok(Measured::new(statistic, p_value(statistic)))
}

/// The sum over both samples of the weighted squared distances from the pooled distribution.
fn squared_distance(numbers: &Numbers, ties: Ties) -> f64 {
    let pooled = &numbers.pooled;
    let sizes = [pooled.reference as f64, pooled.current as f64];
    let all = sizes[0] + sizes[1];
    let mut before = [0.0; 2];
    let mut sum = 0.0;
    for group in &pooled.groups {
        let here = [group.reference as f64, group.current as f64];
        let total = here[0] + here[1];
        let below = before[0] + before[1];
        let after = [before[0] + here[0], before[1] + here[1]];
        let distance = |up_to: f64, counts: [f64; 2]| {
            (0..2).map(|side| (all * counts[side] - up_to * sizes[side]).powi(2) / sizes[side]).sum::<f64>()
        };
        sum += match ties {
            Ties::Midrank => {
                let middle = below + total / 2.0;
                let counts = [before[0] + here[0] / 2.0, before[1] + here[1] / 2.0];
                total / all * distance(middle, counts) / (middle * (all - middle) - all * total / 4.0)
            }
            Ties::Right if below + total < all => {
                let up_to = below + total;
                total / all * distance(up_to, after) / (up_to * (all - up_to))
            }
            // The last group has nothing behind it.
            Ties::Right => 0.0,
            Ties::Continuous => {
                let places = (1..=group.total()).map(|place| below + place as f64).filter(|place| *place < all);
                places.map(|place| distance(place, after) / (place * (all - place))).sum::<f64>() / all
            }
        };
        before = after;
    }
    if ties == Ties::Midrank { sum * (all - 1.0) / all } else { sum }
}

/// Equation 4, for two samples.
fn variance(numbers: &Numbers) -> f64 {
    let (n, m) = (numbers.pooled.reference as f64, numbers.pooled.current as f64);
    let count = numbers.pooled.reference + numbers.pooled.current;
    let all = count as f64;
    let inverse_sizes = 1.0 / n + 1.0 / m;
    // h is the sum of 1 / i below N; g the sum of 1 / ((N - i) j) over i < j < N.
    let (mut h, mut g) = (0.0, 0.0);
    for i in 1..count - 1 {
        h += 1.0 / (count - i) as f64;
        g += h / (i + 1) as f64;
    }
    h += 1.0;
    let a = (4.0 * g - 6.0) + (10.0 - 6.0 * g) * inverse_sizes;
    let b = (2.0 * g - 4.0) * 4.0 + 16.0 * h + (2.0 * g - 14.0 * h - 4.0) * inverse_sizes - 8.0 * h + 4.0 * g - 6.0;
    let c =
        (6.0 * h + 2.0 * g - 2.0) * 4.0 + (4.0 * h - 4.0 * g + 6.0) * 2.0 + (2.0 * h - 6.0) * inverse_sizes + 4.0 * h;
    let d = (2.0 * h + 6.0) * 4.0 - 8.0 * h;
    (((a * all + b) * all + c) * all + d) / ((all - 1.0) * (all - 2.0) * (all - 3.0))
}

/// The least-squares parabola through the logarithms of the seven levels of table 2 with k = 2.
fn p_value(statistic: f64) -> f64 {
    // b0 + b1 + b2 of the table, which interpolates in the number of samples, and the levels.
    const LEVELS: [(f64, f64); 7] = [
        (0.675 - 0.245 - 0.105, 0.25),
        (1.281 + 0.25 - 0.305, 0.1),
        (1.645 + 0.678 - 0.362, 0.05),
        (1.96 + 1.149 - 0.391, 0.025),
        (2.326 + 1.822 - 0.396, 0.01),
        (2.573 + 2.364 - 0.345, 0.005),
        (3.085 + 3.615 - 0.154, 0.001),
    ];
    if statistic < LEVELS[0].0 {
        return LEVELS[0].1;
    }
    if statistic > LEVELS[6].0 {
        return LEVELS[6].1;
    }
    // Parabolas that are orthogonal over the levels (Forsythe 1957): no system of equations to solve.
    let sum = |term: &dyn Fn(f64, f64) -> f64| LEVELS.iter().map(|(x, level)| term(*x, level.ln())).sum::<f64>();
    let mean = sum(&|x, _| x) / 7.0;
    let linear = |x: f64| x - mean;
    let slope_norm = sum(&|x, _| linear(x).powi(2));
    let (shift, ratio) = (sum(&|x, _| x * linear(x).powi(2)) / slope_norm, slope_norm / 7.0);
    let quadratic = |x: f64| (x - shift) * linear(x) - ratio;
    let constant = sum(&|_, y| y) / 7.0;
    let slope = sum(&|x, y| y * linear(x)) / slope_norm;
    let bend = sum(&|x, y| y * quadratic(x)) / sum(&|x, _| quadratic(x).powi(2));
    (constant + slope * linear(statistic) + bend * quadratic(statistic)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_runs_near_the_levels() {
        for (statistic, level) in [(0.325, 0.25), (1.961, 0.05), (4.592, 0.005)] {
            assert!((p_value(statistic) / level - 1.0).abs() < 0.05, "{statistic}: {}", p_value(statistic));
        }
        assert_eq!((p_value(-1.0), p_value(100.0)), (0.25, 0.001));
    }

    #[test]
    fn without_ties_right_and_continuous_agree() {
        let numbers =
            Numbers::of((0..20).map(f64::from).collect(), (5..30).map(|at| f64::from(at) + 0.5).collect()).unwrap();
        let [right, continuous] = [Ties::Right, Ties::Continuous].map(|ties| anderson_darling(&numbers, ties).unwrap());
        assert!((right.statistic - continuous.statistic).abs() < 1e-12 && right.score < 0.05);
        assert!(anderson_darling(&Numbers::of(vec![1.0; 5], vec![1.0; 5]).unwrap(), Ties::Midrank).is_err());
    }
}
