//! A sample of the distinct items of a stream.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counts of the items with the smallest hashes, all of them while they are few. As chance decides which items these are, and the
/// same chance for every stream, two samples tell what share of one stream the other has not seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HashSample {
    counts: BTreeMap<u64, u64>,
    /// The largest hash that is still sampled.
    limit: u64,
}

impl Default for HashSample {
    fn default() -> Self {
        Self { counts: BTreeMap::new(), limit: u64::MAX }
    }
}

impl HashSample {
    pub const CAPACITY: usize = 2048;

    pub fn add(&mut self, item: &[u8], count: u64) {
        self.put(hash(item), count);
    }

    pub fn merge(&mut self, other: &Self) {
        self.limit = self.limit.min(other.limit);
        self.counts.retain(|hash, _| *hash <= other.limit);
        other.counts.iter().for_each(|(hash, count)| self.put(*hash, *count));
    }

    /// The share of the items of this stream, repeated ones included, that the other never had. `None` when nothing of this one is
    /// in the range that both sampled.
    pub fn share_not_in(&self, other: &Self) -> Option<f64> {
        let (mut all, mut new) = (0.0, 0.0);
        for (hash, count) in self.counts.range(..=other.limit) {
            all += *count as f64;
            new += if other.counts.contains_key(hash) { 0.0 } else { *count as f64 };
        }
        (all > 0.0).then(|| new / all)
    }

    /// How many distinct items there are, by how densely their hashes lie.
    pub fn distinct(&self) -> f64 {
        let sampled = self.counts.len() as f64;
        if self.limit == u64::MAX { sampled } else { (sampled - 1.0) * (u64::MAX as f64 / self.limit as f64) }
    }

    /// Whether it is what [`Self::add`] and [`Self::merge`] can make.
    pub fn is_sound(&self) -> bool {
        self.counts.len() <= Self::CAPACITY && self.counts.keys().next_back().is_none_or(|hash| *hash <= self.limit)
    }

    fn put(&mut self, hash: u64, count: u64) {
        if hash > self.limit {
            return;
        }
        let own = self.counts.entry(hash).or_default();
        *own = own.saturating_add(count);
        if self.counts.len() > Self::CAPACITY {
            self.counts.pop_last();
            self.limit = self.counts.keys().next_back().copied().unwrap_or_default();
        }
    }
}

/// FNV-1a, which leaves its upper bits poorly mixed, and the last step of SplitMix64, which mixes them. The same on every node and in every
/// release: samples are stored.
fn hash(item: &[u8]) -> u64 {
    let fnv = item
        .iter()
        .fold(0xCBF2_9CE4_8422_2325u64, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3));
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(range: std::ops::Range<u32>) -> HashSample {
        let mut sample = HashSample::default();
        range.for_each(|at| sample.add(at.to_string().as_bytes(), 1));
        sample
    }

    #[test]
    fn tells_what_is_new() {
        assert_eq!(sample(0..100).share_not_in(&sample(0..75)), Some(0.25));
        assert_eq!(HashSample::default().share_not_in(&sample(0..75)), None);
        let share = sample(0..40_000).share_not_in(&sample(0..30_000)).unwrap();
        assert!((share - 0.25).abs() < 0.05, "{share}");
        let distinct = sample(0..40_000).distinct();
        assert!((distinct - 40_000.0).abs() < 4000.0, "{distinct}");
    }

    #[test]
    fn merging_in_any_order_gives_the_sample_of_the_whole() {
        let mut merged = sample(30_000..40_000);
        merged.merge(&sample(0..30_000));
        let whole = sample(0..40_000);
        assert_eq!((merged.limit, &merged.counts), (whole.limit, &whole.counts));
    }
}
