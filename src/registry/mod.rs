//! Names, ids and locks that all threads of the process agree on.

mod disk_space;
mod event_id;
mod identifier;
mod lock;

pub use disk_space::{DiskSpace, Reservation, SpaceUse, write_error};
pub use event_id::create_id;
pub use identifier::{MAX_IDENTIFIER_BYTES, check_identifier, nearest_name};
pub use lock::{LockGuard, NamedLocks};
