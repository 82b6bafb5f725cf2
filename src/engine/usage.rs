//! When a session was used last, and whether it is in use: what decides that it may be unloaded.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

pub struct Usage {
    /// Runs that wait or are under way.
    runs: AtomicUsize,
    /// Milliseconds of [`clock`].
    last_ms: AtomicU64,
}

fn clock() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_millis() as u64
}

impl Default for Usage {
    fn default() -> Self {
        Self { runs: AtomicUsize::new(0), last_ms: AtomicU64::new(clock()) }
    }
}

impl Usage {
    pub fn touch(&self) {
        self.last_ms.store(clock(), Ordering::Relaxed);
    }

    /// Whether a run waits or is under way.
    pub fn is_in_use(&self) -> bool {
        self.runs.load(Ordering::SeqCst) > 0
    }

    /// How long it has been idle; `None` while it is in use.
    pub fn idle(&self) -> Option<Duration> {
        (!self.is_in_use()).then(|| Duration::from_millis(clock().saturating_sub(self.last_ms.load(Ordering::Relaxed))))
    }
}

/// While this exists the session is in use.
pub struct InUse(Arc<Usage>);

impl InUse {
    pub fn of(usage: &Arc<Usage>) -> Self {
        usage.runs.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(usage))
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.touch();
        self.0.runs.fetch_sub(1, Ordering::SeqCst);
    }
}
