//! A model in memory: what a run needs of a session.

use super::backend::{BackendSession, Loaded};
use super::control::RunControl;
use super::cpu_sampler::{CpuSampler, Sampling};
use super::inline::InlineRule;
use super::journal::{self, Digest, Phase};
use super::load_request::LoadRequest;
use super::operator_threads::OperatorThreads;
use super::options::EngineChoice;
use super::providers::{Overlap, Placement, Providers};
use super::receipt::Used;
use super::usage::Usage;
use crate::error::{Result, error};
use crate::files::Content;
use crate::model::{Framework, Prepared};
use crate::signature::Signature;
use crate::tensor::Value;
use parking_lot::RwLock;
use smallvec::SmallVec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a session that the cache has dropped keeps its model: a caller that was just given it may be about to run it.
const GRACE: Duration = Duration::from_millis(100);

/// What identifies a session in the cache: the bytes of the model, the engine and the providers that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// SHA-256 of the model, in hexadecimal.
    pub digest: String,
    pub engine: EngineChoice,
    pub providers: Providers,
}

pub struct LoadedModel {
    pub key: SessionKey,
    /// The engine that runs it.
    pub engine: &'static str,
    pub placement: Placement,
    pub framework: Framework,
    pub signature: Signature,
    pub labels: Option<Vec<String>>,
    pub weight_bytes: u64,
    /// For the journal.
    digest: Option<Digest>,
    /// `None` while it is unloaded.
    backend: RwLock<Option<Arc<dyn BackendSession>>>,
    /// The cache has dropped it: its memory is freed although callers may hold it.
    evicted: AtomicBool,
    /// How to load it again. `None`: its bytes were in memory, and keeping them would save nothing.
    source: Option<LoadRequest>,
    pub(super) usage: Arc<Usage>,
    pub(super) inline: InlineRule,
    pub(super) cpu: CpuSampler,
    runs: AtomicU64,
    failures: AtomicU64,
    run_nanos: AtomicU64,
}

/// How often a model was run.
pub struct RunCounts {
    pub runs: u64,
    pub failures: u64,
    /// Mean time of the engine per request; `None` before the first.
    pub mean_ms: Option<f64>,
}

impl LoadedModel {
    pub(super) fn new(
        key: SessionKey,
        request: LoadRequest,
        engine: &'static str,
        prepared: Prepared,
        loaded: Loaded,
    ) -> Self {
        let Loaded { session: backend, placement } = loaded;
        let on_disk = request.source.files.iter().all(|file| matches!(file.content, Content::Path(_)));
        Self {
            source: on_disk.then(|| LoadRequest { engine: Some(key.engine), ..request }),
            digest: Digest::parse(&key.digest),
            key,
            engine,
            framework: prepared.framework,
            inline: if placement.overlap() == Overlap::Any && !placement.lacks_memory {
                InlineRule::for_model(&prepared.model)
            } else {
                InlineRule::never()
            },
            placement,
            signature: prepared.signature,
            labels: prepared.labels,
            weight_bytes: prepared.weight_bytes,
            backend: RwLock::new(Some(backend.into())),
            evicted: AtomicBool::new(false),
            usage: Arc::default(),
            cpu: CpuSampler::default(),
            runs: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            run_nanos: AtomicU64::new(0),
        }
    }

    /// # Errors
    /// `CLOSED` while it is unloaded.
    pub(super) fn backend(&self) -> Result<Arc<dyn BackendSession>> {
        self.backend.read().clone().ok_or_else(|| error!(Closed, "the model was unloaded meanwhile; try again"))
    }

    /// Runs it on this thread: the values of the outputs, in the order of their names, and what the engine used. The CPU time of a run that
    /// nobody can stop, which is tiny, is measured only when it is `exact`.
    pub(super) fn run_measured(
        &self,
        phase: Phase,
        inputs: &[(&str, &Value)],
        outputs: &[&str],
        control: &RunControl,
        exact: bool,
    ) -> (Result<Vec<Value>>, Used) {
        let run = self.cpu.begin(exact || control.can_stop());
        let (ran, used) = self.run(phase, inputs, outputs, control, &run);
        let own_cpu = self.cpu.end(&run, used.wall);
        (ran, Used { own_cpu, ..used })
    }

    /// The same within what is measured as one run; CPU time of this thread is not told.
    pub(super) fn run(
        &self,
        phase: Phase,
        inputs: &[(&str, &Value)],
        outputs: &[&str],
        control: &RunControl,
        sampling: &Sampling,
    ) -> (Result<Vec<Value>>, Used) {
        let backend = match self.backend() {
            Ok(backend) => backend,
            Err(unloaded) => return (Err(unloaded), Used::default()),
        };
        let _under_way = journal::enter(self.digest.as_ref(), phase);
        let has_others = matches!(sampling, Sampling::Measured(_)) && backend.has_operator_threads();
        let threads = has_others.then(|| OperatorThreads::shared().begin()).flatten();
        let start = Instant::now();
        let ran = catch_unwind(AssertUnwindSafe(|| backend.run(inputs, outputs, control)))
            .unwrap_or_else(|_| Err(error!(RunFailed, "the engine panicked while it ran the model")));
        let wall = start.elapsed();
        let shared_cpu = threads.map_or(Duration::ZERO, |threads| threads.end(wall));
        (ran, Used { own_cpu: None, shared_cpu, wall })
    }

    pub(super) fn is_unloaded(&self) -> bool {
        self.backend.read().is_none()
    }

    /// How to load it again; `None` for one that was loaded from memory.
    pub(super) fn source(&self) -> Option<LoadRequest> {
        self.source.clone()
    }

    /// How to load it again, while it is unloaded.
    pub(super) fn reload(&self) -> Option<LoadRequest> {
        if self.is_unloaded() { self.source() } else { None }
    }

    /// Gives up the model, which the caller drops, when it has not been used for this time. What was learned about it stays. A
    /// session that could not be loaded again keeps its model as long as somebody holds it.
    pub(super) fn unload(&self, idle: Duration) -> Option<Option<Arc<dyn BackendSession>>> {
        self.unload_if(|| self.usage.idle().is_some_and(|unused| unused >= idle))
    }

    fn unload_if(&self, may: impl FnOnce() -> bool) -> Option<Option<Arc<dyn BackendSession>>> {
        let mut backend = self.backend.write();
        // Below the lock: a run that begins now waits for it and finds that the model must be loaded again.
        may().then(|| if self.source.is_some() { backend.take() } else { None })
    }

    /// The same for a session that the cache has dropped; also `None` when it was taken back since.
    pub(super) fn unload_evicted(&self) -> Option<Option<Arc<dyn BackendSession>>> {
        let may = || self.is_evicted() && self.usage.idle().is_some_and(|unused| unused >= GRACE);
        self.unload_if(may)
    }

    /// Says that the cache drops it.
    pub(super) fn set_evicted(&self) {
        self.evicted.store(true, Ordering::SeqCst);
    }

    /// Takes another session's model for as long as it is used.
    pub(super) fn borrow_model(&self, model: Arc<dyn BackendSession>) {
        let mut slot = self.backend.write();
        slot.get_or_insert(model);
        self.evicted.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::SeqCst)
    }

    /// Takes it back into the cache; false when it is unloaded by now.
    pub(super) fn readmit(&self) -> bool {
        let backend = self.backend.write();
        if backend.is_some() {
            self.evicted.store(false, Ordering::SeqCst);
            self.usage.touch();
        }
        backend.is_some()
    }

    /// Takes the model back after [`Self::unload`].
    pub(super) fn revive(&self, backend: Box<dyn BackendSession>) {
        let mut slot = self.backend.write();
        *slot = Some(backend.into());
        self.evicted.store(false, Ordering::SeqCst);
        self.usage.touch();
    }

    pub(super) fn has_run(&self) -> bool {
        self.runs.load(Ordering::Relaxed) > 0
    }

    pub(super) fn record(&self, inputs: &[(String, Value)], latency: Duration, failed: bool) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.failures.fetch_add(u64::from(failed), Ordering::Relaxed);
        self.run_nanos.fetch_add(latency.as_nanos() as u64, Ordering::Relaxed);
        self.inline.record(inputs, latency);
    }

    /// Counts the requests of a common run, of which one had these inputs.
    pub(super) fn record_batch(&self, requests: usize, inputs: &[(String, Value)], latency: Duration) {
        self.runs.fetch_add(requests as u64, Ordering::Relaxed);
        self.run_nanos.fetch_add(latency.as_nanos() as u64, Ordering::Relaxed);
        self.inline.record_together(inputs, latency);
    }

    pub(super) fn counts(&self) -> RunCounts {
        let runs = self.runs.load(Ordering::Relaxed);
        let total_ms = self.run_nanos.load(Ordering::Relaxed) as f64 / 1e6;
        RunCounts {
            runs,
            failures: self.failures.load(Ordering::Relaxed),
            mean_ms: (runs > 0).then(|| total_ms / runs as f64),
        }
    }

    /// The outputs to compute: those asked for, or all.
    pub(super) fn output_names<'a>(&'a self, wanted: &'a [String]) -> SmallVec<[&'a str; 4]> {
        if wanted.is_empty() {
            self.signature.outputs.iter().map(|output| output.name.as_str()).collect()
        } else {
            wanted.iter().map(String::as_str).collect()
        }
    }
}
