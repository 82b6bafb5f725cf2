//! CPU time of runs on their own thread. To ask the clock takes as long as a tiny run, so of those few are measured; the others are taken
//! to have used the same part of their time.

use crate::process::ThreadClock;
use parking_lot::Mutex;
use std::time::Duration;

/// So many are measured first, then about one of this many.
const FIRST: u32 = 8;
const ONE_OF: u32 = 16;
/// A run that took so many times as long as those that were measured had to wait for the processor meanwhile.
const INTERRUPTED: u32 = 8;
/// Samples of which the older half counts half from then on.
const MAX_SAMPLES: u32 = 64;

#[derive(Default)]
pub struct CpuSampler {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    runs: u32,
    samples: u32,
    wall: Duration,
    cpu: Duration,
}

/// A run that is under way.
pub enum Sampling {
    Measured(Option<Duration>),
    Estimated,
}

impl CpuSampler {
    /// Begins a run; `exact`: it is measured itself.
    pub fn begin(&self, exact: bool) -> Sampling {
        if !exact && !self.state.lock().is_sampled() {
            return Sampling::Estimated;
        }
        Sampling::Measured(ThreadClock::OWN.read())
    }

    /// The CPU time of a run that took so long; `None` where the system does not tell.
    pub fn end(&self, run: &Sampling, wall: Duration) -> Option<Duration> {
        let Sampling::Measured(start) = run else { return self.state.lock().estimate(wall) };
        let cpu = ThreadClock::OWN.read()?.saturating_sub((*start)?);
        // Of one that had to wait for the processor the time says nothing.
        if cpu * 2 > wall {
            self.state.lock().add(wall, cpu);
        }
        Some(cpu)
    }
}

impl State {
    /// Whether the next run is; not in a rhythm that requests may have, too.
    fn is_sampled(&mut self) -> bool {
        self.runs = self.runs.wrapping_add(1);
        // The multiples of the golden ratio are spread evenly, and never in the same order.
        self.samples < FIRST || self.runs.wrapping_mul(0x9E37_79B1) < u32::MAX / ONE_OF
    }

    fn add(&mut self, wall: Duration, cpu: Duration) {
        if self.samples >= MAX_SAMPLES {
            self.samples /= 2;
            self.wall /= 2;
            self.cpu /= 2;
        }
        self.samples += 1;
        self.wall += wall;
        self.cpu += cpu;
    }

    fn estimate(&self, wall: Duration) -> Option<Duration> {
        let part = self.cpu.as_secs_f64() / self.wall.as_secs_f64();
        let longest = self.wall.checked_div(self.samples)? * INTERRUPTED;
        Duration::try_from_secs_f64(wall.min(longest).as_secs_f64() * part.min(1.0)).ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::Instant;

    fn cpu() -> Duration {
        ThreadClock::OWN.read().unwrap()
    }

    #[test]
    fn tiny_runs_add_up_to_what_their_thread_used() {
        let sampler = CpuSampler::default();
        let (mut told, mut estimated) = (Duration::ZERO, 0);
        let begun = cpu();
        for at in 0..20_000u64 {
            let run = sampler.begin(false);
            estimated += u32::from(matches!(run, Sampling::Estimated));
            let start = Instant::now();
            let mut sum = at;
            (0..(1 + at % 8) * 200).for_each(|step| sum = std::hint::black_box(sum ^ step));
            let wall = start.elapsed();
            told += sampler.end(&run, wall).unwrap();
        }
        let used = cpu() - begun;
        assert!((18_000..19_500).contains(&estimated), "{estimated}");
        let share = told.as_secs_f64() / used.as_secs_f64();
        assert!((0.7..1.2).contains(&share), "{told:?} of {used:?}");
    }

    #[test]
    fn one_that_waited_for_the_processor_is_not_taken_to_have_worked() {
        let mut state = State::default();
        (0..100).for_each(|_| state.add(Duration::from_micros(10), Duration::from_micros(9)));
        let estimate = |wall| state.estimate(wall).unwrap().as_nanos();
        assert_eq!(estimate(Duration::from_micros(20)), 18_000);
        assert_eq!(estimate(Duration::from_millis(50)), 72_000);
    }

    #[test]
    fn an_exact_one_is_measured() {
        let sampler = CpuSampler::default();
        for _ in 0..100 {
            assert!(matches!(sampler.begin(true), Sampling::Measured(Some(_))));
        }
    }
}
