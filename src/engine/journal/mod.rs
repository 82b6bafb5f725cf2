//! A journal of loads and runs: after a crash it says which models were under way, and what was under way at two crashes is
//! neither loaded nor run until an operator releases it.
//!
//! Each thread has a slot in a mapped file, where it writes down which model it loads, warms up or runs. A handler of fatal
//! signals notes which thread it was, so that the models of other threads are not blamed. Where that thread is none of ours, as
//! those that ONNX Runtime starts, or another process sent the signal, everything under way is suspected. A process that was
//! ended by force, by `SIGKILL` or for want of memory, has no such note, and blames nobody.

mod folder;
mod phase;
mod signals;
mod slots;
mod verdicts;

pub use phase::Phase;
pub use slots::Digest;
pub use verdicts::SuspectStatus;

use crate::error::{Result, error};
use crate::process::unix_ms;
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use signals::AlternateStack;
use slots::{Slot, Slots};
use std::cell::RefCell;
use std::fs::File;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use verdicts::Verdicts;

/// The journal of this process.
struct Journal {
    folder: PathBuf,
    /// `None` when nothing can be written down here.
    slots: Option<Slots>,
    /// Why.
    reason: Option<String>,
    verdicts: RwLock<Verdicts>,
    has_quarantined: AtomicBool,
    /// Its lock says that the process lives.
    _file: Option<File>,
}

static JOURNAL: OnceLock<Journal> = OnceLock::new();

/// What [`status`] tells.
#[derive(Debug, Clone, Default, Serialize)]
pub struct JournalStatus {
    pub journal: JournalState,
    pub quarantine: Vec<SuspectStatus>,
    /// Under way at a crash, and not quarantined.
    pub suspects: Vec<SuspectStatus>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct JournalState {
    /// Whether loads and runs are written down.
    pub enabled: bool,
    /// Why not, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Reads what processes left in a folder and begins the journal of this one there. The folder of the first call counts. True for
/// that first call. Nothing that goes wrong here stops anything else: the status says why there is no journal.
pub fn open(folder: &Path) -> bool {
    static OPENING: Mutex<()> = Mutex::new(());
    let _alone = OPENING.lock();
    if JOURNAL.get().is_some() {
        return false;
    }
    let judged = folder::judge(folder, unix_ms());
    let begun = folder::begin(folder);
    let failed = |what: &str, problem: &std::io::Error| format!("the journal cannot be {what}: {}", problem.kind());
    let reason = match (&judged, &begun) {
        (_, Err(problem)) => Some(failed("written", problem)),
        (Err(problem), _) => Some(failed("read", problem)),
        _ => None,
    };
    let (slots, file) = begun.map_or((None, None), |(slots, file)| (Some(slots), Some(file)));
    let verdicts = judged.unwrap_or_default();
    let journal = JOURNAL.get_or_init(|| Journal {
        folder: folder.to_owned(),
        slots,
        reason,
        has_quarantined: AtomicBool::new(verdicts.has_quarantined()),
        verdicts: RwLock::new(verdicts),
        _file: file,
    });
    if let Some(slots) = &journal.slots {
        signals::install(slots);
    }
    true
}

pub fn status() -> JournalStatus {
    let Some(journal) = JOURNAL.get() else { return JournalStatus::default() };
    let state = JournalState { enabled: journal.slots.is_some(), reason: journal.reason.clone() };
    let known = journal.verdicts.read().status();
    let (quarantine, suspects) = known.into_iter().partition(SuspectStatus::is_quarantined);
    JournalStatus { journal: state, quarantine, suspects }
}

/// # Errors
/// `MODEL_QUARANTINED` with when and why.
pub fn check(digest: &str) -> Result<()> {
    match JOURNAL.get() {
        Some(journal) if journal.has_quarantined.load(Ordering::Acquire) => journal.verdicts.read().check(digest),
        _ => Ok(()),
    }
}

/// Forgets the crashes of a model, on disk before it counts. False when there are none.
///
/// # Errors
/// `INTERNAL` when that cannot be written.
pub fn release(digest: &str) -> Result<bool> {
    let Some(journal) = JOURNAL.get() else { return Ok(false) };
    let mut verdicts = journal.verdicts.write();
    let (_, known_on_disk) = folder::change(&journal.folder, |verdicts| verdicts.release(digest))
        .map_err(|problem| error!(Internal, "the list of quarantined models cannot be written: {}", problem.kind()))?;
    let known = verdicts.release(digest);
    journal.has_quarantined.store(verdicts.has_quarantined(), Ordering::Release);
    Ok(known || known_on_disk)
}

/// The process ends of its own accord: what a signal does to it from now on is no model's fault.
pub fn close() {
    if let Some(slots) = JOURNAL.get().and_then(|journal| journal.slots.as_ref()) {
        slots.close();
    }
}

/// The slot of a thread, given back when it ends.
struct ThreadSlot {
    slot: &'static Slot,
    _stack: Option<AlternateStack>,
}

impl Drop for ThreadSlot {
    fn drop(&mut self) {
        self.slot.release();
    }
}

impl ThreadSlot {
    fn claim() -> Option<Self> {
        let slot = JOURNAL.get()?.slots.as_ref()?.claim(signals::this_thread())?;
        Some(Self { slot, _stack: AlternateStack::install() })
    }
}

thread_local! {
    static SLOT: RefCell<Option<ThreadSlot>> = const { RefCell::new(None) };
}

/// The slot of this thread. `None` without a journal, when all are taken, and while the thread ends.
fn slot() -> Option<&'static Slot> {
    SLOT.try_with(|own| {
        let mut own = own.borrow_mut();
        if own.is_none() {
            *own = ThreadSlot::claim();
        }
        own.as_ref().map(|own| own.slot)
    })
    .ok()
    .flatten()
}

/// Makes this thread known, so that what goes wrong in it outside of loads and runs is no model's fault.
pub fn introduce_thread() {
    slot();
}

/// While this is there, its thread is busy with a model.
pub struct UnderWay {
    slot: Option<&'static Slot>,
    /// It belongs to its thread.
    _thread: PhantomData<*const ()>,
}

/// Writes down what this thread begins. What is begun within it, as runs within a warm-up, belongs to it.
pub fn enter(digest: Option<&Digest>, phase: Phase) -> UnderWay {
    let slot = digest.and_then(|digest| {
        let slot = slot().filter(|slot| !slot.is_busy())?;
        slot.enter(digest, phase);
        Some(slot)
    });
    UnderWay { slot, _thread: PhantomData }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            slot.leave();
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
