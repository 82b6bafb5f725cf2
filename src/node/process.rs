//! Ids, names and locks.

use super::channel::Channel;
use super::error::throw;
use crate::files::{DiskSpace, PathIndex, Reservation, SpaceUse};
use crate::process::{self, LockGuard, NamedLocks, check_identifier, nearest_name};
use napi::Env;
use napi_derive::napi;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Of the process, so that worker threads exclude each other.
static LOCKS: LazyLock<NamedLocks> = LazyLock::new(NamedLocks::default);

/// Changes of the registry, so that what one thread remembers of it is not older than what another one answered.
static REGISTRY_CHANGES: AtomicU32 = AtomicU32::new(0);

/// Whether any thread follows inference events, which those that record them need to know before they write.
static FOLLOWS_EVENTS: AtomicBool = AtomicBool::new(false);

/// A UUIDv7, greater than every id that this process made before.
#[napi(catch_unwind)]
pub fn create_id() -> String {
    process::create_id().to_string()
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

/// Which of several files a path means, as the shards of a TensorFlow.js model are found: their places, several when nothing tells
/// them apart.
#[napi(catch_unwind, js_name = "meantFiles")]
pub fn meant_files(names: Vec<String>, path: String) -> Vec<u32> {
    let mut index = PathIndex::default();
    names.iter().for_each(|name| index.insert(name));
    index.meant(&path).into_iter().filter_map(|at| u32::try_from(at).ok()).collect()
}

/// Answers the number with a `Lock` when the name is free. Throws QUEUE_FULL.
#[napi(catch_unwind)]
pub fn acquire_lock(env: &Env, channel: &Channel, id: u32, name: String) -> napi::Result<()> {
    let reply = channel.reply(id);
    let granted = move |guard| reply.send_value(Ok(Lock { guard: Some(guard) }));
    LOCKS.acquire(&name, granted).map_err(|problem| throw(env, &problem))
}

/// The lock of a name when it is free. Who holds it for long, such as the one thread that does some work for all, has no queue
/// behind it.
#[napi(catch_unwind)]
pub fn try_lock(name: String) -> Option<Lock> {
    LOCKS.try_acquire(&name).map(|guard| Lock { guard: Some(guard) })
}

/// The names with this prefix that any thread has locked.
#[napi(catch_unwind)]
pub fn locked_names(prefix: String) -> Vec<String> {
    LOCKS.held(&prefix).iter().map(|name| name.to_string()).collect()
}

/// An id of this process: what another one left unfinished is nobody's.
#[napi(catch_unwind)]
pub fn process_id() -> String {
    static ID: LazyLock<String> = LazyLock::new(|| process::create_id().to_string());
    ID.clone()
}

/// Reserves space on the disk of a folder, for `files`, `records` or a `deletion`. Throws STORAGE_UNAVAILABLE.
#[napi(catch_unwind)]
pub fn reserve_space(env: &Env, folder: String, bytes: f64, purpose: String) -> napi::Result<SpaceReservation> {
    SpaceUse::parse(&purpose)
        .and_then(|purpose| DiskSpace::shared().reserve(Path::new(&folder), bytes as u64, purpose))
        .map(|reservation| SpaceReservation { reservation: Some(reservation) })
        .map_err(|problem| throw(env, &problem))
}

/// Space that is reserved until it is written, released, collected, or its thread ends.
#[napi]
pub struct SpaceReservation {
    reservation: Option<Reservation>,
}

#[napi]
impl SpaceReservation {
    /// Reserves more. Throws STORAGE_UNAVAILABLE.
    #[napi(catch_unwind)]
    pub fn grow(&mut self, env: &Env, bytes: f64) -> napi::Result<()> {
        let grown = self.reservation.as_mut().map_or(Ok(()), |held| held.grow(bytes as u64));
        grown.map_err(|problem| throw(env, &problem))
    }

    /// Bytes that are written now, which the file system counts from here on.
    #[napi(catch_unwind)]
    pub fn written(&mut self, bytes: f64) {
        if let Some(held) = &mut self.reservation {
            held.written(bytes as u64);
        }
    }

    /// Bytes that are reserved and not written yet.
    #[napi(getter, catch_unwind)]
    pub fn bytes(&self) -> f64 {
        self.reservation.as_ref().map_or(0.0, |held| held.bytes() as f64)
    }

    /// Gives back what was not written; releasing twice does nothing.
    #[napi(catch_unwind)]
    pub fn release(&mut self) {
        self.reservation = None;
    }
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

/// Whether some thread of this process follows inference events, or has.
#[napi(catch_unwind)]
pub fn follows_events() -> bool {
    FOLLOWS_EVENTS.load(Ordering::SeqCst)
}

/// From now on inference events are followed.
#[napi(catch_unwind)]
pub fn follow_events() {
    FOLLOWS_EVENTS.store(true, Ordering::SeqCst);
}
