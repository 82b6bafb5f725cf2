//! Whose work goes next: models share the threads by the time that their runs take, not by their number.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Runs of at most this length may start beside long ones: the system lets them pass sooner than a queue would.
const MAX_SHORT: Duration = Duration::from_millis(5);
/// Runs that must have been measured.
const MIN_SAMPLES: u32 = 3;

/// Work of one kind, such as the runs of one model. It waits in the order in which it came.
#[derive(Default)]
pub struct Lane(Mutex<Account>);

#[derive(Default)]
struct Account {
    /// The time that it has used, as far as others were waiting meanwhile.
    used: Duration,
    samples: u32,
    /// The moving average of its runs; a single slow one counts little.
    typical: Duration,
}

impl Lane {
    /// Whether its work is known to be short.
    fn is_short(&self) -> bool {
        let account = self.0.lock();
        account.samples >= MIN_SAMPLES && account.typical <= MAX_SHORT
    }

    fn used(&self) -> Duration {
        self.0.lock().used
    }

    /// Begins to wait beside others. Who had nothing to do has not saved up time.
    fn join(&self, least_used: Duration) {
        let mut account = self.0.lock();
        account.used = account.used.max(least_used);
    }

    /// Charges what its next work is expected to take.
    fn charge(&self) -> Duration {
        let mut account = self.0.lock();
        let expected = account.typical;
        account.used += expected;
        expected
    }

    /// Replaces what was charged at the start of some work by what it took.
    pub fn settle(&self, charged: Duration, took: Duration) {
        let mut account = self.0.lock();
        account.used = (account.used + took).saturating_sub(charged);
        account.samples = account.samples.saturating_add(1);
        account.typical = if account.samples <= MIN_SAMPLES {
            // The first runs warm up memory and are no measure.
            took
        } else {
            account.typical - account.typical / 8 + took.min(account.typical * 8) / 8
        };
    }
}

/// What a turn is given to.
pub struct Turn<T> {
    pub lane: Arc<Lane>,
    pub work: T,
    /// The time that it is expected to take; [`Lane::settle`] corrects it.
    pub charged: Duration,
}

/// What waits, by lanes.
pub struct Turns<T> {
    /// Lanes in which something waits, in the order in which that came.
    lanes: Vec<(Arc<Lane>, VecDeque<T>)>,
    /// The least time that a lane which waits has used; it never falls.
    least_used: Duration,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { lanes: Vec::new(), least_used: Duration::ZERO }
    }
}

impl<T> Turns<T> {
    pub fn push(&mut self, lane: &Arc<Lane>, work: T) {
        if let Some((_, queue)) = self.lanes.iter_mut().find(|(other, _)| Arc::ptr_eq(other, lane)) {
            queue.push_back(work);
            return;
        }
        lane.join(self.least_used);
        self.lanes.push((Arc::clone(lane), VecDeque::from([work])));
    }

    /// Takes the first work of the lane that has used the least time, `short_only` of those whose work is short.
    pub fn take(&mut self, short_only: bool) -> Option<Turn<T>> {
        let by_use = |(_, (lane, _)): &(usize, &(Arc<Lane>, VecDeque<T>))| lane.used();
        let least = self.lanes.iter().enumerate().min_by_key(by_use).map(|(_, (lane, _))| lane.used())?;
        self.least_used = self.least_used.max(least);
        let allowed = |(_, (lane, _)): &(usize, &(Arc<Lane>, VecDeque<T>))| !short_only || lane.is_short();
        let (at, _) = self.lanes.iter().enumerate().filter(allowed).min_by_key(by_use)?;
        let (lane, queue) = &mut self.lanes[at];
        let (lane, work) = (Arc::clone(lane), queue.pop_front()?);
        if queue.is_empty() {
            self.lanes.remove(at);
        }
        let charged = lane.charge();
        Some(Turn { lane, work, charged })
    }

    /// Whether [`Self::take`] finds something.
    pub fn has(&self, short_only: bool) -> bool {
        self.lanes.iter().any(|(lane, _)| !short_only || lane.is_short())
    }

    pub fn len(&self) -> usize {
        self.lanes.iter().map(|(_, queue)| queue.len()).sum()
    }

    pub fn len_of(&self, lane: &Arc<Lane>) -> usize {
        self.lanes.iter().find(|(other, _)| Arc::ptr_eq(other, lane)).map_or(0, |(_, queue)| queue.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A lane whose runs were measured.
    fn lane(typical: Duration) -> Arc<Lane> {
        let lane = Arc::new(Lane::default());
        for _ in 0..MIN_SAMPLES {
            lane.settle(typical, typical);
        }
        lane
    }

    /// One thread that takes `turns` turns, each of which takes as long as `took` says; the names in their order.
    fn order(turns: &mut Turns<&'static str>, count: usize, took: impl Fn(&str) -> Duration) -> Vec<&'static str> {
        let next = |_| {
            let turn = turns.take(false)?;
            turn.lane.settle(turn.charged, took(turn.work));
            Some(turn.work)
        };
        (0..count).map_while(next).collect()
    }

    #[test]
    fn one_lane_is_served_in_the_order_of_arrival() {
        let (mut turns, lane) = (Turns::default(), lane(MS));
        for name in ["first", "second", "third"] {
            turns.push(&lane, name);
        }
        assert_eq!((turns.len(), turns.len_of(&lane)), (3, 3));
        assert_eq!(order(&mut turns, 9, |_| MS), ["first", "second", "third"]);
        assert!(!turns.has(false));
    }

    #[test]
    fn who_comes_last_with_little_goes_before_the_rest_of_who_has_much() {
        let (mut turns, heavy, light) = (Turns::default(), lane(50 * MS), lane(MS));
        for _ in 0..100 {
            turns.push(&heavy, "heavy");
        }
        assert_eq!(order(&mut turns, 10, |_| 50 * MS), ["heavy"; 10]);
        turns.push(&light, "light");
        let next = order(&mut turns, 2, |name| if name == "light" { MS } else { 50 * MS });
        assert!(next.contains(&"light"), "{next:?}");
    }

    #[test]
    fn lanes_get_the_same_time_and_not_the_same_number_of_runs() {
        let (mut turns, heavy, medium) = (Turns::default(), lane(30 * MS), lane(10 * MS));
        for _ in 0..100 {
            turns.push(&heavy, "heavy");
            turns.push(&medium, "medium");
        }
        let served = order(&mut turns, 80, |name| if name == "heavy" { 30 * MS } else { 10 * MS });
        let heavy = served.iter().filter(|name| **name == "heavy").count();
        assert!((19..=21).contains(&heavy), "{heavy} of 80");
    }

    #[test]
    fn what_runs_took_counts_and_not_what_was_expected() {
        let (mut turns, liar, honest) = (Turns::default(), lane(MS), lane(10 * MS));
        for _ in 0..100 {
            turns.push(&liar, "liar");
            turns.push(&honest, "honest");
        }
        let served = order(&mut turns, 40, |_| 10 * MS);
        let liar = served.iter().filter(|name| **name == "liar").count();
        assert!((18..=22).contains(&liar), "{liar} of 40");
    }

    #[test]
    fn runs_under_way_are_charged_before_they_end() {
        let (mut turns, heavy, other) = (Turns::default(), lane(50 * MS), lane(50 * MS));
        for _ in 0..4 {
            turns.push(&heavy, "heavy");
        }
        turns.push(&other, "other");
        // Two threads that begin at the same time.
        let begun: Vec<_> = (0..2).filter_map(|_| turns.take(false)).map(|turn| turn.work).collect();
        assert_eq!(begun, ["heavy", "other"]);
    }

    #[test]
    fn who_was_idle_for_long_saved_nothing_up() {
        let (mut turns, busy, idle) = (Turns::default(), lane(10 * MS), lane(10 * MS));
        for _ in 0..1_000 {
            turns.push(&busy, "busy");
        }
        assert_eq!(order(&mut turns, 900, |_| 10 * MS).len(), 900);
        for _ in 0..50 {
            turns.push(&idle, "idle");
        }
        let served = order(&mut turns, 20, |_| 10 * MS);
        let idle = served.iter().filter(|name| **name == "idle").count();
        assert!((9..=11).contains(&idle), "{idle} of 20");
    }

    #[test]
    fn only_what_is_known_to_be_short_is_taken_as_short() {
        let (mut turns, unknown, long, short) = (Turns::default(), Arc::default(), lane(50 * MS), lane(MS));
        turns.push(&unknown, "unknown");
        turns.push(&long, "long");
        assert!(!turns.has(true));
        assert!(turns.take(true).is_none());
        turns.push(&short, "short");
        assert!(turns.has(true));
        assert_eq!(turns.take(true).map(|turn| turn.work), Some("short"));
        assert_eq!(turns.len(), 2);
    }

    #[test]
    fn short_work_that_passes_others_does_not_delay_newcomers() {
        let (mut turns, long, short, newcomer) = (Turns::default(), lane(50 * MS), lane(MS), lane(10 * MS));
        turns.push(&long, "long");
        for _ in 0..1_000 {
            turns.push(&short, "short");
            assert_eq!(turns.take(true).map(|turn| turn.work), Some("short"));
        }
        turns.push(&newcomer, "newcomer");
        let next = order(&mut turns, 2, |_| 10 * MS);
        assert!(next.contains(&"newcomer"));
    }

    #[test]
    fn a_single_slow_run_does_not_make_a_lane_long() {
        let lane = lane(MS);
        lane.settle(MS, 10_000 * MS);
        assert!(lane.is_short());
        for _ in 0..20 {
            lane.settle(MS, 50 * MS);
        }
        assert!(!lane.is_short());
    }
}
