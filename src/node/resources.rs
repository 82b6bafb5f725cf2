//! What predictions cost: sums by version and user.

use super::error::throw;
use crate::engine::{Engine, Residence};
use crate::error::{Result, error};
use crate::monitoring::meter::{Meter, MeterKey, Meters};
use crate::monitoring::resources::{Memory, Resources as Inner};
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::collections::HashMap;
use std::sync::Arc;

/// What the predictions of a model version cost.
#[napi(object)]
pub struct TakenResources {
    pub model_id: String,
    pub version: String,
    pub digest: String,
    pub bytes: Uint8Array,
}

impl TakenResources {
    fn new(meter: &Meter, resources: &Inner) -> Result<Self> {
        let MeterKey { model_id, version, digest } = meter.key.clone();
        Ok(Self { model_id, version, digest, bytes: resources.to_bytes()?.into() })
    }
}

/// How many versions each model is: they share its session.
fn versions_of(meters: &[Arc<Meter>]) -> HashMap<&str, u32> {
    let mut versions = HashMap::new();
    meters.iter().for_each(|meter| *versions.entry(meter.key.digest.as_str()).or_default() += 1);
    versions
}

/// What one of several versions has of the memory of their model.
fn part(residence: Residence, versions: u32) -> Memory {
    let Residence { byte_seconds, loads, evictions } = residence;
    Memory { byte_seconds: byte_seconds / f64::from(versions.max(1)), loads, evictions }
}

/// What predictions of this process cost since that was taken last.
#[napi(catch_unwind)]
pub fn take_resources(env: &Env) -> napi::Result<Vec<TakenResources>> {
    let meters = Meters::shared().all();
    let versions = versions_of(&meters);
    let residences: HashMap<&str, Residence> =
        versions.keys().map(|digest| (*digest, Engine::shared().take_residence(digest))).collect();
    let taken = |meter: &Arc<Meter>| -> Result<Option<TakenResources>> {
        let digest = meter.key.digest.as_str();
        let mut resources = std::mem::take(&mut *meter.resources.lock());
        resources.memory.merge(&part(residences[digest], versions[digest]));
        if resources.is_nothing() { Ok(None) } else { TakenResources::new(meter, &resources).map(Some) }
    };
    let all: Result<Vec<_>> = meters.iter().filter_map(|meter| taken(meter).transpose()).collect();
    all.map_err(|problem| throw(env, &problem))
}

/// Gives back what was taken and could not be stored.
#[napi(catch_unwind)]
pub fn restore_resources(env: &Env, taken: TakenResources) -> napi::Result<()> {
    let TakenResources { model_id, version, digest, bytes } = taken;
    let meters = Meters::shared();
    let meter = meters.get(meters.handle(MeterKey { model_id, version, digest }, crate::process::unix_ms()));
    let restored = meter.ok_or_else(|| error!(Internal, "there is no meter")).and_then(|meter| {
        meter.resources.lock().merge(&Inner::from_bytes(&bytes)?);
        Ok(())
    });
    restored.map_err(|problem| throw(env, &problem))
}

/// What predictions of a model in this process cost that is not taken yet.
#[napi(catch_unwind)]
pub fn pending_resources(env: &Env, model_id: String) -> napi::Result<Vec<TakenResources>> {
    let meters = Meters::shared().all();
    let versions = versions_of(&meters);
    let residences: HashMap<String, Residence> = Engine::shared().residences().into_iter().collect();
    let pending = meters.iter().filter(|meter| meter.key.model_id == model_id).map(|meter| {
        let digest = meter.key.digest.as_str();
        let mut resources = meter.resources.lock().clone();
        let residence = residences.get(digest).copied().unwrap_or_default();
        resources.memory.merge(&part(residence, versions[digest]));
        TakenResources::new(meter, &resources)
    });
    pending.collect::<Result<Vec<_>>>().map_err(|problem| throw(env, &problem))
}

/// Sums that others are merged into.
#[napi]
#[derive(Default)]
pub struct Resources {
    inner: Inner,
}

#[napi]
impl Resources {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Throws INVALID_REQUEST for what are no resources.
    #[napi(catch_unwind)]
    pub fn merge(&mut self, env: &Env, bytes: Uint8Array) -> napi::Result<()> {
        let other = Inner::from_bytes(&bytes).map_err(|problem| throw(env, &problem))?;
        self.inner.merge(&other);
        Ok(())
    }

    #[napi(catch_unwind)]
    pub fn to_bytes(&self, env: &Env) -> napi::Result<Uint8Array> {
        self.inner.to_bytes().map(Uint8Array::new).map_err(|problem| throw(env, &problem))
    }

    /// As JSON text.
    #[napi(catch_unwind)]
    pub fn to_json(&self) -> String {
        let mut bounded = self.inner.clone();
        bounded.bound();
        bounded.to_json().to_string()
    }
}
