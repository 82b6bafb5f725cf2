//! Requests for one model that wait at the same time become one run.
//!
//! A request that finds its model idle runs at once. While runs are under way, what arrives gathers; the next run takes as
//! many rows of one shape as pay. Each caller gets the rows that are its own, or its own error.

mod independence;
mod probe;
mod rows;
mod sizes;
mod synthetic;
mod turns;

use super::control::{RunControl, StopReason};
use super::journal::Phase;
use super::run::{RunOutput, RunRequest, run_unstoppable};
use super::session::Session;
use crate::error::{Result, error};
use crate::model::Prepared;
use crate::tensor::{Tensor, Value};
use independence::{Analysis, Independence};
use parking_lot::{Condvar, Mutex};
use serde::Serialize;
use sizes::BatchSizes;
use smallvec::SmallVec;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use turns::Waiting;
pub use turns::{Pushed, Turn};

/// The limits that are in force.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// Rows of one run.
    pub max_rows: usize,
    /// How long a request may wait for others while its model is busy.
    pub max_delay: Duration,
    /// Runs of one model side by side.
    pub max_side_by_side: usize,
}

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
    /// Where runs must not overlap, requests that can only run alone take turns with batches, and no thread waits for a turn.
    allows_overlap: bool,
    /// What the graph says of rows.
    analysis: Analysis,
    /// Inputs that have a default in the model: what is given for them has no rows.
    defaults: HashSet<String>,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether rows may run together, or why not; `None` while that is not known.
    batchable: Option<Result<(), String>>,
    /// By priority, then by arrival.
    waiting: Vec<Waiting>,
    /// Turns for batches, under way or about to start.
    active: usize,
    /// Those under way, and batches in the turns of others.
    running: usize,
    /// When the last run ended, its answers not yet sent.
    ended: Option<Instant>,
    sizes: BatchSizes,
    batches: u64,
    batched_rows: u64,
}

impl State {
    fn is_batchable(&self) -> bool {
        matches!(self.batchable, Some(Ok(())))
    }

    fn count_batch(&mut self, rows: usize) {
        self.batches += 1;
        self.batched_rows += rows as u64;
    }

    fn record(&mut self, rows: usize, begun: Instant, latency: Duration) {
        self.sizes.record(rows, latency);
        self.ended = self.ended.max(Some(begun + latency));
    }
}

/// Whether requests with rows may run together: they want the same outputs, and each input has the same name, dtype and row
/// shape.
fn alike(first: &RunRequest, other: &RunRequest) -> bool {
    let same = |((name, value), (other_name, other)): (&(String, Value), &(String, Value))| {
        let (Some(value), Some(other)) = (value.as_tensor(), other.as_tensor()) else { return false };
        name == other_name && value.dtype == other.dtype && value.shape[1..] == other.shape[1..]
    };
    first.outputs == other.outputs
        && first.inputs.len() == other.inputs.len()
        && first.inputs.iter().zip(&other.inputs).all(same)
}

impl BatchQueue {
    pub fn new(allows_overlap: bool, model: &Prepared) -> Self {
        let signature = &model.signature;
        let analysis = independence::analyse(&model.model, signature);
        let batchable = match &analysis.independence {
            Independence::Mixing(reason) => Some(Err(reason.clone())),
            Independence::Proved | Independence::Doubtful(_) => None,
        };
        let defaults = signature.inputs.iter().filter(|input| input.optional).map(|input| input.name.clone()).collect();
        let state = Mutex::new(State { batchable, ..State::default() });
        Self { allows_overlap, analysis, defaults, state, arrived: Condvar::new() }
    }

    /// Checks by running made-up rows what the graph leaves open. `run` executes one request.
    pub fn check(&self, session: &Session, run: probe::Runner<'_>) {
        if self.state.lock().batchable.is_none() {
            let checked = probe::check(&session.signature, &self.analysis, run);
            self.state.lock().batchable = Some(checked);
        }
    }

    /// Runs one made-up row, of a kind that the model takes.
    pub fn run_made_up(&self, session: &Session, run: probe::Runner<'_>) {
        probe::run_one(&session.signature, &self.analysis, run);
    }

    pub fn is_batchable(&self) -> bool {
        self.state.lock().is_batchable()
    }

    /// The rows of a request. `None` when it can only run alone.
    fn rows_of(&self, request: &RunRequest) -> Option<usize> {
        let has_default = |(name, _): &(String, Value)| !self.defaults.is_empty() && self.defaults.contains(name);
        if request.alone || request.inputs.iter().any(has_default) {
            return None;
        }
        let rows = request.inputs.first().and_then(|(_, value)| rows::count(value)).filter(|&rows| rows > 0)?;
        request.inputs.iter().all(|(_, value)| rows::count(value) == Some(rows)).then_some(rows)
    }

    fn run(&self, session: &Session, group: &[Waiting]) {
        let rows = group.iter().map(Waiting::size).sum();
        let begun = Instant::now();
        if let [only] = group {
            if let (Some(latency), Some(_)) = (only.run.execute(), only.rows) {
                self.state.lock().record(rows, begun, latency);
            }
            return;
        }
        match run_together(session, group) {
            Ok((latency, answers)) => {
                {
                    let mut state = self.state.lock();
                    state.record(rows, begun, latency);
                    state.count_batch(rows);
                }
                for (waiting, outputs) in group.iter().zip(answers) {
                    waiting.run.finish(Ok(RunOutput { outputs, latency }));
                }
            }
            // One of them may be to blame: alone, each gets an answer or an error of its own.
            Err(_) => group.iter().filter(|waiting| !waiting.run.is_stopped()).for_each(|waiting| {
                waiting.run.execute();
            }),
        }
    }

    /// Runs requests on this thread, side by side as many as pay. They are too short to be stopped.
    pub fn run_now(&self, session: &Session, requests: &[RunRequest], max_rows: usize) -> Vec<Result<RunOutput>> {
        let mut outcomes = Vec::with_capacity(requests.len());
        let mut rest = requests;
        while let Some(first) = rest.first() {
            let sizes = self.sizes_of_next(first, &rest[1..], max_rows);
            let group;
            (group, rest) = rest.split_at(sizes.len().max(1));
            let control = RunControl::unstoppable();
            let joined = (group.len() > 1).then(|| run_joined(session, group.iter(), &sizes, &control));
            if let Some(Ok((latency, answers))) = joined {
                let rows = sizes.iter().sum();
                let mut state = self.state.lock();
                state.sizes.record(rows, latency);
                state.count_batch(rows);
                outcomes.extend(answers.into_iter().map(|outputs| Ok(RunOutput { outputs, latency })));
                continue;
            }
            // Also when one of several is to blame: alone, each gets an answer or an error of its own.
            for request in group {
                let outcome = run_unstoppable(request);
                if let (Ok(output), &[rows]) = (&outcome, sizes.as_slice()) {
                    self.state.lock().sizes.record(rows, output.latency);
                }
                outcomes.push(outcome);
            }
        }
        outcomes
    }

    /// The rows of a request and of those behind it that should run together with it; none when it can only run alone.
    fn sizes_of_next(&self, first: &RunRequest, behind: &[RunRequest], max_rows: usize) -> SmallVec<[usize; 16]> {
        let mut sizes = SmallVec::new();
        let mut state = self.state.lock();
        if let Some(rows) = self.rows_of(first).filter(|_| state.is_batchable()) {
            let mut left = state.sizes.next(rows, max_rows).saturating_sub(rows);
            sizes.push(rows);
            for request in behind {
                match self.rows_of(request).filter(|&rows| rows <= left && alike(first, request)) {
                    Some(rows) => sizes.push(rows),
                    None => break,
                }
                left -= sizes[sizes.len() - 1];
            }
        }
        sizes
    }

    pub fn status(&self, max_rows: usize) -> BatchStatus {
        let state = self.state.lock();
        BatchStatus {
            batchable: state.batchable.as_ref().map(Result::is_ok),
            reason: state.batchable.as_ref().and_then(|batchable| batchable.clone().err()),
            batches: state.batches,
            batched_rows: state.batched_rows,
            best_rows: state.sizes.best(1, max_rows),
            queued: state.waiting.len(),
        }
    }
}

/// Stops the common run when everyone who waits for it has been stopped.
pub struct Group {
    control: RunControl,
    waiting: AtomicUsize,
}

impl Group {
    pub fn leave(&self, reason: StopReason) {
        if self.waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.control.stop(reason);
        }
    }
}

type Answer = Vec<(String, Value)>;

/// The time of the common run and the outputs of each request.
fn run_together(session: &Session, group: &[Waiting]) -> Result<(Duration, Vec<Answer>)> {
    let common = Arc::new(Group { control: RunControl::default(), waiting: AtomicUsize::new(group.len()) });
    group.iter().for_each(|waiting| waiting.run.join(&common));
    let sizes: Vec<usize> = group.iter().map(Waiting::size).collect();
    run_joined(session, group.iter().map(|waiting| waiting.run.request()), &sizes, &common.control)
}

/// The same of requests that are alike, with their rows.
fn run_joined<'a>(
    session: &Session,
    requests: impl Iterator<Item = &'a RunRequest> + Clone,
    sizes: &[usize],
    control: &RunControl,
) -> Result<(Duration, Vec<Answer>)> {
    let Some(first) = requests.clone().next() else { return Err(error!(Internal, "nothing to run")) };
    let joined: SmallVec<[(&str, Value); 4]> = (0..first.inputs.len())
        .map(|at| {
            let parts: Vec<&Tensor> = requests.clone().filter_map(|request| request.inputs[at].1.as_tensor()).collect();
            (first.inputs[at].0.as_str(), rows::join(&parts).into())
        })
        .collect();
    let inputs: SmallVec<[(&str, &Value); 4]> = joined.iter().map(|(name, value)| (*name, value)).collect();
    let names = session.output_names(&first.outputs);
    let _under_way = session.under_way(Phase::Run);
    let start = Instant::now();
    let backend = session.backend()?;
    let outputs = catch_unwind(AssertUnwindSafe(|| backend.run(&inputs, &names, control)))
        .unwrap_or_else(|_| Err(error!(RunFailed, "the engine panicked while it ran the model")))?;
    let latency = start.elapsed();
    let mut answers: Vec<Answer> = sizes.iter().map(|_| Vec::with_capacity(names.len())).collect();
    for (name, value) in names.iter().zip(outputs) {
        let parts = rows::split(value, sizes)
            .ok_or_else(|| error!(Internal, "output \"{name}\" has another number of rows than the inputs"))?;
        for (answer, part) in answers.iter_mut().zip(parts) {
            answer.push(((*name).to_owned(), part));
        }
    }
    session.record_batch(sizes.len(), &first.inputs, latency);
    Ok((latency, answers))
}
