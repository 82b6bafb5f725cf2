//! How many values are in which bin.

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Counts by the number of their bin, ascending, without zeros.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bins(Vec<(u32, i64)>);

impl Bins {
    /// A count that is not 0.
    pub fn add(&mut self, bin: u32, count: i64) {
        match self.0.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(at) => {
                self.0[at].1 = self.0[at].1.wrapping_add(count);
                if self.0[at].1 == 0 {
                    self.0.remove(at);
                }
            }
            Err(at) => self.0.insert(at, (bin, count)),
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.merge_times(other, 1);
    }

    /// Adds others so many times.
    pub fn merge_times(&mut self, other: &Self, times: i64) {
        if other.0.is_empty() {
            return;
        }
        let mut merged = Vec::with_capacity(self.0.len() + other.0.len());
        let mut own = self.0.iter().copied().peekable();
        for &(bin, count) in &other.0 {
            let count = count.wrapping_mul(times);
            while let Some(before) = own.next_if(|(own, _)| *own < bin) {
                merged.push(before);
            }
            let sum = own.next_if(|(own, _)| *own == bin).map_or(count, |(_, own)| own.wrapping_add(count));
            if sum != 0 {
                merged.push((bin, sum));
            }
        }
        merged.extend(own);
        self.0 = merged;
    }

    /// The same counts in other bins; those that fall into one are added up.
    pub fn map(&self, place: impl Fn(u32) -> u32) -> Self {
        let mut mapped: Vec<(u32, i64)> = self.0.iter().map(|(bin, count)| (place(*bin), *count)).collect();
        mapped.sort_unstable_by_key(|(bin, _)| *bin);
        mapped.dedup_by(|(later, count), (bin, sum)| {
            let is_same = later == bin;
            if is_same {
                *sum = sum.wrapping_add(*count);
            }
            is_same
        });
        mapped.retain(|(_, count)| *count != 0);
        Self(mapped)
    }

    /// Bins and their counts, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u32, i64)> {
        self.0.iter().copied()
    }

    /// Those of some bins in a row.
    pub fn between(&self, first: u32, end: u32) -> &[(u32, i64)] {
        let at = |bin: u32| self.0.partition_point(|(own, _)| *own < bin);
        &self.0[at(first)..at(end)]
    }

    pub fn count(&self, bin: u32) -> i64 {
        self.0.binary_search_by_key(&bin, |(bin, _)| *bin).map_or(0, |at| self.0[at].1)
    }

    pub fn total(&self) -> i64 {
        self.0.iter().fold(0, |sum, (_, count)| sum.wrapping_add(*count))
    }

    /// The bin of the value that so many values, itself one of them, do not exceed.
    pub fn at_rank(&self, rank: i64) -> Option<u32> {
        let mut sum = 0i64;
        self.0.iter().find_map(|(bin, count)| {
            sum = sum.wrapping_add(*count);
            (sum >= rank).then_some(*bin)
        })
    }
}

/// As bytes: of each bin how far it is from the one before, and its count, both in groups of seven bits, the lowest first (LEB128); the
/// sign of a count is its lowest bit.
impl Serialize for Bins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(3 * self.0.len());
        let mut before = 0;
        for (bin, count) in &self.0 {
            write(u64::from(bin - before), &mut bytes);
            write((count << 1 ^ count >> 63) as u64, &mut bytes);
            before = *bin;
        }
        serializer.serialize_bytes(&bytes)
    }
}

fn write(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// `None` for what was not written: cut off, too large, or longer than it need be.
fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let group = u64::from(byte & 0x7f);
        number |= group << shift;
        if *byte < 0x80 {
            let is_shortest = *byte != 0 || shift == 0;
            return (is_shortest && group << shift >> shift == group).then_some(number);
        }
    }
    None
}

impl<'de> Deserialize<'de> for Bins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Bins;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ascending bins and their counts, none of which is 0")
    }

    fn visit_bytes<E: serde::de::Error>(self, mut bytes: &[u8]) -> Result<Bins, E> {
        let wrong = || E::custom("bins must be ascending, and counts not 0");
        let mut bins: Vec<(u32, i64)> = Vec::with_capacity(bytes.len() / 2);
        while !bytes.is_empty() {
            let distance = read(&mut bytes).and_then(|distance| u32::try_from(distance).ok()).ok_or_else(wrong)?;
            let count = read(&mut bytes).map(|count| (count >> 1) as i64 ^ -((count & 1) as i64)).ok_or_else(wrong)?;
            let bin = bins.last().map_or(Some(distance), |(before, _)| before.checked_add(distance));
            let is_next = bins.is_empty() || distance > 0;
            let bin = bin.filter(|_| is_next && count != 0).ok_or_else(wrong)?;
            bins.push((bin, count));
        }
        Ok(Bins(bins))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(counts: &[(u32, i64)]) -> Bins {
        let mut bins = Bins::default();
        counts.iter().for_each(|(bin, count)| bins.add(*bin, *count));
        bins
    }

    #[test]
    fn what_cancels_out_is_gone() {
        let mut merged = bins(&[(1, 2), (5, 1), (7, 1)]);
        merged.merge(&bins(&[(0, 1), (5, -1), (6, 4), (9, 1)]));
        assert_eq!(merged, bins(&[(0, 1), (1, 2), (6, 4), (7, 1), (9, 1)]));
        let whole = merged.clone();
        merged.merge_times(&whole, -1);
        assert_eq!(merged, Bins::default());
    }

    #[test]
    fn bins_that_become_one_are_added_up() {
        let found = bins(&[(1, 2), (2, 3), (3, -3), (9, 1)]).map(|bin| if bin < 3 { 8 } else { bin - 3 });
        assert_eq!(found, bins(&[(0, -3), (6, 1), (8, 5)]));
        assert_eq!((found.between(1, 8), found.count(8), found.count(7)), (&[(6, 1)][..], 5, 0));
        assert_eq!(bins(&[(1, 2), (2, -2)]).map(|_| 0), Bins::default());
    }

    #[test]
    fn bytes_are_few_and_give_the_bins_again() {
        for counts in
            [&[][..], &[(0, 1)], &[(0, i64::MIN), (1, i64::MAX), (u32::MAX, -1)], &[(70_000, 63), (70_001, -64)]]
        {
            let bytes = rmp_serde::to_vec(&bins(counts)).unwrap();
            assert_eq!(rmp_serde::from_slice::<Bins>(&bytes).unwrap(), bins(counts));
        }
        assert_eq!(rmp_serde::to_vec(&bins(&[(100, 1), (101, 63), (220, -64)])).unwrap().len(), 2 + 6);
    }

    #[test]
    fn bytes_that_were_not_written_are_refused() {
        let read = |bytes: &[u8]| {
            let mut packed = Vec::new();
            rmp::encode::write_bin(&mut packed, bytes).unwrap();
            rmp_serde::from_slice::<Bins>(&packed).is_ok()
        };
        assert!(read(&[5, 2, 2, 5]));
        let far = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert!(read(&[&far[..], &[2]].concat()));
        for wrong in [
            &[5][..],
            &[5, 0],
            &[5, 2, 0, 2],
            &[0x85],
            &[0x85, 0x00, 2],
            &[&far[..], &[2, 1, 2]].concat(),
            &[0xff, 0xff, 0xff, 0xff, 0x1f, 2],
            &[5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
        ] {
            assert!(!read(wrong), "{wrong:?}");
        }
    }
}
