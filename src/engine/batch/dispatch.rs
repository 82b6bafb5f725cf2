//! In which order and on which jobs of the pool the requests of one model run.
//!
//! Every request that can only run alone brings a job of its own, so that as many run side by side as there are threads. Batches
//! have few jobs, each of which is submitted again while requests wait for it. Every job takes the first request in the queue,
//! whichever request it was submitted for: one of a high priority does not stay behind those that came before it.

use super::group::{Member, assemble};
use super::limits::BatchLimits;
use super::queue::{BatchQueue, State, Waiting};
use crate::engine::control::GroupControl;
use crate::engine::loaded_model::LoadedModel;
use crate::engine::providers::Overlap;
use crate::engine::run::Run;
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Instant;

/// What a job of the pool was submitted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// Batches, one after the other while requests wait for them.
    Batches,
    /// One request that can only run alone.
    Single,
}

/// What [`BatchQueue::push`] did.
pub enum Pushed {
    /// The run waits; with a dispatch, the caller must have [`BatchQueue::dispatch`] called on a pool thread.
    Queued {
        dispatch: Option<Dispatch>,
    },
    Full,
}

impl BatchQueue {
    /// Adds a run to those that wait.
    pub fn push(&self, run: &Arc<Run>, limits: &BatchLimits, max_queue: usize) -> Pushed {
        let cost = self.cost_of(run.call(), limits.max_rows);
        let waiting = Waiting { run: Arc::clone(run), cost, since: Instant::now() };
        let is_batched = self.is_batched(&waiting);
        let mut state = self.state.lock();
        // The pool bounds those that bring a job of their own.
        if is_batched && state.waiting.len() >= max_queue {
            // Those whose callers are gone hold no place.
            state.waiting.retain(|waiting| !waiting.is_stopped());
            if state.waiting.iter().filter(|waiting| self.is_batched(waiting)).count() >= max_queue {
                return Pushed::Full;
            }
        }
        let priority = run.call().priority;
        let at = state.waiting.partition_point(|other| other.call().priority >= priority);
        state.waiting.insert(at, waiting);
        if !is_batched {
            return Pushed::Queued { dispatch: Some(Dispatch::Single) };
        }
        let starts = state.dispatches < self.max_side_by_side(limits);
        state.dispatches += usize::from(starts);
        drop(state);
        self.arrived.notify_one();
        Pushed::Queued { dispatch: starts.then_some(Dispatch::Batches) }
    }

    /// Whether it is run by a job for batches: with others, or where only few runs may overlap.
    fn is_batched(&self, waiting: &Waiting) -> bool {
        waiting.cost.is_some() || self.overlap != Overlap::Any
    }

    fn max_side_by_side(&self, limits: &BatchLimits) -> usize {
        match &self.overlap {
            Overlap::Any => limits.max_side_by_side,
            Overlap::Within(range) => limits.max_side_by_side.clamp(*range.start(), *range.end()),
        }
    }

    /// Withdraws a dispatch that could not be submitted for the run; gives the runs that no job will take now.
    pub fn give_up(&self, dispatch: Dispatch, run: &Arc<Run>) -> Vec<Arc<Run>> {
        let mut state = self.state.lock();
        let given_up = |waiting: &Waiting| match dispatch {
            Dispatch::Single => Arc::ptr_eq(&waiting.run, run),
            Dispatch::Batches => self.is_batched(waiting),
        };
        if dispatch == Dispatch::Batches {
            state.dispatches -= 1;
            if state.dispatches > 0 {
                return Vec::new();
            }
        }
        let (given_up, kept) = std::mem::take(&mut state.waiting).into_iter().partition(given_up);
        state.waiting = kept;
        let given_up: Vec<Waiting> = given_up;
        given_up.into_iter().map(|waiting| waiting.run).collect()
    }

    /// Runs the next requests. True: the job must be submitted again.
    pub fn dispatch(&self, model: &LoadedModel, limits: &BatchLimits, dispatch: Dispatch) -> bool {
        let group = self.take(limits, dispatch);
        let is_batched = group.first().is_some_and(|first| self.is_batched(first));
        let common = GroupControl::new(group.len());
        if group.len() > 1 {
            group.iter().for_each(|waiting| waiting.run.join(&common));
        }
        let members: SmallVec<[&dyn Member; 16]> = group.iter().map(|waiting| waiting as &dyn Member).collect();
        self.run(model, &members, common.control());
        let mut state = self.state.lock();
        state.running -= usize::from(is_batched);
        match dispatch {
            // The request that it was submitted for still waits, unless another job took it.
            Dispatch::Single => is_batched,
            Dispatch::Batches => {
                let more = state.waiting.iter().any(|waiting| self.is_batched(waiting));
                state.dispatches -= usize::from(!more);
                more
            }
        }
    }

    /// The next requests to run together, as many as pay.
    fn take(&self, limits: &BatchLimits, dispatch: Dispatch) -> Vec<Waiting> {
        let mut state = self.state.lock();
        let first_of = |state: &State| {
            let free = dispatch == Dispatch::Batches || state.running < self.max_side_by_side(limits);
            state.waiting.iter().position(|waiting| free || !self.is_batched(waiting))
        };
        let least = first_of(&state).and_then(|first| state.waiting[first].cost);
        // Only requests that came during a run wait for others: an answer's receiver may be back before its batch is over.
        let gather = least.is_some()
            && state.ended.is_some_and(|ended| state.waiting.iter().any(|waiting| waiting.since < ended));
        let best = state.sizes.next(least.unwrap_or(1), limits.max_rows);
        while gather && !limits.max_delay.is_zero() {
            let batched = state.waiting.iter().filter(|waiting| waiting.cost.is_some());
            let rows: usize = batched.clone().filter_map(|waiting| waiting.cost).sum();
            let Some(oldest) = batched.map(|waiting| waiting.since).min() else { break };
            if rows >= best || self.arrived.wait_until(&mut state, oldest + limits.max_delay).timed_out() {
                break;
            }
        }
        state.waiting.retain(|waiting| !waiting.is_stopped());
        let Some(first) = first_of(&state) else { return Vec::new() };
        let requests = state.waiting[first..].iter().map(|waiting| waiting as &dyn Member);
        let places = assemble(&*self.join, requests, best);
        let group: Vec<Waiting> =
            places.iter().enumerate().map(|(taken, place)| state.waiting.remove(first + place - taken)).collect();
        state.running += usize::from(group.first().is_some_and(|first| self.is_batched(first)));
        group
    }
}
