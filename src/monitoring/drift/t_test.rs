//! The t test: whether the means differ.

use super::measured::{Measured, Outcome};
use super::moments::Moments;
use super::samples::Numbers;
use crate::statistics::student_t_two_sided;

/// Student's, for equal variances: Evidently's form.
pub fn student_t(numbers: &Numbers) -> Outcome {
    let (reference, current) = both_moments(numbers)?;
    let degrees_of_freedom = reference.count + current.count - 2.0;
    let variance = (reference.squares + current.squares) / degrees_of_freedom;
    test(reference.mean - current.mean, variance * (1.0 / reference.count + 1.0 / current.count), degrees_of_freedom)
}

/// Welch's, whatever the variances.
pub fn welch_t(numbers: &Numbers) -> Outcome {
    let (reference, current) = both_moments(numbers)?;
    let of_reference = reference.sample_variance() / reference.count;
    let of_current = current.sample_variance() / current.count;
    let variance = of_reference + of_current;
    let weights =
        of_reference * of_reference / (reference.count - 1.0) + of_current * of_current / (current.count - 1.0);
    // Of two constants it does not matter.
    let degrees_of_freedom = if variance > 0.0 { variance * variance / weights } else { 1.0 };
    test(reference.mean - current.mean, variance, degrees_of_freedom)
}

fn both_moments(numbers: &Numbers) -> Result<(Moments, Moments), &'static str> {
    let (reference, current) = (numbers.reference, numbers.current);
    if reference.count > 1.0 && current.count > 1.0 {
        Ok((reference, current))
    } else {
        Err("a side has one value only")
    }
}

fn test(difference: f64, variance: f64, degrees_of_freedom: f64) -> Outcome {
    let t = difference / variance.sqrt();
    if !difference.is_finite() || !variance.is_finite() || !degrees_of_freedom.is_finite() {
        return Err("the numbers are too large or too small");
    }
    if t.is_nan() {
        return Err("both sides are the same constant");
    }
    let p_value = student_t_two_sided(t, degrees_of_freedom);
    Ok(Measured::new(t, p_value).with_degrees_of_freedom(degrees_of_freedom))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let numbers = Numbers::of(vec![1.0, 2.0], vec![3.0, 4.0]).unwrap();
        for found in [student_t(&numbers), welch_t(&numbers)].map(Result::unwrap) {
            assert_eq!((found.statistic, found.degrees_of_freedom), (-2.0 / 0.5f64.sqrt(), Some(2.0)));
            assert!((found.score - (1.0 - 0.8f64.sqrt())).abs() < 1e-12);
        }
    }

    #[test]
    fn constants() {
        let of = |reference: &[f64], current: &[f64]| Numbers::of(reference.to_vec(), current.to_vec()).unwrap();
        assert!(student_t(&of(&[1.0, 1.0], &[1.0, 1.0])).is_err() && welch_t(&of(&[1.0], &[1.0, 2.0])).is_err());
        let apart = welch_t(&of(&[1.0, 1.0], &[2.0, 2.0])).unwrap();
        assert_eq!((apart.statistic, apart.score), (f64::NEG_INFINITY, 0.0));
    }
}
