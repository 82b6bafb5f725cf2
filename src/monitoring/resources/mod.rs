//! What predictions cost: sums of receipts by user, and what the loaded model took of the memory. They count every prediction, also one
//! that no event records.

mod bytes;
mod costs;
mod sums;

pub use costs::Costs;
pub use sums::{MAX_USERS, Memory, Resources};
