//! One run: its inputs, its stop signal and the caller that waits for it.

use super::control::{GroupControl, RunControl, Stop, StopReason};
use super::journal::Phase;
use super::loaded_model::LoadedModel;
use super::receipt::{Account, Receipt, Used, bytes_of};
use super::usage::InUse;
use super::watchdog::{WatchKey, Watchdog};
use crate::error::Result;
use crate::tensor::Value;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

/// What is run.
pub struct Call {
    /// Named inputs, owned: a caller's memory may vanish while the run is under way.
    pub inputs: Arc<Vec<(String, Value)>>,
    /// Names of the outputs wanted; empty for all.
    pub outputs: Vec<String>,
    /// Of the calls that wait for a model, those of a higher priority go first.
    pub priority: i32,
    /// Whether it may not run together with others, even where the model allows it.
    pub alone: bool,
    /// Whether its CPU time is measured, however tiny it is.
    pub exact: bool,
    /// Who pays for it.
    pub account: Option<Arc<dyn Account>>,
}

impl Call {
    /// What a run cost it that gave these values, or none.
    pub(super) fn charge(&self, used: Used, queue: Duration, share: f64, outputs: &[(String, Value)]) -> Receipt {
        let (cpu, wall) = (used.cpu(), used.wall);
        let (read_bytes, allocated_bytes) = (bytes_of(&self.inputs), bytes_of(outputs));
        let receipt = Receipt { cpu, wall, queue, share, allocated_bytes, read_bytes };
        if let Some(account) = &self.account {
            account.charge(&receipt);
        }
        receipt
    }
}

/// What came out.
#[derive(Debug)]
pub struct RunOutput {
    /// In the order asked for, or the model's.
    pub outputs: Vec<(String, Value)>,
    /// The run itself, without waiting.
    pub latency: Duration,
    /// Of all requests that ran together; `None` for one that ran alone.
    pub batch_rows: Option<usize>,
    pub receipt: Receipt,
}

impl RunOutput {
    /// Rows of the run that a request with so many was part of; one where they are not known.
    pub fn rows_of_run(&self, rows: Option<usize>) -> usize {
        self.batch_rows.or(rows).unwrap_or(1)
    }
}

/// Receives the outcome of a run, on any thread.
pub type RunCallback = Box<dyn FnOnce(Result<RunOutput>) + Send>;

pub struct Run {
    /// As long as the run exists, its session stays loaded.
    _in_use: InUse,
    model: Arc<LoadedModel>,
    call: Call,
    control: RunControl,
    callback: Mutex<Option<RunCallback>>,
    watch_key: OnceLock<WatchKey>,
    watchdog: Arc<Watchdog>,
    begun: Instant,
    /// The requests that it runs together with.
    group: Mutex<Option<Arc<GroupControl>>>,
}

/// Cancels a run whose caller is gone.
#[derive(Clone)]
pub struct RunHandle(Weak<Run>);

impl RunHandle {
    pub(super) fn new(run: &Arc<Run>) -> Self {
        Self(Arc::downgrade(run))
    }

    /// False when the run is over and forgotten.
    pub fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }

    pub fn cancel(&self) {
        if let Some(run) = self.0.upgrade() {
            run.stop(StopReason::Cancelled);
        }
    }
}

impl Run {
    /// A run that the watchdog stops at the deadline.
    pub(super) fn begin(
        model: &Arc<LoadedModel>,
        call: Call,
        callback: Option<RunCallback>,
        watchdog: &Arc<Watchdog>,
        timeout: Duration,
    ) -> Arc<Self> {
        let begun = Instant::now();
        let run = Arc::new(Self {
            _in_use: InUse::of(&model.usage),
            model: Arc::clone(model),
            call,
            control: RunControl::default(),
            callback: Mutex::new(callback),
            watch_key: OnceLock::new(),
            watchdog: Arc::clone(watchdog),
            begun,
            group: Mutex::new(None),
        });
        let watched: Weak<Self> = Arc::downgrade(&run);
        run.watch_key.get_or_init(|| watchdog.watch(begun + timeout, watched));
        run
    }

    pub(super) fn call(&self) -> &Call {
        &self.call
    }

    /// How long it has waited at a time.
    pub(super) fn queued(&self, until: Instant) -> Duration {
        until.saturating_duration_since(self.begun)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.control.reason().is_some()
    }

    /// Makes it part of a common run; one that was stopped already leaves it at once.
    pub(super) fn join(&self, group: &Arc<GroupControl>) {
        let mut slot = self.group.lock();
        match self.control.reason() {
            Some(reason) => group.leave(reason),
            None => *slot = Some(Arc::clone(group)),
        }
    }

    /// Answers the caller; only the first answer counts.
    pub(super) fn finish(&self, outcome: Result<RunOutput>) {
        self.forget();
        let callback = self.callback.lock().take();
        if let Some(callback) = callback {
            callback(outcome);
        }
    }

    /// Its deadline no longer matters.
    fn forget(&self) {
        if let Some(key) = self.watch_key.get() {
            self.watchdog.forget(*key);
        }
    }

    /// Runs it alone and answers its caller; gives the time of the run when it succeeded.
    pub(super) fn execute(&self) -> Option<Duration> {
        let queue = self.queued(Instant::now());
        let outcome = run_recorded(&self.model, &self.call, &self.control, queue);
        let latency = outcome.as_ref().ok().map(|output| output.latency);
        self.finish(outcome);
        latency
    }

    /// Runs it on this thread until its deadline, uncounted.
    pub(super) fn try_out(&self) -> Result<RunOutput> {
        let (outcome, _) = run_call(&self.model, &self.call, &self.control, (Phase::WarmUp, Duration::ZERO));
        if let Ok(output) = &outcome {
            self.model.inline.record(&self.call.inputs, output.latency);
        }
        self.forget();
        outcome
    }
}

impl Stop for Run {
    /// Stops the run and answers its caller, even if the engine needs longer to let go.
    fn stop(self: Arc<Self>, reason: StopReason) {
        self.control.stop(reason);
        if let Some(group) = self.group.lock().take() {
            group.leave(reason);
        }
        if let Some(stopped) = self.control.stopped() {
            self.finish(Err(stopped));
        }
    }
}

/// Runs a call on this thread, which waits for it.
pub(super) fn run_unstoppable(model: &LoadedModel, call: &Call) -> Result<RunOutput> {
    run_recorded(model, call, &RunControl::unstoppable(), Duration::ZERO)
}

fn run_recorded(model: &LoadedModel, call: &Call, control: &RunControl, queue: Duration) -> Result<RunOutput> {
    let (outcome, latency) = run_call(model, call, control, (Phase::Run, queue));
    model.record(&call.inputs, latency, outcome.is_err());
    outcome
}

/// The outcome, and how long the engine took.
fn run_call(
    model: &LoadedModel,
    call: &Call,
    control: &RunControl,
    (phase, queue): (Phase, Duration),
) -> (Result<RunOutput>, Duration) {
    if let Some(stopped) = control.stopped() {
        return (Err(stopped), Duration::ZERO);
    }
    let inputs: SmallVec<[(&str, &Value); 4]> =
        call.inputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let names = model.output_names(&call.outputs);
    let (ran, used) = model.run_measured(phase, &inputs, &names, control, call.exact);
    let outcome = ran.map(|values| names.into_iter().map(str::to_owned).zip(values).collect::<Vec<_>>());
    let receipt = call.charge(used, queue, 1.0, outcome.as_deref().unwrap_or_default());
    let output = outcome.map(|outputs| RunOutput { outputs, latency: used.wall, batch_rows: None, receipt });
    (output, used.wall)
}
