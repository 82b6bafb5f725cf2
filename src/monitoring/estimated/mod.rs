//! The estimated quality of the predictions of a model version: fitted to events whose truth is known, and streamed from then on as sums
//! that merge.

mod estimator;
mod features;
mod live;
mod reference;
mod sums;
#[cfg(test)]
mod tests;
mod training;

pub use estimator::Estimator;
pub use live::Live;
pub use reference::Labelled;
pub use sums::EstimateSums;
pub use training::LabelledTraining;
