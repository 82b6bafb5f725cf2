//! The most frequent texts of a stream in memory that does not grow with it.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Counts of texts: exact while they are at most `CAPACITY`, beyond that of the frequent ones with a bound of the error (Misra and
/// Gries 1982; purged by the median as Anderson and others 2017 do).
///
/// Not the crate's sketch: its hash is fixed and its table gives up after a number of steps, so that chosen texts could break it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FrequentItems {
    counts: HashMap<Box<str>, u64>,
    total: u64,
    /// By how much a count is too low at most.
    error: u64,
}

impl FrequentItems {
    pub const CAPACITY: usize = 1000;

    pub fn add(&mut self, text: &str, count: u64) {
        self.total = self.total.saturating_add(count);
        self.put(text, count);
        self.purge();
    }

    pub fn merge(&mut self, other: &Self) {
        other.counts.iter().for_each(|(text, count)| self.put(text, *count));
        self.total = self.total.saturating_add(other.total);
        self.error = self.error.saturating_add(other.error);
        // Once, so that the order of a table decides nothing.
        self.purge();
    }

    /// How many texts were counted, repeated ones included.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// By how much each count may be too low; a text that is not among the counts was seen at most as often. 0 while all counts
    /// are exact. At most the total over half of [`Self::CAPACITY`].
    pub fn error(&self) -> u64 {
        self.error
    }

    /// How many different texts have a count.
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// The most frequent first, texts of the same count in their order.
    pub fn counts(&self) -> Vec<(&str, u64)> {
        let mut counts: Vec<(&str, u64)> = self.counts.iter().map(|(text, count)| (&**text, *count)).collect();
        counts.sort_unstable_by(|(text, count), (other, others)| others.cmp(count).then(text.cmp(other)));
        counts
    }

    /// Whether it is what [`Self::add`] and [`Self::merge`] can make, of texts of at most so many bytes.
    pub fn is_sound(&self, max_bytes: usize) -> bool {
        let kept = self.counts.values().fold(0u64, |sum, count| sum.saturating_add(*count));
        self.counts.len() <= Self::CAPACITY
            && self.counts.iter().all(|(text, count)| *count > 0 && text.len() <= max_bytes)
            && kept.saturating_add(self.error) <= self.total
    }

    fn put(&mut self, text: &str, count: u64) {
        match self.counts.get_mut(text) {
            Some(own) => *own = own.saturating_add(count),
            None => drop(self.counts.insert(text.into(), count)),
        }
    }

    /// Takes the median off all counts and lets go of those that nothing is left of, which are at least half.
    fn purge(&mut self) {
        while self.counts.len() > Self::CAPACITY {
            let mut counts: Vec<u64> = self.counts.values().copied().collect();
            let middle = counts.len() / 2;
            let median = *counts.select_nth_unstable(middle).1;
            self.counts.retain(|_, count| {
                *count = count.saturating_sub(median);
                *count > 0
            });
            self.error = self.error.saturating_add(median);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_texts_are_counted_exactly() {
        let mut items = FrequentItems::default();
        ["b", "a", "c", "a"].iter().for_each(|text| items.add(text, 1));
        assert_eq!(items.counts(), [("a", 2), ("b", 1), ("c", 1)]);
        let mut other = FrequentItems::default();
        other.add("c", 5);
        items.merge(&other);
        assert_eq!((items.counts()[0], items.total(), items.error()), (("c", 6), 9, 0));
    }

    #[test]
    fn a_million_texts_take_no_more_and_the_frequent_ones_stay() {
        let mut items = FrequentItems::default();
        for at in 0..300_000u32 {
            items.add(&at.to_string(), 1);
            if at % 3 == 0 {
                items.add("often", 1);
            }
        }
        let (error, counts) = (items.error(), items.counts());
        assert!(counts.len() <= FrequentItems::CAPACITY && error <= 2 * items.total() / FrequentItems::CAPACITY as u64);
        assert_eq!(counts[0].0, "often");
        assert!((counts[0].1..=counts[0].1 + error).contains(&100_000));
        assert!(items.is_sound(5));
    }
}
