//! What inference events tell about a model.

mod metrics;
mod outcome;

pub use metrics::{EventMeasures, MetricsAccumulator};
pub use outcome::compare_outcome;
