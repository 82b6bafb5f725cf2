//! One thread that frees the memory of models, so that no request waits for it: of those that were unloaded, and of those that
//! the cache has dropped, as soon as no run needs them.

use super::backend::BackendSession;
use super::session::Session;
use parking_lot::{Condvar, Mutex};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often a dropped session is looked at while a run is under way.
const POLL: Duration = Duration::from_millis(20);

#[derive(Default)]
pub struct Reclaim {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    started: bool,
    unloaded: Vec<Arc<dyn BackendSession>>,
    evicted: Vec<Weak<Session>>,
    /// The last hold on them may be the cache's.
    dropped: Vec<Arc<Session>>,
}

impl Reclaim {
    /// Frees what was unloaded.
    pub fn free(self: &Arc<Self>, models: impl IntoIterator<Item = Arc<dyn BackendSession>>) {
        self.work_on(|state| state.unloaded.extend(models));
    }

    /// Unloads sessions that the cache has dropped when no run needs them, also those that callers hold.
    pub fn evict(self: &Arc<Self>, sessions: Vec<Arc<Session>>) {
        if !sessions.is_empty() {
            self.work_on(|state| state.dropped.extend(sessions));
        }
    }

    fn work_on(self: &Arc<Self>, add: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        add(&mut state);
        if !state.started {
            let reclaim = Arc::clone(self);
            // Without a thread the next one tries again; until then the memory stays.
            let spawned = std::thread::Builder::new().name("edge-ai-reclaim".to_owned()).spawn(move || reclaim.work());
            state.started = spawned.is_ok();
        }
        drop(state);
        self.changed.notify_one();
    }

    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            let State { unloaded, evicted, dropped, .. } = &mut *state;
            let mut freed = !unloaded.is_empty() || !dropped.is_empty();
            let mut models = std::mem::take(unloaded);
            evicted.extend(dropped.iter().map(Arc::downgrade));
            let dropped = std::mem::take(dropped);
            let waiting = std::mem::take(evicted);
            // Freeing a model takes time, during which the lock must not be held.
            drop(state);
            drop(dropped);
            let still = |session: &Weak<Session>| {
                let Some(session) = session.upgrade() else { return false };
                let Some(model) = session.unload_evicted() else { return session.is_evicted() };
                models.extend(model);
                false
            };
            let waiting: Vec<_> = waiting.into_iter().filter(still).collect();
            freed |= !models.is_empty();
            drop(models);
            if freed {
                return_free_memory();
            }
            state = self.state.lock();
            state.evicted.extend(waiting);
            if !state.unloaded.is_empty() || !state.dropped.is_empty() {
                continue;
            }
            if state.evicted.is_empty() {
                self.changed.wait(&mut state);
            } else {
                self.changed.wait_for(&mut state, POLL);
            }
        }
    }
}

/// glibc keeps freed memory for the process; after a model it is not about to be needed again.
fn return_free_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            fn malloc_trim(pad: usize) -> std::ffi::c_int;
        }
        // SAFETY: it touches nothing but the allocator's own free lists, under its locks.
        unsafe {
            malloc_trim(0);
        }
    }
}
