//! How large batches may become, and how long requests may wait for them.

use crate::engine::options::EngineOptions;
use std::time::Duration;

/// The limits that are in force.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// Rows of one run.
    pub max_rows: usize,
    /// How long a request may wait for others while its model is busy.
    pub max_delay: Duration,
    /// Runs of one model side by side.
    pub max_side_by_side: usize,
}

impl BatchLimits {
    pub fn of(options: &EngineOptions) -> Self {
        Self {
            max_rows: options.max_batch_size,
            max_delay: Duration::from_secs_f64(options.max_queue_delay_ms.clamp(0.0, 60_000.0) / 1e3),
            max_side_by_side: options.max_concurrent_batches,
        }
    }
}
