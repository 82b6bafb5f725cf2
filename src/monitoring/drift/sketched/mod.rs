//! Drift from profiles: the statistics of `drift` over what sketches keep, each with a bound of its error.

mod answer;
mod bounds;
mod compare;
mod divergence;
mod quality;
mod rank_error;
mod sides;
mod statistic;

#[cfg(test)]
mod tests;

pub use bounds::Bounds;
pub use compare::{Choices, ColumnDetails, ProfileReport, check_choices, check_kinds, compare_profiles};
pub use quality::{Quality, Unseen};
