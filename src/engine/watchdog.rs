//! One thread that stops runs, or whatever else can be stopped, at their deadlines.

use super::control::{Stop, StopReason};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Instant;

/// The place of a run in the watchdog's list.
pub type WatchKey = (Instant, u64);

#[derive(Default)]
pub struct Watchdog {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    runs: BTreeMap<WatchKey, Weak<dyn Stop>>,
    next: u64,
    started: bool,
    /// When the thread wakes by itself; `None` when it waits to be woken.
    wakes_at: Option<Instant>,
}

impl Watchdog {
    pub fn start() -> Arc<Self> {
        Arc::default()
    }

    /// Stops the run at that time unless it is forgotten before, by the key that this gives.
    pub fn watch(self: &Arc<Self>, deadline: Instant, run: Weak<dyn Stop>) -> WatchKey {
        let mut state = self.state.lock();
        let key = (deadline, state.next);
        state.next += 1;
        // A wake-up costs more than a tiny run. Most deadlines are later than one that the thread waits for already.
        let too_late = state.wakes_at.is_none_or(|wakes_at| deadline < wakes_at);
        state.runs.insert(key, run);
        if !state.started {
            state.started = true;
            let watchdog = Arc::clone(self);
            std::thread::Builder::new()
                .name("edge-ai-watchdog".to_owned())
                .spawn(move || watchdog.work())
                // Without it deadlines would not hold, so better no run at all.
                .expect("a thread for deadlines");
        } else if too_late {
            state.wakes_at = Some(deadline);
            self.changed.notify_one();
        }
        key
    }

    pub fn forget(&self, key: WatchKey) {
        self.state.lock().runs.remove(&key);
    }

    pub fn watched(&self) -> usize {
        self.state.lock().runs.len()
    }

    /// Stops every run now.
    pub fn stop_all(&self) {
        let runs = std::mem::take(&mut self.state.lock().runs);
        for run in runs.into_values().filter_map(|run| run.upgrade()) {
            run.stop(StopReason::Cancelled);
        }
    }

    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            let later = state.runs.split_off(&(now, u64::MAX));
            let due = std::mem::replace(&mut state.runs, later);
            if !due.is_empty() {
                drop(state);
                for run in due.into_values().filter_map(|run| run.upgrade()) {
                    // A callback may panic; the deadlines of all other runs must hold all the same.
                    let _ = catch_unwind(AssertUnwindSafe(|| run.stop(StopReason::Deadline)));
                }
                state = self.state.lock();
                continue;
            }
            state.wakes_at = state.runs.first_key_value().map(|((deadline, _), _)| *deadline);
            match state.wakes_at {
                Some(deadline) => {
                    self.changed.wait_until(&mut state, deadline);
                }
                None => self.changed.wait(&mut state),
            }
        }
    }
}
