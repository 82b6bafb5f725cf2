//! Requests for one model that wait at the same time become one run.
//!
//! A request that finds its model idle runs at once. While runs are under way, what arrives gathers; the next run takes as
//! many rows of one shape as pay. Each caller gets the rows that are its own, or its own error.

mod probe;
mod rows;
mod sizes;

use super::control::{RunControl, StopReason};
use super::journal::Phase;
use super::run::{Run, RunOutput, RunRequest, run_unstoppable};
use super::session::Session;
use crate::error::{Result, error};
use crate::tensor::{Tensor, Value};
use parking_lot::{Condvar, Mutex};
use serde::Serialize;
use sizes::BatchSizes;
use smallvec::SmallVec;
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
    fn count_batch(&mut self, rows: usize) {
        self.batches += 1;
        self.batched_rows += rows as u64;
    }

    fn record(&mut self, rows: usize, begun: Instant, latency: Duration) {
        self.sizes.record(rows, latency);
        self.ended = self.ended.max(Some(begun + latency));
    }
}

struct Waiting {
    run: Arc<Run>,
    /// `None`: it can only run alone.
    rows: Option<usize>,
    since: Instant,
}

impl Waiting {
    /// Its place in a batch.
    fn size(&self) -> usize {
        self.rows.unwrap_or(1)
    }
}

/// The rows of a request. `None` when it can only run alone.
fn rows_of(request: &RunRequest) -> Option<usize> {
    let rows = request.inputs.first().and_then(|(_, value)| rows::count(value)).filter(|&rows| rows > 0)?;
    request.inputs.iter().all(|(_, value)| rows::count(value) == Some(rows)).then_some(rows)
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
        let rows = if limits.max_rows > 1 { rows_of(run.request()) } else { None };
        let mut state = self.state.lock();
        let rows = rows.filter(|_| state.batchable == Some(true));
        if rows.is_none() && self.allows_overlap {
            return Pushed::Alone(run);
        }
        if state.waiting.len() >= max_queue {
            // Those whose callers are gone hold no place.
            state.waiting.retain(|waiting| !waiting.run.is_stopped());
            if state.waiting.len() >= max_queue {
                return Pushed::Full;
            }
        }
        let priority = run.request().priority;
        let at = state.waiting.partition_point(|other| other.run.request().priority >= priority);
        state.waiting.insert(at, Waiting { run, rows, since: Instant::now() });
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
        let gather = state.waiting.first().is_some_and(|first| first.rows.is_some())
            && state.ended.is_some_and(|ended| state.waiting.iter().any(|waiting| waiting.since < ended));
        let least = state.waiting.first().map_or(1, Waiting::size);
        let best = state.sizes.next(least, limits.max_rows);
        while gather && !limits.max_delay.is_zero() {
            let Some(oldest) = state.waiting.iter().map(|waiting| waiting.since).min() else { break };
            let rows: usize = state.waiting.iter().map(Waiting::size).sum();
            if rows >= best || self.arrived.wait_until(&mut state, oldest + limits.max_delay).timed_out() {
                break;
            }
        }
        state.waiting.retain(|waiting| !waiting.run.is_stopped());
        if state.waiting.is_empty() {
            return Vec::new();
        }
        let mut group = vec![state.waiting.remove(0)];
        let mut rows = group[0].size();
        let mut at = 0;
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
        if let Some(rows) = rows_of(first).filter(|_| state.batchable == Some(true)) {
            let mut left = state.sizes.next(rows, max_rows).saturating_sub(rows);
            sizes.push(rows);
            for request in behind {
                match rows_of(request).filter(|&rows| rows <= left && alike(first, request)) {
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

/// Checks with made-up rows whether the session's rows are independent of each other. `run` executes one request.
pub fn probe(session: &Session, run: impl Fn(Vec<(String, Value)>) -> Option<Vec<Value>>) -> bool {
    probe::is_batchable(&session.signature, &|inputs| run(inputs.to_vec()))
}

/// Runs one made-up row, of a size that the model takes.
pub fn run_made_up(session: &Session, run: impl Fn(Vec<(String, Value)>) -> Option<Vec<Value>>) {
    probe::run_one(&session.signature, &|inputs| run(inputs.to_vec()));
}
