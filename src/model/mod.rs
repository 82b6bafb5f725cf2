//! An uploaded model: what format it is, its identity, and its graph, checked and ready for a backend.

mod bounds;
mod external_data;
mod foreign;
mod framework;
mod functions;
mod initializers;
mod opened;
mod prepared;
mod prepared_cache;
mod source;

pub use foreign::{HEAD_BYTES, recognize};
pub use framework::Framework;
pub use opened::Opened;
pub use prepared::Prepared;
pub use source::Source;
