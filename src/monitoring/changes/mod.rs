//! Changes in time of what a model version answers and of how right it is: each signal of its predictions goes through detectors, value
//! by value, while they are made.
//!
//! Signals are whether predictions were right, as errors of 0 and 1, how confident they were, and numbers of the outputs.

mod change;
mod outputs;
mod settings;
mod signal;
mod standardised;
mod watch;

pub use change::{Change, Detector};
pub use settings::ChangeSettings;
pub use watch::{Answered, Watch};

#[cfg(test)]
mod tests;
