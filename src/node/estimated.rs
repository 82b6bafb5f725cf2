//! Estimators of the quality of model versions, and what they see.

use super::channel::Channel;
use super::error::{panicked, throw};
use super::monitoring::PredictionMaker;
use crate::error::{Result, error};
use crate::monitoring::Maker;
use crate::monitoring::estimated::{EstimateSums as InnerSums, Estimator as InnerEstimator, Labelled};
use crate::monitoring::meter::{Meter, MeterKey, Meters};
use crate::process::unix_ms;
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Uint8Array};
use napi_derive::napi;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

/// What an estimator saw of a model version.
#[napi(object)]
pub struct TakenEstimate {
    pub model_id: String,
    pub version: String,
    pub digest: String,
    /// Which estimator.
    pub estimator: String,
    pub bytes: Uint8Array,
}

/// Estimates the quality of a model version from now on, in all threads of the process; with no bytes no more. Throws INVALID_REQUEST for
/// what is no estimator.
#[napi(catch_unwind)]
pub fn install_estimator(
    env: &Env,
    model_id: String,
    version: String,
    digest: String,
    id: String,
    bytes: Option<Uint8Array>,
) -> napi::Result<()> {
    let installed = bytes
        .map(|bytes| InnerEstimator::from_bytes(&bytes))
        .transpose()
        .and_then(|estimator| Ok((estimator, meter_of(MeterKey { model_id, version, digest })?)));
    let (estimator, meter) = installed.map_err(|problem| throw(env, &problem))?;
    meter.estimates.install(estimator.map(|estimator| (id, estimator)));
    Ok(())
}

/// Which estimators there are, in this process.
#[napi(object)]
pub struct InstalledEstimator {
    pub model_id: String,
    pub version: String,
    pub digest: String,
    pub id: String,
}

#[napi(catch_unwind)]
pub fn installed_estimators() -> Vec<InstalledEstimator> {
    let of = |meter: &Arc<Meter>| {
        let MeterKey { model_id, version, digest } = meter.key.clone();
        Some(InstalledEstimator { model_id, version, digest, id: meter.estimates.id()? })
    };
    Meters::shared().all().iter().filter_map(of).collect()
}

/// What estimators of this process saw since it was taken last.
#[napi(catch_unwind)]
pub fn take_estimates(env: &Env) -> napi::Result<Vec<TakenEstimate>> {
    let taken = |meter: &Arc<Meter>| meter.estimates.take().map(|taken| described(meter, taken));
    let all: Result<Vec<_>> = Meters::shared().all().iter().filter_map(taken).collect();
    all.map_err(|problem| throw(env, &problem))
}

/// What they saw of a model version and is not taken yet.
#[napi(catch_unwind)]
pub fn pending_estimates(env: &Env, model_id: String, version: String) -> napi::Result<Vec<TakenEstimate>> {
    let is_of = |meter: &&Arc<Meter>| meter.key.model_id == model_id && meter.key.version == version;
    let pending = |meter: &Arc<Meter>| meter.estimates.pending().map(|pending| described(meter, pending));
    let all: Result<Vec<_>> = Meters::shared().all().iter().filter(is_of).filter_map(pending).collect();
    all.map_err(|problem| throw(env, &problem))
}

/// Gives back what was taken and could not be stored.
#[napi(catch_unwind)]
pub fn restore_estimate(env: &Env, taken: TakenEstimate) -> napi::Result<()> {
    let TakenEstimate { model_id, version, digest, estimator, bytes } = taken;
    let restored = meter_of(MeterKey { model_id, version, digest })
        .and_then(|meter| meter.estimates.restore(&estimator, &InnerSums::from_bytes(&bytes)?));
    restored.map_err(|problem| throw(env, &problem))
}

fn meter_of(key: MeterKey) -> Result<Arc<Meter>> {
    let meters = Meters::shared();
    meters.get(meters.handle(key, unix_ms())).ok_or_else(|| error!(Internal, "there is no meter"))
}

fn described(meter: &Meter, (estimator, sums): (String, InnerSums)) -> Result<TakenEstimate> {
    let MeterKey { model_id, version, digest } = meter.key.clone();
    Ok(TakenEstimate { model_id, version, digest, estimator, bytes: sums.to_bytes()?.into() })
}

/// Sums over predictions that others are added to, of one estimator.
#[napi]
pub struct EstimateSums {
    estimator: Arc<InnerEstimator>,
    inner: InnerSums,
}

#[napi]
impl EstimateSums {
    /// Of no predictions, of the estimator with these bytes. Throws INVALID_REQUEST.
    #[napi(factory, catch_unwind)]
    pub fn of(env: &Env, estimator: Uint8Array) -> napi::Result<Self> {
        let estimator = InnerEstimator::from_bytes(&estimator).map_err(|problem| throw(env, &problem))?;
        Ok(Self { inner: InnerSums::new(&estimator), estimator: Arc::new(estimator) })
    }

    /// Of no predictions, of the same estimator.
    #[napi(catch_unwind)]
    pub fn none(&self) -> Self {
        Self { inner: InnerSums::new(&self.estimator), estimator: Arc::clone(&self.estimator) }
    }

    /// Throws INVALID_REQUEST for what is no sums of this estimator.
    #[napi(catch_unwind)]
    pub fn merge(&mut self, env: &Env, bytes: Uint8Array) -> napi::Result<()> {
        InnerSums::from_bytes(&bytes).and_then(|other| self.inner.merge(&other)).map_err(|problem| throw(env, &problem))
    }

    #[napi(catch_unwind)]
    pub fn to_bytes(&self, env: &Env) -> napi::Result<Uint8Array> {
        self.inner.to_bytes().map(Uint8Array::new).map_err(|problem| throw(env, &problem))
    }

    /// The estimates, as JSON text.
    #[napi(catch_unwind)]
    pub fn to_json(&self, env: &Env) -> napi::Result<String> {
        self.inner.answer(&self.estimator).map(|answer| answer.to_string()).map_err(|problem| throw(env, &problem))
    }
}

/// What an estimator is, as JSON text. Throws INVALID_REQUEST for what is none.
#[napi(catch_unwind)]
pub fn describe_estimator(env: &Env, bytes: Uint8Array) -> napi::Result<String> {
    let described = InnerEstimator::from_bytes(&bytes).map(|estimator| estimator.described().to_string());
    described.map_err(|problem| throw(env, &problem))
}

/// Predictions whose truth is known, to which an estimator is fitted.
#[napi]
#[derive(Default)]
pub struct LabelledPredictions {
    inner: Labelled,
}

#[napi]
impl LabelledPredictions {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a prediction and its outcome, and its features where they are known, all JSON text; false when no more are taken.
    #[napi(catch_unwind)]
    pub fn add(
        &mut self,
        prediction: String,
        outcome: String,
        features: Option<String>,
        maker: PredictionMaker,
    ) -> bool {
        let maker = Maker {
            outputs: maker.outputs.as_deref(),
            labels: maker.labels.as_deref(),
            confident_rows: maker.confident_rows.map(|rows| rows as usize),
        };
        self.inner.add(&prediction, &outcome, features.as_deref(), &maker)
    }

    /// Predictions that could not be used.
    #[napi(getter, catch_unwind)]
    pub fn left_out(&self) -> f64 {
        self.inner.left_out() as f64
    }

    /// Fits on a thread of its own, after which nothing is left here; answered on the channel with the estimator's bytes, or
    /// INVALID_REQUEST, TOO_LARGE.
    #[napi(catch_unwind)]
    pub fn fit(
        &mut self,
        env: &Env,
        channel: &Channel,
        id: u32,
        chunk_rows: Option<u32>,
        business_value: Option<Float64Array>,
    ) -> napi::Result<()> {
        let business_value = business_value.map(|values| values.to_vec());
        let labelled = std::mem::take(&mut self.inner);
        let reply = channel.reply(id);
        let work = move || {
            let fitted =
                catch_unwind(AssertUnwindSafe(|| labelled.fit(chunk_rows, business_value.as_deref())?.to_bytes()));
            reply.send_value(fitted.unwrap_or_else(|_| Err(panicked())).map(Uint8Array::new));
        };
        let spawned = thread::Builder::new().name("estimator".to_owned()).spawn(work);
        spawned.map(|_| ()).map_err(|problem| throw(env, &error!(Internal, "no thread for an estimator: {problem}")))
    }
}
