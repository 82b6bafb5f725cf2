//! What inference events tell about a model, and how good its predictions were.

mod bins;
pub mod cbpe;
pub mod changes;
pub mod drift;
pub mod exposition;
mod feedback;
mod lost_events;
mod mean;
mod measures;
pub mod meter;
mod metrics;
mod metrics_answer;
mod metrics_bytes;
#[cfg(test)]
mod metrics_tests;
pub mod online;
mod outcome;
pub mod profile;
pub mod quality;
mod realised;
pub mod reference;
mod sketch;

pub use feedback::Feedback;
pub use lost_events::LostEvents;
pub use measures::EventMeasures;
pub use metrics::MetricsAccumulator;
pub use outcome::{Comparison, Deviation, Maker, compare_outcome};
pub use realised::QualitySums;
