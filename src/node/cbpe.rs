//! Estimates of quality without labels.

use super::error::throw;
use super::plain::to_js;
use crate::monitoring::cbpe::{self, Reference};
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Uint32Array, Unknown};
use napi_derive::napi;

/// Classes by their position, one a row; probabilities row by row.
#[napi(object, object_to_js = false)]
pub struct ReferenceInput {
    pub classes: u32,
    pub truth: Uint32Array,
    pub predicted: Uint32Array,
    pub probabilities: Float64Array,
    pub chunk_rows: u32,
    pub calibrate: Option<Vec<bool>>,
    /// By the true class, and in that by the predicted one.
    pub business_value: Option<Float64Array>,
}

#[napi]
pub struct Cbpe {
    inner: cbpe::Cbpe,
}

#[napi]
impl Cbpe {
    /// Throws INVALID_REQUEST, TOO_LARGE.
    #[napi(factory, catch_unwind)]
    pub fn fit(env: &Env, reference: ReferenceInput) -> napi::Result<Self> {
        let reference = Reference {
            classes: reference.classes as usize,
            truth: &reference.truth,
            predicted: &reference.predicted,
            probabilities: &reference.probabilities,
            chunk_rows: reference.chunk_rows as usize,
            calibrate: reference.calibrate.as_deref(),
            business_value: reference.business_value.as_deref(),
        };
        cbpe::Cbpe::fit(&reference).map(|inner| Self { inner }).map_err(|problem| throw(env, &problem))
    }

    /// Throws INVALID_REQUEST.
    #[napi(catch_unwind)]
    pub fn estimate<'env>(
        &self,
        env: &'env Env,
        predicted: Uint32Array,
        probabilities: Float64Array,
    ) -> napi::Result<Unknown<'env>> {
        let found = self.inner.estimate(&predicted, &probabilities).map_err(|problem| throw(env, &problem))?;
        to_js(env, &found)
    }
}
