//! Both sides for drawing.

use super::samples::Numbers;
use std::cmp::Reverse;

/// Categories that are shown one by one: the most frequent ones of both sides.
const MAX_SHOWN: usize = 50;

/// Counts of both sides over the same bins.
#[derive(Debug, Clone, PartialEq)]
pub enum Histogram {
    /// One edge more than bins; each bin begins with its lower edge, the last one includes its upper edge too.
    Numbers { edges: Vec<f64>, reference: Vec<u64>, current: Vec<u64> },
    /// The places of categories among those given, the most frequent first, and all the others together.
    Categories { shown: Vec<usize>, reference: Vec<u64>, current: Vec<u64>, others: Option<Others> },
}

/// Categories that are not shown one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Others {
    pub categories: u64,
    pub reference: u64,
    pub current: u64,
}

impl Histogram {
    pub fn of_numbers(numbers: &Numbers) -> Self {
        let edges = numbers.edges(numbers.count());
        let (reference, current) = numbers.pooled.bin_counts(&edges).into_iter().unzip();
        Self::Numbers { edges, reference, current }
    }

    /// Of counts as they were given, among which some may be zero.
    pub fn of_categories(counts: &[(u64, u64)]) -> Self {
        let mut places: Vec<usize> = (0..counts.len()).filter(|at| counts[*at] != (0, 0)).collect();
        places.sort_by_key(|at| Reverse(counts[*at].0 + counts[*at].1));
        let rest = places.split_off(MAX_SHOWN.min(places.len()));
        let sums = rest.iter().fold((0, 0), |sum, at| (sum.0 + counts[*at].0, sum.1 + counts[*at].1));
        let others = Others { categories: rest.len() as u64, reference: sums.0, current: sums.1 };
        Self::Categories {
            reference: places.iter().map(|at| counts[*at].0).collect(),
            current: places.iter().map(|at| counts[*at].1).collect(),
            shown: places,
            others: (others.categories > 0).then_some(others),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_categories_are_fifty_and_the_others() {
        let mut counts = vec![(1, 0); 1_000_000];
        counts[7] = (0, 3);
        let Histogram::Categories { shown, reference, current, others } = Histogram::of_categories(&counts) else {
            panic!("categories have a histogram of categories")
        };
        assert_eq!((shown.len(), shown[0], reference[0], current[0]), (50, 7, 0, 3));
        assert_eq!(others, Some(Others { categories: 999_950, reference: 999_950, current: 0 }));
    }
}
