//! CPU time of threads, which Linux tells. To ask for it takes some hundred nanoseconds.

use std::time::Duration;

/// The clock of the CPU time of a thread.
#[derive(Debug, Clone, Copy)]
pub struct ThreadClock(#[cfg(target_os = "linux")] libc::clockid_t);

#[cfg(target_os = "linux")]
impl ThreadClock {
    /// That of the calling thread, for itself.
    pub const OWN: Self = Self(libc::CLOCK_THREAD_CPUTIME_ID);

    /// That of the calling thread, for others; `None` where there is none.
    pub fn of_this_thread() -> Option<Self> {
        let mut clock = 0;
        // SAFETY: the thread lives, as it is the calling one, and the output is valid.
        let status = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut clock) };
        (status == 0).then_some(Self(clock))
    }

    /// `None` when the thread has ended.
    pub fn read(self) -> Option<Duration> {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the output is valid; an unknown clock is an error.
        let status = unsafe { libc::clock_gettime(self.0, &mut time) };
        (status == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }
}

#[cfg(not(target_os = "linux"))]
impl ThreadClock {
    pub const OWN: Self = Self();

    pub fn of_this_thread() -> Option<Self> {
        None
    }

    pub fn read(self) -> Option<Duration> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Instant;

    fn work() {
        let start = ThreadClock::OWN.read().unwrap();
        while ThreadClock::OWN.read().unwrap() - start < Duration::from_millis(20) {}
    }

    #[test]
    fn others_read_what_a_thread_used_and_that_it_has_ended() {
        let (told, clocks) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            work();
            told.send(ThreadClock::of_this_thread().unwrap()).unwrap();
            ends.recv().unwrap();
        });
        let clock = clocks.recv().unwrap();
        assert!(clock.read().unwrap() >= Duration::from_millis(20));
        end.send(()).unwrap();
        thread.join().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while clock.read().is_some() {
            assert!(Instant::now() < deadline);
        }
    }

    #[test]
    fn a_thread_that_waits_uses_nothing() {
        let start = ThreadClock::OWN.read().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        assert!(ThreadClock::OWN.read().unwrap() - start < Duration::from_millis(40));
    }
}
