//! The quality of predictions on raw rows.

use super::error::throw;
use super::plain::to_js;
use crate::monitoring::quality::{
    Binning, ClassificationRows, RegressionRows, ScoreKind, Scores, classification, regression,
};
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Uint32Array, Unknown};
use napi_derive::napi;

/// Classes by their position, one a row; scores row by row.
#[napi(object, object_to_js = false)]
pub struct ClassificationInput {
    pub classes: u32,
    pub truth: Uint32Array,
    pub predicted: Uint32Array,
    pub scores: Option<Float64Array>,
    pub are_probabilities: bool,
    pub weights: Option<Float64Array>,
    pub bins: u32,
    pub is_equal_mass: bool,
}

#[napi(object, object_to_js = false)]
pub struct RegressionInput {
    pub truth: Float64Array,
    pub predicted: Float64Array,
    pub weights: Option<Float64Array>,
}

/// Throws INVALID_REQUEST, TOO_LARGE.
#[napi(catch_unwind)]
pub fn measure_classification(env: &Env, input: ClassificationInput) -> napi::Result<Unknown<'_>> {
    let bins = input.bins as usize;
    let kind = if input.are_probabilities { ScoreKind::Probabilities } else { ScoreKind::Scores };
    let rows = ClassificationRows {
        classes: input.classes as usize,
        truth: &input.truth,
        predicted: &input.predicted,
        scores: input.scores.as_deref().map(|values| Scores { kind, values }),
        weights: input.weights.as_deref(),
        binning: if input.is_equal_mass { Binning::EqualMass(bins) } else { Binning::EqualWidth(bins) },
    };
    let found = classification(&rows).map_err(|problem| throw(env, &problem))?;
    to_js(env, &found)
}

/// Throws INVALID_REQUEST.
#[napi(catch_unwind)]
pub fn measure_regression(env: &Env, input: RegressionInput) -> napi::Result<Unknown<'_>> {
    let rows = RegressionRows { truth: &input.truth, predicted: &input.predicted, weights: input.weights.as_deref() };
    let found = regression(&rows).map_err(|problem| throw(env, &problem))?;
    to_js(env, &found)
}
