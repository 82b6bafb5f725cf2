//! Regressions without labels: direct loss estimation, from how far off predictions of rows were whose truth is known.

mod estimator;
mod measure;
mod trees;

pub use estimator::{Dle, DleSums, Reference};
pub use measure::{LOSSES, Loss};
