//! Requests for one model that wait at the same time become one run.
//!
//! A request that finds its model idle runs at once. While runs are under way, what arrives gathers; the next run takes as
//! many rows of one shape as pay. Each caller gets the rows that are its own, or its own error.

mod direct;
mod dispatch;
mod group;
mod independence;
mod join;
mod limits;
mod probe;
mod queue;
mod rows;
mod sizes;
mod synthetic;

pub use dispatch::{Dispatch, Pushed};
pub use independence::analyse;
pub use limits::BatchLimits;
pub use queue::{BatchQueue, BatchStatus};
pub use synthetic::samples;
