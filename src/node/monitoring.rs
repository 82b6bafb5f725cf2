//! Metrics over inference events, and ground truth beside predictions.

use super::error::throw;
use crate::monitoring::meter::{MeterKey, Meters};
use crate::monitoring::{self, EventMeasures, LostEvents, Maker, Of, QualitySums, Wanted, compare_outcome};
use crate::process::unix_ms;
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::collections::HashMap;

/// Of the process, so that one thread can tell what all of them lost.
pub(super) static LOST_EVENTS: LostEvents = LostEvents::new();

/// How far the numbers of a regression are from the true ones.
#[napi(object)]
pub struct Deviation {
    pub count: u32,
    pub mae: f64,
    pub rmse: f64,
    pub bias: f64,
}

/// What an outcome says of a prediction.
#[napi(object)]
pub struct Comparison {
    pub correct: Option<bool>,
    pub regression: Option<Deviation>,
    /// What else metrics need of it: bytes to be kept with the event.
    pub quality: Option<Uint8Array>,
}

/// What ground truth says of an event; quality as `compareOutcome` gave it, other bytes say nothing.
#[napi(object, object_to_js = false)]
pub struct Feedback {
    #[napi(js_name = "hasFeedback")]
    pub is_given: bool,
    pub correct: Option<bool>,
    pub regression: Option<Deviation>,
    pub quality: Option<Uint8Array>,
}

impl From<Feedback> for monitoring::Feedback {
    fn from(Feedback { is_given, correct, regression, quality }: Feedback) -> Self {
        let deviation =
            regression.map(|Deviation { count, mae, rmse, bias }| monitoring::Deviation { count, mae, rmse, bias });
        let quality = quality.and_then(|bytes| QualitySums::from_bytes(&bytes)).unwrap_or_default();
        Self { is_given, correct, deviation, quality }
    }
}

/// What is known of the model that made a prediction.
#[napi(object)]
pub struct PredictionMaker {
    pub outputs: Option<String>,
    pub labels: Option<Vec<String>>,
    pub confident_rows: Option<u32>,
}

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

    /// Adds an event: the SHA-256 of its model, Unix milliseconds, latency in milliseconds, the code of its
    /// error, what is known of it; how long it waited, in milliseconds, and the rows of its run; the prediction as JSON text, where
    /// its numbers are measured, and the segment that it counts in.
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
        error: Option<String>,
        regression: Option<Deviation>,
        quality: Option<Uint8Array>,
        queue_ms: Option<f64>,
        batch_rows: Option<f64>,
        prediction: Option<String>,
        segment: Option<String>,
    ) {
        let feedback = Feedback { is_given: has_feedback, correct, regression, quality }.into();
        let event =
            EventMeasures { timestamp, latency_ms, queue_ms, batch_rows, confidence, error, prediction, feedback };
        let of = Of { version: &version, digest: digest.as_deref(), segment: segment.as_deref() };
        self.inner.add(of, &event);
    }

    /// Adds what feedback changes of an event that is added elsewhere as it was before.
    #[napi(catch_unwind)]
    pub fn replace_feedback(
        &mut self,
        version: String,
        digest: Option<String>,
        segment: Option<String>,
        before: Feedback,
        after: Feedback,
    ) {
        let of = Of { version: &version, digest: digest.as_deref(), segment: segment.as_deref() };
        self.inner.replace_feedback(of, &before.into(), &after.into());
    }

    /// What `merge` takes: the same bytes for the same events, whatever their order and the parts that they came in.
    #[napi(catch_unwind)]
    pub fn to_bytes(&self, env: &Env) -> napi::Result<Uint8Array> {
        self.inner.to_bytes().map(Uint8Array::new).map_err(|problem| throw(env, &problem))
    }

    /// Adds what another accumulator held, or what that held of a version or a digest; the empty digest is of events that do not
    /// tell theirs. Throws NOT_SUPPORTED for bytes of another format, INVALID_REQUEST for damaged ones; then nothing is added.
    #[napi(catch_unwind)]
    pub fn merge(
        &mut self,
        env: &Env,
        bytes: &[u8],
        version: Option<String>,
        digest: Option<String>,
    ) -> napi::Result<()> {
        let other = read(env, bytes, true)?;
        self.inner.merge(&other, Wanted { version: version.as_deref(), digest: digest.as_deref() });
        Ok(())
    }

    /// As `merge`, without telling segments.
    #[napi(catch_unwind)]
    pub fn merge_total(
        &mut self,
        env: &Env,
        bytes: &[u8],
        version: Option<String>,
        digest: Option<String>,
    ) -> napi::Result<()> {
        let other = read(env, bytes, false)?;
        self.inner.merge_total(&other, Wanted { version: version.as_deref(), digest: digest.as_deref() });
        Ok(())
    }

    /// As `mergeTotal`, of what a segment held.
    #[napi(catch_unwind)]
    pub fn merge_segment(
        &mut self,
        env: &Env,
        bytes: &[u8],
        segment: String,
        version: Option<String>,
        digest: Option<String>,
    ) -> napi::Result<()> {
        let other = read(env, bytes, true)?;
        let wanted = Wanted { version: version.as_deref(), digest: digest.as_deref() };
        self.inner.merge_segment(&other, &segment, wanted);
        Ok(())
    }

    /// The answer of `GET /monitoring/metrics`; `current` has the digests of versions as they are now; with `bySegment` it tells
    /// segments apart.
    #[napi(catch_unwind)]
    pub fn to_json(
        &self,
        model_id: String,
        start_time: Option<f64>,
        end_time: Option<f64>,
        current: Option<HashMap<String, String>>,
        by_segment: Option<bool>,
    ) -> String {
        let (current, by_segment) = (current.unwrap_or_default(), by_segment.unwrap_or_default());
        self.inner.to_json(&model_id, start_time, end_time, &current, by_segment).to_string()
    }
}

fn read(env: &Env, bytes: &[u8], with_segments: bool) -> napi::Result<monitoring::MetricsAccumulator> {
    monitoring::MetricsAccumulator::from_bytes(bytes, with_segments).map_err(|problem| throw(env, &problem))
}

/// The name under which segments count that are not told apart. No request can give it.
#[napi]
pub const OTHER_SEGMENTS: &str = monitoring::OTHER_SEGMENTS;

/// What ground truth says of a prediction, both JSON text. Throws INVALID_JSON.
#[napi(catch_unwind, js_name = "compareOutcome")]
pub fn compare_outcome_of(
    env: &Env,
    prediction: String,
    outcome: String,
    maker: PredictionMaker,
) -> napi::Result<Comparison> {
    let maker = Maker {
        outputs: maker.outputs.as_deref(),
        labels: maker.labels.as_deref(),
        confident_rows: maker.confident_rows.map(|rows| rows as usize),
    };
    let found = compare_outcome(&prediction, &outcome, &maker).map_err(|problem| throw(env, &problem))?;
    let regression =
        found.deviation.map(|monitoring::Deviation { count, mae, rmse, bias }| Deviation { count, mae, rmse, bias });
    let quality = (!found.quality.is_nothing()).then(|| found.quality.to_bytes()).transpose();
    let quality = quality.map_err(|problem| throw(env, &problem))?.map(Uint8Array::new);
    Ok(Comparison { correct: found.correct, regression, quality })
}

/// The handle of the process-wide meter of a model version, for `predictor`, `jointPredictor` and `runner`. A handle may be
/// forgotten when more models are used than the process keeps meters of: who uses it for long asks for it again at times.
#[napi(catch_unwind)]
pub fn meter_handle(model_id: String, version: String, digest: String) -> u32 {
    Meters::shared().handle(MeterKey { model_id, version, digest }, unix_ms())
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
