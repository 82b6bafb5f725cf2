//! A column of strings: categories, or text.

use super::limits::{MAX_NAME_BYTES, shortened};
use super::number::Number;
use crate::error::Result;
use crate::statistics::{Distinct, DistinctSketch, FrequentItems, HashSample};
use serde::{Deserialize, Serialize};

/// Fewer strings than these tell nothing about how many repeat.
const MIN_TEXTS: u64 = 20;
/// Characters on average from which on strings are text.
const TEXT_CHARACTERS: f64 = 64.0;
/// How much of a string is looked at. Of a longer one the bytes beyond count as characters.
const MAX_BYTES: usize = 64 << 10;
/// How much of it is looked at for words.
const MAX_WORDS_BYTES: usize = 4096;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Strings {
    /// Of the strings; of long ones their beginning and a digest.
    items: FrequentItems,
    distinct: DistinctSketch,
    /// In characters.
    lengths: Number,
    words: HashSample,
}

impl Strings {
    pub(super) fn add(&mut self, value: &str, count: u64) {
        let seen = beginning(value, MAX_BYTES);
        let characters = seen.chars().count() + (value.len() - seen.len());
        self.items.add(&shortened(seen), count);
        self.distinct.add_text(seen);
        for _ in 0..count {
            self.lengths.add(&[characters as f64]);
        }
        let words = beginning(value, MAX_WORDS_BYTES).split(|character: char| !character.is_alphanumeric());
        for word in words.filter(|word| !word.is_empty()) {
            self.words.add(word.to_lowercase().as_bytes(), count);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<()> {
        self.items.merge(&other.items);
        self.distinct.merge(&other.distinct);
        self.words.merge(&other.words);
        self.lengths.merge(&other.lengths)
    }

    pub fn count(&self) -> u64 {
        self.items.total()
    }

    /// Whether the strings are text and no categories: more than half of at least 20 are distinct, or they have more than 64
    /// characters on average.
    pub fn is_text(&self) -> bool {
        let mostly_distinct = self.count() >= MIN_TEXTS && self.distinct().estimate > self.count() as f64 / 2.0;
        mostly_distinct || self.lengths.moments().mean().is_some_and(|mean| mean > TEXT_CHARACTERS)
    }

    /// Names with their counts and by how much a count may be too low, the most frequent first. A name that is not there was seen at
    /// most as often as [`Self::count_error`] says.
    pub fn counts(&self) -> Vec<(&str, u64, u64)> {
        let error = self.count_error();
        self.items.counts().into_iter().map(|(name, count)| (name, count, error)).collect()
    }

    /// 0 while there are at most a thousand distinct strings.
    pub fn count_error(&self) -> u64 {
        self.items.error()
    }

    pub fn distinct(&self) -> Distinct {
        if self.count_error() == 0 { Distinct::exactly(self.items.distinct()) } else { self.distinct.distinct() }
    }

    /// In characters.
    pub fn lengths(&self) -> &Number {
        &self.lengths
    }

    /// The words, in lower case, of the first 4 KiB of each string.
    pub fn words(&self) -> &HashSample {
        &self.words
    }

    /// The share of the words, repeated ones included, that the reference does not have. `None` without words.
    pub fn new_words(&self, reference: &Self) -> Option<f64> {
        self.words.share_not_in(&reference.words)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.items.is_sound(MAX_NAME_BYTES)
            && self.words.is_sound()
            && self.lengths.is_sound()
            && self.lengths.count() == self.count()
    }
}

/// At most so many bytes from the start, whole characters.
fn beginning(text: &str, max_bytes: usize) -> &str {
    let mut end = text.len().min(max_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
