//! Which detectors watch predictions, for all threads of the process.

use std::sync::atomic::{AtomicBool, Ordering};

static ADWIN: AtomicBool = AtomicBool::new(false);
static PAGE_HINKLEY: AtomicBool = AtomicBool::new(false);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangeSettings {
    pub adwin: bool,
    pub page_hinkley: bool,
}

impl ChangeSettings {
    /// Those in force. Nothing is watched before they are set.
    pub fn current() -> Self {
        Self { adwin: ADWIN.load(Ordering::Relaxed), page_hinkley: PAGE_HINKLEY.load(Ordering::Relaxed) }
    }

    pub fn set(self) {
        ADWIN.store(self.adwin, Ordering::Relaxed);
        PAGE_HINKLEY.store(self.page_hinkley, Ordering::Relaxed);
    }

    pub fn is_off(self) -> bool {
        self == Self::default()
    }
}
