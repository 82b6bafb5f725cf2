//! Names, ids and locks that all threads of the process agree on.

mod clock;
mod event_id;
mod identifier;
mod lock;

pub use clock::unix_ms;
pub use event_id::create_id;
pub use identifier::{MAX_IDENTIFIER_BYTES, check_identifier, nearest_name};
pub use lock::{LockGuard, NamedLocks};
