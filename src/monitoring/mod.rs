//! What inference events tell about a model, and how good its predictions were.

mod bins;
pub mod cbpe;
pub mod changes;
pub mod dle;
pub mod drift;
mod estimate;
pub mod estimated;
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
mod numbers;
pub mod online;
mod outcome;
pub mod profile;
pub mod quality;
mod realised;
pub mod reference;
pub mod resources;
mod sketch;

pub use feedback::Feedback;
pub use lost_events::LostEvents;
pub use measures::EventMeasures;
pub use metrics::{MetricsAccumulator, OTHER_SEGMENTS, Of, Wanted};
pub use outcome::{Comparison, Deviation, Maker, compare_outcome};
pub use realised::QualitySums;
