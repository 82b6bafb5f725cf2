//! The requests that wait for one model, and what was learned about running them together.

use super::group::{Member, run_joined};
use super::independence::{self, Analysis, Independence};
use super::join::{ByRows, Join};
use super::probe;
use super::sizes::BatchSizes;
use crate::engine::control::RunControl;
use crate::engine::loaded_model::LoadedModel;
use crate::engine::run::{Call, Run, RunOutput};
use crate::model::Prepared;
use crate::signature::Signature;
use parking_lot::{Condvar, Mutex};
use serde::Serialize;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// What batches a model had.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchStatus {
    /// Whether rows of different requests may run together; null while that is not known.
    pub batchable: Option<bool>,
    /// Why they may not; null where they may, and while that is not known.
    pub reason: Option<String>,
    /// Runs of more than one request, and the rows in them.
    pub batches: u64,
    pub batched_rows: u64,
    /// Rows that the next batch may have.
    pub best_rows: usize,
    /// Requests that wait.
    pub queued: usize,
}

/// The requests that wait for one session.
pub struct BatchQueue {
    /// Where runs must not overlap, requests that can only run alone are dispatched like batches, and no thread waits for another.
    pub(super) allows_overlap: bool,
    /// What the graph says of rows.
    analysis: Analysis,
    pub(super) join: Box<dyn Join>,
    /// Whether rows may run together, or why not; unset while that is not known.
    batchable: OnceLock<Result<(), String>>,
    pub(super) state: Mutex<State>,
    pub(super) arrived: Condvar,
}

#[derive(Default)]
pub struct State {
    /// By priority, then by arrival.
    pub waiting: Vec<Waiting>,
    /// Jobs for batches, under way or about to start.
    pub dispatches: usize,
    /// Batches under way, in whatever job.
    pub running: usize,
    /// When the last run ended, its answers not yet sent.
    pub ended: Option<Instant>,
    pub sizes: BatchSizes,
    batches: u64,
    batched_rows: u64,
}

/// A run in the queue.
pub struct Waiting {
    pub run: Arc<Run>,
    /// `None`: it can only run alone.
    pub cost: Option<usize>,
    pub since: Instant,
}

impl Member for Waiting {
    fn call(&self) -> &Call {
        self.run.call()
    }

    fn cost(&self) -> Option<usize> {
        self.cost
    }

    fn is_stopped(&self) -> bool {
        self.run.is_stopped()
    }

    fn run_alone(&self) -> Option<Duration> {
        self.run.execute()
    }

    fn answer(&self, output: RunOutput) {
        self.run.finish(Ok(output));
    }
}

impl BatchQueue {
    pub fn new(allows_overlap: bool, model: &Prepared) -> Self {
        let signature = &model.signature;
        let analysis = independence::analyse(&model.model, signature);
        let batchable = OnceLock::new();
        if let Independence::Mixing(reason) = &analysis.independence {
            batchable.get_or_init(|| Err(reason.clone()));
        }
        let defaults = signature.inputs.iter().filter(|input| input.optional).map(|input| input.name.clone()).collect();
        Self {
            allows_overlap,
            analysis,
            join: Box::new(ByRows { defaults }),
            batchable,
            state: Mutex::default(),
            arrived: Condvar::new(),
        }
    }

    /// Checks by running synthetic rows what the graph leaves open. `run` executes one request.
    pub fn check(&self, signature: &Signature, run: probe::Runner<'_>) {
        self.batchable.get_or_init(|| probe::check(signature, &self.analysis, run));
    }

    /// Runs one synthetic row, of a kind that the model takes.
    pub fn run_synthetic(&self, signature: &Signature, run: probe::Runner<'_>) {
        probe::run_one(signature, &self.analysis, run);
    }

    pub fn is_batchable(&self) -> bool {
        matches!(self.batchable.get(), Some(Ok(())))
    }

    /// What a call adds to a batch of at most `max_rows`. `None` when it can only run alone.
    pub(super) fn cost_of(&self, call: &Call, max_rows: usize) -> Option<usize> {
        if max_rows > 1 && self.is_batchable() { self.join.cost(call) } else { None }
    }

    /// Runs requests that were put together and answers them.
    pub(super) fn run(&self, model: &LoadedModel, group: &[&dyn Member], control: &RunControl) {
        let begun = Instant::now();
        if group.len() > 1
            && let Ok((latency, answers)) = run_joined(model, &*self.join, group, control)
        {
            let rows = group.iter().filter_map(|member| member.cost()).sum();
            self.record(rows, begun, latency, true);
            for (member, outputs) in group.iter().zip(answers) {
                member.answer(RunOutput { outputs, latency });
            }
            return;
        }
        // Also after a common run that failed: one of them may be the cause, and alone, each gets an answer or an error of its own.
        for member in group.iter().filter(|member| !member.is_stopped()) {
            if let (Some(latency), Some(rows), [_]) = (member.run_alone(), member.cost(), group) {
                self.record(rows, begun, latency, false);
            }
        }
    }

    fn record(&self, rows: usize, begun: Instant, latency: Duration, is_batch: bool) {
        let mut state = self.state.lock();
        state.sizes.record(rows, latency);
        state.ended = state.ended.max(Some(begun + latency));
        if is_batch {
            state.batches += 1;
            state.batched_rows += rows as u64;
        }
    }

    pub fn status(&self, max_rows: usize) -> BatchStatus {
        let batchable = self.batchable.get();
        let state = self.state.lock();
        BatchStatus {
            batchable: batchable.map(Result::is_ok),
            reason: batchable.and_then(|batchable| batchable.clone().err()),
            batches: state.batches,
            batched_rows: state.batched_rows,
            best_rows: state.sizes.best(1, max_rows),
            queued: state.waiting.len(),
        }
    }
}
