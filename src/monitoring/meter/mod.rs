//! What the predictions of each model version cost and how they ended, counted for all threads of the process where the answer
//! is made, whatever the protocol. Figures of this process since its start: an event that is never written counts here too.

mod account;
mod counts;
mod histogram;
mod observation;
mod registry;
mod version;

pub use account::{Payer, SharedResources};
pub use counts::Counts;
pub use histogram::{DURATION_NANOS, Histogram, ROWS};
pub use observation::Observation;
pub use registry::Meters;
pub use version::{Meter, MeterKey};
