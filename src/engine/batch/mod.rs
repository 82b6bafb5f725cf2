//! Requests for one model that wait at the same time become one run.
//!
//! A request that finds its model idle runs at once. While runs are under way, what arrives gathers; the next run takes as
//! many rows of one shape as pay. Each caller gets the rows that are its own, or its own error.

mod probe;
mod rows;
mod sizes;

use super::control::{RunControl, StopReason};
use super::run::{Run, RunOutput, RunRequest};
use super::session::Session;
use crate::error::{Result, error};
use crate::tensor::{DType, Tensor, Value};
use parking_lot::{Condvar, Mutex};
use serde::Serialize;
use sizes::BatchSizes;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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
    /// Where runs must not overlap, requests that can only run alone wait here too, and no thread waits for a turn.
    allows_overlap: bool,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    batchable: Option<bool>,
    /// By priority, then by arrival.
    waiting: Vec<Waiting>,
    /// Runs under way or about to start.
    active: usize,
    /// When the last run ended, its answers not yet sent.
    ended: Option<Instant>,
    sizes: BatchSizes,
    batches: u64,
    batched_rows: u64,
}

impl State {
    fn record(&mut self, rows: usize, begun: Instant, latency: Duration) {
        self.sizes.record(rows, latency);
        self.ended = self.ended.max(Some(begun + latency));
    }
}

struct Waiting {
    run: Arc<Run>,
    /// `None`: it can only run alone.
    kind: Option<Kind>,
    rows: usize,
    since: Instant,
}

/// What requests must share to run together: the outputs wanted, and of each input the name, dtype and row shape.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kind {
    outputs: Vec<String>,
    inputs: Vec<(String, DType, Vec<usize>)>,
}

impl Kind {
    /// The kind of a request and its rows. `None` when it can only run alone.
    fn of(request: &RunRequest) -> Option<(Self, usize)> {
        let rows = request.inputs.first().and_then(|(_, value)| rows::count(value)).filter(|&rows| rows > 0)?;
        let input = |(name, value): &(String, Value)| {
            let tensor = value.as_tensor().filter(|_| rows::count(value) == Some(rows))?;
            Some((name.clone(), tensor.dtype, tensor.shape[1..].to_vec()))
        };
        let inputs = request.inputs.iter().map(input).collect::<Option<_>>()?;
        Some((Self { outputs: request.outputs.clone(), inputs }, rows))
    }
}

/// What [`BatchQueue::push`] did.
pub enum Pushed {
    /// The run waits; true: the caller must have [`BatchQueue::work`] called on a pool thread.
    Queued {
        start: bool,
    },
    /// It can only run alone, and may at any time.
    Alone(Arc<Run>),
    Full,
}

impl BatchQueue {
    pub fn new(allows_overlap: bool) -> Self {
        Self { allows_overlap, state: Mutex::default(), arrived: Condvar::new() }
    }

    pub fn set_batchable(&self, batchable: bool) {
        self.state.lock().batchable = Some(batchable);
    }

    pub fn is_batchable(&self) -> bool {
        self.state.lock().batchable == Some(true)
    }

    /// Adds a run to those that wait.
    pub fn push(&self, run: Arc<Run>, limits: &BatchLimits, max_queue: usize) -> Pushed {
        let kind = if limits.max_rows > 1 { Kind::of(run.request()) } else { None };
        let mut state = self.state.lock();
        let (kind, rows) = match kind.filter(|_| state.batchable == Some(true)) {
            Some((kind, rows)) => (Some(kind), rows),
            None if self.allows_overlap => return Pushed::Alone(run),
            None => (None, 1),
        };
        if state.waiting.len() >= max_queue {
            // Those whose callers are gone hold no place.
            state.waiting.retain(|waiting| !waiting.run.is_stopped());
            if state.waiting.len() >= max_queue {
                return Pushed::Full;
            }
        }
        let priority = run.request().priority;
        let at = state.waiting.partition_point(|other| other.run.request().priority >= priority);
        state.waiting.insert(at, Waiting { run, kind, rows, since: Instant::now() });
        let start = state.active < if self.allows_overlap { limits.max_side_by_side } else { 1 };
        state.active += usize::from(start);
        drop(state);
        self.arrived.notify_one();
        Pushed::Queued { start }
    }

    /// Takes back the promise to work.
    pub fn give_up(&self) -> Vec<Arc<Run>> {
        let mut state = self.state.lock();
        state.active -= 1;
        if state.active > 0 {
            return Vec::new();
        }
        state.waiting.drain(..).map(|waiting| waiting.run).collect()
    }

    /// Runs one batch. True: more wait, and the caller must come again.
    pub fn work(&self, session: &Session, limits: &BatchLimits) -> bool {
        let group = self.take(limits);
        if !group.is_empty() {
            self.run(session, &group);
        }
        let mut state = self.state.lock();
        if state.waiting.is_empty() {
            state.active -= 1;
            return false;
        }
        true
    }

    /// The next requests to run together, as many as pay.
    fn take(&self, limits: &BatchLimits) -> Vec<Waiting> {
        let mut state = self.state.lock();
        // Only who came during a run waits for others: an answer's receiver may be back before its batch is over.
        let gather = state.waiting.first().is_some_and(|first| first.kind.is_some())
            && state.ended.is_some_and(|ended| state.waiting.iter().any(|waiting| waiting.since < ended));
        let least = state.waiting.first().map_or(1, |waiting| waiting.rows);
        let best = state.sizes.next(least, limits.max_rows);
        while gather && !limits.max_delay.is_zero() {
            let Some(oldest) = state.waiting.iter().map(|waiting| waiting.since).min() else { break };
            let rows: usize = state.waiting.iter().map(|waiting| waiting.rows).sum();
            if rows >= best || self.arrived.wait_until(&mut state, oldest + limits.max_delay).timed_out() {
                break;
            }
        }
        state.waiting.retain(|waiting| !waiting.run.is_stopped());
        let Some(first) = state.waiting.first() else { return Vec::new() };
        let kind = first.kind.clone();
        let mut rows = 0;
        let mut group = Vec::new();
        let mut at = 0;
        while at < state.waiting.len() && rows < best {
            let fits = group.is_empty()
                || (kind.is_some() && state.waiting[at].kind == kind && rows + state.waiting[at].rows <= best);
            if fits {
                rows += state.waiting[at].rows;
                group.push(state.waiting.remove(at));
            } else {
                at += 1;
            }
        }
        group
    }

    fn run(&self, session: &Session, group: &[Waiting]) {
        let rows = group.iter().map(|waiting| waiting.rows).sum();
        let begun = Instant::now();
        if let [only] = group {
            if let (Some(latency), Some(_)) = (only.run.execute(), &only.kind) {
                self.state.lock().record(rows, begun, latency);
            }
            return;
        }
        match run_together(session, group) {
            Ok((latency, answers)) => {
                {
                    let mut state = self.state.lock();
                    state.record(rows, begun, latency);
                    state.batches += 1;
                    state.batched_rows += rows as u64;
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

    pub fn status(&self, max_rows: usize) -> BatchStatus {
        let state = self.state.lock();
        BatchStatus {
            batchable: state.batchable,
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
    for waiting in group {
        waiting.run.join(&common);
    }
    let first = group[0].run.request();
    let joined: Vec<(String, Value)> = (0..first.inputs.len())
        .map(|at| {
            let parts: Vec<&Tensor> =
                group.iter().filter_map(|waiting| waiting.run.request().inputs[at].1.as_tensor()).collect();
            (first.inputs[at].0.clone(), rows::join(&parts).into())
        })
        .collect();
    let inputs: Vec<(&str, &Value)> = joined.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let names = session.output_names(&first.outputs);
    let start = Instant::now();
    let backend = session.backend()?;
    let outputs = catch_unwind(AssertUnwindSafe(|| backend.run(&inputs, &names, &common.control)))
        .unwrap_or_else(|_| Err(error!(RunFailed, "the engine panicked while it ran the model")))?;
    let latency = start.elapsed();
    let sizes: Vec<usize> = group.iter().map(|waiting| waiting.rows).collect();
    let mut answers: Vec<Answer> = group.iter().map(|_| Vec::with_capacity(names.len())).collect();
    for (name, value) in names.iter().zip(outputs) {
        let parts = rows::split(value, &sizes)
            .ok_or_else(|| error!(Internal, "output \"{name}\" has another number of rows than the inputs"))?;
        for (answer, part) in answers.iter_mut().zip(parts) {
            answer.push(((*name).to_owned(), part));
        }
    }
    session.record_batch(group.len(), &first.inputs, latency);
    Ok((latency, answers))
}

/// Checks with made-up rows whether the session's rows are independent of each other. `run` executes one request.
pub fn probe(session: &Session, run: impl Fn(Vec<(String, Value)>) -> Option<Vec<Value>>) -> bool {
    probe::is_batchable(&session.signature, &|inputs| run(inputs.to_vec()))
}

/// Runs one made-up row, of a size that the model takes.
pub fn run_made_up(session: &Session, run: impl Fn(Vec<(String, Value)>) -> Option<Vec<Value>>) {
    probe::run_one(&session.signature, &|inputs| run(inputs.to_vec()));
}
