//! The file that says which model each thread is busy with. It is mapped, so what is written stays when the process ends,
//! however it ends.

use super::phase::Phase;
use crate::files::hex;
use memmap2::MmapMut;
use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Threads beyond these are not written down.
const COUNT: usize = 511;
/// With the version of the layout.
const MAGIC: u64 = u64::from_le_bytes(*b"EDGEAIJ1");

/// SHA-256 of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// `None` for what is not 64 hexadecimal digits: then it was not made by `digest_files`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&hex(self.0))
    }
}

/// A fatal signal.
#[repr(C)]
#[derive(Default)]
pub struct Mark {
    at_ms: AtomicU64,
    /// Zero: none.
    signal: AtomicU32,
}

impl Mark {
    /// False when there is one already: the first says why. Safe in a signal handler.
    pub fn set(&self, signal: u32, at_ms: u64) -> bool {
        if self.signal.load(Ordering::Acquire) != 0 {
            return false;
        }
        self.at_ms.store(at_ms, Ordering::Relaxed);
        self.signal.compare_exchange(0, signal, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    pub fn clear(&self) {
        self.signal.store(0, Ordering::Release);
    }

    fn get(&self) -> Option<(u32, u64)> {
        let signal = self.signal.load(Ordering::Acquire);
        (signal != 0).then(|| (signal, self.at_ms.load(Ordering::Relaxed)))
    }
}

/// What one thread is busy with.
#[repr(C, align(64))]
#[derive(Default)]
pub struct Slot {
    /// The thread; zero: nobody's.
    owner: AtomicU64,
    digest: [AtomicU64; 4],
    pub mark: Mark,
    /// Zero: nothing is under way.
    phase: AtomicU32,
}

impl Slot {
    pub fn is_busy(&self) -> bool {
        self.phase.load(Ordering::Relaxed) != 0
    }

    /// Only the thread itself and the handler of its signals read it while the process lives.
    pub fn enter(&self, digest: &Digest, phase: Phase) {
        for (word, bytes) in self.digest.iter().zip(digest.0.as_chunks::<8>().0) {
            word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
        }
        // Release: a reader that sees the phase sees the digest.
        self.phase.store(phase as u32, Ordering::Release);
    }

    pub fn leave(&self) {
        self.phase.store(0, Ordering::Release);
    }

    /// Gives the slot back when its thread ends.
    pub fn release(&self) {
        self.leave();
        self.mark.clear();
        self.owner.store(0, Ordering::Release);
    }

    fn under_way(&self) -> Option<(Digest, Phase)> {
        let phase = Phase::from_code(self.phase.load(Ordering::Acquire))?;
        let mut bytes = [0; 32];
        for (part, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(&self.digest) {
            *part = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        Some((Digest(bytes), phase))
    }
}

/// The content of the file.
#[repr(C, align(64))]
struct Content {
    magic: AtomicU64,
    /// The process; a child that it forks shares the mapping.
    process: AtomicU32,
    /// Not zero: the process ended, or is about to end, of its own accord.
    closed: AtomicU32,
    /// A signal that belongs to no slot.
    mark: Mark,
    slots: [Slot; COUNT],
}

const BYTES: usize = size_of::<Content>();
// Made and read by different processes: the layout must not change without the magic.
const _: () = assert!(size_of::<Slot>() == 64 && BYTES == 512 * 64);

/// The mapped file.
pub struct Slots(MmapMut);

impl Slots {
    /// Fills an empty file. Every block is written, because a mapping over a hole ends the process when the disk is full.
    ///
    /// # Errors
    /// When the file cannot be written or mapped.
    pub fn create(file: &mut File) -> io::Result<Self> {
        file.write_all(&[0; BYTES])?;
        file.sync_all()?;
        let slots = Self::map(file)?;
        let content = slots.content();
        content.process.store(std::process::id(), Ordering::Relaxed);
        content.magic.store(MAGIC, Ordering::Release);
        Ok(slots)
    }

    /// Maps the file of a process that has ended. `None` when it ended before the file was complete, or is no such file.
    ///
    /// # Errors
    /// When the file cannot be mapped.
    pub fn read(file: &File) -> io::Result<Option<Self>> {
        if file.metadata()?.len() != BYTES as u64 {
            return Ok(None);
        }
        let slots = Self::map(file)?;
        let is_ours = slots.content().magic.load(Ordering::Acquire) == MAGIC;
        Ok(is_ours.then_some(slots))
    }

    fn map(file: &File) -> io::Result<Self> {
        // SAFETY: the file has that many bytes, and is only ever removed and never shortened; all its words are atomic.
        unsafe { memmap2::MmapOptions::new().len(BYTES).map_mut(file) }.map(Self)
    }

    fn content(&self) -> &Content {
        // SAFETY: the mapping has the size of the content, begins at a page, and any bytes are valid atomics.
        unsafe { &*self.0.as_ptr().cast::<Content>() }
    }

    /// A slot for a thread. `None`: all are taken.
    pub fn claim(&self, owner: u64) -> Option<&Slot> {
        let free = |slot: &&Slot| {
            slot.owner.load(Ordering::Relaxed) == 0
                && slot.owner.compare_exchange(0, owner, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        self.content().slots.iter().find(free)
    }

    /// Where a signal of a thread is noted, or of none that is known. Safe in a signal handler.
    pub fn mark_of(&self, owner: Option<u64>) -> &Mark {
        let content = self.content();
        let own = owner.and_then(|owner| content.slots.iter().find(|slot| slot.owner.load(Ordering::Relaxed) == owner));
        own.map_or(&content.mark, |slot| &slot.mark)
    }

    /// Whether a signal is still worth a note: not in a forked child, nor when the process was about to end anyway.
    pub fn is_open(&self, process: u32) -> bool {
        let content = self.content();
        content.process.load(Ordering::Relaxed) == process && content.closed.load(Ordering::Relaxed) == 0
    }

    /// The process ends of its own accord.
    pub fn close(&self) {
        self.content().closed.store(1, Ordering::Relaxed);
        fence(Ordering::Release);
    }

    /// How the process ended that wrote this.
    pub fn crash(&self) -> Option<Crash> {
        let content = self.content();
        if content.closed.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let marked: Vec<_> = content.slots.iter().filter_map(|slot| Some((slot, slot.mark.get()?))).collect();
        let busy = |slots: &mut dyn Iterator<Item = &Slot>| {
            let mut suspects: Vec<(Digest, Phase)> = Vec::new();
            for (digest, phase) in slots.filter_map(Slot::under_way) {
                if suspects.iter().all(|(known, _)| *known != digest) {
                    suspects.push((digest, phase));
                }
            }
            suspects
        };
        let ((signal, at_ms), suspects) = match marked.first() {
            // The thread is known: whatever the others did, they are not to blame.
            Some((_, mark)) => (*mark, busy(&mut marked.iter().map(|(slot, _)| *slot))),
            None => (content.mark.get()?, busy(&mut content.slots.iter())),
        };
        Some(Crash { signal, at_ms, suspects })
    }
}

/// A process that was ended by a fatal signal.
#[derive(Debug, PartialEq, Eq)]
pub struct Crash {
    pub signal: u32,
    pub at_ms: u64,
    /// The models that may be to blame.
    pub suspects: Vec<(Digest, Phase)>,
}
