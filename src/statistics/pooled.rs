//! Two samples over their common values: what all statistics of ranks and of empirical distribution functions read.

use super::quantile::quantile;
use std::iter::Peekable;

/// A distinct value and how often each sample has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    pub value: f64,
    pub reference: u64,
    pub current: u64,
}

impl Group {
    pub fn total(&self) -> u64 {
        self.reference + self.current
    }
}

/// The distinct values of two samples, ascending. Negative zero is zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    pub groups: Vec<Group>,
    pub reference: u64,
    pub current: u64,
}

impl Pooled {
    /// Of two samples that are sorted and hold no NaN.
    pub fn of(reference: &[f64], current: &[f64]) -> Self {
        Self::merged(reference.iter().map(|value| (*value, 1)), current.iter().map(|value| (*value, 1)))
    }

    /// Of values with how often each occurs, in ascending order.
    pub fn merged(reference: impl Iterator<Item = (f64, u64)>, current: impl Iterator<Item = (f64, u64)>) -> Self {
        let (mut reference, mut current) = (reference.peekable(), current.peekable());
        let mut pooled = Self { groups: Vec::new(), reference: 0, current: 0 };
        while let Some(value) = smaller(reference.peek(), current.peek()) {
            let group = Group { value, reference: take(&mut reference, value), current: take(&mut current, value) };
            pooled.reference += group.reference;
            pooled.current += group.current;
            pooled.groups.push(group);
        }
        pooled
    }

    /// How many values of each sample lie in each bin: from its lower edge on to below the upper one, which only the last bin
    /// includes. All values lie between the first edge and the last one.
    pub fn bin_counts(&self, edges: &[f64]) -> Vec<(u64, u64)> {
        let mut bins = vec![(0, 0); edges.len() - 1];
        let mut bin = 0;
        for group in &self.groups {
            while bin + 1 < bins.len() && group.value >= edges[bin + 1] {
                bin += 1;
            }
            bins[bin].0 += group.reference;
            bins[bin].1 += group.current;
        }
        bins
    }

    /// Both empirical distribution functions at each value, and how far it is to the next value (0 behind the last).
    pub fn steps(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        let (mut reference, mut current) = (0, 0);
        self.groups.iter().enumerate().map(move |(at, group)| {
            reference += group.reference;
            current += group.current;
            let width = self.groups.get(at + 1).map_or(0.0, |next| next.value - group.value);
            (reference as f64 / self.reference as f64, current as f64 / self.current as f64, width)
        })
    }

    /// The rank, from 1, that the members of each group share: the mean of those that they would have.
    pub fn midranks(&self) -> impl Iterator<Item = f64> {
        let mut before = 0;
        self.groups.iter().map(move |group| {
            let rank = before as f64 + (group.total() as f64 + 1.0) / 2.0;
            before += group.total();
            rank
        })
    }

    /// A quantile of both samples together, and of the reference alone; see [`quantile`].
    pub fn quantile(&self, q: f64) -> f64 {
        self.quantile_of(self.reference + self.current, q, Group::total)
    }

    pub fn reference_quantile(&self, q: f64) -> f64 {
        self.quantile_of(self.reference, q, |group| group.reference)
    }

    fn quantile_of(&self, all: u64, q: f64, count: impl Fn(&Group) -> u64) -> f64 {
        quantile(all, q, |rank| {
            let mut up_to = 0;
            let is_there = |group: &&Group| {
                up_to += count(group);
                up_to > rank
            };
            self.groups.iter().find(is_there).map_or(f64::NAN, |group| group.value)
        })
    }

    pub fn has_ties(&self) -> bool {
        self.groups.iter().any(|group| group.total() > 1)
    }
}

fn smaller(left: Option<&(f64, u64)>, right: Option<&(f64, u64)>) -> Option<f64> {
    match (left, right) {
        (Some((left, _)), Some((right, _))) => Some(left.min(*right)),
        (one, other) => one.or(other).map(|(value, _)| *value),
    }
}

/// Takes a value off the front of a sample, and gives how often it stood there.
fn take(sample: &mut Peekable<impl Iterator<Item = (f64, u64)>>, value: f64) -> u64 {
    std::iter::from_fn(|| sample.next_if(|(other, _)| *other == value)).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_equal_values_of_both() {
        let pooled = Pooled::of(&[-0.0, 0.0, 1.0], &[0.0, 3.0]);
        let groups: Vec<_> = pooled.groups.iter().map(|group| (group.value, group.reference, group.current)).collect();
        assert_eq!(groups, [(0.0, 2, 1), (1.0, 1, 0), (3.0, 0, 1)]);
        assert_eq!(pooled.midranks().collect::<Vec<_>>(), [2.0, 4.0, 5.0]);
        assert_eq!(pooled.bin_counts(&[0.0, 1.0, 2.0, 3.0]), [(2, 1), (1, 0), (0, 1)]);
        let steps: Vec<_> = pooled.steps().collect();
        assert_eq!(steps, [(2.0 / 3.0, 0.5, 1.0), (1.0, 0.5, 2.0), (1.0, 1.0, 0.0)]);
    }
}
