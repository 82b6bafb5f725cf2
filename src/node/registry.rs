//! Ids, names and locks.

use super::channel::Channel;
use super::error::throw;
use crate::registry::{self, LockGuard, NamedLocks, check_identifier, nearest_name};
use napi::Env;
use napi_derive::napi;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Of the process, so that worker threads exclude each other.
static LOCKS: LazyLock<NamedLocks> = LazyLock::new(NamedLocks::default);

/// Changes of the registry, so that what one thread remembers of it is not older than what another one answered.
static REGISTRY_CHANGES: AtomicU32 = AtomicU32::new(0);

/// A UUIDv7, greater than every id that this process made before.
#[napi(catch_unwind)]
pub fn create_id() -> String {
    registry::create_id().to_string()
}

/// Throws INVALID_REQUEST unless the value is `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`.
#[napi(catch_unwind, js_name = "checkIdentifier")]
pub fn check_identifier_of(env: &Env, field: String, value: String) -> napi::Result<()> {
    check_identifier(&field, &value).map_err(|problem| throw(env, &problem))
}

/// The known name that a misspelt one most resembles.
#[napi(catch_unwind, js_name = "nearestName")]
pub fn nearest_name_of(name: String, known: Vec<String>) -> Option<String> {
    nearest_name(&name, known.iter().map(String::as_str)).map(str::to_owned)
}

/// Answers the number with a `Lock` when the name is free. Throws QUEUE_FULL.
#[napi(catch_unwind)]
pub fn acquire_lock(env: &Env, channel: &Channel, id: u32, name: String) -> napi::Result<()> {
    let reply = channel.reply(id);
    let granted = move |guard| reply.send_value(Ok(Lock { guard: Some(guard) }));
    LOCKS.acquire(&name, granted).map_err(|problem| throw(env, &problem))
}

/// Holds a name's lock until it is released, collected, or its thread ends.
#[napi]
pub struct Lock {
    guard: Option<LockGuard>,
}

#[napi]
impl Lock {
    /// Releases the lock; releasing twice does nothing.
    #[napi(catch_unwind)]
    pub fn release(&mut self) {
        self.guard = None;
    }
}

/// How many changes of the registry this process has noted.
#[napi(catch_unwind)]
pub fn registry_changes() -> u32 {
    REGISTRY_CHANGES.load(Ordering::SeqCst)
}

/// Notes a change of the registry that is committed, before it is answered.
#[napi(catch_unwind)]
pub fn note_registry_change() {
    REGISTRY_CHANGES.fetch_add(1, Ordering::SeqCst);
}
