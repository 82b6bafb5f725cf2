//! From a request to its run: on the calling thread, or in the queue of its model and the pool of run threads.

use super::batch::{BatchLimits, Dispatch, Pushed};
use super::load_request::Purpose;
use super::loaded_model::LoadedModel;
use super::request::RunRequest;
use super::run::{Call, Run, RunCallback, RunHandle, RunOutput, run_unstoppable};
use super::session::Session;
use super::shared::Engine;
use super::usage::InUse;
use crate::error::{Error, Result, error};
use std::sync::Arc;
use std::time::Duration;

impl Engine {
    /// Runs a session on the run threads. The callback is called exactly once, at the latest soon after the deadline.
    pub fn run(&'static self, request: RunRequest, callback: RunCallback) -> RunHandle {
        let timeout = request.timeout;
        let (session, call) = request.into_call();
        let run = self.begin(&session.model, call, timeout, Some(callback));
        let handle = RunHandle::new(&run);
        if self.is_closing() {
            run.finish(Err(error!(Closed, "the engine is closing")));
            return handle;
        }
        self.retry_providers(&session);
        match session.reload() {
            None => self.enqueue(session, &run),
            Some(request) => self.load_for(
                session.key.clone(),
                request,
                None,
                Purpose::Reload,
                Box::new(move |loaded| match loaded {
                    Ok(loaded) => {
                        self.cache.share(&loaded, &session);
                        self.enqueue(session, &run);
                    }
                    Err(problem) => run.finish(Err(problem)),
                }),
            ),
        }
        handle
    }

    fn enqueue(&'static self, session: Arc<Session>, run: &Arc<Run>) {
        let (limits, max_queue) = {
            let options = self.options.read();
            (BatchLimits::of(&options), options.max_queue_size)
        };
        match session.batch.push(run, &limits, max_queue) {
            Pushed::Queued { dispatch: None } => {}
            Pushed::Queued { dispatch: Some(dispatch) } => self.submit(session, dispatch, run),
            Pushed::Full => run.finish(Err(self.queue_full())),
        }
    }

    fn submit(&'static self, session: Arc<Session>, dispatch: Dispatch, run: &Arc<Run>) {
        let dispatched = Arc::clone(&session);
        if self.runs.submit(&session.lane, Box::new(move || self.dispatch(dispatched, dispatch))).is_err() {
            for run in session.batch.give_up(dispatch, run) {
                run.finish(Err(self.queue_full()));
            }
        }
    }

    /// Runs what is next for a model, and queues again for the rest, so that other models are served in between.
    fn dispatch(&'static self, session: Arc<Session>, dispatch: Dispatch) {
        let limits = BatchLimits::of(&self.options.read());
        if session.batch.dispatch(&session.model, &limits, dispatch) {
            let lane = Arc::clone(&session.lane);
            self.runs.submit_again(&lane, Box::new(move || self.dispatch(session, dispatch)));
        }
    }

    fn queue_full(&self) -> Error {
        error!(QueueFull, "{} runs are already waiting; try again later", self.options.read().max_queue_size)
    }

    /// Runs a session on the calling thread when it is known to be tiny and none of its runs waits for a thread; gives the
    /// request back otherwise.
    /// `crowded`: the caller has more to run than this, so that only the tiniest stays and others may run together.
    pub fn run_inline(&self, request: RunRequest, crowded: bool) -> Result<Result<RunOutput>, RunRequest> {
        let _in_use = InUse::of(&request.session.usage);
        let in_crowd = crowded && request.session.batch.is_batchable();
        if !request.session.inline.allows(&request.inputs, in_crowd) || !self.is_free(&request.session) {
            return Err(request);
        }
        let (session, call) = request.into_call();
        Ok(run_unstoppable(&session.model, &call))
    }

    /// The same for requests of one session, which run together as far as they may and as that pays. The outcomes are in the
    /// order of the requests.
    pub fn run_inline_together(&self, requests: Vec<RunRequest>) -> Vec<Result<Result<RunOutput>, RunRequest>> {
        let Some(session) = requests.first().map(|request| Arc::clone(&request.session)) else { return Vec::new() };
        let _in_use = InUse::of(&session.usage);
        let tiny = |request: &RunRequest| session.inline.allows_together(&request.inputs, requests.len());
        if !requests.iter().all(tiny) || !self.is_free(&session) {
            return requests.into_iter().map(Err).collect();
        }
        let max_rows = self.options.read().max_batch_size;
        let calls: Vec<Call> = requests.into_iter().map(|request| request.into_call().1).collect();
        session.batch.run_now(&session.model, &calls, max_rows).into_iter().map(Ok).collect()
    }

    /// Whether a session that is in use can run on the calling thread now. A tiny run needs no deadline there: it is too short
    /// to be stopped, and its length does not depend on its values.
    fn is_free(&self, session: &Session) -> bool {
        self.runs.queued_in(&session.lane) == 0 && !session.is_unloaded()
    }

    pub(super) fn begin(
        &self,
        model: &Arc<LoadedModel>,
        call: Call,
        timeout: Option<Duration>,
        callback: Option<RunCallback>,
    ) -> Arc<Run> {
        let timeout = timeout.unwrap_or(Duration::from_millis(self.options.read().timeout_ms));
        Run::begin(model, call, callback, &self.watchdog, timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::backend::onnx_runtime::trial::{endless, inputs, on};
    use crate::engine::load_request::LoadRequest;
    use crate::engine::loaded_model::SessionKey;
    use crate::engine::options::{EngineChoice, EngineOptions};
    use crate::engine::providers::Providers;
    use crate::engine::run::RunOutput;
    use crate::error::ErrorCode;
    use crate::files::{Content, ModelFile};
    use crate::model::Source;
    use bytes::Bytes;
    use std::sync::mpsc::{Receiver, channel};

    use std::time::Instant;

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
            inputs: inputs(go).into(),
            outputs: Vec::new(),
            timeout: Some(EVENTUALLY * 2),
            priority: 0,
            alone: false,
            exact: false,
            account: None,
        };
        // A receiver that is gone does not matter.
        (engine.run(request, Box::new(move |outcome| drop(sender.send(outcome)))), receiver)
    }

    #[test]
    fn runs_that_wait_for_another_of_their_model_hold_no_thread() {
        let options = EngineOptions { run_threads: 2, ..EngineOptions::default() };
        let engine: &'static Engine = Box::leak(Box::new(Engine::new(options)));
        let (accelerated, plain) = (session("openvino"), session("cpu"));
        let (long, long_outcome) = start(engine, &accelerated, true);
        let waiting: Vec<_> = (0..5).map(|_| start(engine, &accelerated, false).1).collect();
        start(engine, &plain, false).1.recv_timeout(EVENTUALLY).unwrap().unwrap();
        assert!(waiting.iter().all(|receiver| receiver.try_recv().is_err()), "it did not wait for the run before it");
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
    #[test]
    fn a_card_has_few_runs_of_a_model_at_once() {
        let options = EngineOptions { run_threads: 8, max_concurrent_batches: 8, ..EngineOptions::default() };
        let engine: &'static Engine = Box::leak(Box::new(Engine::new(options)));
        let card = session("cuda");
        let runs: Vec<_> = (0..6).map(|_| start(engine, &card, true)).collect();
        while card.status(1).batching.queued > 2 {
            std::thread::yield_now();
        }
        // Each that ends makes room for one that waits, and no more.
        for (at, (handle, outcome)) in runs.iter().enumerate() {
            assert_eq!(card.status(1).batching.queued, 2usize.saturating_sub(at));
            handle.cancel();
            assert_eq!(outcome.recv_timeout(EVENTUALLY).unwrap().unwrap_err().code, ErrorCode::Cancelled);
            while card.status(1).batching.queued > 2usize.saturating_sub(at + 1) {
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn a_session_that_fell_back_for_lack_of_memory_is_loaded_anew_after_a_while() {
        let path =
            std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/__test__/fixtures/identity_double.onnx"));
        let engine: &'static Engine = Box::leak(Box::new(Engine::new(EngineOptions::default())));
        let (prepared, mut loaded) = endless(on("cpu"));
        loaded.placement.lacks_memory = true;
        let file = ModelFile { name: "model.onnx".to_owned(), content: Content::Path(path) };
        let source = Source { files: vec![file], beside: false, cache_folder: None };
        let digest = source.open().unwrap().digest().to_owned();
        let key = engine.key(&digest, None);
        let request = LoadRequest { digest, source, framework: None, engine: None };
        let fallen_back = Arc::new(Session::new(key.clone(), request, "onnxruntime", prepared, loaded));
        engine.cache.finish(&key, Ok(Arc::clone(&fallen_back)), Instant::now());

        start(engine, &fallen_back, false).1.recv_timeout(EVENTUALLY).unwrap().unwrap();
        let cached = || engine.cache.peek(&key).unwrap();
        assert!(Arc::ptr_eq(&cached(), &fallen_back), "it was loaded anew at once");
        *fallen_back.retry_at.as_ref().unwrap().lock() = Instant::now();
        start(engine, &fallen_back, false).1.recv_timeout(EVENTUALLY).unwrap().unwrap();
        let end = Instant::now() + EVENTUALLY;
        while Arc::ptr_eq(&cached(), &fallen_back) {
            assert!(Instant::now() < end, "it was not loaded anew");
            std::thread::yield_now();
        }
        assert!(cached().retry_at.is_none());
        assert!(fallen_back.retry(Instant::now()).is_none(), "not again at once");
    }
}
