//! A loaded model with the requests that wait for it.

use super::backend::Loaded;
use super::batch::{BatchQueue, BatchStatus};
use super::load_request::LoadRequest;
use super::loaded_model::{LoadedModel, SessionKey};
use super::pool::Lane;
use super::providers::Placement;
use crate::model::Prepared;
use parking_lot::Mutex;
use serde::Serialize;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub struct Session {
    pub(super) model: Arc<LoadedModel>,
    /// The first run with synthetic rows; `Some(None)` when the model cannot be tried out.
    pub(super) warm_up_latency: OnceLock<Option<Duration>>,
    pub(super) batch: BatchQueue,
    /// Where its runs wait for a thread.
    pub(super) lane: Arc<Lane>,
    /// When it may be loaded anew; `None` where no provider lacked memory.
    pub(super) retry_at: Option<Mutex<Instant>>,
}

/// A card that was full is not asked again for so long.
const RETRY_AFTER: Duration = Duration::from_secs(60);

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
    /// Time of the first run with synthetic rows; null before, and when none can be made for the model.
    pub warm_up_ms: Option<f64>,
    /// Mean time of the engine per request; null before the first.
    pub mean_run_ms: Option<f64>,
    pub batching: BatchStatus,
}

/// What callers ask of a session, they ask of its model.
impl Deref for Session {
    type Target = LoadedModel;

    fn deref(&self) -> &LoadedModel {
        &self.model
    }
}

impl Session {
    pub(super) fn new(
        key: SessionKey,
        request: LoadRequest,
        engine: &'static str,
        prepared: Prepared,
        loaded: Loaded,
    ) -> Self {
        Self {
            retry_at: loaded.placement.lacks_memory.then(|| Mutex::new(Instant::now() + RETRY_AFTER)),
            batch: BatchQueue::new(&loaded.placement, &prepared),
            model: Arc::new(LoadedModel::new(key, request, engine, prepared, loaded)),
            warm_up_latency: OnceLock::new(),
            lane: Arc::default(),
        }
    }

    /// How to load it anew, once it is time to; asked again it is not, for a while.
    pub(super) fn retry(&self, now: Instant) -> Option<LoadRequest> {
        let mut retry_at = self.retry_at.as_ref()?.lock();
        if now < *retry_at {
            return None;
        }
        *retry_at = now + RETRY_AFTER;
        self.model.source()
    }

    pub fn status(&self, max_batch_rows: usize) -> SessionStatus {
        let counts = self.counts();
        SessionStatus {
            digest: self.key.digest.clone(),
            engine: self.engine,
            placement: self.placement.clone(),
            framework: self.framework.as_str(),
            bytes: self.weight_bytes,
            runs: counts.runs,
            failures: counts.failures,
            warm_up_ms: self.warm_up_latency.get().copied().flatten().map(|latency| latency.as_secs_f64() * 1e3),
            mean_run_ms: counts.mean_ms,
            batching: self.batch.status(max_batch_rows),
        }
    }
}
