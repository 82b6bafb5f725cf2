//! The engine that all threads of a process share, and what callers ask of it.

use super::backends::{Backends, BackendsStatus};
use super::cache::{CacheStatus, SessionCache};
use super::idle::IdleWatch;
use super::journal::{self, JournalStatus};
use super::loaded_model::SessionKey;
use super::loaders::{Loaders, TooSlow};
use super::options::{EngineChoice, EngineOptions};
use super::pool::Pool;
use super::preload::PreloadStatus;
use super::residency::Residence;
use super::session::{Session, SessionStatus};
use super::watchdog::Watchdog;
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Everything that executes models in this process. All threads share one; see [`Engine::shared`].
pub struct Engine {
    pub(super) options: RwLock<EngineOptions>,
    pub(super) backends: Backends,
    pub(super) cache: Arc<SessionCache>,
    pub(super) idle: Arc<IdleWatch>,
    pub(super) preloaded: Mutex<Option<PreloadStatus>>,
    pub(super) loads: Arc<Loaders>,
    /// Of uploads: one that hangs delays no load of an accepted model.
    pub(super) inspections: Arc<Loaders>,
    pub(super) slow_inspections: Mutex<TooSlow<String>>,
    pub(super) warm_ups: Pool,
    pub(super) runs: Pool,
    pub(super) watchdog: Arc<Watchdog>,
    /// How many JavaScript threads use it.
    pub(super) threads: Mutex<usize>,
    pub(super) closing: AtomicBool,
}

/// What [`Engine::status`] tells.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineStatus {
    pub engines: BackendsStatus,
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
            threads: Mutex::new(0),
            closing: AtomicBool::new(false),
            options: RwLock::new(options),
        }
    }

    /// Applies new limits. Threads within an operator and the library stay those of the first start.
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

    pub(super) fn key(&self, digest: &str, engine: Option<EngineChoice>) -> SessionKey {
        let options = self.options.read();
        SessionKey {
            digest: digest.to_owned(),
            engine: engine.unwrap_or(options.engine),
            providers: options.providers.clone(),
        }
    }

    /// By digest, what its sessions took of the cache since that was taken.
    pub fn residences(&self) -> Vec<(String, Residence)> {
        self.cache.residences()
    }

    /// What the sessions of a digest took of the cache since the last call.
    pub fn take_residence(&self, digest: &str) -> Residence {
        self.cache.take_residence(digest)
    }

    /// Drops the sessions of a digest. Runs under way keep theirs until they end.
    pub fn evict(&self, digest: &str) {
        self.cache.evict(digest);
    }

    pub fn report_preload(&self, status: PreloadStatus) {
        *self.preloaded.lock() = Some(status);
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
