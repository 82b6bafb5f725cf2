//! Quality without labels: confidence-based performance estimation, from what probabilities were worth on rows whose truth is known.

mod estimator;
mod isotonic;
mod measure;
mod sampling;
mod sums;
mod total;

pub use estimator::{Cbpe, Reference};
pub use sums::CbpeSums;
