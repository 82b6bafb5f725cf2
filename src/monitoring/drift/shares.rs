//! Which share of each side lies in which bin: what PSI and the distances between distributions are computed from.

use super::samples::{Categories, Numbers};

/// More distinct numbers than that in the reference are binned; fewer are a bin each.
const MAX_DISTINCT: u64 = 20;
/// The share that stands for none, unless a share is as small itself.
pub const SMALL_SHARE: f64 = 1e-4;
const SMALLER: f64 = 1e6;

/// The smallest share that [`Shares::filled`] may put for none on a side of so many rows.
pub fn least_fill(rows: u64) -> f64 {
    fill(1.0 / rows as f64)
}

fn fill(smallest: f64) -> f64 {
    if smallest <= SMALL_SHARE { smallest / SMALLER } else { SMALL_SHARE }
}

/// `(reference, current)` of each bin; each side adds up to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares(pub Vec<(f64, f64)>);

impl Shares {
    /// Evidently's bins: equal-width ones over both samples by Sturges' rule.
    pub fn of_numbers(numbers: &Numbers) -> Self {
        if numbers.distinct_reference <= MAX_DISTINCT {
            return Self::of_categories(&numbers.as_categories());
        }
        Self::within(numbers, &numbers.edges(numbers.count()))
    }

    /// The shares between edges that include all numbers.
    pub fn within(numbers: &Numbers, edges: &[f64]) -> Self {
        let (all_reference, all_current) = (numbers.pooled.reference as f64, numbers.pooled.current as f64);
        let bins = numbers.pooled.bin_counts(edges).into_iter();
        Self(bins.map(|bin| (bin.0 as f64 / all_reference, bin.1 as f64 / all_current)).collect())
    }

    pub fn of_categories(categories: &Categories) -> Self {
        let (all_reference, all_current) = (categories.reference as f64, categories.current as f64);
        Self(
            categories
                .observed()
                .map(|(reference, current)| (reference / all_reference, current / all_current))
                .collect(),
        )
    }

    /// Evidently's shares for logarithms: none is replaced by 0.0001 or, where the smallest share of the side is no larger, by a
    /// millionth of that. The sides then add up to more than 1.
    #[must_use]
    pub fn filled(self) -> Self {
        let filling = |shares: &mut dyn Iterator<Item = f64>| {
            fill(shares.filter(|share| *share > 0.0).fold(f64::INFINITY, f64::min))
        };
        let (reference, current) =
            (filling(&mut self.0.iter().map(|bin| bin.0)), filling(&mut self.0.iter().map(|bin| bin.1)));
        let replaced = |share: f64, by: f64| if share == 0.0 { by } else { share };
        Self(self.0.into_iter().map(|bin| (replaced(bin.0, reference), replaced(bin.1, current))).collect())
    }

    /// The textbook's shares: of at least 0.0001.
    #[must_use]
    pub fn at_least_small(self) -> Self {
        Self(self.0.into_iter().map(|bin| (bin.0.max(SMALL_SHARE), bin.1.max(SMALL_SHARE))).collect())
    }

    /// What each side adds up to.
    pub fn sums(&self) -> (f64, f64) {
        self.0.iter().fold((0.0, 0.0), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_filled_by_what_is_smaller_than_all() {
        let shares = Shares(vec![(0.0, 0.5), (0.99995, 0.0), (0.00005, 0.5)]).filled();
        assert_eq!(shares.0, [(0.00005 / 1e6, 0.5), (0.99995, 1e-4), (0.00005, 0.5)]);
    }

    #[test]
    fn few_distinct_numbers_are_a_bin_each() {
        let numbers = Numbers::of(vec![1.0, 1.0, 2.0, 3.0], vec![1.0, 9.0]).unwrap();
        assert_eq!(Shares::of_numbers(&numbers).0, [(0.5, 0.5), (0.25, 0.0), (0.25, 0.0), (0.0, 0.5)]);
    }
}
