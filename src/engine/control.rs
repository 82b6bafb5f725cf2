//! How a run is stopped: by its deadline or by its caller.

use crate::error::{Error, Result, error};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// Why a run was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    Deadline,
    Cancelled,
}

/// What the watchdog stops.
pub trait Stop: Send + Sync {
    fn stop(self: Arc<Self>, reason: StopReason);
}

const RUNNING: u8 = 0;
const DEADLINE: u8 = 1;
const CANCELLED: u8 = 2;

/// The stop signal of one run, shared by the caller, the watchdog and the backend.
#[derive(Default)]
pub struct RunControl {
    /// Nobody can stop the run.
    unstoppable: bool,
    reason: AtomicU8,
    terminate: Mutex<Option<Terminate>>,
}

/// Interrupts the backend; called at most once, while the run is under way.
type Terminate = Box<dyn FnOnce() + Send>;

impl RunControl {
    /// For a run that nobody can stop.
    pub fn unstoppable() -> Self {
        Self { unstoppable: true, ..Self::default() }
    }

    pub fn can_stop(&self) -> bool {
        !self.unstoppable
    }

    /// Stops the run. The first reason stays.
    pub fn stop(&self, reason: StopReason) {
        let code = match reason {
            StopReason::Deadline => DEADLINE,
            StopReason::Cancelled => CANCELLED,
        };
        if self.reason.compare_exchange(RUNNING, code, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            // The lock is held during the call, so that `guard` cannot return while `terminate` uses what it borrows.
            let mut slot = self.terminate.lock();
            if let Some(terminate) = slot.take() {
                terminate();
            }
        }
    }

    /// Why the run was stopped, if it was.
    pub fn reason(&self) -> Option<StopReason> {
        match self.reason.load(Ordering::Acquire) {
            DEADLINE => Some(StopReason::Deadline),
            CANCELLED => Some(StopReason::Cancelled),
            _ => None,
        }
    }

    /// The error of a stopped run.
    pub fn stopped(&self) -> Option<Error> {
        self.reason().map(|reason| match reason {
            StopReason::Deadline => error!(DeadlineExceeded, "the run took longer than its deadline"),
            StopReason::Cancelled => error!(Cancelled, "the caller cancelled the run"),
        })
    }

    /// Runs `work` so that [`Self::stop`] interrupts it through `terminate`. `terminate` is not called after this returns.
    ///
    /// # Errors
    /// What `work` returns; the reason of the stop when it failed after a stop.
    pub fn guard<T>(&self, terminate: impl FnOnce() + Send + 'static, work: impl FnOnce() -> Result<T>) -> Result<T> {
        *self.terminate.lock() = Some(Box::new(terminate));
        // A stop that came before the line above found nothing to terminate.
        let outcome = match self.stopped() {
            Some(stopped) => Err(stopped),
            None => work(),
        };
        *self.terminate.lock() = None;
        outcome.map_err(|failure| self.stopped().unwrap_or(failure))
    }
}

/// The stop signal of a run that several requests share: it is stopped when all of them have been.
pub struct GroupControl {
    control: RunControl,
    members: AtomicUsize,
}

impl GroupControl {
    pub fn new(members: usize) -> Arc<Self> {
        Arc::new(Self { control: RunControl::default(), members: AtomicUsize::new(members) })
    }

    pub fn control(&self) -> &RunControl {
        &self.control
    }

    /// One of the requests was stopped.
    pub fn leave(&self, reason: StopReason) {
        if self.members.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.control.stop(reason);
        }
    }
}
