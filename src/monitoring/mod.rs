//! What inference events tell about a model.

mod lost_events;
mod metrics;
mod outcome;

pub use lost_events::LostEvents;
pub use metrics::{EventMeasures, MetricsAccumulator};
pub use outcome::compare_outcome;
