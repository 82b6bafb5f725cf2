//! What ground truth says of predictions: all that changes after an event is recorded.

use super::outcome::Deviation;
use super::realised::QualitySums;
use crate::statistics::ExactSum;
use serde::{Deserialize, Serialize};

/// What ground truth says of one event.
#[derive(Debug, Clone, Default)]
pub struct Feedback {
    /// Whether it arrived.
    pub is_given: bool,
    /// Whether it agrees with the prediction, where that is known.
    pub correct: Option<bool>,
    /// How far the numbers of a regression are from the true ones, where that is known.
    pub deviation: Option<Deviation>,
    /// What else it says, where that is known.
    pub quality: QualitySums,
}

/// Sums over events. Each can be taken away again, which leaves nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FeedbackMeasures {
    pub count: i64,
    pub compared: i64,
    pub correct: i64,
    pub regressed: i64,
    absolute_error: ExactSum,
    squared_error: ExactSum,
    signed_error: ExactSum,
    pub quality: QualitySums,
}

impl FeedbackMeasures {
    pub fn add(&mut self, feedback: &Feedback) {
        self.times(feedback, 1);
    }

    pub fn take_away(&mut self, feedback: &Feedback) {
        self.times(feedback, -1);
    }

    fn times(&mut self, feedback: &Feedback, sign: i8) {
        let add = |sum: &mut i64, count: i64| *sum = sum.wrapping_add(i64::from(sign) * count);
        add(&mut self.count, i64::from(feedback.is_given));
        add(&mut self.compared, i64::from(feedback.correct.is_some()));
        add(&mut self.correct, i64::from(feedback.correct == Some(true)));
        if let Some(Deviation { count, mae, rmse, bias }) = feedback.deviation.filter(Deviation::is_sound) {
            add(&mut self.regressed, i64::from(count));
            let weight = f64::from(sign) * f64::from(count);
            self.absolute_error.add(weight * mae);
            self.squared_error.add(weight * (rmse * rmse));
            self.signed_error.add(weight * bias);
        }
        self.quality.merge_times(&feedback.quality, i64::from(sign));
    }

    pub fn merge(&mut self, other: &Self) {
        let add = |sum: &mut i64, count: i64| *sum = sum.wrapping_add(count);
        add(&mut self.count, other.count);
        add(&mut self.compared, other.compared);
        add(&mut self.correct, other.correct);
        add(&mut self.regressed, other.regressed);
        self.absolute_error.merge(&other.absolute_error);
        self.squared_error.merge(&other.squared_error);
        self.signed_error.merge(&other.signed_error);
        self.quality.merge_times(&other.quality, 1);
    }

    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The mean absolute error.
    pub fn mae(&self) -> Option<f64> {
        self.mean(&self.absolute_error)
    }

    /// The root of the mean squared error.
    pub fn rmse(&self) -> Option<f64> {
        self.mean(&self.squared_error).map(f64::sqrt)
    }

    /// The mean error, predicted minus true.
    pub fn bias(&self) -> Option<f64> {
        self.mean(&self.signed_error)
    }

    fn mean(&self, sum: &ExactSum) -> Option<f64> {
        (self.regressed > 0).then(|| sum.value() / self.regressed as f64)
    }
}
