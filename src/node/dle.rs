//! Estimates of how far off regressions are, without labels.

use super::error::throw;
use super::plain::to_js;
use crate::monitoring::dle::{self, LOSSES, Reference};
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Unknown};
use napi_derive::napi;

/// Numbers, one a row; features row by row.
#[napi(object, object_to_js = false)]
pub struct DleReference {
    pub predicted: Float64Array,
    pub truth: Float64Array,
    pub features: Option<Float64Array>,
    pub chunk_rows: u32,
}

#[napi]
pub struct Dle {
    inner: dle::Dle,
}

#[napi]
impl Dle {
    /// Throws INVALID_REQUEST.
    #[napi(factory, catch_unwind)]
    pub fn fit(env: &Env, reference: DleReference) -> napi::Result<Self> {
        let reference = Reference {
            predicted: &reference.predicted,
            truth: &reference.truth,
            features: reference.features.as_deref(),
            chunk_rows: reference.chunk_rows as usize,
        };
        dle::Dle::fit(&reference).map(|inner| Self { inner }).map_err(|problem| throw(env, &problem))
    }

    /// Throws INVALID_REQUEST.
    #[napi(catch_unwind)]
    pub fn estimate<'env>(
        &self,
        env: &'env Env,
        features: Float64Array,
        predicted: Float64Array,
    ) -> napi::Result<Unknown<'env>> {
        let found = self.inner.estimate(&features, &predicted).map_err(|problem| throw(env, &problem))?;
        to_js(env, &found)
    }

    /// Of losses of rows: absolute, absolute percentage, squared, squared logarithmic. Throws INVALID_REQUEST.
    #[napi(catch_unwind)]
    pub fn estimate_from<'env>(
        &self,
        env: &'env Env,
        losses: Vec<Option<Float64Array>>,
    ) -> napi::Result<Unknown<'env>> {
        let told: [Option<&[f64]>; LOSSES] = std::array::from_fn(|at| losses.get(at)?.as_deref());
        let found = self.inner.estimate_from(told).map_err(|problem| throw(env, &problem))?;
        to_js(env, &found)
    }
}
