//! What of predictions is profiled, for all threads of the process.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static MAX_COLUMNS: AtomicUsize = AtomicUsize::new(0);
static HAS_FEATURES: AtomicBool = AtomicBool::new(false);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProfileSettings {
    /// A tensor with more columns is profiled as a vector. With none nothing is profiled.
    pub max_columns: usize,
    /// Whether features are profiled beside outputs.
    pub features: bool,
}

impl ProfileSettings {
    /// Those in force. Nothing is profiled before they are set.
    pub fn current() -> Self {
        Self { max_columns: MAX_COLUMNS.load(Ordering::Relaxed), features: HAS_FEATURES.load(Ordering::Relaxed) }
    }

    pub fn set(self) {
        MAX_COLUMNS.store(self.max_columns, Ordering::Relaxed);
        HAS_FEATURES.store(self.features, Ordering::Relaxed);
    }
}
