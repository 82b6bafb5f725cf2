//! The threads that share the work within an operator. Their CPU time is that of the runs which are under way: each has an equal
//! part of what is used meanwhile, as the library does not tell for which run a thread works.

use crate::process::ThreadClock;
use parking_lot::Mutex;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A run that was shorter asks the clocks only when nobody has for [`SETTLED_FOR`]: it hardly uses these threads, and what it does is in
/// the part of a later run.
const SHORT: Duration = Duration::from_micros(100);
const SETTLED_FOR: Duration = Duration::from_millis(1);
/// A longer one asks them when nobody has for this part of its time.
const PART: u32 = 16;
/// Clocks of many threads take long: they are not asked for longer than one of so many parts of the time.
const PAUSE: u32 = 50;

#[derive(Default)]
pub struct OperatorThreads {
    exist: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    clocks: Vec<ThreadClock>,
    /// What the threads had used, in nanoseconds, when it was divided last.
    used: u64,
    /// What a run would have that has been under way since the beginning, in nanoseconds.
    divided: u64,
    under_way: u64,
    settled: Option<Instant>,
    /// How long it took to ask the clocks.
    asking: Duration,
}

/// A run that is under way.
pub struct UnderWay<'a> {
    threads: &'a OperatorThreads,
    /// Of [`State::divided`].
    before: u64,
}

impl OperatorThreads {
    /// Those of this process.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<OperatorThreads> = LazyLock::new(OperatorThreads::default);
        &SHARED
    }

    /// Makes the calling thread one of them.
    pub fn join(&self) {
        if let Some(clock) = ThreadClock::of_this_thread() {
            self.state.lock().clocks.push(clock);
            self.exist.store(true, Ordering::Release);
        }
    }

    /// A run begins that may use them; `None` where there are none.
    pub fn begin(&self) -> Option<UnderWay<'_>> {
        if !self.exist.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.state.lock();
        if state.under_way > 0 && state.is_old(SHORT) {
            state.divide();
        }
        state.under_way += 1;
        Some(UnderWay { threads: self, before: state.divided })
    }
}

impl UnderWay<'_> {
    /// The run has ended, which took so long: its part of what the threads used.
    pub fn end(self, wall: Duration) -> Duration {
        let mut state = self.threads.state.lock();
        if state.is_old(if wall < SHORT { SETTLED_FOR } else { wall / PART }) {
            state.divide();
        }
        state.under_way -= 1;
        Duration::from_nanos(state.divided - self.before)
    }
}

impl State {
    fn is_old(&self, limit: Duration) -> bool {
        // Whoever asked may have had to wait for the processor meanwhile.
        let pause = (self.asking * PAUSE).min(SETTLED_FOR);
        self.settled.is_none_or(|settled| settled.elapsed() >= limit.max(pause))
    }

    /// Divides what was used since the last time among the runs that are under way. What they were all short for, and what is left of
    /// the division, is divided the next time.
    fn divide(&mut self) {
        let begun = Instant::now();
        let used: u64 = self.clocks.iter().filter_map(|clock| clock.read()).map(|time| time.as_nanos() as u64).sum();
        let part = used.saturating_sub(self.used) / self.under_way;
        self.divided += part;
        self.used += part * self.under_way;
        self.asking = begun.elapsed();
        self.settled = Some(Instant::now());
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn work(time: Duration) {
        let start = ThreadClock::OWN.read().unwrap();
        while ThreadClock::OWN.read().unwrap() - start < time {}
    }

    /// A thread that works for as long as it is told, and answers when it has.
    fn worker(threads: &'static OperatorThreads) -> impl Fn(Duration) {
        let (send, receive) = mpsc::channel();
        let (done, wait) = mpsc::channel();
        std::thread::spawn(move || {
            threads.join();
            done.send(()).unwrap();
            for time in receive {
                work(time);
                done.send(()).unwrap();
            }
        });
        wait.recv().unwrap();
        move |time| {
            send.send(time).unwrap();
            wait.recv().unwrap();
        }
    }

    #[test]
    fn what_threads_use_is_divided_among_the_runs_under_way_and_adds_up() {
        let threads: &'static OperatorThreads = Box::leak(Box::default());
        assert!(threads.begin().is_none(), "there are no threads");
        let (one, other) = (worker(threads), worker(threads));
        let first = threads.begin().unwrap();
        one(Duration::from_millis(20));
        let second = threads.begin().unwrap();
        other(Duration::from_millis(40));
        let second = second.end(Duration::from_millis(40));
        let first = first.end(Duration::from_millis(60));
        let near = |time: Duration, ms: u64| time >= Duration::from_millis(ms) && time < Duration::from_millis(ms + 5);
        assert!(near(second, 20), "{second:?}");
        assert!(near(first, 40), "{first:?}");
    }

    #[test]
    fn what_short_runs_use_is_in_the_part_of_a_later_one() {
        let threads: &'static OperatorThreads = Box::leak(Box::default());
        let one = worker(threads);
        threads.begin().unwrap().end(SETTLED_FOR);
        let short = threads.begin().unwrap();
        one(Duration::from_micros(300));
        let short = short.end(Duration::ZERO);
        let long = threads.begin().unwrap().end(SHORT);
        assert!(short + long >= Duration::from_micros(300), "{short:?} {long:?}");
    }
}
