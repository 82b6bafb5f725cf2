//! Metrics over inference events, and ground truth beside predictions.

use super::error::throw;
use crate::monitoring::{self, EventMeasures, compare_outcome};
use napi::Env;
use napi_derive::napi;

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

    /// Adds an event: Unix milliseconds, latency in milliseconds, what is known of it.
    #[allow(clippy::too_many_arguments, reason = "an object per event costs more than the call")]
    #[napi(catch_unwind)]
    pub fn add(
        &mut self,
        version: String,
        timestamp: f64,
        latency_ms: Option<f64>,
        confidence: Option<f64>,
        has_feedback: bool,
        correct: Option<bool>,
        failed: bool,
    ) {
        let event = EventMeasures { timestamp, latency_ms, confidence, has_feedback, correct, failed };
        self.inner.add(&version, &event);
    }

    /// The answer of `GET /monitoring/metrics`.
    #[napi(catch_unwind)]
    pub fn to_json(&self, model_id: String, start_time: Option<f64>, end_time: Option<f64>) -> String {
        self.inner.to_json(&model_id, start_time, end_time).to_string()
    }
}

/// Whether ground truth agrees with a prediction, both JSON text; null when that cannot be told. Throws INVALID_JSON.
#[napi(catch_unwind, js_name = "compareOutcome")]
pub fn compare_outcome_of(
    env: &Env,
    prediction: String,
    outcome: String,
    is_classifier: Option<bool>,
) -> napi::Result<Option<bool>> {
    compare_outcome(&prediction, &outcome, is_classifier.unwrap_or(false)).map_err(|problem| throw(env, &problem))
}
