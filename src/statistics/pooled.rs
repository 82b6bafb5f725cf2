//! Two samples over their common values: what all statistics of ranks and of empirical distribution functions read.

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
        let mut groups = Vec::new();
        let (mut left, mut right) = (reference, current);
        while let Some(value) = smaller(left.first(), right.first()) {
            let group = Group { value, reference: take(&mut left, value), current: take(&mut right, value) };
            groups.push(group);
        }
        Self { groups, reference: reference.len() as u64, current: current.len() as u64 }
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

    pub fn has_ties(&self) -> bool {
        self.groups.iter().any(|group| group.total() > 1)
    }
}

fn smaller(left: Option<&f64>, right: Option<&f64>) -> Option<f64> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(*right)),
        (one, other) => one.or(other).copied(),
    }
}

/// Takes a value off the front of a sample, as often as it stands there.
fn take(sample: &mut &[f64], value: f64) -> u64 {
    let count = sample.iter().take_while(|other| **other == value).count();
    *sample = &sample[count..];
    count as u64
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
        let steps: Vec<_> = pooled.steps().collect();
        assert_eq!(steps, [(2.0 / 3.0, 0.5, 1.0), (1.0, 0.5, 2.0), (1.0, 1.0, 0.0)]);
    }
}
