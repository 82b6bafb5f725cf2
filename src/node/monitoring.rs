//! Metrics over inference events, and ground truth beside predictions.

use super::error::throw;
use crate::monitoring::{self, EventMeasures, LostEvents, compare_outcome};
use napi::Env;
use napi_derive::napi;
use std::collections::HashMap;

/// Of the process, so that one thread can tell what all of them lost.
static LOST_EVENTS: LostEvents = LostEvents::new();

/// Counts, averages and quantiles over the events of one model.
#[napi]
#[derive(Default)]
pub struct MetricsAccumulator {
    inner: monitoring::MetricsAccumulator,
}

#[napi]
impl MetricsAccumulator {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event: the SHA-256 of its model, Unix milliseconds, latency in milliseconds, what is known of it.
    #[allow(clippy::too_many_arguments, reason = "an object per event costs more than the call")]
    #[napi(catch_unwind)]
    pub fn add(
        &mut self,
        version: String,
        digest: Option<String>,
        timestamp: f64,
        latency_ms: Option<f64>,
        confidence: Option<f64>,
        has_feedback: bool,
        correct: Option<bool>,
        failed: bool,
    ) {
        let event = EventMeasures { timestamp, latency_ms, confidence, has_feedback, correct, failed };
        self.inner.add(&version, digest.as_deref(), &event);
    }

    /// The answer of `GET /monitoring/metrics`; `current` has the digests of versions as they are now.
    #[napi(catch_unwind)]
    pub fn to_json(
        &self,
        model_id: String,
        start_time: Option<f64>,
        end_time: Option<f64>,
        current: Option<HashMap<String, String>>,
    ) -> String {
        self.inner.to_json(&model_id, start_time, end_time, &current.unwrap_or_default()).to_string()
    }
}

/// Whether ground truth agrees with a prediction, both JSON text; null when that is not known. Throws INVALID_JSON.
#[napi(catch_unwind, js_name = "compareOutcome")]
pub fn compare_outcome_of(
    env: &Env,
    prediction: String,
    outcome: String,
    is_classifier: Option<bool>,
) -> napi::Result<Option<bool>> {
    compare_outcome(&prediction, &outcome, is_classifier.unwrap_or(false)).map_err(|problem| throw(env, &problem))
}

/// Counts an event of a model that could not be written.
#[napi(catch_unwind)]
pub fn count_lost_event(model_id: String) {
    LOST_EVENTS.count(&model_id);
}

/// How many events were lost since the process started, by model.
#[napi(catch_unwind)]
pub fn lost_events() -> HashMap<String, f64> {
    LOST_EVENTS.by_model().into_iter().map(|(model_id, count)| (model_id, count as f64)).collect()
}
