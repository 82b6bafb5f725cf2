//! What happens between the load of a model and its everyday use: synthetic rows are run, so that memory is touched and
//! allocated, short runs are known as such, and it is known whether rows can run together.

use super::cache::LoadCallback;
use super::exit::drain_at_exit;
use super::load_request::{LoadRequest, Purpose};
use super::run::Call;
use super::session::Session;
use super::shared::Engine;
use crate::error::ErrorCode;
use crate::tensor::Value;
use std::cell::OnceCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a model may be tried out. What takes longer would gain little.
const LIMIT: Duration = Duration::from_secs(3);
/// How long the caller of a load may take to send the first request.
const FIRST_REQUEST: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_millis(1);

impl Engine {
    /// Loads a model and answers when it is warm: for models that nobody waits for yet.
    pub fn preload(&'static self, request: LoadRequest, callback: LoadCallback) {
        let warm = Box::new(move |loaded: crate::error::Result<Arc<Session>>| match loaded {
            Ok(session) => self.warm_ups_submit(move || {
                self.warm_up(&session, Duration::ZERO);
                callback(Ok(session));
            }),
            Err(problem) => callback(Err(problem)),
        });
        let key = self.key(&request.digest, request.engine);
        self.load_for(key, request, None, Purpose::Preload, warm);
    }

    /// Later, so that no caller waits for it: until it is known whether rows can run together, requests run alone.
    pub(super) fn warm_up_later(&'static self, session: &Arc<Session>) {
        let session = Arc::clone(session);
        self.warm_ups_submit(move || self.warm_up(&session, FIRST_REQUEST));
    }

    fn warm_ups_submit(&self, work: impl FnOnce() + Send + 'static) {
        // The queue has no limit, so this cannot be refused.
        let _ = self.warm_ups.submit(&Arc::default(), Box::new(work));
    }

    /// Warms a session up, once; a second caller waits for the first. The first request of the caller that asked for the load goes before.
    fn warm_up(&'static self, session: &Arc<Session>, first_request: Duration) {
        session.warm_up_latency.get_or_init(|| {
            let start = Instant::now();
            let limit = || if session.usage.is_in_use() { LIMIT } else { first_request };
            while !session.has_run() && start.elapsed() < limit() && !self.is_closing() {
                std::thread::sleep(POLL);
            }
            let latency = self.try_out(session);
            drain_at_exit();
            latency
        });
    }

    /// The time of the first run with synthetic rows. `None` when there was none: no row can be made for the model.
    fn try_out(&'static self, session: &Arc<Session>) -> Option<Duration> {
        let end = Instant::now() + LIMIT;
        let first = OnceCell::new();
        let run = |inputs: &[(String, Value)]| {
            if self.is_closing() {
                return Err(ErrorCode::Closed);
            }
            let timeout = Some(end.saturating_duration_since(Instant::now()));
            let call = Call {
                inputs: Arc::new(inputs.to_vec()),
                outputs: Vec::new(),
                priority: 0,
                alone: true,
                exact: false,
                account: None,
            };
            let run = self.begin(&session.model, call, timeout, None);
            let output = run.try_out().map_err(|problem| problem.code)?;
            first.get_or_init(|| output.latency);
            Ok(output.outputs.into_iter().map(|(_, value)| value).collect())
        };
        if self.options.read().max_batch_size > 1 {
            session.batch.check(&session.signature, &run);
        }
        if first.get().is_none() {
            session.batch.run_synthetic(&session.signature, &run);
        }
        first.into_inner()
    }
}
