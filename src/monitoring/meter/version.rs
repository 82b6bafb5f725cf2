//! The meter of one model version.

use super::account::SharedResources;
use super::counts::Counts;
use super::observation::Observation;
use crate::monitoring::changes::{Answered, ChangeSettings, Watch};
use crate::monitoring::estimated::Live;
use crate::monitoring::profile::{ProfileSettings, Profiler, Sides};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Of each signal and detector at most one change is stored in such a time.
const PAUSE_MS: u64 = 60_000;

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
    /// What changes in them.
    pub watch: Watch,
    /// What they cost since that was taken last.
    pub resources: SharedResources,
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
            watch: Watch::new(PAUSE_MS),
            resources: SharedResources::default(),
            estimates: Live::default(),
            last_used_ms: AtomicU64::new(now_ms),
        }
    }

    /// Counts a prediction, once.
    pub fn record(&self, observation: &Observation<'_>) {
        self.last_used_ms.store(observation.unix_ms, Ordering::Relaxed);
        self.counts.lock().add(observation);
        if let Ok(output) = observation.outcome {
            let Observation { unix_ms, signature, inputs, .. } = *observation;
            let outputs = output.outputs.as_slice();
            let prediction = Sides { signature, inputs, outputs };
            self.profiler.observe(ProfileSettings::current(), prediction);
            self.estimates.observe(prediction);
            self.watch.observe(ChangeSettings::current(), Answered { unix_ms, signature, outputs });
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
