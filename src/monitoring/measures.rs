//! What a stream of inference events measures, in memory that does not grow with it.

use super::feedback::{Feedback, FeedbackMeasures};
use super::mean::Mean;
use super::numbers::Numbers;
use super::sketch::{Relative, Share, Sketch};
use crate::error::ErrorCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// For codes that this release does not have.
const OTHER_ERROR: &str = "OTHER";

/// What one event contributes.
#[derive(Debug, Clone, Default)]
pub struct EventMeasures {
    /// Unix milliseconds.
    pub timestamp: f64,
    /// Milliseconds; none for a run that failed.
    pub latency_ms: Option<f64>,
    /// Milliseconds from the request to its run; none where that is not known.
    pub queue_ms: Option<f64>,
    /// Rows of the run.
    pub batch_rows: Option<f64>,
    /// Within [0, 1]; the mean of the rows of a batch.
    pub confidence: Option<f64>,
    /// The code of what failed.
    pub error: Option<String>,
    /// JSON text, of predictions whose numbers are measured.
    pub prediction: Option<String>,
    pub feedback: Feedback,
}

/// Counts and sums without an error, and bins: the same whatever the order of the events, and in how many parts they came. A part may
/// hold less than nothing of what feedback took away; counts wrap, so that this holds beyond their range too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    pub count: i64,
    /// By code.
    pub errors: BTreeMap<String, i64>,
    pub latency: Mean,
    pub latencies: Sketch<Relative>,
    pub confidence: Mean,
    pub confidences: Sketch<Share>,
    pub first: Option<f64>,
    pub last: Option<f64>,
    /// Milliseconds.
    pub queue: Mean,
    pub queues: Sketch<Relative>,
    pub batch_rows: Mean,
    pub batches: Sketch<Relative>,
    pub numbers: Numbers,
    /// Takes no bytes where there is none; nothing may follow that takes some.
    #[serde(default, skip_serializing_if = "FeedbackMeasures::is_nothing")]
    pub feedback: FeedbackMeasures,
}

impl Measures {
    pub fn add(&mut self, event: &EventMeasures) {
        self.count = self.count.wrapping_add(1);
        if let Some(given) = &event.error {
            let known = ErrorCode::ALL.iter().map(|code| code.as_str()).find(|code| code == given);
            self.count_errors(known.unwrap_or(OTHER_ERROR), 1);
        }
        if let Some(latency_ms) = event.latency_ms.filter(|latency_ms| latency_ms.is_finite() && *latency_ms >= 0.0) {
            self.latency.add(latency_ms);
            self.latencies.add(latency_ms);
        }
        if let Some(queue_ms) = event.queue_ms.filter(|queue_ms| queue_ms.is_finite() && *queue_ms >= 0.0) {
            self.queue.add(queue_ms);
            self.queues.add(queue_ms);
        }
        if let Some(rows) = event.batch_rows.filter(|rows| rows.is_finite() && *rows >= 0.0) {
            self.batch_rows.add(rows);
            self.batches.add(rows);
        }
        if let Some(confidence) = event.confidence.filter(|confidence| confidence.is_finite()) {
            self.confidence.add(confidence);
            self.confidences.add(confidence);
        }
        if let Some(prediction) = &event.prediction {
            self.numbers.add(prediction);
        }
        self.feedback.add(&event.feedback);
        // One zero of two.
        let timestamp = Some(event.timestamp + 0.0).filter(|timestamp| timestamp.is_finite());
        self.span(timestamp, timestamp);
    }

    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.wrapping_add(other.count);
        other.errors.iter().for_each(|(code, count)| self.count_errors(code, *count));
        self.latency.merge(&other.latency);
        self.latencies.merge(&other.latencies);
        self.queue.merge(&other.queue);
        self.queues.merge(&other.queues);
        self.batch_rows.merge(&other.batch_rows);
        self.batches.merge(&other.batches);
        self.confidence.merge(&other.confidence);
        self.confidences.merge(&other.confidences);
        self.numbers.merge(&other.numbers);
        self.feedback.merge(&other.feedback);
        self.span(other.first, other.last);
    }

    fn count_errors(&mut self, code: &str, count: i64) {
        let sum = self.errors.entry(code.to_owned()).or_default();
        *sum = sum.wrapping_add(count);
    }

    /// Events whose run failed.
    pub fn error_count(&self) -> i64 {
        self.errors.values().fold(0, |sum, count| sum.wrapping_add(*count))
    }

    fn span(&mut self, first: Option<f64>, last: Option<f64>) {
        self.first = self.first.into_iter().chain(first).reduce(f64::min);
        self.last = self.last.into_iter().chain(last).reduce(f64::max);
    }

    /// Whether it measures nothing, or what was added is taken away again.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it can be one that was written.
    pub fn is_sound(&self) -> bool {
        self.latencies.is_sound()
            && self.confidences.is_sound()
            && self.queues.is_sound()
            && self.batches.is_sound()
            && self.numbers.is_sound()
            && self.feedback.quality.is_sound()
            && [self.first, self.last].iter().flatten().all(|moment| moment.is_finite())
    }
}
