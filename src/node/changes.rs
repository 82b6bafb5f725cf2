//! Changes in time of what model versions answer.

use crate::monitoring::changes::{Change, ChangeSettings};
use crate::monitoring::meter::{MeterKey, Meters};
use crate::monitoring::online;
use crate::process::unix_ms;
use napi_derive::napi;

/// Values that follow each other.
#[napi(object, object_from_js = false)]
pub struct Part {
    pub count: f64,
    pub mean: f64,
}

/// A change of a signal; the time in Unix milliseconds.
#[napi(object, object_from_js = false)]
pub struct SignalChange {
    pub signal: String,
    pub detector: String,
    pub timestamp: f64,
    pub before: Part,
    pub after: Part,
    pub skipped: f64,
}

/// The changes of a model version.
#[napi(object, object_from_js = false)]
pub struct VersionChanges {
    pub model_id: String,
    pub version: String,
    pub digest: String,
    pub changes: Vec<SignalChange>,
}

/// Which detectors watch predictions from now on.
#[napi(catch_unwind)]
pub fn configure_change_detection(adwin: bool, page_hinkley: bool) {
    ChangeSettings { adwin, page_hinkley }.set();
}

/// Adds what feedback says of a prediction of a model version.
#[napi(catch_unwind)]
pub fn observe_correctness(model_id: String, version: String, digest: String, is_correct: bool) {
    let settings = ChangeSettings::current();
    if settings.is_off() {
        return;
    }
    let (meters, now) = (Meters::shared(), unix_ms());
    if let Some(meter) = meters.get(meters.handle(MeterKey { model_id, version, digest }, now)) {
        meter.watch.observe_correctness(settings, now, is_correct);
    }
}

/// What was detected in this process since it was taken last.
#[napi(catch_unwind)]
pub fn take_changes() -> Vec<VersionChanges> {
    let taken = Meters::shared().all().into_iter().filter_map(|meter| {
        let changes = meter.watch.take();
        let MeterKey { model_id, version, digest } = meter.key.clone();
        (!changes.is_empty()).then(|| VersionChanges { model_id, version, digest, changes: changes_to_js(changes) })
    });
    taken.collect()
}

pub fn changes_to_js(changes: Vec<Change>) -> Vec<SignalChange> {
    let part = |online::Part { count, mean }: online::Part| Part { count: count as f64, mean };
    let change = |Change { signal, detector, unix_ms, split, skipped }: Change| SignalChange {
        signal,
        detector: detector.as_str().to_owned(),
        timestamp: unix_ms as f64,
        before: part(split.before),
        after: part(split.after),
        skipped: skipped as f64,
    };
    changes.into_iter().map(change).collect()
}
