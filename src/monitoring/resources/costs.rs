//! Sums of receipts.

use crate::engine::Receipt;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// Whole numbers, which add up to the same whatever their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costs {
    /// Predictions that were answered.
    pub predictions: u64,
    /// Those whose run failed, or whose answer could not be written.
    pub failures: u64,
    /// Of all runs, those that failed included. Zero beside some time where the system does not tell.
    pub cpu_nanos: u64,
    pub wall_nanos: u64,
    pub queue_nanos: u64,
    pub allocated_bytes: u64,
    pub read_bytes: u64,
}

impl Costs {
    pub fn add(&mut self, receipt: &Receipt) {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.merge(&Self {
            predictions: 0,
            failures: 0,
            cpu_nanos: receipt.cpu.map_or(0, nanos),
            wall_nanos: nanos(receipt.wall),
            queue_nanos: nanos(receipt.queue),
            allocated_bytes: receipt.allocated_bytes,
            read_bytes: receipt.read_bytes,
        });
    }

    pub fn merge(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.predictions, other.predictions),
            (&mut self.failures, other.failures),
            (&mut self.cpu_nanos, other.cpu_nanos),
            (&mut self.wall_nanos, other.wall_nanos),
            (&mut self.queue_nanos, other.queue_nanos),
            (&mut self.allocated_bytes, other.allocated_bytes),
            (&mut self.read_bytes, other.read_bytes),
        ] {
            *sum = sum.saturating_add(more);
        }
    }

    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// `{predictions, failures, cpuSeconds, wallSeconds, queueSeconds, allocatedBytes, readBytes, predictionsPerCpuSecond}`. CPU time
    /// that is not known is null, and so is what cannot be computed.
    pub fn to_json(&self) -> Json {
        let seconds = |nanos: u64| nanos as f64 / 1e9;
        let is_known = self.cpu_nanos > 0 || self.wall_nanos == 0;
        let rate = (self.cpu_nanos > 0).then(|| self.predictions as f64 / seconds(self.cpu_nanos));
        json!({
            "predictions": self.predictions,
            "failures": self.failures,
            "cpuSeconds": is_known.then_some(seconds(self.cpu_nanos)),
            "wallSeconds": seconds(self.wall_nanos),
            "queueSeconds": seconds(self.queue_nanos),
            "allocatedBytes": self.allocated_bytes,
            "readBytes": self.read_bytes,
            "predictionsPerCpuSecond": rate,
        })
    }
}
