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
    /// Stops every load, warm-up and run, refuses further ones, and waits until none is under way, for a bounded time. False when
    /// one does not end.
    pub fn drain(&self) -> bool {
        let is_again = self.closing.swap(true, Ordering::AcqRel);
        // What did not end in time before is not waited for again.
        let end = Instant::now() + if is_again { POLL } else { LIMIT };
        self.idle.set_limit(Duration::ZERO);
        self.watchdog.stop_all();
        self.loads.stop_all();
        self.inspections.stop_all();
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
