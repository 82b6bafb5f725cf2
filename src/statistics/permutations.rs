//! Tests by permutation: how often labels that are dealt anew give a statistic as large as the observed one. They hold whatever
//! the ties.

/// So many values are dealt altogether; larger samples get fewer rounds.
const MAX_DEALT: usize = 50_000_000;
/// But not fewer than these: a p-value of 0.1 is then known to 0.02.
const MIN_ROUNDS: usize = 200;

/// Deals values to two samples again and again, always in the same pseudo-random sequence.
pub struct Permutations {
    /// The number of each member's group, in the order of the last deal.
    members: Vec<u32>,
    /// Of each group.
    totals: Vec<u64>,
    /// Of the smaller sample, which is dealt; the other gets the rest.
    dealt: usize,
    deals_reference: bool,
    state: u64,
}

impl Permutations {
    /// Of groups of equal values, `(reference, current)` each.
    pub fn of(groups: &[(u64, u64)]) -> Self {
        let totals: Vec<u64> = groups.iter().map(|(reference, current)| reference + current).collect();
        let members =
            (0u32..).zip(&totals).flat_map(|(group, total)| std::iter::repeat_n(group, *total as usize)).collect();
        let reference: u64 = groups.iter().map(|(reference, _)| reference).sum();
        let current: u64 = groups.iter().map(|(_, current)| current).sum();
        let dealt = reference.min(current) as usize;
        Self { members, totals, dealt, deals_reference: reference <= current, state: 0 }
    }

    /// The p-value of a statistic over at most `rounds` deals, the observed one counted among them.
    pub fn p_value(&mut self, observed: &[(u64, u64)], rounds: u32, statistic: impl Fn(&[(u64, u64)]) -> f64) -> f64 {
        let rounds = rounds.min(u32::try_from((MAX_DEALT / self.dealt).max(MIN_ROUNDS)).unwrap_or(rounds));
        // The same sums in another order may round otherwise.
        let least = statistic(observed);
        let least = least - least.abs() * 1e-12;
        let mut groups = observed.to_vec();
        let as_large = (0..rounds).filter(|_| {
            self.deal(&mut groups);
            statistic(&groups) >= least
        });
        (1 + as_large.count()) as f64 / f64::from(rounds + 1)
    }

    fn deal(&mut self, groups: &mut [(u64, u64)]) {
        for (group, total) in groups.iter_mut().zip(&self.totals) {
            *group = if self.deals_reference { (0, *total) } else { (*total, 0) };
        }
        for at in 0..self.dealt {
            let other = at + self.below(self.members.len() - at);
            self.members.swap(at, other);
            let (reference, current) = &mut groups[self.members[at] as usize];
            let (to, from) = if self.deals_reference { (reference, current) } else { (current, reference) };
            *to += 1;
            *from -= 1;
        }
    }

    /// A number below another; what the product leaves uneven is below 2^-32.
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p_value(groups: &[(u64, u64)]) -> f64 {
        let reference = |groups: &[(u64, u64)]| groups[0].0 as f64;
        Permutations::of(groups).p_value(groups, 4000, reference)
    }

    #[test]
    fn approaches_the_hypergeometric_tail() {
        // All 3 of the reference among the 3 of a group, of 6: one way of 20.
        assert!((p_value(&[(3, 0), (0, 3)]) - 0.05).abs() < 0.01);
        // The same with sides of other sizes: of 7 values the group's 3 go to the reference of 5, 6 ways of 21.
        assert!((p_value(&[(3, 0), (2, 2)]) - 6.0 / 21.0).abs() < 0.02);
        assert_eq!(p_value(&[(3, 1)]), 1.0);
    }

    #[test]
    fn repeats_itself() {
        assert_eq!(p_value(&[(3, 1), (2, 2)]), p_value(&[(3, 1), (2, 2)]));
    }
}
