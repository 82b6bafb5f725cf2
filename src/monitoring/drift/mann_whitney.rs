//! The Mann-Whitney U test: whether one side tends to be larger.

use super::measured::{Measured, Outcome};
use super::samples::Numbers;
use crate::statistics::normal_sf;

/// The smaller sample up to which the p-value is exact, without ties, as SciPy has it.
const MAX_EXACT: u64 = 8;

/// Which differences count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alternative {
    /// The reference tends to be smaller: Evidently's form, blind for a shift down.
    Less,
    TwoSided,
}

impl Alternative {
    /// The U that is too large when the alternative holds, and of how many sides the p-value is.
    fn side_of(self, of_reference: f64, pairs: f64) -> (f64, f64) {
        let of_current = pairs - of_reference;
        match self {
            Self::Less => (of_current, 1.0),
            Self::TwoSided => (of_reference.max(of_current), 2.0),
        }
    }
}

/// The statistic is U of the reference.
pub fn mann_whitney(numbers: &Numbers, alternative: Alternative) -> Outcome {
    let pooled = &numbers.pooled;
    let (n, m) = (pooled.reference as f64, pooled.current as f64);
    let ranks: f64 =
        pooled.groups.iter().zip(pooled.midranks()).map(|(group, rank)| group.reference as f64 * rank).sum();
    let of_reference = ranks - n * (n + 1.0) / 2.0;
    let (larger, sides) = alternative.side_of(of_reference, n * m);
    let p_value = if pooled.reference.min(pooled.current) <= MAX_EXACT && !pooled.has_ties() {
        exact_sf(larger as u64, pooled.reference, pooled.current)
    } else if pooled.groups.len() > 1 {
        approximate_sf(numbers, larger)
    } else if alternative == Alternative::Less {
        1.0
    } else {
        return Err("all numbers of both sides are equal");
    };
    Ok(Measured::new(of_reference, (sides * p_value).min(1.0)))
}

/// The p-value of a U of the reference by the normal approximation.
pub fn score_of_u(numbers: &Numbers, of_reference: f64, alternative: Alternative) -> f64 {
    let pairs = numbers.pooled.reference as f64 * numbers.pooled.current as f64;
    let (larger, sides) = alternative.side_of(of_reference, pairs);
    (sides * approximate_sf(numbers, larger)).min(1.0)
}

/// By the normal approximation, corrected for ties and for continuity. There are at least two different numbers.
fn approximate_sf(numbers: &Numbers, u: f64) -> f64 {
    let pooled = &numbers.pooled;
    let (n, m) = (pooled.reference as f64, pooled.current as f64);
    let all = n + m;
    let cubes = |total: u64| (total as f64).powi(3) - total as f64;
    let ties: f64 = pooled.groups.iter().map(|group| cubes(group.total())).sum();
    let variance = n * m / 12.0 * ((all + 1.0) - ties / (all * (all - 1.0)));
    normal_sf((u - n * m / 2.0 - 0.5) / variance.sqrt())
}

/// P(U >= u) over all orders of `n` and `m` values without ties. U counts pairs, so that the numbers of orders by U are the
/// coefficients of a Gaussian binomial; they are symmetrical, and the lower end is the precise one.
fn exact_sf(u: u64, n: u64, m: u64) -> f64 {
    let (few, many) = (n.min(m), n.max(m));
    let most = (n * m - u) as usize;
    let mut orders = vec![0.0; most + 1];
    orders[0] = 1.0;
    let mut all = 1.0;
    for i in 1..=few as usize {
        let added = many as usize + i;
        // Times 1 - q^added, divided by 1 - q^i.
        for at in (added..=most).rev() {
            orders[at] -= orders[at - added];
        }
        for at in i..=most {
            orders[at] += orders[at - i];
        }
        all *= added as f64 / i as f64;
    }
    orders.iter().sum::<f64>() / all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_orders() {
        let orders = |u| exact_sf(u, 2, 3) * 10.0;
        // 1 order has U = 6, 1 has 5, 2 have 4, 2 have 3, 2 have 2, 1 has 1, 1 has 0.
        for (u, expected) in [(6, 1.0), (5, 2.0), (4, 4.0), (3, 6.0), (2, 8.0), (1, 9.0), (0, 10.0)] {
            assert!((orders(u) - expected).abs() < 1e-12, "{u}");
        }
    }

    #[test]
    fn evidentlys_form_does_not_see_a_shift_down() {
        let down = Numbers::of((10..40).map(f64::from).collect(), (0..30).map(f64::from).collect()).unwrap();
        assert!(mann_whitney(&down, Alternative::Less).unwrap().score > 0.999);
        assert!(mann_whitney(&down, Alternative::TwoSided).unwrap().score < 0.001);
        let constant = Numbers::of(vec![1.0; 3], vec![1.0; 4]).unwrap();
        assert!(mann_whitney(&constant, Alternative::TwoSided).is_err());
        // As Evidently has it.
        assert_eq!(mann_whitney(&constant, Alternative::Less).unwrap().score, 1.0);
    }
}
