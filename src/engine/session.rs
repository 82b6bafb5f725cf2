//! A loaded model.

use super::LoadRequest;
use super::backend::{BackendSession, Loaded};
use super::batch::{BatchQueue, BatchStatus};
use super::inline::InlineRule;
use super::journal::{self, Digest, Phase, UnderWay};
use super::options::EngineChoice;
use super::pool::Lane;
use super::providers::{Placement, Providers};
use super::usage::Usage;
use crate::error::{Result, error};
use crate::model::{Content, Framework, Prepared};
use crate::signature::Signature;
use crate::tensor::Value;
use parking_lot::RwLock;
use serde::Serialize;
use smallvec::SmallVec;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a session that the cache has dropped keeps its model: who was just given it may be about to run it.
const GRACE: Duration = Duration::from_millis(100);

/// What identifies a session in the cache: the bytes of the model, the engine and the providers that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// SHA-256 of the model, in hexadecimal.
    pub digest: String,
    pub engine: EngineChoice,
    pub providers: Providers,
}

pub struct Session {
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
    /// The cache has dropped it: whoever holds it does not hold its memory.
    evicted: AtomicBool,
    /// How to load it again. `None`: its bytes were in memory, and keeping them would save nothing.
    source: Option<LoadRequest>,
    pub(super) usage: Usage,
    /// The first run with made-up rows; `Some(None)` when the model cannot be tried out.
    pub(super) warm_up_latency: OnceLock<Option<Duration>>,
    pub(super) inline: InlineRule,
    pub(super) batch: BatchQueue,
    /// Where its runs wait for a thread.
    pub(super) lane: Arc<Lane>,
    runs: AtomicU64,
    failures: AtomicU64,
    run_nanos: AtomicU64,
}

/// A session in [`EngineStatus`](super::EngineStatus).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionStatus {
    pub digest: String,
    pub engine: &'static str,
    #[serde(flatten)]
    pub placement: Placement,
    pub framework: &'static str,
    pub bytes: u64,
    pub runs: u64,
    pub failures: u64,
    /// Time of the first run with made-up rows; null before, and when none can be made up.
    pub warm_up_ms: Option<f64>,
    /// Mean time of the engine per request; null before the first.
    pub mean_run_ms: Option<f64>,
    pub batching: BatchStatus,
}

impl Session {
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
            inline: if placement.allows_overlap() {
                InlineRule::for_model(&prepared.model)
            } else {
                InlineRule::never()
            },
            batch: BatchQueue::new(placement.allows_overlap(), &prepared),
            lane: Arc::default(),
            placement,
            signature: prepared.signature,
            labels: prepared.labels,
            weight_bytes: prepared.weight_bytes,
            backend: RwLock::new(Some(backend.into())),
            evicted: AtomicBool::new(false),
            usage: Usage::default(),
            warm_up_latency: OnceLock::new(),
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

    /// Writes down that this thread begins to warm it up or to run it.
    pub(super) fn under_way(&self, phase: Phase) -> UnderWay {
        journal::enter(self.digest.as_ref(), phase)
    }

    pub(super) fn is_unloaded(&self) -> bool {
        self.backend.read().is_none()
    }

    /// How to load it again, while it is unloaded.
    pub(super) fn reload(&self) -> Option<LoadRequest> {
        if self.is_unloaded() { self.source.clone() } else { None }
    }

    /// Lets go of the model, which the caller drops, when nobody has used it for so long. What was learned about it stays. A
    /// session that could not be loaded again keeps its model as long as somebody holds it.
    pub(super) fn unload(&self, idle: Duration) -> Option<Option<Arc<dyn BackendSession>>> {
        self.unload_if(|| self.usage.idle().is_some_and(|unused| unused >= idle))
    }

    fn unload_if(&self, may: impl FnOnce() -> bool) -> Option<Option<Arc<dyn BackendSession>>> {
        let mut backend = self.backend.write();
        // Below the lock: a run that begins now waits for it and finds that the model must be loaded again.
        may().then(|| if self.source.is_some() { backend.take() } else { None })
    }

    /// The same for a session that the cache has dropped; also `None` when it was taken
    /// back since.
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

    pub(super) fn has_run(&self) -> bool {
        self.runs.load(Ordering::Relaxed) > 0
    }

    /// Takes the model back after [`Self::unload`].
    pub(super) fn revive(&self, backend: Box<dyn BackendSession>) {
        let mut slot = self.backend.write();
        *slot = Some(backend.into());
        self.evicted.store(false, Ordering::SeqCst);
        self.usage.touch();
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

    /// The outputs to compute: those asked for, or all.
    pub(super) fn output_names<'a>(&'a self, wanted: &'a [String]) -> SmallVec<[&'a str; 4]> {
        if wanted.is_empty() {
            self.signature.outputs.iter().map(|output| output.name.as_str()).collect()
        } else {
            wanted.iter().map(String::as_str).collect()
        }
    }

    pub fn status(&self, max_batch_rows: usize) -> SessionStatus {
        let runs = self.runs.load(Ordering::Relaxed);
        let total_ms = self.run_nanos.load(Ordering::Relaxed) as f64 / 1e6;
        SessionStatus {
            digest: self.key.digest.clone(),
            engine: self.engine,
            placement: self.placement.clone(),
            framework: self.framework.as_str(),
            bytes: self.weight_bytes,
            runs,
            failures: self.failures.load(Ordering::Relaxed),
            warm_up_ms: self.warm_up_latency.get().copied().flatten().map(|latency| latency.as_secs_f64() * 1e3),
            mean_run_ms: (runs > 0).then(|| total_ms / runs as f64),
            batching: self.batch.status(max_batch_rows),
        }
    }
}
