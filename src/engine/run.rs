//! One run: its inputs, its stop signal and whoever waits for it.

use super::RunCallback;
use super::batch::Group;
use super::control::{RunControl, Stop, StopReason};
use super::journal::Phase;
use super::session::Session;
use super::usage::InUse;
use super::watchdog::{WatchKey, Watchdog};
use crate::error::{Result, error};
use crate::tensor::Value;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

/// What to run.
pub struct RunRequest {
    pub session: Arc<Session>,
    /// Named inputs, owned: a caller's memory may vanish while the run is under way.
    pub inputs: Vec<(String, Value)>,
    /// Names of the outputs wanted; empty for all.
    pub outputs: Vec<String>,
    /// How long it may take, waiting included; `None` for the engine's default.
    pub timeout: Option<Duration>,
    /// Of the requests that wait for a model, those of a higher priority go first.
    pub priority: i32,
    /// Whether it may not run together with others, even where the model allows it.
    pub alone: bool,
}

/// What came out.
#[derive(Debug)]
pub struct RunOutput {
    /// In the order asked for, or the model's.
    pub outputs: Vec<(String, Value)>,
    /// The run itself, without waiting.
    pub latency: Duration,
}

pub struct Run {
    /// Until nobody knows the run any more, its session stays loaded.
    _in_use: InUse,
    request: RunRequest,
    control: RunControl,
    callback: Mutex<Option<RunCallback>>,
    watch_key: OnceLock<WatchKey>,
    watchdog: Arc<Watchdog>,
    /// The requests that it runs together with.
    group: Mutex<Option<Arc<Group>>>,
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
    pub(super) fn new(request: RunRequest, callback: Option<RunCallback>, watchdog: Arc<Watchdog>) -> Self {
        Self {
            _in_use: InUse::of(&request.session),
            request,
            control: RunControl::default(),
            callback: Mutex::new(callback),
            watch_key: OnceLock::new(),
            watchdog,
            group: Mutex::new(None),
        }
    }

    pub(super) fn request(&self) -> &RunRequest {
        &self.request
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.control.stopped().is_some()
    }

    /// Makes it part of a common run; one that was stopped already leaves it at once.
    pub(super) fn join(&self, group: &Arc<Group>) {
        let mut slot = self.group.lock();
        match self.control.reason() {
            Some(reason) => group.leave(reason),
            None => *slot = Some(Arc::clone(group)),
        }
    }

    pub(super) fn set_watch_key(&self, key: WatchKey) {
        // Set once, by the one `watch` of this run.
        let _ = self.watch_key.set(key);
    }

    /// Answers the caller; only the first answer counts.
    pub(super) fn finish(&self, outcome: Result<RunOutput>) {
        if let Some(key) = self.watch_key.get() {
            self.watchdog.forget(*key);
        }
        let callback = self.callback.lock().take();
        if let Some(callback) = callback {
            callback(outcome);
        }
    }

    /// Runs it alone and answers its caller; gives the time of the run when it succeeded.
    pub(super) fn execute(&self) -> Option<Duration> {
        let outcome = run_recorded(&self.request, &self.control);
        let latency = outcome.as_ref().ok().map(|output| output.latency);
        self.finish(outcome);
        latency
    }

    /// Runs it on this thread until its deadline, uncounted.
    pub(super) fn try_out(&self) -> Result<RunOutput> {
        let (outcome, _) = run_backend(&self.request, &self.control, Phase::WarmUp);
        if let Ok(output) = &outcome {
            self.request.session.inline.record(&self.request.inputs, output.latency);
        }
        if let Some(key) = self.watch_key.get() {
            self.watchdog.forget(*key);
        }
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

/// Runs a request on this thread, which waits for it.
pub(super) fn run_unstoppable(request: &RunRequest) -> Result<RunOutput> {
    run_recorded(request, &RunControl::unstoppable())
}

fn run_recorded(request: &RunRequest, control: &RunControl) -> Result<RunOutput> {
    let (outcome, latency) = run_backend(request, control, Phase::Run);
    request.session.record(&request.inputs, latency, outcome.is_err());
    outcome
}

/// The outcome, and how long the engine took.
fn run_backend(request: &RunRequest, control: &RunControl, phase: Phase) -> (Result<RunOutput>, Duration) {
    if let Some(stopped) = control.stopped() {
        return (Err(stopped), Duration::ZERO);
    }
    let RunRequest { session, inputs, outputs, .. } = request;
    let inputs: SmallVec<[(&str, &Value); 4]> = inputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let names = session.output_names(outputs);
    let backend = match session.backend() {
        Ok(backend) => backend,
        Err(unloaded) => return (Err(unloaded), Duration::ZERO),
    };
    let _under_way = session.under_way(phase);
    let start = Instant::now();
    let ran = catch_unwind(AssertUnwindSafe(|| backend.run(&inputs, &names, control)))
        .unwrap_or_else(|_| Err(error!(RunFailed, "the engine panicked while it ran the model")));
    let latency = start.elapsed();
    let outcome = ran.map(|values| {
        let outputs = names.into_iter().map(str::to_owned).zip(values).collect();
        RunOutput { outputs, latency }
    });
    (outcome, latency)
}
