//! The meters of the process.

use super::version::{Meter, MeterKey};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

/// Meters that are kept. Beyond them those that were used longest ago are dropped, a few at a time.
const MAX_METERS: usize = 10_000;
/// What is dropped at once, as a part of all.
const DROPPED_PART: usize = 16;

/// Meters by what they are of, and by the handle that a prediction is given.
pub struct Meters {
    max: usize,
    state: RwLock<State>,
    dropped: AtomicU64,
    unmetered: AtomicU64,
}

#[derive(Default)]
struct State {
    handles: HashMap<MeterKey, u32>,
    meters: HashMap<u32, Arc<Meter>>,
    next: u32,
}

impl Meters {
    /// Those of this process.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Meters> = LazyLock::new(|| Meters::new(MAX_METERS));
        &SHARED
    }

    pub fn new(max: usize) -> Self {
        Self { max, state: RwLock::default(), dropped: AtomicU64::new(0), unmetered: AtomicU64::new(0) }
    }

    /// The handle of the meter of a model version, which is made when there is none.
    pub fn handle(&self, key: MeterKey, now_ms: u64) -> u32 {
        if let Some(&handle) = self.state.read().handles.get(&key) {
            return handle;
        }
        let mut state = self.state.write();
        if let Some(&handle) = state.handles.get(&key) {
            return handle;
        }
        if state.meters.len() >= self.max {
            let dropped = state.drop_least_recently_used((self.max / DROPPED_PART).max(1));
            self.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
        }
        state.add(key, now_ms)
    }

    /// The meter of a handle; `None`, which is counted, when it was dropped.
    pub fn get(&self, handle: u32) -> Option<Arc<Meter>> {
        let found = self.state.read().meters.get(&handle).cloned();
        if found.is_none() {
            self.unmetered.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    /// All meters, in the order in which they were made.
    pub fn all(&self) -> Vec<Arc<Meter>> {
        let state = self.state.read();
        let mut all: Vec<(u32, Arc<Meter>)> =
            state.meters.iter().map(|(&handle, meter)| (handle, Arc::clone(meter))).collect();
        drop(state);
        all.sort_unstable_by_key(|(handle, _)| *handle);
        all.into_iter().map(|(_, meter)| meter).collect()
    }

    /// How many were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Predictions whose meter was dropped before they began.
    pub fn unmetered(&self) -> u64 {
        self.unmetered.load(Ordering::Relaxed)
    }
}

impl State {
    fn add(&mut self, key: MeterKey, now_ms: u64) -> u32 {
        while self.meters.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let handle = self.next;
        self.next = handle.wrapping_add(1);
        self.handles.insert(key.clone(), handle);
        self.meters.insert(handle, Arc::new(Meter::new(key, now_ms)));
        handle
    }

    fn drop_least_recently_used(&mut self, count: usize) -> usize {
        let used = |meter: &Meter| meter.last_used_ms();
        let mut by_use: Vec<(u64, u32)> = self.meters.iter().map(|(&handle, meter)| (used(meter), handle)).collect();
        by_use.sort_unstable();
        by_use.truncate(count);
        for (_, handle) in &by_use {
            if let Some(meter) = self.meters.remove(handle) {
                self.handles.remove(&meter.key);
            }
        }
        by_use.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::monitoring::meter::Observation;
    use crate::signature::Signature;

    fn key(model_id: &str) -> MeterKey {
        MeterKey { model_id: model_id.to_owned(), version: "v1".to_owned(), digest: "d".to_owned() }
    }

    fn fail(meter: &Meter, unix_ms: u64) {
        let signature = Signature::default();
        let outcome = Err(ErrorCode::RunFailed);
        meter.record(&Observation { unix_ms, signature: &signature, inputs: &[], rows: None, outcome });
    }

    #[test]
    fn a_version_has_one_meter_and_other_bytes_another() {
        let meters = Meters::new(10);
        let handle = meters.handle(key("a"), 0);
        assert_eq!(meters.handle(key("a"), 1), handle);
        let other = meters.handle(MeterKey { digest: "e".to_owned(), ..key("a") }, 0);
        assert_ne!(other, handle);
        fail(&meters.get(other).unwrap(), 2);
        let failures = |handle| meters.get(handle).unwrap().counts().errors().collect::<Vec<_>>();
        assert_eq!((failures(handle), failures(other)), (vec![], vec![(ErrorCode::RunFailed, 1)]));
    }

    #[test]
    fn those_used_longest_ago_are_dropped_and_counted() {
        let meters = Meters::new(3);
        let handles: Vec<u32> = ["a", "b", "c"].iter().map(|model| meters.handle(key(model), 1)).collect();
        fail(&meters.get(handles[0]).unwrap(), 5);
        fail(&meters.get(handles[2]).unwrap(), 4);
        meters.handle(key("d"), 6);
        let names = || meters.all().iter().map(|meter| meter.key.model_id.clone()).collect::<Vec<_>>();
        assert_eq!((names(), meters.dropped()), (vec!["a".to_owned(), "c".to_owned(), "d".to_owned()], 1));
        assert!(meters.get(handles[1]).is_none());
        assert_eq!(meters.unmetered(), 1);
        // It begins anew, and the one used longest ago goes.
        assert!(meters.get(meters.handle(key("b"), 7)).is_some());
        assert_eq!(names(), ["a", "d", "b"]);
    }

    #[test]
    fn what_all_threads_count_adds_up() {
        let meters = Meters::new(10);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let meters = &meters;
                scope.spawn(move || {
                    for at in 0..1000 {
                        let handle = meters.handle(key(if (at + thread) % 2 == 0 { "a" } else { "b" }), at);
                        fail(&meters.get(handle).unwrap(), at);
                    }
                });
            }
        });
        let failures = meters
            .all()
            .iter()
            .flat_map(|meter| meter.counts().errors().collect::<Vec<_>>())
            .map(|(_, n)| n)
            .sum::<u64>();
        assert_eq!(failures, 4000);
    }
}
