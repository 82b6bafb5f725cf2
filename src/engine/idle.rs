//! One thread that unloads idle sessions.

use super::cache::SessionCache;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Duration;

pub struct IdleWatch {
    state: Mutex<State>,
    changed: Condvar,
    cache: Arc<SessionCache>,
}

struct State {
    /// Zero: sessions stay.
    limit: Duration,
    started: bool,
}

impl IdleWatch {
    pub fn new(cache: Arc<SessionCache>, limit: Duration) -> Arc<Self> {
        let state = Mutex::new(State { limit: Duration::ZERO, started: false });
        let watch = Arc::new(Self { state, changed: Condvar::new(), cache });
        watch.set_limit(limit);
        watch
    }

    /// Returns when nothing is being unloaded by an earlier limit.
    pub fn set_limit(self: &Arc<Self>, limit: Duration) {
        let mut state = self.state.lock();
        state.limit = limit;
        if !limit.is_zero() && !state.started {
            let watch = Arc::clone(self);
            // Without the thread sessions stay, as they do by default; the next change of options tries again.
            let spawned =
                std::thread::Builder::new().name("edge-ai-idle".to_owned()).spawn(move || watch.work()).is_ok();
            state.started = spawned;
        }
        drop(state);
        self.changed.notify_one();
    }

    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            if state.limit.is_zero() {
                self.changed.wait(&mut state);
            } else {
                let limit = state.limit;
                let next = self.cache.unload_idle(limit);
                self.changed.wait_for(&mut state, next.clamp(Duration::from_millis(1), limit));
            }
        }
    }
}
