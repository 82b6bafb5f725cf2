//! A thread for work on what was monitored, off the event loops: one piece after the other, for all threads of the process.

use super::channel::Reply;
use super::error::{panicked, throw};
use crate::error::{Result, error};
use napi::Env;
use napi::bindgen_prelude::ToNapiValue;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::mpsc::{self, Sender};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

static WORKER: LazyLock<std::io::Result<Sender<Job>>> = LazyLock::new(|| {
    let (sender, jobs) = mpsc::channel::<Job>();
    let work = move || jobs.into_iter().for_each(|job| job());
    thread::Builder::new().name("monitoring".to_owned()).spawn(work).map(|_| sender)
});

/// Answers with what `work` gives, after all that was asked for before.
pub fn on_worker<T: ToNapiValue + Send + 'static>(
    env: &Env,
    reply: Reply,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> napi::Result<()> {
    let job = Box::new(move || {
        reply.send_value(catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked())));
    });
    let sent = WORKER.as_ref().is_ok_and(|worker| worker.send(job).is_ok());
    if sent { Ok(()) } else { Err(throw(env, &error!(Internal, "the thread that compares cannot be started"))) }
}
