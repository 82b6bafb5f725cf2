//! Profiles of predictions.

use super::changes::{SignalChange, changes_to_js};
use super::channel::Channel;
use super::error::throw;
use super::worker::on_worker;
use crate::engine::{RunOutput, RunRequest, Session};
use crate::error::{Result, error};
use crate::monitoring::changes::{Answered, ChangeSettings, Watch};
use crate::monitoring::estimated::{Estimator, Live};
use crate::monitoring::meter::{Meter, MeterKey, Meters, SharedResources};
use crate::monitoring::profile::{
    MAX_COLUMNS, Profile as Inner, ProfileSettings, Profiler as InnerProfiler, Sides, merged,
};
use crate::process::unix_ms;
use crate::tensor::Value;
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::collections::HashMap;
use std::sync::Arc;

/// Columns that a profile may have.
#[napi]
pub const MAX_PROFILE_COLUMNS: u32 = MAX_COLUMNS as u32;

/// What is profiled of predictions from now on: of tensors with at most so many columns each, of others the whole; nothing with none.
#[napi(catch_unwind)]
pub fn configure_profiles(max_columns: u32, features: bool) {
    ProfileSettings { max_columns: max_columns as usize, features }.set();
}

/// Names the columns of the inputs of a model version, by the handle of its meter.
#[napi(catch_unwind)]
pub fn name_columns(meter: u32, names: HashMap<String, Vec<String>>) {
    if let Some(meter) = Meters::shared().get(meter) {
        meter.profiler.name_columns(names);
    }
}

/// What was profiled of a model version.
#[napi(object)]
pub struct TakenProfile {
    pub model_id: String,
    pub version: String,
    pub digest: String,
    pub bytes: Uint8Array,
}

/// What was profiled in this process since it was taken last.
#[napi(catch_unwind)]
pub fn take_profiles(env: &Env) -> napi::Result<Vec<TakenProfile>> {
    let taken = |meter: &Arc<Meter>| -> Result<Option<TakenProfile>> {
        let profile = meter.profiler.take();
        if profile.rows == 0 {
            return Ok(None);
        }
        let bytes = profile.to_bytes()?;
        let MeterKey { model_id, version, digest } = meter.key.clone();
        Ok(Some(TakenProfile { model_id, version, digest, bytes: bytes.into() }))
    };
    let all: Result<Vec<_>> = Meters::shared().all().iter().filter_map(|meter| taken(meter).transpose()).collect();
    all.map_err(|problem| throw(env, &problem))
}

/// Gives back what was taken and could not be stored.
#[napi(catch_unwind)]
pub fn restore_profile(env: &Env, taken: TakenProfile) -> napi::Result<()> {
    let TakenProfile { model_id, version, digest, bytes } = taken;
    let meters = Meters::shared();
    let meter = meters.get(meters.handle(MeterKey { model_id, version, digest }, unix_ms()));
    let restored = meter
        .ok_or_else(|| error!(Internal, "there is no meter"))
        .and_then(|meter| meter.profiler.restore(&Inner::from_bytes(&bytes)?));
    restored.map_err(|problem| throw(env, &problem))
}

/// A profile that others are merged into.
#[napi]
#[derive(Default)]
pub struct Profile {
    inner: Inner,
}

#[napi]
impl Profile {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    #[napi(getter, catch_unwind)]
    pub fn rows(&self) -> f64 {
        self.inner.rows as f64
    }

    /// Throws INVALID_REQUEST for what is no profile.
    #[napi(catch_unwind)]
    pub fn merge(&mut self, env: &Env, bytes: Uint8Array) -> napi::Result<()> {
        Inner::from_bytes(&bytes).and_then(|other| self.inner.merge(&other)).map_err(|problem| throw(env, &problem))
    }

    /// As bytes, after which it is empty: its memory does not wait for JavaScript to collect it.
    #[napi(catch_unwind)]
    pub fn take_bytes(&mut self, env: &Env) -> napi::Result<Uint8Array> {
        std::mem::take(&mut self.inner).to_bytes().map(Uint8Array::new).map_err(|problem| throw(env, &problem))
    }

    /// `{rows, leftOut, columns: [{name, kind, count, missing}]}` as JSON text.
    #[napi(catch_unwind)]
    pub fn contents(&self) -> String {
        self.inner.contents().to_string()
    }

    /// As JSON text, after which it is empty too.
    #[napi(catch_unwind)]
    pub fn take_json(&mut self) -> String {
        std::mem::take(&mut self.inner).to_json().to_string()
    }
}

/// Many profiles as one.
#[napi(object)]
pub struct MergedProfiles {
    pub bytes: Uint8Array,
    pub rows: f64,
    /// Positions of what is no profile, and left out.
    pub unreadable: Vec<u32>,
}

/// Merges profiles, given as their bytes; answered on the channel with `MergedProfiles`.
#[napi(catch_unwind)]
pub fn merge_profiles(env: &Env, channel: &Channel, id: u32, parts: Vec<Uint8Array>) -> napi::Result<()> {
    let parts: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
    on_worker(env, channel.reply(id), move || {
        let (sum, unreadable) = merged(&parts);
        let unreadable = unreadable.into_iter().map(|at| at as u32).collect();
        Ok(MergedProfiles { rows: sum.rows as f64, bytes: sum.to_bytes()?.into(), unreadable })
    })
}

/// What was profiled of a model in this process and is not taken yet.
#[napi(catch_unwind)]
pub fn pending_profiles(env: &Env, model_id: String) -> napi::Result<Vec<TakenProfile>> {
    let meters = Meters::shared().all();
    let profiles = meters.iter().filter(|meter| meter.key.model_id == model_id).map(|meter| {
        let MeterKey { model_id, version, digest } = meter.key.clone();
        Ok(TakenProfile { model_id, version, digest, bytes: meter.profiler.profile().to_bytes()?.into() })
    });
    profiles.collect::<Result<Vec<_>>>().map_err(|problem| throw(env, &problem))
}

/// What one monitor of JavaScript records of a model version: profiles its predictions, watches them for changes and sums up what they cost.
#[napi]
pub struct Profiler {
    seen: Arc<Seen>,
}

struct Seen {
    profiler: InnerProfiler,
    settings: ProfileSettings,
    watch: Watch,
    change_settings: ChangeSettings,
    resources: SharedResources,
    estimates: Live,
}

impl Profiler {
    pub(super) fn resources(&self) -> SharedResources {
        Arc::clone(&self.seen.resources)
    }
}

#[napi]
impl Profiler {
    /// `names` are those of the columns of inputs that have names; `adwin` and `page_hinkley` the detectors that watch.
    #[napi(constructor, catch_unwind)]
    pub fn new(max_columns: u32, names: HashMap<String, Vec<String>>, adwin: bool, page_hinkley: bool) -> Self {
        let profiler = InnerProfiler::default();
        profiler.name_columns(names);
        let settings = ProfileSettings { max_columns: max_columns as usize, features: true };
        let change_settings = ChangeSettings { adwin, page_hinkley };
        // Nothing is stored, so every change is told.
        let watch = Watch::new(0);
        let (resources, estimates) = (SharedResources::default(), Live::default());
        Self { seen: Arc::new(Seen { profiler, settings, watch, change_settings, resources, estimates }) }
    }

    #[napi(catch_unwind)]
    pub fn to_bytes(&self, env: &Env) -> napi::Result<Uint8Array> {
        self.seen.profiler.profile().to_bytes().map(Uint8Array::new).map_err(|problem| throw(env, &problem))
    }

    /// As JSON text.
    #[napi(catch_unwind)]
    pub fn profile(&self) -> String {
        self.seen.profiler.profile().to_json().to_string()
    }

    /// Adds what feedback says of a prediction.
    #[napi(catch_unwind)]
    pub fn observe_correctness(&self, is_correct: bool) {
        self.seen.watch.observe_correctness(self.seen.change_settings, unix_ms(), is_correct);
    }

    /// The last changes, the oldest first.
    #[napi(catch_unwind)]
    pub fn changes(&self) -> Vec<SignalChange> {
        changes_to_js(self.seen.watch.changes())
    }

    /// What it cost, as JSON text.
    #[napi(catch_unwind)]
    pub fn costs(&self) -> String {
        let mut resources = self.seen.resources.lock().clone();
        resources.bound();
        resources.costs_json().to_string()
    }

    /// Estimates the quality of predictions from now on. Throws INVALID_REQUEST for what is no estimator.
    #[napi(catch_unwind)]
    pub fn install_estimator(&self, env: &Env, bytes: Uint8Array) -> napi::Result<()> {
        let estimator = Estimator::from_bytes(&bytes).map_err(|problem| throw(env, &problem))?;
        self.seen.estimates.install(Some((String::new(), estimator)));
        Ok(())
    }

    /// What the estimator saw, as JSON text; nothing without one.
    #[napi(catch_unwind)]
    pub fn estimated(&self, env: &Env) -> napi::Result<Option<String>> {
        let answer = self.seen.estimates.answer().map_err(|problem| throw(env, &problem))?;
        Ok(answer.map(|answer| answer.to_string()))
    }
}

/// A run that a [`Profiler`] is to see when it has ended.
pub struct Profiled {
    seen: Arc<Seen>,
    inputs: Arc<Vec<(String, Value)>>,
}

impl Profiled {
    pub fn of(profiler: &Profiler, run: &RunRequest) -> Self {
        Self { seen: Arc::clone(&profiler.seen), inputs: Arc::clone(&run.inputs) }
    }

    pub fn observe(&self, session: &Session, output: &RunOutput) {
        let Seen { profiler, settings, watch, change_settings, estimates, .. } = &*self.seen;
        let (signature, outputs) = (&session.signature, output.outputs.as_slice());
        let prediction = Sides { signature, inputs: &self.inputs, outputs };
        profiler.observe(*settings, prediction);
        estimates.observe(prediction);
        watch.observe(*change_settings, Answered { unix_ms: unix_ms(), signature, outputs });
    }
}
