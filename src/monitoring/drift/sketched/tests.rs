use super::*;
use crate::monitoring::drift::{Column, Options, Values, Verdict, compare};
use crate::monitoring::profile::Profile;
use std::collections::BTreeMap;

const OPTIONS: Options = Options { min_rows: 30, drift_share: 0.5, correction: None };

/// Numbers of many distributions, in a fixed sequence (SplitMix64).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn number(&mut self, shape: usize) -> f64 {
        match shape {
            0 => self.normal(),
            1 => self.uniform(),
            2 => self.normal().exp(),
            // Half of them zero.
            3 => (self.normal()).max(0.0),
            // Two hills.
            _ => self.normal() + if self.uniform() < 0.3 { 6.0 } else { 0.0 },
        }
    }

    fn sample(&mut self, shape: usize, count: usize, shift: f64) -> Vec<f64> {
        (0..count).map(|_| self.number(shape) + shift).collect()
    }
}

fn profile_of(values: &[f64]) -> Profile {
    let mut profile = Profile::default();
    profile.add_rows(values.len() as u64);
    profile.add_numbers("x", values);
    profile
}

/// Of the pairs of a method.
#[derive(Debug, Default)]
struct Tally {
    pairs: u32,
    /// The statistic of all rows lies beyond the bounds.
    outside: u32,
    /// The verdict is neither that of all rows nor `uncertain`.
    wrong: u32,
    uncertain: u32,
}

const PAIRS: usize = 10_000;
/// Each pair is compared by so many of the methods.
const METHODS_PER_PAIR: usize = 2;
const METHODS: [&str; 11] = [
    "ks_asymptotic",
    "wasserstein",
    "ed",
    "cramer_von_mises",
    "mannw_two_sided",
    "psi",
    "psi_deciles",
    "jensenshannon",
    "kl_div",
    "hellinger",
    "t_test",
];

/// Bounds hold in 99 of 100 cases.
#[test]
fn statistics_of_all_rows_lie_within_the_bounds() {
    let mut random = Random(1);
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for pair in 0..PAIRS {
        let shape = pair % 5;
        let sizes = [600, 1500, 3000, 6000];
        let (n, m) = (sizes[pair / 5 % 4], sizes[pair / 20 % 4]);
        let shift = [0.0, 0.0, 0.05, 0.3][pair / 80 % 4];
        let (reference, current) = (random.sample(shape, n, 0.0), random.sample(shape, m, shift));
        let profiles = [profile_of(&reference), profile_of(&current)];
        for at in 0..METHODS_PER_PAIR {
            let method = METHODS[(pair * METHODS_PER_PAIR + at) % METHODS.len()];
            let values = Values::Numbers { reference: reference.clone(), current: current.clone() };
            let column = Column { name: "x".into(), values, method: Some(method.into()), threshold: None };
            let raw = &compare(vec![column], &OPTIONS).unwrap().columns[0];
            let choices = Choices { method: Some(method.into()), ..Choices::default() };
            let found = &compare_profiles(&profiles[0], &profiles[1], &choices, &OPTIONS).unwrap().report.columns[0];
            let (low, high) = found.bounds.unwrap().statistic;
            let (truth, slack) = (raw.statistic.unwrap(), 1e-9 * high.abs());
            let tally = tallies.entry(method).or_default();
            tally.pairs += 1;
            tally.outside += u32::from(truth < low - slack || truth > high + slack);
            tally.uncertain += u32::from(found.verdict == Verdict::Uncertain);
            tally.wrong += u32::from(found.verdict != raw.verdict && found.verdict != Verdict::Uncertain);
        }
    }
    for (method, tally) in &tallies {
        println!("{method} {tally:?}");
    }
    for (method, Tally { pairs, outside, wrong, .. }) in &tallies {
        assert!(f64::from(*outside) <= 0.01 * f64::from(*pairs), "{method}: {outside} of {pairs} are outside");
        assert!(f64::from(*wrong) <= 0.01 * f64::from(*pairs), "{method}: {wrong} of {pairs} verdicts are wrong");
    }
}
