//! Drift of recorded predictions: the statistics of `drift` over their very values, in the columns that profiles have.

mod columns;
mod compare;
mod output;
mod rows;

#[cfg(test)]
mod tests;

pub use compare::compare_recorded;
pub use rows::RecordedRows;
