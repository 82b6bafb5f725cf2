//! The end of the process: ONNX Runtime's static destructors must not run beside a load or a run, so these are stopped first.

use super::journal;
use super::shared::Engine;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(1);
/// How often the drain is registered.
const MAX_REGISTRATIONS: usize = 64;

impl Engine {
    /// Counts a JavaScript thread that begins to use the engine.
    pub fn join(&self) {
        *self.threads.lock() += 1;
    }

    /// One that used it ends. With the last one everything under way is stopped and waited for, for a bounded time: the process may
    /// be about to end, and a first load makes objects whose destructors come before the drain that is registered by then.
    pub fn leave(&self) {
        {
            let mut threads = self.threads.lock();
            *threads -= 1;
            if *threads > 0 {
                return;
            }
            // Locked: what the next thread begins is not stopped.
            self.stop_all();
        }
        self.is_idle_by(Instant::now() + LIMIT);
    }

    /// Stops every load, warm-up and run, refuses further ones, and waits until none is under way, for a bounded time. False when
    /// one does not end.
    pub fn drain(&self) -> bool {
        let is_again = self.closing.swap(true, Ordering::AcqRel);
        self.idle.set_limit(Duration::ZERO);
        self.stop_all();
        // What did not end in time before is not waited for again.
        self.is_idle_by(Instant::now() + if is_again { POLL } else { LIMIT })
    }

    fn stop_all(&self) {
        self.watchdog.stop_all();
        self.loads.stop_all();
        self.inspections.stop_all();
    }

    /// Waits until nothing is under way, false when that takes too long.
    fn is_idle_by(&self, end: Instant) -> bool {
        while self.is_busy() {
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }

    fn is_busy(&self) -> bool {
        [self.loads.busy(), self.inspections.busy(), self.warm_ups.busy(), self.runs.busy()]
            .iter()
            .any(|&busy| busy > 0)
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

/// Drains the engine when the process ends. Handlers run in the reverse order of their registration, and so do the destructors of
/// libraries: this is called again whenever a load or a warm-up may have brought in another library, as those of accelerators do.
pub fn drain_at_exit() {
    static REGISTRATIONS: AtomicUsize = AtomicUsize::new(0);
    if REGISTRATIONS.fetch_add(1, Ordering::Relaxed) < MAX_REGISTRATIONS {
        register();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn register() {
    use std::ffi::{c_int, c_void};
    unsafe extern "C" {
        fn on_exit(handler: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
        fn _exit(status: c_int) -> !;
        fn fflush(stream: *mut c_void) -> c_int;
    }
    extern "C" fn drain(status: c_int, _argument: *mut c_void) {
        journal::close();
        if !Engine::shared().drain() {
            // A load that cannot be stopped would run beside the destructors.
            // SAFETY: null flushes all streams; nothing of this process runs after it.
            unsafe {
                fflush(std::ptr::null_mut());
                _exit(status);
            }
        }
    }
    // SAFETY: the handler is a plain function that does not unwind; a refusal leaves nothing to undo.
    unsafe {
        let _ = on_exit(drain, std::ptr::null_mut());
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn register() {
    unsafe extern "C" {
        fn atexit(handler: extern "C" fn()) -> std::ffi::c_int;
    }
    extern "C" fn drain() {
        journal::close();
        Engine::shared().drain();
    }
    // SAFETY: the handler is a plain function that does not unwind; a refusal leaves nothing to undo.
    unsafe {
        let _ = atexit(drain);
    }
}
