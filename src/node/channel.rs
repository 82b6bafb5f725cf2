//! How work on other threads is answered: many outcomes with one wake-up of the event loop.

use super::error::to_object;
use super::shared_buffer::SharedBuffer;
use crate::engine::{Engine, RunHandle};
use crate::error::Result;
use crate::prediction::message::{MIN_PART_BYTES, Outputs};
use napi::bindgen_prelude::{Array, ArrayBuffer, Function, ToNapiValue, Uint8Array, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use parking_lot::Mutex;
use std::sync::Arc;

/// A longer message gets memory of its own.
const MAX_SHORT_BYTES: usize = 4 << 10;

/// Makes the JavaScript value of an outcome, on the thread that waits for it.
pub type ToJs = Box<dyn for<'env> FnOnce(&'env Env) -> napi::Result<Unknown<'env>> + Send>;

/// The outcomes for one JavaScript thread.
#[napi]
pub struct Channel {
    pub(super) buffer: SharedBuffer,
    pub(super) replies: Replies,
}

/// Where the outcomes for one JavaScript thread are sent.
#[derive(Clone)]
pub struct Replies(Arc<Shared>);

/// What an outcome is for JavaScript.
pub enum Answer {
    Value(ToJs),
    Message(Outputs),
}

struct Shared {
    queue: Mutex<Queue>,
    /// Weak: it does not keep the event loop alive. JavaScript does, while it waits for something.
    wake: ThreadsafeFunction<(), (), (), Status, false, true>,
}

#[derive(Default)]
struct Queue {
    settled: Vec<Settled>,
    woken: bool,
    /// The thread that waits has ended.
    closed: bool,
    runs: Vec<(u32, RunHandle)>,
    /// As many of `runs` were alive when they were last looked through.
    alive: usize,
}

struct Settled {
    id: u32,
    outcome: Result<Answer>,
}

/// Answers one number, from any thread.
pub struct Reply {
    id: u32,
    shared: Arc<Shared>,
}

#[napi]
impl Channel {
    /// `wake` is called without arguments when there is something to take. Messages are bufferd in `memory`.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: &Env, wake: Function<(), ()>, memory: Uint8Array) -> napi::Result<Self> {
        Engine::shared().join();
        env.add_env_cleanup_hook((), |()| Engine::shared().leave())?;
        let wake = wake.build_threadsafe_function().weak::<true>().build()?;
        let replies = Replies(Arc::new(Shared { queue: Mutex::default(), wake }));
        Ok(Self { buffer: SharedBuffer::new(memory), replies })
    }

    /// Stops the run that is answered under that number, if it is not over.
    #[napi(catch_unwind)]
    pub fn cancel(&self, id: u32) {
        let found = {
            let queue = self.replies.0.queue.lock();
            queue.runs.iter().rev().find(|(other, _)| *other == id).map(|(_, run)| run.clone())
        };
        // Unlocked: stopping a run answers it, through this very channel.
        if let Some(run) = found {
            run.cancel();
        }
    }

    /// All outcomes since the last call. Short messages are left in the memory: their number, and behind 8 bytes each with its
    /// id, its length and, at the next multiple of 8, its bytes. The others are given in a flat list: id, error or undefined,
    /// value or undefined, id, ...
    #[napi(catch_unwind, ts_return_type = "Array<any>")]
    pub fn take<'env>(&self, env: &'env Env) -> napi::Result<Array<'env>> {
        let settled = {
            let mut queue = self.replies.0.queue.lock();
            queue.woken = false;
            std::mem::take(&mut queue.settled)
        };
        let mut list = env.create_array(0)?;
        let mut messages: u32 = 0;
        let mut end = 8;
        for Settled { id, outcome } in settled {
            if let Ok(Answer::Message(message)) = &outcome
                && message.parts.is_empty()
                && message.head.len() <= MAX_SHORT_BYTES
                && self.buffer.write(end + 8, &message.head)
            {
                self.buffer.write(end, &id.to_le_bytes());
                self.buffer.write(end + 4, &(message.head.len() as u32).to_le_bytes());
                end = (end + 8 + message.head.len()).next_multiple_of(8);
                messages += 1;
                continue;
            }
            let at = list.len();
            list.set(at, id)?;
            match outcome {
                Ok(Answer::Value(make)) => list.set(at + 2, make(env)?)?,
                Ok(Answer::Message(message)) => list.set(at + 2, memory_of(env, message)?)?,
                Err(problem) => {
                    list.set(at + 1, to_object(env, &problem)?)?;
                    list.set(at + 2, ())?;
                }
            }
        }
        self.buffer.write(0, &messages.to_le_bytes());
        Ok(list)
    }
}

/// A message in memory of its own: the head, and behind it the parts.
pub fn memory_of(env: &Env, Outputs { head, parts }: Outputs) -> napi::Result<Array<'_>> {
    let mut list = env.create_array(1 + parts.len() as u32)?;
    for (at, bytes) in std::iter::once(head).chain(parts).enumerate() {
        list.set(at as u32, array_buffer(env, bytes)?)?;
    }
    Ok(list)
}

/// Large memory is handed over; for small memory that costs more than a copy.
fn array_buffer(env: &Env, bytes: Vec<u8>) -> napi::Result<ArrayBuffer<'_>> {
    if bytes.len() < MIN_PART_BYTES { ArrayBuffer::copy_from(env, bytes) } else { ArrayBuffer::from_data(env, bytes) }
}

impl Channel {
    pub fn reply(&self, id: u32) -> Reply {
        self.replies.reply(id)
    }
}

impl Replies {
    pub fn reply(&self, id: u32) -> Reply {
        Reply { id, shared: Arc::clone(&self.0) }
    }

    /// Remembers a run, which is of no use when the thread that waits for it ends.
    pub fn track(&self, id: u32, run: RunHandle) {
        let mut queue = self.0.queue.lock();
        if queue.runs.len() >= 2 * queue.alive + 64 {
            queue.runs.retain(|(_, run)| run.is_alive());
            queue.alive = queue.runs.len();
        }
        queue.runs.push((id, run));
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let (unclaimed, runs) = {
            let mut queue = self.replies.0.queue.lock();
            queue.closed = true;
            (std::mem::take(&mut queue.settled), std::mem::take(&mut queue.runs))
        };
        // Unlocked: stopping a run answers it, through this very channel.
        runs.iter().for_each(|(_, run)| run.cancel());
        drop(unclaimed);
    }
}

impl Reply {
    /// Sends the outcome. When the thread that waits has ended, it goes nowhere.
    pub fn send(self, outcome: Result<Answer>) {
        let mut queue = self.shared.queue.lock();
        if queue.closed {
            // Unlocked first: what an outcome holds, such as a lock, may go on to another reply of this channel.
            drop(queue);
            return;
        }
        queue.settled.push(Settled { id: self.id, outcome });
        let wake = !std::mem::replace(&mut queue.woken, true);
        drop(queue);
        if wake {
            self.shared.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Sends a value that napi converts by itself.
    pub fn send_value<T: ToNapiValue + Send + 'static>(self, outcome: Result<T>) {
        self.send(outcome.map(|value| {
            let make: ToJs = Box::new(move |env| {
                // SAFETY: `env` is the live environment of this thread, and the raw value was just made in it.
                unsafe {
                    let raw = T::to_napi_value(env.raw(), value)?;
                    Ok(Unknown::from_raw_unchecked(env.raw(), raw))
                }
            });
            Answer::Value(make)
        }));
    }
}
