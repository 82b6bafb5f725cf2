//! What the features and outputs of many predictions look like, in memory that does not grow with their number.
//!
//! A profile has a column for each feature and output. A column is of numbers, of strings, which are categories or text, or of
//! vectors; its first value decides. Profiles of separate rows merge into one of all rows, as far as their sketches allow exactly.

mod answer;
mod block;
mod bytes;
mod column;
mod columns;
mod elements;
mod layout;
mod limits;
mod merged;
mod names;
mod number;
mod profiler;
mod settings;
mod sink;
mod strings;
mod vector;

pub use column::{Column, Kind};
pub use columns::Profile;
pub use elements::{extend_numbers, has_numbers};
pub use layout::{Layout, declared, layout};
pub use limits::{MAX_COLUMNS, MAX_PROFILE_BYTES, shortened};
pub use merged::merged;
pub use names::{Names, OUTPUT_PREFIX, Side};
pub use number::Number;
pub use profiler::{MAX_VECTOR_VALUES, Profiler, Sides, split};
pub use settings::ProfileSettings;
pub use sink::ColumnSink;
pub use strings::Strings;
pub use vector::Vectors;

#[cfg(test)]
mod profiler_tests;
#[cfg(test)]
mod tests;
