//! Threads that take work from a bounded queue.

use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub type Job = Box<dyn FnOnce() + Send>;

pub struct Pool {
    name: &'static str,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
    max_threads: usize,
    max_queue: usize,
}

/// The queue is full.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Pool {
    /// Threads are started when there is work for them.
    pub fn new(name: &'static str, max_threads: usize, max_queue: usize) -> Self {
        let pool = Self { name, shared: Arc::default() };
        pool.set_limits(max_threads, max_queue);
        pool
    }

    /// Threads beyond a lowered limit end when they next have nothing to do.
    pub fn set_limits(&self, max_threads: usize, max_queue: usize) {
        let mut state = self.shared.state.lock();
        state.max_threads = max_threads.max(1);
        state.max_queue = max_queue;
        self.shared.work.notify_all();
    }

    /// Queues work for the next free thread.
    ///
    /// # Errors
    /// [`Full`] when no thread is free and the queue has reached its limit.
    pub fn submit(&self, job: Job) -> Result<(), Full> {
        let state = self.shared.state.lock();
        let free = state.idle > state.queue.len() || state.threads < state.max_threads;
        if !free && state.queue.len() >= state.max_queue {
            return Err(Full);
        }
        self.push(state, job);
        Ok(())
    }

    /// Queues more of work that was accepted before, whatever the limit.
    pub fn submit_again(&self, job: Job) {
        self.push(self.shared.state.lock(), job);
    }

    fn push(&self, mut state: MutexGuard<'_, State>, job: Job) {
        state.queue.push_back(job);
        if state.idle < state.queue.len() && state.threads < state.max_threads {
            let shared = Arc::clone(&self.shared);
            // Without a new thread the ones that run take the job; without any the deadline answers the caller.
            if std::thread::Builder::new().name(self.name.to_owned()).spawn(move || shared.work()).is_ok() {
                state.threads += 1;
            }
        }
        drop(state);
        self.shared.work.notify_one();
    }

    pub fn queued(&self) -> usize {
        self.shared.state.lock().queue.len()
    }

    /// Jobs that wait or are under way.
    pub fn busy(&self) -> usize {
        let state = self.shared.state.lock();
        state.queue.len() + state.threads - state.idle
    }
}

impl Shared {
    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                // A job reports its own panics; this keeps the thread.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.state.lock();
            } else if state.threads > state.max_threads {
                state.threads -= 1;
                return;
            } else {
                state.idle += 1;
                self.work.wait(&mut state);
                state.idle -= 1;
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
        let pool = Pool::new("test", 1, 1);
        let (release, wait) = mpsc::channel::<()>();
        let (started, running) = mpsc::channel();
        pool.submit(Box::new(move || {
            started.send(()).unwrap();
            wait.recv().unwrap();
        }))
        .unwrap();
        running.recv().unwrap();
        let (done, finished) = mpsc::channel();
        pool.submit(Box::new(move || done.send(()).unwrap())).unwrap();
        assert_eq!(pool.submit(Box::new(|| {})), Err(Full));
        assert_eq!(pool.queued(), 1);
        release.send(()).unwrap();
        finished.recv().unwrap();
    }

    #[test]
    fn a_panic_does_not_cost_a_thread() {
        let pool = Pool::new("test", 1, 10);
        pool.submit(Box::new(|| panic!("expected by the test"))).unwrap();
        let (done, finished) = mpsc::channel();
        pool.submit(Box::new(move || done.send(()).unwrap())).unwrap();
        finished.recv().unwrap();
    }
}
