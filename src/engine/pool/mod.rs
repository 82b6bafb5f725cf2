//! Threads that take work from a bounded queue, which the lanes of the work share fairly.

mod fair_queue;

pub use fair_queue::Lane;

use fair_queue::{FairQueue, Scheduled};
use parking_lot::{Condvar, Mutex};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

pub type Job = Box<dyn FnOnce() + Send>;

pub struct Pool(Arc<Shared>);

struct Shared {
    name: &'static str,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: FairQueue<Job>,
    threads: usize,
    running: usize,
    max_threads: usize,
    max_queue: usize,
}

/// The queue is full.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Pool {
    /// Threads are started when there is work for them. `max_queue` is what may wait in one lane.
    pub fn new(name: &'static str, max_threads: usize, max_queue: usize) -> Self {
        let pool = Self(Arc::new(Shared { name, state: Mutex::default(), work: Condvar::new() }));
        pool.set_limits(max_threads, max_queue);
        pool
    }

    /// Threads beyond a lowered limit end when they next have nothing to do.
    pub fn set_limits(&self, max_threads: usize, max_queue: usize) {
        let mut state = self.0.state.lock();
        state.max_threads = max_threads.max(1);
        state.max_queue = max_queue;
        self.0.wake(&mut state);
        self.0.work.notify_all();
    }

    /// Queues work for the next free thread.
    ///
    /// # Errors
    /// [`Full`] when no thread is free and the lane has reached its limit.
    pub fn submit(&self, lane: &Arc<Lane>, job: Job) -> Result<(), Full> {
        let mut state = self.0.state.lock();
        let free = state.running + state.queue.len() < state.max_threads;
        if !free && state.queue.len_of(lane) >= state.max_queue {
            return Err(Full);
        }
        state.queue.push(lane, job);
        self.0.wake(&mut state);
        Ok(())
    }

    /// Queues more of work that was accepted before, whatever the limit. For jobs, as the last that they do: their own thread
    /// then looks for what is next, and no other is woken.
    pub fn submit_again(&self, lane: &Arc<Lane>, job: Job) {
        self.0.state.lock().queue.push(lane, job);
    }

    pub fn queued(&self) -> usize {
        self.0.state.lock().queue.len()
    }

    pub fn queued_in(&self, lane: &Arc<Lane>) -> usize {
        self.0.state.lock().queue.len_of(lane)
    }

    /// Jobs that wait or are under way.
    pub fn busy(&self) -> usize {
        let state = self.0.state.lock();
        state.queue.len() + state.running
    }
}

impl State {
    /// Whether only short work may start, beyond the limit; `None`: nothing may.
    fn short_only(&self) -> Option<bool> {
        (self.running <= self.max_threads).then_some(self.running == self.max_threads)
    }
}

impl Shared {
    /// Sees to a thread for what may start now.
    fn wake(self: &Arc<Self>, state: &mut State) {
        if !state.short_only().is_some_and(|short_only| state.queue.has(short_only)) {
            return;
        }
        if state.threads < (state.running + state.queue.len()).min(state.max_threads + 1) {
            let shared = Arc::clone(self);
            // Without a new thread the ones that run take the job; without any the deadline answers the caller.
            if std::thread::Builder::new().name(self.name.to_owned()).spawn(move || shared.work()).is_ok() {
                state.threads += 1;
            }
        }
        self.work.notify_one();
    }

    fn work(self: Arc<Self>) {
        let mut state = self.state.lock();
        loop {
            if let Some(Scheduled { lane, work, debited }) =
                state.short_only().and_then(|short| state.queue.take(short))
            {
                state.running += 1;
                self.wake(&mut state);
                drop(state);
                let started = Instant::now();
                // A job reports its own panics; this keeps the thread.
                let _ = catch_unwind(AssertUnwindSafe(work));
                lane.correct(debited, started.elapsed());
                state = self.state.lock();
                state.running -= 1;
            } else if state.threads > state.max_threads + 1 {
                state.threads -= 1;
                return;
            } else {
                self.work.wait(&mut state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_full_queue_refuses() {
        let (pool, lane) = (Pool::new("test", 1, 1), Arc::default());
        let (release, wait) = mpsc::channel::<()>();
        let (started, running) = mpsc::channel();
        pool.submit(
            &lane,
            Box::new(move || {
                started.send(()).unwrap();
                wait.recv().unwrap();
            }),
        )
        .unwrap();
        running.recv().unwrap();
        let (done, finished) = mpsc::channel();
        pool.submit(&lane, Box::new(move || done.send(()).unwrap())).unwrap();
        assert_eq!(pool.submit(&lane, Box::new(|| {})), Err(Full));
        assert_eq!(pool.queued(), 1);
        release.send(()).unwrap();
        finished.recv().unwrap();
    }

    #[test]
    fn a_panic_does_not_cost_a_thread() {
        let (pool, lane) = (Pool::new("test", 1, 10), Arc::default());
        pool.submit(&lane, Box::new(|| panic!("expected by the test"))).unwrap();
        let (done, finished) = mpsc::channel();
        pool.submit(&lane, Box::new(move || done.send(()).unwrap())).unwrap();
        finished.recv().unwrap();
    }
}
