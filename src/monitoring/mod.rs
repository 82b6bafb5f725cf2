//! What inference events tell about a model, and how good its predictions were.

pub mod cbpe;
pub mod drift;
mod lost_events;
mod mean;
mod measures;
mod metrics;
mod metrics_answer;
pub mod online;
mod outcome;
pub mod quality;
mod sum;

pub use lost_events::LostEvents;
pub use measures::EventMeasures;
pub use metrics::MetricsAccumulator;
pub use outcome::{Comparison, Deviation, Maker, compare_outcome};
