//! How much memory the models of each digest take for how long, and how often they come and go.

use std::collections::HashMap;
use std::time::Instant;

/// What the sessions of a digest took since that was asked for last.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Residence {
    /// Bytes times the seconds that they were loaded.
    pub byte_seconds: f64,
    pub loads: u64,
    pub evictions: u64,
}

#[derive(Default)]
pub struct Residency {
    by_digest: HashMap<String, Resident>,
}

struct Resident {
    bytes: u64,
    since: Instant,
    past: Residence,
}

impl Resident {
    fn settle(&mut self, now: Instant) {
        self.past.byte_seconds += self.bytes as f64 * now.saturating_duration_since(self.since).as_secs_f64();
        self.since = self.since.max(now);
    }
}

impl Residency {
    pub fn enters(&mut self, digest: &str, bytes: u64, now: Instant) {
        let resident = self.of(digest, now);
        resident.bytes += bytes;
    }

    pub fn leaves(&mut self, digest: &str, bytes: u64, now: Instant) {
        let resident = self.of(digest, now);
        resident.bytes = resident.bytes.saturating_sub(bytes);
    }

    pub fn count_load(&mut self, digest: &str, now: Instant) {
        self.of(digest, now).past.loads += 1;
    }

    pub fn count_eviction(&mut self, digest: &str, now: Instant) {
        self.of(digest, now).past.evictions += 1;
    }

    fn of(&mut self, digest: &str, now: Instant) -> &mut Resident {
        let resident = self.by_digest.entry(digest.to_owned()).or_insert_with(|| Resident {
            bytes: 0,
            since: now,
            past: Residence::default(),
        });
        resident.settle(now);
        resident
    }

    /// By digest, what it was until now, which stays.
    pub fn until(&mut self, now: Instant) -> Vec<(String, Residence)> {
        let residents = self.by_digest.iter_mut().map(|(digest, resident)| {
            resident.settle(now);
            (digest.clone(), resident.past)
        });
        residents.collect()
    }

    /// The same for a digest, after which it begins anew.
    pub fn take(&mut self, digest: &str, now: Instant) -> Residence {
        let Some(resident) = self.by_digest.get_mut(digest) else { return Residence::default() };
        resident.settle(now);
        let past = std::mem::take(&mut resident.past);
        if resident.bytes == 0 {
            self.by_digest.remove(digest);
        }
        past
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn bytes_count_for_as_long_as_they_are_loaded() {
        let mut residency = Residency::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        residency.count_load("a", at(0));
        residency.enters("a", 100, at(0));
        // Another engine's session of the same model.
        residency.enters("a", 50, at(10));
        residency.leaves("a", 100, at(20));
        residency.count_eviction("a", at(20));
        let expected = Residence { byte_seconds: 100.0 * 20.0 + 50.0 * 20.0, loads: 1, evictions: 1 };
        assert_eq!(residency.until(at(30)), [("a".to_owned(), expected)]);
        assert_eq!(residency.take("a", at(30)), expected);
        assert_eq!(residency.take("a", at(32)), Residence { byte_seconds: 100.0, ..Residence::default() });
        residency.leaves("a", 50, at(32));
        residency.take("a", at(40));
        assert!(residency.by_digest.is_empty(), "what is gone is forgotten");
        assert_eq!(residency.take("b", at(40)), Residence::default());
    }
}
