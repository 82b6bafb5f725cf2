//! The meter of one model version.

use super::counts::Counts;
use super::observation::Observation;
use crate::monitoring::estimated::Live;
use crate::monitoring::profile::{ProfileSettings, Profiler, Sides};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a meter is of. A version that was deleted and uploaded anew with other bytes has another meter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MeterKey {
    pub model_id: String,
    pub version: String,
    /// SHA-256 of the model, in hexadecimal.
    pub digest: String,
}

/// The meter of one model version.
#[derive(Debug)]
pub struct Meter {
    pub key: MeterKey,
    counts: Mutex<Counts>,
    /// What its predictions look like.
    pub profiler: Profiler,
    /// How good they are likely to be.
    pub estimates: Live,
    /// Unix milliseconds.
    last_used_ms: AtomicU64,
}

impl Meter {
    pub fn new(key: MeterKey, now_ms: u64) -> Self {
        Self {
            key,
            counts: Mutex::default(),
            profiler: Profiler::default(),
            estimates: Live::default(),
            last_used_ms: AtomicU64::new(now_ms),
        }
    }

    /// Counts a prediction, once.
    pub fn record(&self, observation: &Observation<'_>) {
        self.last_used_ms.store(observation.unix_ms, Ordering::Relaxed);
        let bytes = observation.bytes();
        self.counts.lock().add(observation, bytes);
        if let Ok(output) = observation.outcome {
            let Observation { signature, inputs, .. } = *observation;
            let prediction = Sides { signature, inputs, outputs: &output.outputs };
            self.profiler.observe(ProfileSettings::current(), prediction);
            self.estimates.observe(prediction);
        }
    }

    /// When it was used last, in Unix milliseconds.
    pub fn last_used_ms(&self) -> u64 {
        self.last_used_ms.load(Ordering::Relaxed)
    }

    /// What was counted until now; the parts agree with each other.
    pub fn counts(&self) -> Counts {
        self.counts.lock().clone()
    }
}
