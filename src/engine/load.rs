//! From a model's files to its session.

use super::backend::{LoadPurpose, Loaded, RenamedOutputs};
use super::cache::{Found, LoadCallback};
use super::control::RunControl;
use super::exit::drain_at_exit;
use super::journal::{self, Digest, Phase};
use super::load_request::{LoadRequest, Purpose};
use super::loaded_model::SessionKey;
use super::loaders::too_slow;
use super::options::EngineChoice;
use super::session::Session;
use super::shared::Engine;
use crate::error::{Error, Result, error};
use crate::model::{Framework, Opened, Prepared, Source};
use parking_lot::Mutex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// What a model is, after it was read, checked and loaded once.
pub struct Inspected {
    pub prepared: Prepared,
    /// The engine that loaded it.
    pub engine: &'static str,
    /// The files as they were loaded; `None` in a cache folder, whose files do not change.
    pub opened: Option<Opened>,
    /// What is doubtful about it.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Reads, checks, once loads and tries a model, without keeping it: what an upload must pass. `digest` is that of files in a
    /// cache folder.
    ///
    /// # Errors
    /// As [`Source::prepare`] and [`super::backend::Backend::load`]; `INVALID_MODEL` and `UNSUPPORTED_MODEL` also for a model that
    /// cannot run, `INVALID_MODEL` for files that change meanwhile;
    /// `MODEL_QUARANTINED`.
    pub fn inspect(
        &self,
        digest: Option<&str>,
        source: &Source,
        framework: Option<Framework>,
        engine: Option<EngineChoice>,
        control: &RunControl,
    ) -> Result<Inspected> {
        let opened = if source.cache_folder.is_none() { Some(source.open()?) } else { None };
        let digest = opened.as_ref().map(Opened::digest).or(digest);
        digest.map_or(Ok(()), journal::check)?;
        let digest = digest.and_then(Digest::parse);
        let loading = journal::enter(digest.as_ref(), Phase::Load);
        let prepared = match &opened {
            Some(opened) => opened.prepare(framework)?,
            None => source.prepare(framework)?,
        };
        let options = self.options();
        let backend = self.backends.choose(engine, &options)?;
        drain_at_exit();
        let Loaded { session, .. } = backend.load(&prepared, LoadPurpose::Check, &options.providers, control)?;
        let session = RenamedOutputs::wrap(session, &prepared.renamed_outputs);
        drop(loading);
        let trying = journal::enter(digest.as_ref(), Phase::WarmUp);
        let warnings = self.try_run(session.as_ref(), &prepared, control)?.into_iter().collect();
        drop(trying);
        opened.as_ref().map_or(Ok(()), Opened::verify)?;
        Ok(Inspected { prepared, engine: backend.name(), opened, warnings })
    }

    /// Does the work of an upload on a thread for uploads, and answers in time: with its outcome, or that it takes too long.
    /// `digest` is the model's: while its work is overdue, and for a while after, further work on it is refused.
    pub fn inspect_later<T: Send + 'static>(
        &'static self,
        digest: Option<String>,
        work: impl FnOnce(&RunControl) -> Result<T> + Send + 'static,
        answer: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        let limit = self.options.read().load_timeout;
        if digest.as_ref().is_some_and(|digest| self.slow_inspections.lock().contains(digest, Instant::now())) {
            return answer(Err(too_slow(limit)));
        }
        let answer = Arc::new(Mutex::new(Some(answer)));
        let late = Arc::clone(&answer);
        let overdue_digest = digest.clone();
        let work = move |control: &RunControl| {
            let outcome = self.guarded(control, || work(control));
            if let Some(digest) = digest {
                self.slow_inspections.lock().end(&digest, outcome.is_err(), Instant::now());
            }
            let answer = answer.lock().take();
            if let Some(answer) = answer {
                answer(outcome);
            }
        };
        let overdue = move |begun: bool| {
            if let (Some(digest), true) = (overdue_digest, begun) {
                self.slow_inspections.lock().add(digest);
            }
            let answer = late.lock().take();
            if let Some(answer) = answer {
                answer(Err(self.overdue_error()));
            }
        };
        self.inspections.submit(limit, work, Box::new(overdue));
    }

    /// Gives the session of a digest, loading it when it is not cached. However many ask at the same time, it is loaded once.
    pub fn load(&'static self, request: LoadRequest, callback: LoadCallback) {
        let key = self.key(&request.digest, request.engine);
        self.load_for(key, request, None, Purpose::Request, callback);
    }

    /// Gives the session of files whose digest is not known yet. What is loaded is what was digested, also when the files are
    /// changed meanwhile.
    pub fn open(
        &'static self,
        source: Source,
        framework: Option<Framework>,
        engine: Option<EngineChoice>,
        callback: LoadCallback,
    ) {
        let reading = source.clone();
        let load = move |opened: Result<Opened>| match opened {
            Ok(opened) => {
                let digest = opened.digest().to_owned();
                let key = self.key(&digest, engine);
                let request = LoadRequest { digest, source, framework, engine };
                self.load_for(key, request, Some(opened), Purpose::Request, callback);
            }
            Err(problem) => callback(Err(problem)),
        };
        self.inspect_later(None, move |_| reading.open(), load);
    }

    pub(super) fn load_for(
        &'static self,
        key: SessionKey,
        request: LoadRequest,
        opened: Option<Opened>,
        purpose: Purpose,
        callback: LoadCallback,
    ) {
        if self.is_closing() {
            return callback(Err(closing()));
        }
        if let Err(quarantined) = journal::check(&key.digest) {
            return callback(Err(quarantined));
        }
        match self.cache.get_or_join(&key, callback, Instant::now()) {
            Found::Joined => {}
            Found::TooSlow(callback) => callback(Err(too_slow(self.options.read().load_timeout))),
            Found::Load => self.start_load(key, request, opened, purpose),
        }
    }

    /// Loads a session anew, in the background, that does without a preferred provider because that had no memory left.
    pub(super) fn retry_providers(&'static self, session: &Session) {
        let Some(request) = session.retry(Instant::now()) else { return };
        if !self.is_closing() && self.cache.begin_again(&session.key) {
            self.start_load(session.key.clone(), request, None, Purpose::Retry);
        }
    }

    fn start_load(&'static self, key: SessionKey, request: LoadRequest, opened: Option<Opened>, purpose: Purpose) {
        let overdue_key = key.clone();
        let work = move |control: &RunControl| {
            let loaded = self.guarded(control, || self.load_now(&key, request, opened, purpose, control));
            drain_at_exit();
            self.cache.finish(&key, loaded, Instant::now());
        };
        let overdue = move |begun| self.cache.give_up(&overdue_key, begun, &self.overdue_error());
        self.loads.submit(self.options.read().load_timeout, work, Box::new(overdue));
    }

    /// What a load gives, or why it was stopped.
    fn guarded<T>(&self, control: &RunControl, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let stopped = || control.reason().map(|_| self.overdue_error());
        if let Some(stopped) = stopped() {
            return Err(stopped);
        }
        catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_| Err(error!(InvalidModel, "reading the model panicked")))
            .map_err(|problem| stopped().unwrap_or(problem))
    }

    fn overdue_error(&self) -> Error {
        if self.is_closing() { closing() } else { too_slow(self.options.read().load_timeout) }
    }

    fn load_now(
        &'static self,
        key: &SessionKey,
        request: LoadRequest,
        opened: Option<Opened>,
        purpose: Purpose,
        control: &RunControl,
    ) -> Result<Arc<Session>> {
        let _under_way = journal::enter(Digest::parse(&key.digest).as_ref(), Phase::Load);
        let source = &request.source;
        let opened = if source.cache_folder.is_none() { Some(opened.map_or_else(|| source.open(), Ok)?) } else { None };
        let prepared = match &opened {
            Some(opened) if matches!(purpose, Purpose::Reload | Purpose::Retry) && opened.digest() != key.digest => {
                return Err(error!(InvalidModel, "the files of the model have changed since it was loaded"));
            }
            Some(opened) => opened.prepare(request.framework)?,
            None => source.prepare_again(request.framework, &request.digest)?,
        };
        let backend = self.backends.choose(Some(key.engine), &self.options())?;
        drain_at_exit();
        let Loaded { session, placement } = backend.load(&prepared, LoadPurpose::Run, &key.providers, control)?;
        opened.as_ref().map_or(Ok(()), Opened::verify)?;
        if purpose == Purpose::Retry
            && placement.lacks_memory
            && let Some(session) = self.cache.peek(key)
        {
            return Ok(session);
        }
        let loaded = Loaded { session: RenamedOutputs::wrap(session, &prepared.renamed_outputs), placement };
        let alike = |session: &Arc<Session>| {
            session.engine == backend.name()
                && session.placement.execution_provider == loaded.placement.execution_provider
        };
        if let Some(session) = self.cache.unloaded(key).filter(alike) {
            session.revive(loaded.session);
            return Ok(session);
        }
        let session = Arc::new(Session::new(key.clone(), request, backend.name(), prepared, loaded));
        if matches!(purpose, Purpose::Request | Purpose::Retry) {
            self.warm_up_later(&session);
        }
        Ok(session)
    }
}

fn closing() -> Error {
    error!(Closed, "the engine is closing")
}
