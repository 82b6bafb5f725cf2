//! What inference events tell about a model.

mod lost_events;
mod mean;
mod measures;
mod metrics;
mod metrics_answer;
mod outcome;

pub use lost_events::LostEvents;
pub use measures::EventMeasures;
pub use metrics::MetricsAccumulator;
pub use outcome::{Comparison, Deviation, Maker, compare_outcome};
