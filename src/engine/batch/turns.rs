//! Whose turn it is: what waits for one model goes by priority, whether it runs together with others or alone.
//!
//! A turn is a job of the pool. Every request that can only run alone brings a turn, so that as many run side by side as there are
//! threads; batches have few turns, which come again while there is something for them. Whoever's turn it is takes the first that
//! waits: a request of a high priority does not stay behind those that came before it.

use super::{BatchLimits, BatchQueue, State, alike};
use crate::engine::run::Run;
use crate::engine::session::Session;
use std::sync::Arc;
use std::time::Instant;

/// What a turn was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Batches, one after the other while requests wait for them.
    Batches,
    /// One request that can only run alone.
    Single,
}

pub struct Waiting {
    pub run: Arc<Run>,
    /// `None`: it can only run alone.
    pub rows: Option<usize>,
    pub since: Instant,
}

impl Waiting {
    /// Its place in a batch.
    pub fn size(&self) -> usize {
        self.rows.unwrap_or(1)
    }
}

/// What [`BatchQueue::push`] did.
pub enum Pushed {
    /// The run waits; with a turn, the caller must have [`BatchQueue::work`] called on a pool thread.
    Queued {
        turn: Option<Turn>,
    },
    Full,
}

impl BatchQueue {
    /// Adds a run to those that wait.
    pub fn push(&self, run: &Arc<Run>, limits: &BatchLimits, max_queue: usize) -> Pushed {
        let rows = if limits.max_rows > 1 { self.rows_of(run.request()) } else { None };
        let mut state = self.state.lock();
        let rows = rows.filter(|_| state.is_batchable());
        let waiting = Waiting { run: Arc::clone(run), rows, since: Instant::now() };
        let takes_turns = self.takes_turns(&waiting);
        // The pool bounds those that bring a turn of their own.
        if takes_turns && state.waiting.len() >= max_queue {
            // Those whose callers are gone hold no place.
            state.waiting.retain(|waiting| !waiting.run.is_stopped());
            if state.waiting.iter().filter(|waiting| self.takes_turns(waiting)).count() >= max_queue {
                return Pushed::Full;
            }
        }
        let priority = run.request().priority;
        let at = state.waiting.partition_point(|other| other.run.request().priority >= priority);
        state.waiting.insert(at, waiting);
        if !takes_turns {
            return Pushed::Queued { turn: Some(Turn::Single) };
        }
        let starts = state.active < self.max_side_by_side(limits);
        state.active += usize::from(starts);
        drop(state);
        self.arrived.notify_one();
        Pushed::Queued { turn: starts.then_some(Turn::Batches) }
    }

    /// Whether it runs in turns for batches: with others, or where no runs may overlap.
    fn takes_turns(&self, waiting: &Waiting) -> bool {
        waiting.rows.is_some() || !self.allows_overlap
    }

    fn max_side_by_side(&self, limits: &BatchLimits) -> usize {
        if self.allows_overlap { limits.max_side_by_side } else { 1 }
    }

    /// Takes back the promise of a turn, which the run was to begin; gives those that nobody will run now.
    pub fn give_up(&self, turn: Turn, run: &Arc<Run>) -> Vec<Arc<Run>> {
        let mut state = self.state.lock();
        let given_up = |waiting: &Waiting| match turn {
            Turn::Single => Arc::ptr_eq(&waiting.run, run),
            Turn::Batches => self.takes_turns(waiting),
        };
        if turn == Turn::Batches {
            state.active -= 1;
            if state.active > 0 {
                return Vec::new();
            }
        }
        let (given_up, kept) = std::mem::take(&mut state.waiting).into_iter().partition(given_up);
        state.waiting = kept;
        let given_up: Vec<Waiting> = given_up;
        given_up.into_iter().map(|waiting| waiting.run).collect()
    }

    /// Takes a turn. True: it must come again.
    pub fn work(&self, session: &Session, limits: &BatchLimits, turn: Turn) -> bool {
        let group = self.take(limits, turn);
        let takes_turns = group.first().is_some_and(|first| self.takes_turns(first));
        if !group.is_empty() {
            self.run(session, &group);
        }
        let mut state = self.state.lock();
        state.running -= usize::from(takes_turns);
        match turn {
            // Who brought this turn still waits, unless another turn was free for it.
            Turn::Single => takes_turns,
            Turn::Batches => {
                let more = state.waiting.iter().any(|waiting| self.takes_turns(waiting));
                state.active -= usize::from(!more);
                more
            }
        }
    }

    /// The next requests to run together, as many as pay.
    fn take(&self, limits: &BatchLimits, turn: Turn) -> Vec<Waiting> {
        let mut state = self.state.lock();
        let first_of = |state: &State| {
            let free = turn == Turn::Batches || state.running < self.max_side_by_side(limits);
            state.waiting.iter().position(|waiting| free || !self.takes_turns(waiting))
        };
        let least = first_of(&state).and_then(|first| state.waiting[first].rows);
        // Only who came during a run waits for others: an answer's receiver may be back before its batch is over.
        let gather = least.is_some()
            && state.ended.is_some_and(|ended| state.waiting.iter().any(|waiting| waiting.since < ended));
        let best = state.sizes.next(least.unwrap_or(1), limits.max_rows);
        while gather && !limits.max_delay.is_zero() {
            let batched = state.waiting.iter().filter(|waiting| waiting.rows.is_some());
            let rows: usize = batched.clone().map(Waiting::size).sum();
            let Some(oldest) = batched.map(|waiting| waiting.since).min() else { break };
            if rows >= best || self.arrived.wait_until(&mut state, oldest + limits.max_delay).timed_out() {
                break;
            }
        }
        state.waiting.retain(|waiting| !waiting.run.is_stopped());
        let Some(mut at) = first_of(&state) else { return Vec::new() };
        let mut group = vec![state.waiting.remove(at)];
        state.running += usize::from(self.takes_turns(&group[0]));
        let mut rows = group[0].size();
        while group[0].rows.is_some() && at < state.waiting.len() && rows < best {
            let next = &state.waiting[at];
            if next.rows.is_some_and(|more| rows + more <= best) && alike(group[0].run.request(), next.run.request()) {
                rows += next.size();
                group.push(state.waiting.remove(at));
            } else {
                at += 1;
            }
        }
        group
    }
}
