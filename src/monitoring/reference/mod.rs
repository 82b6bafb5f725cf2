//! Training data as it comes, as CSV or JSON, read into rows of the columns that a model's profile has.
//!
//! [`Reader`] takes bytes in pieces of any size and hands blocks of rows to a [`RowSink`], on a thread of its own. One that makes the
//! profile is [`ProfiledRows`]; a pair of sinks is one, so whoever needs the rows and their labels too stands beside it. What is in
//! memory does not grow with the number of rows.

mod cell;
mod csv_rows;
mod elements;
mod fields;
mod filling;
mod json_rows;
mod limits;
mod parser;
mod profiled;
mod reader;
mod rows;
mod schema;

pub use parser::Source;
pub use profiled::ProfiledRows;
pub use reader::{Format, Reader, Summary};
pub use rows::{Column, Kind, RowBlock, RowSink, Texts, Values};
pub use schema::{Part, Schema};

#[cfg(test)]
mod tests;
