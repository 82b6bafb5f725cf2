//! A block of JavaScript's memory in which both sides leave messages for each other, so that a run needs no new buffers.

use napi::bindgen_prelude::Uint8Array;
use std::rc::Rc;

/// The block of one JavaScript thread. Only calls from that thread touch it.
#[derive(Clone)]
pub struct SharedBuffer {
    start: *mut u8,
    len: usize,
    /// Keeps the memory; `library/message.js` never gives it away.
    _owner: Rc<Uint8Array>,
}

impl SharedBuffer {
    pub fn new(mut memory: Uint8Array) -> Self {
        // SAFETY: the pointer is used by calls from JavaScript only, which does not run meanwhile.
        let bytes = unsafe { memory.as_mut() };
        Self { start: bytes.as_mut_ptr(), len: bytes.len(), _owner: Rc::new(memory) }
    }

    /// What JavaScript left, while `read` looks at it; `None` when it cannot be so long.
    pub fn read<T>(&self, length: usize, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        // SAFETY: the memory is alive and of this length, and nothing writes to it before `read` returns.
        (length <= self.len).then(|| read(unsafe { std::slice::from_raw_parts(self.start, length) }))
    }

    /// Leaves bytes for JavaScript; false when there is no room.
    pub fn write(&self, at: usize, bytes: &[u8]) -> bool {
        let fits = at.checked_add(bytes.len()).is_some_and(|end| end <= self.len);
        if fits {
            // SAFETY: the memory is alive and of this length, and `bytes` is Rust's own.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(at), bytes.len()) };
        }
        fits
    }
}
