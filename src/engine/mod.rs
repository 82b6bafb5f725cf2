//! Sessions: loaded once per process, cached, run under a deadline.

pub mod backend;
mod backends;
mod batch;
mod cache;
pub mod control;
mod exit;
mod fixed_work;
mod idle;
mod inline;
mod journal;
mod load;
mod loaders;
mod options;
mod pool;
mod preload;
mod providers;
mod reclaim;
mod run;
mod session;
mod usage;
mod warm_up;
mod watchdog;

pub use backend::execution_providers::known as provider_names;
pub use batch::BatchStatus;
pub use cache::CacheStatus;
pub use journal::{
    JournalStatus, check as check_quarantine, introduce_thread, open as open_journal, release as release_quarantined,
};
pub use load::{Inspected, LoadCallback, LoadRequest};
pub use options::{EngineChoice, EngineOptions};
pub use preload::{PreloadFailure, PreloadStatus};
pub use providers::{Placement, Provider, Providers};
pub use run::{RunHandle, RunOutput, RunRequest};
pub use session::{Session, SessionKey, SessionStatus};

use crate::error::{Error, Result, error};
use backends::Backends;
use batch::{Pushed, Turn};
use cache::SessionCache;
use idle::IdleWatch;
use load::Purpose;
use loaders::{Loaders, TooSlow};
use parking_lot::{Mutex, RwLock};
use pool::Pool;
use run::{Run, run_unstoppable};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use usage::InUse;
use watchdog::Watchdog;

/// Everything that executes models in this process. All threads share one; see [`Engine::shared`].
pub struct Engine {
    options: RwLock<EngineOptions>,
    backends: Backends,
    cache: Arc<SessionCache>,
    idle: Arc<IdleWatch>,
    preloaded: Mutex<Option<PreloadStatus>>,
    loads: Arc<Loaders>,
    /// Of uploads: what hangs here was never accepted, and stops no load.
    inspections: Arc<Loaders>,
    slow_inspections: Mutex<TooSlow<String>>,
    warm_ups: Pool,
    runs: Pool,
    watchdog: Arc<Watchdog>,
    closing: AtomicBool,
}

/// Receives the outcome of a run, on any thread.
pub type RunCallback = Box<dyn FnOnce(Result<RunOutput>) + Send>;

/// What [`Engine::status`] tells.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineStatus {
    pub engines: backends::BackendsStatus,
    pub cache: CacheStatus,
    pub sessions: Vec<SessionStatus>,
    /// Null when nothing was asked to be preloaded.
    pub preload: Option<PreloadStatus>,
    #[serde(flatten)]
    pub journal: JournalStatus,
    /// Runs that wait for a thread.
    pub queued: usize,
    /// Runs that wait or are under way.
    pub running: usize,
}

impl Engine {
    /// The engine of this process.
    pub fn shared() -> &'static Self {
        static SHARED: std::sync::LazyLock<Engine> = std::sync::LazyLock::new(|| Engine::new(EngineOptions::default()));
        &SHARED
    }

    pub fn new(options: EngineOptions) -> Self {
        let cache = Arc::new(SessionCache::new(options.cache_max_models, options.cache_max_bytes));
        Self {
            backends: Backends::default(),
            idle: IdleWatch::new(Arc::clone(&cache), options.idle_unload),
            cache,
            preloaded: Mutex::default(),
            loads: Loaders::new("edge-ai-load"),
            inspections: Loaders::new("edge-ai-inspect"),
            slow_inspections: Mutex::default(),
            warm_ups: Pool::new("edge-ai-warm-up", 2, usize::MAX),
            runs: Pool::new("edge-ai-run", options.run_threads, options.max_queue_size),
            watchdog: Watchdog::start(),
            closing: AtomicBool::new(false),
            options: RwLock::new(options),
        }
    }

    /// Takes over new limits. Threads and the library are those of the first start.
    pub fn configure(&self, options: EngineOptions) {
        self.cache.set_limits(options.cache_max_models, options.cache_max_bytes);
        self.runs.set_limits(options.run_threads, options.max_queue_size);
        self.idle.set_limit(options.idle_unload);
        *self.options.write() = options;
    }

    pub fn options(&self) -> EngineOptions {
        self.options.read().clone()
    }

    /// The session of a digest when it is cached.
    pub fn cached(&self, digest: &str, engine: Option<EngineChoice>) -> Option<Arc<Session>> {
        self.cache.get(&self.key(digest, engine))
    }

    /// Whether [`Self::cached`] would give this session for its digest and the engine's own choice.
    pub fn is_current(&self, session: &Arc<Session>) -> bool {
        let is_chosen = {
            let options = self.options.read();
            session.key.engine == options.engine && session.key.providers == options.providers
        };
        is_chosen && self.cache.get(&session.key).is_some_and(|cached| Arc::ptr_eq(&cached, session))
    }

    fn key(&self, digest: &str, engine: Option<EngineChoice>) -> SessionKey {
        let options = self.options.read();
        SessionKey {
            digest: digest.to_owned(),
            engine: engine.unwrap_or(options.engine),
            providers: options.providers.clone(),
        }
    }

    /// Drops the sessions of a digest. Runs under way keep theirs until they end.
    pub fn evict(&self, digest: &str) {
        self.cache.evict(digest);
    }

    /// Runs a session on the run threads. The callback is called exactly once, at the latest soon after the deadline.
    pub fn run(&'static self, request: RunRequest, callback: RunCallback) -> RunHandle {
        let run = self.begin(request, Some(callback));
        let handle = RunHandle::new(&run);
        if self.closing.load(Ordering::Acquire) {
            run.finish(Err(error!(Closed, "the engine is closing")));
            return handle;
        }
        match run.request().session.reload() {
            None => self.start(run),
            Some(request) => self.load_for(
                run.request().session.key.clone(),
                request,
                None,
                Purpose::Again,
                Box::new(move |loaded| match loaded {
                    Ok(loaded) => {
                        self.cache.share(&loaded, &run.request().session);
                        self.start(run);
                    }
                    Err(problem) => run.finish(Err(problem)),
                }),
            ),
        }
        handle
    }

    fn start(&'static self, run: Arc<Run>) {
        let session = Arc::clone(&run.request().session);
        let (limits, max_queue) = {
            let options = self.options.read();
            (options.batch_limits(), options.max_queue_size)
        };
        match session.batch.push(&run, &limits, max_queue) {
            Pushed::Queued { turn: None } => {}
            Pushed::Queued { turn: Some(turn) } => self.start_turn(session, turn, &run),
            Pushed::Full => run.finish(Err(self.queue_full())),
        }
    }

    fn start_turn(&'static self, session: Arc<Session>, turn: Turn, run: &Arc<Run>) {
        let worked = Arc::clone(&session);
        if self.runs.submit(&session.lane, Box::new(move || self.take_turn(worked, turn))).is_err() {
            for run in session.batch.give_up(turn, run) {
                run.finish(Err(self.queue_full()));
            }
        }
    }

    /// Takes a turn of a model and queues for the next, so that other models have theirs.
    fn take_turn(&'static self, session: Arc<Session>, turn: Turn) {
        let limits = self.options.read().batch_limits();
        if session.batch.work(&session, &limits, turn) {
            let lane = Arc::clone(&session.lane);
            self.runs.submit_again(&lane, Box::new(move || self.take_turn(session, turn)));
        }
    }

    fn queue_full(&self) -> Error {
        error!(QueueFull, "{} runs wait already; try again later", self.options.read().max_queue_size)
    }

    /// Runs a session on the calling thread when it is known to be tiny and none of its runs waits for a thread; gives the
    /// request back otherwise.
    /// `crowded`: the caller has more to run than this, so that only the tiniest stays and others may run together.
    pub fn run_inline(&self, request: RunRequest, crowded: bool) -> Result<Result<RunOutput>, RunRequest> {
        let _in_use = InUse::of(&request.session);
        let in_crowd = crowded && request.session.batch.is_batchable();
        let stays = request.session.inline.allows(&request.inputs, in_crowd) && self.is_free(&request.session);
        if stays { Ok(run_unstoppable(&request)) } else { Err(request) }
    }

    /// The same for requests of one session, which run together as far as they may and as that pays. The outcomes are in the
    /// order of the requests.
    pub fn run_inline_together(&self, requests: Vec<RunRequest>) -> Vec<Result<Result<RunOutput>, RunRequest>> {
        let Some(session) = requests.first().map(|request| Arc::clone(&request.session)) else { return Vec::new() };
        let _in_use = InUse::of(&session);
        let tiny = |request: &RunRequest| session.inline.allows_together(&request.inputs, requests.len());
        if !requests.iter().all(tiny) || !self.is_free(&session) {
            return requests.into_iter().map(Err).collect();
        }
        let max_rows = self.options.read().max_batch_size;
        session.batch.run_now(&session, &requests, max_rows).into_iter().map(Ok).collect()
    }

    /// Whether a session that is in use can run on the calling thread now. A tiny run needs no deadline there: it is too short
    /// to be stopped, and its length does not depend on its values.
    fn is_free(&self, session: &Session) -> bool {
        self.runs.queued_in(&session.lane) == 0 && !session.is_unloaded()
    }

    fn begin(&self, request: RunRequest, callback: Option<RunCallback>) -> Arc<Run> {
        let timeout = request.timeout.unwrap_or(Duration::from_millis(self.options.read().timeout_ms));
        let deadline = Instant::now() + timeout;
        let run = Arc::new(Run::new(request, callback, Arc::clone(&self.watchdog)));
        let watched: Weak<Run> = Arc::downgrade(&run);
        run.set_watch_key(self.watchdog.watch(deadline, watched));
        run
    }

    pub fn status(&self) -> EngineStatus {
        let max_batch_size = self.options.read().max_batch_size;
        EngineStatus {
            engines: self.backends.status(&self.options()),
            cache: self.cache.status(),
            sessions: self.cache.sessions().iter().map(|session| session.status(max_batch_size)).collect(),
            preload: self.preloaded.lock().clone(),
            journal: journal::status(),
            queued: self.runs.queued(),
            running: self.watchdog.watched(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::backend::onnx_runtime::trial::{endless, inputs, on};
    use super::*;
    use crate::error::ErrorCode;
    use crate::model::{Content, ModelFile, Source};
    use bytes::Bytes;
    use std::sync::mpsc::{Receiver, channel};

    const EVENTUALLY: Duration = Duration::from_secs(60);

    fn session(provider: &str) -> Arc<Session> {
        let (prepared, loaded) = endless(on(provider));
        let key = SessionKey {
            digest: provider.to_owned(),
            engine: EngineChoice::OnnxRuntime,
            providers: Providers::default(),
        };
        let file = ModelFile { name: "endless.onnx".to_owned(), content: Content::Memory(Bytes::new()) };
        let source = Source { files: vec![file], beside: false, cache_folder: None };
        let request = LoadRequest { digest: provider.to_owned(), source, framework: None, engine: None };
        Arc::new(Session::new(key, request, "onnxruntime", prepared, loaded))
    }

    fn start(engine: &'static Engine, session: &Arc<Session>, go: bool) -> (RunHandle, Receiver<Result<RunOutput>>) {
        let (sender, receiver) = channel();
        let request = RunRequest {
            session: Arc::clone(session),
            inputs: inputs(go),
            outputs: Vec::new(),
            timeout: Some(EVENTUALLY * 2),
            priority: 0,
            alone: false,
        };
        // Who no longer listens does not matter.
        (engine.run(request, Box::new(move |outcome| drop(sender.send(outcome)))), receiver)
    }

    #[test]
    fn runs_that_wait_for_their_turn_hold_no_thread() {
        let options = EngineOptions { run_threads: 2, ..EngineOptions::default() };
        let engine: &'static Engine = Box::leak(Box::new(Engine::new(options)));
        let (accelerated, plain) = (session("cuda"), session("cpu"));
        let (long, long_outcome) = start(engine, &accelerated, true);
        let waiting: Vec<_> = (0..5).map(|_| start(engine, &accelerated, false).1).collect();
        start(engine, &plain, false).1.recv_timeout(EVENTUALLY).unwrap().unwrap();
        assert!(waiting.iter().all(|receiver| receiver.try_recv().is_err()), "it did not wait for its turn");
        while accelerated.status(1).batching.queued > waiting.len() {
            // The long run is still to be taken from the queue.
            std::thread::yield_now();
        }
        assert_eq!(accelerated.status(1).batching.queued, waiting.len());
        long.cancel();
        assert_eq!(long_outcome.recv_timeout(EVENTUALLY).unwrap().unwrap_err().code, ErrorCode::Cancelled);
        for receiver in waiting {
            receiver.recv_timeout(EVENTUALLY).unwrap().unwrap();
        }
    }
}
