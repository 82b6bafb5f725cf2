//! A fair queue: models share the threads by the time that their runs take, not by their number. Each lane has a virtual time,
//! which its work is debited to; the lane with the least of it goes next.

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
pub struct Lane(Mutex<Usage>);

#[derive(Default)]
struct Usage {
    /// The time that its work took, as far as others were waiting meanwhile.
    virtual_time: Duration,
    samples: u32,
    /// The moving average of its runs; a single slow one counts little.
    typical: Duration,
}

impl Lane {
    /// Whether its work is known to be short.
    fn is_short(&self) -> bool {
        let usage = self.0.lock();
        usage.samples >= MIN_SAMPLES && usage.typical <= MAX_SHORT
    }

    fn virtual_time(&self) -> Duration {
        self.0.lock().virtual_time
    }

    /// Begins to wait beside others. A lane that was idle has saved up no time.
    fn join(&self, least_used: Duration) {
        let mut usage = self.0.lock();
        usage.virtual_time = usage.virtual_time.max(least_used);
    }

    /// Debits what its next work is expected to take.
    fn debit(&self) -> Duration {
        let mut usage = self.0.lock();
        let expected = usage.typical;
        usage.virtual_time += expected;
        expected
    }

    /// Corrects what was debited at the start of some work to what it took.
    pub fn correct(&self, debited: Duration, took: Duration) {
        let mut usage = self.0.lock();
        usage.virtual_time = (usage.virtual_time + took).saturating_sub(debited);
        usage.samples = usage.samples.saturating_add(1);
        usage.typical = if usage.samples <= MIN_SAMPLES {
            // The first runs warm up memory and are no measure.
            took
        } else {
            usage.typical - usage.typical / 8 + took.min(usage.typical * 8) / 8
        };
    }
}

/// What goes next.
pub struct Scheduled<T> {
    pub lane: Arc<Lane>,
    pub work: T,
    /// The time that it is expected to take; [`Lane::correct`] corrects it.
    pub debited: Duration,
}

/// What waits, by lanes.
pub struct FairQueue<T> {
    /// Lanes in which something waits, in the order in which that came.
    lanes: Vec<(Arc<Lane>, VecDeque<T>)>,
    /// The least time that a lane which waits has used; it never falls.
    least_used: Duration,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { lanes: Vec::new(), least_used: Duration::ZERO }
    }
}

impl<T> FairQueue<T> {
    pub fn push(&mut self, lane: &Arc<Lane>, work: T) {
        if let Some((_, queue)) = self.lanes.iter_mut().find(|(other, _)| Arc::ptr_eq(other, lane)) {
            queue.push_back(work);
            return;
        }
        lane.join(self.least_used);
        self.lanes.push((Arc::clone(lane), VecDeque::from([work])));
    }

    /// Takes the first work of the lane that has used the least time, `short_only` of those whose work is short.
    pub fn take(&mut self, short_only: bool) -> Option<Scheduled<T>> {
        let by_use = |(_, (lane, _)): &(usize, &(Arc<Lane>, VecDeque<T>))| lane.virtual_time();
        let least = self.lanes.iter().enumerate().min_by_key(by_use).map(|(_, (lane, _))| lane.virtual_time())?;
        self.least_used = self.least_used.max(least);
        let allowed = |(_, (lane, _)): &(usize, &(Arc<Lane>, VecDeque<T>))| !short_only || lane.is_short();
        let (at, _) = self.lanes.iter().enumerate().filter(allowed).min_by_key(by_use)?;
        let (lane, queue) = &mut self.lanes[at];
        let (lane, work) = (Arc::clone(lane), queue.pop_front()?);
        if queue.is_empty() {
            self.lanes.remove(at);
        }
        let debited = lane.debit();
        Some(Scheduled { lane, work, debited })
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
            lane.correct(typical, typical);
        }
        lane
    }

    /// One thread that takes from the queue, each run of which takes as long as `took` says; the names in their order.
    fn order(queue: &mut FairQueue<&'static str>, count: usize, took: impl Fn(&str) -> Duration) -> Vec<&'static str> {
        let next = |_| {
            let next = queue.take(false)?;
            next.lane.correct(next.debited, took(next.work));
            Some(next.work)
        };
        (0..count).map_while(next).collect()
    }

    #[test]
    fn one_lane_is_served_in_the_order_of_arrival() {
        let (mut queue, lane) = (FairQueue::default(), lane(MS));
        for name in ["first", "second", "third"] {
            queue.push(&lane, name);
        }
        assert_eq!((queue.len(), queue.len_of(&lane)), (3, 3));
        assert_eq!(order(&mut queue, 9, |_| MS), ["first", "second", "third"]);
        assert!(!queue.has(false));
    }

    #[test]
    fn a_lane_that_comes_last_with_little_goes_before_the_rest_of_one_with_much() {
        let (mut queue, heavy, light) = (FairQueue::default(), lane(50 * MS), lane(MS));
        for _ in 0..100 {
            queue.push(&heavy, "heavy");
        }
        assert_eq!(order(&mut queue, 10, |_| 50 * MS), ["heavy"; 10]);
        queue.push(&light, "light");
        let next = order(&mut queue, 2, |name| if name == "light" { MS } else { 50 * MS });
        assert!(next.contains(&"light"), "{next:?}");
    }

    #[test]
    fn lanes_get_the_same_time_and_not_the_same_number_of_runs() {
        let (mut queue, heavy, medium) = (FairQueue::default(), lane(30 * MS), lane(10 * MS));
        for _ in 0..100 {
            queue.push(&heavy, "heavy");
            queue.push(&medium, "medium");
        }
        let served = order(&mut queue, 80, |name| if name == "heavy" { 30 * MS } else { 10 * MS });
        let heavy = served.iter().filter(|name| **name == "heavy").count();
        assert!((19..=21).contains(&heavy), "{heavy} of 80");
    }

    #[test]
    fn what_runs_took_counts_and_not_what_was_expected() {
        let (mut queue, liar, honest) = (FairQueue::default(), lane(MS), lane(10 * MS));
        for _ in 0..100 {
            queue.push(&liar, "liar");
            queue.push(&honest, "honest");
        }
        let served = order(&mut queue, 40, |_| 10 * MS);
        let liar = served.iter().filter(|name| **name == "liar").count();
        assert!((18..=22).contains(&liar), "{liar} of 40");
    }

    #[test]
    fn runs_under_way_are_charged_before_they_end() {
        let (mut queue, heavy, other) = (FairQueue::default(), lane(50 * MS), lane(50 * MS));
        for _ in 0..4 {
            queue.push(&heavy, "heavy");
        }
        queue.push(&other, "other");
        // Two threads that begin at the same time.
        let begun: Vec<_> = (0..2).filter_map(|_| queue.take(false)).map(|next| next.work).collect();
        assert_eq!(begun, ["heavy", "other"]);
    }

    #[test]
    fn a_lane_that_was_idle_for_long_saved_nothing_up() {
        let (mut queue, busy, idle) = (FairQueue::default(), lane(10 * MS), lane(10 * MS));
        for _ in 0..1_000 {
            queue.push(&busy, "busy");
        }
        assert_eq!(order(&mut queue, 900, |_| 10 * MS).len(), 900);
        for _ in 0..50 {
            queue.push(&idle, "idle");
        }
        let served = order(&mut queue, 20, |_| 10 * MS);
        let idle = served.iter().filter(|name| **name == "idle").count();
        assert!((9..=11).contains(&idle), "{idle} of 20");
    }

    #[test]
    fn only_what_is_known_to_be_short_is_taken_as_short() {
        let (mut queue, unknown, long, short) = (FairQueue::default(), Arc::default(), lane(50 * MS), lane(MS));
        queue.push(&unknown, "unknown");
        queue.push(&long, "long");
        assert!(!queue.has(true));
        assert!(queue.take(true).is_none());
        queue.push(&short, "short");
        assert!(queue.has(true));
        assert_eq!(queue.take(true).map(|next| next.work), Some("short"));
        assert_eq!(queue.len(), 2);
    }

    #[test]
    fn short_work_that_passes_others_does_not_delay_newcomers() {
        let (mut queue, long, short, newcomer) = (FairQueue::default(), lane(50 * MS), lane(MS), lane(10 * MS));
        queue.push(&long, "long");
        for _ in 0..1_000 {
            queue.push(&short, "short");
            assert_eq!(queue.take(true).map(|next| next.work), Some("short"));
        }
        queue.push(&newcomer, "newcomer");
        let next = order(&mut queue, 2, |_| 10 * MS);
        assert!(next.contains(&"newcomer"));
    }

    #[test]
    fn a_single_slow_run_does_not_make_a_lane_long() {
        let lane = lane(MS);
        lane.correct(MS, 10_000 * MS);
        assert!(lane.is_short());
        for _ in 0..20 {
            lane.correct(MS, 50 * MS);
        }
        assert!(!lane.is_short());
    }
}
