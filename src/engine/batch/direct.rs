//! Requests that run together on the calling thread, without the queue.

use super::group::{Member, assemble};
use super::queue::BatchQueue;
use crate::engine::control::RunControl;
use crate::engine::loaded_model::LoadedModel;
use crate::engine::run::{Call, RunOutput, run_unstoppable};
use crate::error::{Result, error};
use smallvec::SmallVec;
use std::cell::OnceCell;
use std::time::{Duration, Instant};

struct Direct<'a> {
    model: &'a LoadedModel,
    call: &'a Call,
    cost: Option<usize>,
    outcome: OnceCell<Result<RunOutput>>,
}

impl Member for Direct<'_> {
    fn call(&self) -> &Call {
        self.call
    }

    fn cost(&self) -> Option<usize> {
        self.cost
    }

    /// They are too short to be stopped.
    fn is_stopped(&self) -> bool {
        false
    }

    /// Their thread runs them at once.
    fn queued(&self, _until: Instant) -> Duration {
        Duration::ZERO
    }

    fn run_alone(&self) -> Option<Duration> {
        let outcome = self.outcome.get_or_init(|| run_unstoppable(self.model, self.call));
        outcome.as_ref().ok().map(|output| output.latency)
    }

    fn answer(&self, output: RunOutput) {
        self.outcome.get_or_init(|| Ok(output));
    }
}

impl BatchQueue {
    /// Runs calls on this thread, as many together as pay; the outcomes are in the order of the calls.
    pub fn run_now(&self, model: &LoadedModel, calls: &[Call], max_rows: usize) -> Vec<Result<RunOutput>> {
        let direct = |call| Direct { model, call, cost: self.cost_of(call, max_rows), outcome: OnceCell::new() };
        let requests: Vec<Direct<'_>> = calls.iter().map(direct).collect();
        let mut rest: Vec<&dyn Member> = requests.iter().map(|request| request as &dyn Member).collect();
        while let Some(first) = rest.first() {
            let best = self.state.lock().sizes.next(first.cost().unwrap_or(1), max_rows);
            let places = assemble(&*self.join, rest.iter().copied(), best);
            let group: SmallVec<[&dyn Member; 16]> = places.iter().map(|&place| rest[place]).collect();
            self.run(model, &group, &RunControl::unstoppable());
            let mut place = 0;
            rest.retain(|_| {
                place += 1;
                places.binary_search(&(place - 1)).is_err()
            });
        }
        let outcome = |request: Direct<'_>| request.outcome.into_inner();
        let missing = || Err(error!(Internal, "the request was not run"));
        requests.into_iter().map(|request| outcome(request).unwrap_or_else(missing)).collect()
    }
}
