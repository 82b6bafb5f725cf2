//! Corrections of p-values for the number of tests.

use crate::error::{Result, error};
use crate::process::nearest_name;

/// How the p-values of many tests are made larger, so that a chosen rate of errors holds for all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// The false discovery rate, for tests that are independent or depend positively (Benjamini and Hochberg 1995).
    BenjaminiHochberg,
    /// The false discovery rate, however tests depend (Benjamini and Yekutieli 2001).
    BenjaminiYekutieli,
    /// The chance of any false alarm (Holm 1979).
    Holm,
    /// The chance of any false alarm, more strictly than Holm.
    Bonferroni,
}

impl Correction {
    pub const ALL: [Self; 4] = [Self::BenjaminiHochberg, Self::BenjaminiYekutieli, Self::Holm, Self::Bonferroni];

    /// The name in APIs.
    pub fn name(self) -> &'static str {
        match self {
            Self::BenjaminiHochberg => "benjamini_hochberg",
            Self::BenjaminiYekutieli => "benjamini_yekutieli",
            Self::Holm => "holm",
            Self::Bonferroni => "bonferroni",
        }
    }

    /// Of a name. INVALID_REQUEST for an unknown one.
    pub fn parse(name: &str) -> Result<Self> {
        let names = || Self::ALL.iter().map(|correction| correction.name());
        Self::ALL.into_iter().find(|correction| correction.name() == name).ok_or_else(|| {
            let shown: String = name.chars().take(40).collect();
            let hint = nearest_name(name, names()).map_or_else(
                || format!("it is one of {}", names().collect::<Vec<_>>().join(", ")),
                |nearest| format!("did you mean \"{nearest}\"?"),
            );
            error!(InvalidRequest, "there is no correction \"{}\"; {hint}", shown.escape_default())
        })
    }

    /// The adjusted p-values, in the order given. None of them may be NaN: what has no p-value is no test.
    pub fn adjusted(self, p_values: &[f64]) -> Vec<f64> {
        let count = p_values.len() as f64;
        let mut order: Vec<usize> = (0..p_values.len()).collect();
        order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
        let harmonic: f64 = (1..=p_values.len()).map(|rank| 1.0 / rank as f64).sum();
        let by_rank = |(at, place): (usize, &usize)| {
            let (p, rank) = (p_values[*place], at as f64 + 1.0);
            match self {
                Self::BenjaminiHochberg => p * count / rank,
                Self::BenjaminiYekutieli => p * count / rank * harmonic,
                Self::Holm => p * (count - rank + 1.0),
                Self::Bonferroni => p * count,
            }
        };
        let mut values: Vec<f64> = order.iter().enumerate().map(by_rank).collect();
        // In the order of the p-values: a smaller p-value is never rejected after a larger one.
        if matches!(self, Self::Holm | Self::Bonferroni) {
            let mut largest = 0f64;
            values.iter_mut().for_each(|value| {
                largest = largest.max(*value);
                *value = largest;
            });
        } else {
            let mut smallest = f64::INFINITY;
            values.iter_mut().rev().for_each(|value| {
                smallest = smallest.min(*value);
                *value = smallest;
            });
        }
        let mut adjusted = vec![0.0; p_values.len()];
        order.into_iter().zip(values).for_each(|(place, value)| adjusted[place] = value.min(1.0));
        adjusted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let p_values = [0.04, 0.01, 0.5];
        let near = |correction: Correction, expected: [f64; 3]| {
            for (found, expected) in correction.adjusted(&p_values).into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-15, "{correction:?}: {found}, expected {expected}");
            }
        };
        near(Correction::BenjaminiHochberg, [0.06, 0.03, 0.5]);
        near(Correction::BenjaminiYekutieli, [0.11, 0.055, 0.5 * 11.0 / 6.0]);
        near(Correction::Holm, [0.08, 0.03, 0.5]);
        near(Correction::Bonferroni, [0.12, 0.03, 1.0]);
        assert_eq!(Correction::Holm.adjusted(&[]), [0.0; 0]);
    }
}
