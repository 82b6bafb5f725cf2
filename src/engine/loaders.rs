//! Threads that load models. No model can occupy all of them.
//!
//! A load that takes long is set aside: its thread no longer counts, and another takes the next. What is not done by its deadline
//! is stopped and its callers are answered; a library that cannot be stopped keeps its own thread and no other.

use super::control::{RunControl, Stop, StopReason};
use super::pool::Pool;
use super::watchdog::{WatchKey, Watchdog};
use crate::error::{Error, error};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Loads at the same time that are not set aside.
const THREADS: usize = 2;
/// Loads that are set aside; more wait.
const MAX_ASIDE: usize = 6;
/// From here on a load takes long.
const SLOW: Duration = Duration::from_secs(2);
/// How long a model whose load took too long is not tried again.
const PAUSE: Duration = Duration::from_secs(60);

pub struct Loaders {
    pool: Pool,
    watchdog: Arc<Watchdog>,
    aside: Mutex<usize>,
    slow: Duration,
}

/// What is called when a load does not end in time, with whether it had begun.
pub type Overdue = Box<dyn FnOnce(bool) + Send>;

struct Work {
    loaders: Weak<Loaders>,
    control: RunControl,
    deadline: Instant,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    key: Option<WatchKey>,
    overdue: Option<Overdue>,
}

#[derive(PartialEq, Eq)]
enum Stage {
    Queued,
    Begun,
    Aside,
    Done,
}

impl Loaders {
    pub fn new(name: &'static str) -> Arc<Self> {
        Self::with_slow(name, SLOW)
    }

    fn with_slow(name: &'static str, slow: Duration) -> Arc<Self> {
        let pool = Pool::new(name, THREADS, usize::MAX);
        Arc::new(Self { pool, watchdog: Watchdog::start(), aside: Mutex::new(0), slow })
    }

    /// Does the work on a thread. When it is not done within the limit, waiting included, its control is stopped and `overdue`
    /// is called.
    pub fn submit(
        self: &Arc<Self>,
        limit: Duration,
        work: impl FnOnce(&RunControl) + Send + 'static,
        overdue: Overdue,
    ) {
        let deadline = Instant::now() + limit;
        let state = State { stage: Stage::Queued, key: None, overdue: Some(overdue) };
        let loaders = Arc::downgrade(self);
        let item = Arc::new(Work { loaders, control: RunControl::default(), deadline, state: Mutex::new(state) });
        item.watch(&self.watchdog, deadline, &mut item.state.lock());
        let job = Box::new(move || {
            item.begin();
            // A panic is the business of the work; the place that it held must come back.
            let _done = Done(&item);
            work(&item.control);
        });
        // The queue has no limit, so this cannot be refused. Lanes of one each are served in order.
        let _ = self.pool.submit(&Arc::default(), job);
    }

    /// Jobs that wait or are under way.
    pub fn busy(&self) -> usize {
        self.pool.busy()
    }

    /// Stops all of them.
    pub fn stop_all(&self) {
        self.watchdog.stop_all();
    }

    fn set_aside(&self, count: impl FnOnce(usize) -> usize) {
        let mut aside = self.aside.lock();
        *aside = count(*aside);
        self.pool.set_limits(THREADS + (*aside).min(MAX_ASIDE), usize::MAX);
    }
}

impl Work {
    fn watch(self: &Arc<Self>, watchdog: &Arc<Watchdog>, at: Instant, state: &mut State) {
        if let Some(key) = state.key.take() {
            watchdog.forget(key);
        }
        let stop: Weak<Self> = Arc::downgrade(self);
        state.key = Some(watchdog.watch(at, stop));
    }

    fn begin(self: &Arc<Self>) {
        let Some(loaders) = self.loaders.upgrade() else { return };
        let mut state = self.state.lock();
        state.stage = Stage::Begun;
        let slow = Instant::now() + loaders.slow;
        if slow < self.deadline && state.overdue.is_some() {
            self.watch(&loaders.watchdog, slow, &mut state);
        }
    }

    fn end(&self) {
        let Some(loaders) = self.loaders.upgrade() else { return };
        let mut state = self.state.lock();
        if let Some(key) = state.key.take() {
            loaders.watchdog.forget(key);
        }
        let was_aside = std::mem::replace(&mut state.stage, Stage::Done) == Stage::Aside;
        drop(state);
        if was_aside {
            loaders.set_aside(|aside| aside - 1);
        }
    }
}

impl Stop for Work {
    fn stop(self: Arc<Self>, reason: StopReason) {
        let Some(loaders) = self.loaders.upgrade() else { return };
        let mut state = self.state.lock();
        state.key = None;
        if state.stage == Stage::Done {
            return;
        }
        let begun = state.stage != Stage::Queued;
        let becomes_aside = state.stage == Stage::Begun && reason == StopReason::Deadline;
        if becomes_aside {
            state.stage = Stage::Aside;
            loaders.set_aside(|aside| aside + 1);
            if Instant::now() < self.deadline {
                self.watch(&loaders.watchdog, self.deadline, &mut state);
                return;
            }
        }
        let overdue = state.overdue.take();
        drop(state);
        self.control.stop(reason);
        if let Some(overdue) = overdue {
            overdue(begun);
        }
    }
}

/// Ends the work also when it panics.
struct Done<'a>(&'a Arc<Work>);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Models whose load took too long: a request for one is refused at once.
pub struct TooSlow<K>(HashMap<K, Option<Instant>>);

impl<K> Default for TooSlow<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> TooSlow<K> {
    /// Its load is overdue and still under way.
    pub fn add(&mut self, key: K) {
        self.0.insert(key, None);
    }

    /// An overdue load has ended: after one that failed the next is not tried at once.
    pub fn end(&mut self, key: &K, failed: bool, now: Instant) {
        if failed {
            if let Some(until) = self.0.get_mut(key) {
                *until = Some(now + PAUSE);
            }
        } else {
            self.0.remove(key);
        }
    }

    pub fn contains(&mut self, key: &K, now: Instant) -> bool {
        if self.0.is_empty() {
            return false;
        }
        self.0.retain(|_, until| until.is_none_or(|until| now < until));
        self.0.contains_key(key)
    }

    pub fn forget(&mut self, is_meant: impl Fn(&K) -> bool) {
        self.0.retain(|key, until| until.is_none() || !is_meant(key));
    }
}

/// The answer to callers that wait for a load which takes too long.
pub fn too_slow(limit: Duration) -> Error {
    error!(
        DeadlineExceeded,
        "loading the model takes longer than {} ms (option loadTimeoutMs); try again later",
        limit.as_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const EVENTUALLY: Duration = Duration::from_secs(60);
    const NEVER: Duration = Duration::from_secs(3600);

    fn ignored() -> Overdue {
        Box::new(|_| {})
    }

    /// Work that goes on until the sender is dropped.
    fn endless(loaders: &Arc<Loaders>, limit: Duration, overdue: Overdue) -> (Sender<()>, Receiver<()>) {
        let (release, wait) = channel::<()>();
        let (begun, begins) = channel();
        let work = move |_: &RunControl| {
            begun.send(()).unwrap();
            let _ = wait.recv();
        };
        loaders.submit(limit, work, overdue);
        (release, begins)
    }

    #[test]
    fn slow_work_leaves_its_place_to_others_up_to_a_bound() {
        let loaders = Loaders::with_slow("test", Duration::from_millis(1));
        let slow: Vec<_> = (0..THREADS + MAX_ASIDE).map(|_| endless(&loaders, NEVER, ignored())).collect();
        for (_, begins) in &slow {
            begins.recv_timeout(EVENTUALLY).unwrap();
        }
        let (_release, begins) = endless(&loaders, NEVER, ignored());
        assert!(begins.recv_timeout(Duration::from_millis(100)).is_err(), "there is a bound");
        drop(slow);
        begins.recv_timeout(EVENTUALLY).unwrap();
    }

    #[test]
    fn overdue_work_is_told_to_stop_and_its_caller_is_answered() {
        for slow in [Duration::from_millis(1), NEVER] {
            let loaders = Loaders::with_slow("test", slow);
            let (sender, overdue) = channel();
            let (stopped, stops) = channel();
            let work = move |control: &RunControl| {
                let (terminate, terminated) = channel();
                let outcome = control.guard(
                    move || terminate.send(()).unwrap(),
                    || {
                        terminated.recv_timeout(EVENTUALLY).unwrap();
                        Err::<(), _>(error!(RunFailed, "interrupted"))
                    },
                );
                stopped.send(outcome.unwrap_err().code).unwrap();
            };
            loaders.submit(Duration::from_millis(20), work, Box::new(move |begun| sender.send(begun).unwrap()));
            assert!(overdue.recv_timeout(EVENTUALLY).unwrap());
            assert_eq!(stops.recv_timeout(EVENTUALLY).unwrap(), crate::error::ErrorCode::DeadlineExceeded);
            while loaders.busy() > 0 {
                std::thread::yield_now();
            }
            assert_eq!(*loaders.aside.lock(), 0);
        }
    }

    #[test]
    fn what_could_not_begin_in_time_is_answered_too() {
        let loaders = Loaders::with_slow("test", NEVER);
        let held: Vec<_> = (0..THREADS).map(|_| endless(&loaders, NEVER, ignored())).collect();
        for (_, begins) in &held {
            begins.recv_timeout(EVENTUALLY).unwrap();
        }
        let (sender, overdue) = channel();
        let _late = endless(&loaders, Duration::from_millis(5), Box::new(move |begun| sender.send(begun).unwrap()));
        assert!(!overdue.recv_timeout(EVENTUALLY).unwrap());
    }

    #[test]
    fn a_model_that_took_too_long_is_not_tried_again_at_once() {
        let mut slow = TooSlow::default();
        let now = Instant::now();
        slow.add("a");
        assert!(slow.contains(&"a", now + NEVER), "its load is under way");
        slow.forget(|_| true);
        assert!(slow.contains(&"a", now));
        slow.end(&"a", true, now);
        assert!(slow.contains(&"a", now + PAUSE / 2) && !slow.contains(&"a", now + PAUSE));
        slow.add("b");
        slow.end(&"b", false, now);
        assert!(!slow.contains(&"b", now));
        slow.end(&"c", true, now);
        assert!(!slow.contains(&"c", now));
    }
}
