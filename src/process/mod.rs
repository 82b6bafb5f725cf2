//! Names, ids and locks that all threads of the process agree on, and the time that they use.

mod clock;
mod cpu_time;
mod event_id;
mod identifier;
mod lock;

pub use clock::unix_ms;
pub use cpu_time::ThreadClock;
pub use event_id::create_id;
pub use identifier::{MAX_IDENTIFIER_BYTES, check_identifier, nearest_name};
pub use lock::{LockGuard, NamedLocks};
