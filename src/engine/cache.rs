//! The sessions that are loaded: least recently used ones go first, and each is loaded once however many ask.

use super::loaded_model::SessionKey;
use super::loaders::TooSlow;
use super::reclaim::Reclaim;
use super::residency::{Residence, Residency};
use super::session::Session;
use crate::error::{Error, Result};
use lru::LruCache;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Receives a loaded session, on any thread.
pub type LoadCallback = Box<dyn FnOnce(Result<Arc<Session>>) + Send>;

/// The cache's size, limits and history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheStatus {
    pub models: usize,
    pub max_models: usize,
    pub bytes: u64,
    pub max_bytes: u64,
    pub hits: u64,
    pub misses: u64,
    /// Dropped for the limits, or with their model.
    pub evictions: u64,
    /// Unloaded because they were idle.
    pub idle_unloads: u64,
    pub loads: u64,
}

#[derive(Default)]
pub struct SessionCache {
    state: Mutex<State>,
    reclaim: Arc<Reclaim>,
}

struct State {
    sessions: LruCache<SessionKey, Arc<Session>>,
    loading: HashMap<SessionKey, Loading>,
    /// Sessions that were unloaded or dropped and that callers may still hold.
    outside: HashMap<SessionKey, Weak<Session>>,
    too_slow: TooSlow<SessionKey>,
    status: CacheStatus,
    residency: Residency,
}

impl Default for State {
    fn default() -> Self {
        Self {
            sessions: LruCache::unbounded(),
            loading: HashMap::new(),
            outside: HashMap::new(),
            too_slow: TooSlow::default(),
            status: CacheStatus::default(),
            residency: Residency::default(),
        }
    }
}

#[derive(Default)]
struct Loading {
    waiting: Vec<LoadCallback>,
    /// The model was evicted meanwhile: only the callers that wait already may use it.
    evicted: bool,
}

/// What the caller must do after [`SessionCache::get_or_join`].
pub enum Found {
    /// The callback was taken or answered.
    Joined,
    /// The caller must load and call [`SessionCache::finish`].
    Load,
    /// The last load took too long: the caller must answer the callback so.
    TooSlow(LoadCallback),
}

impl SessionCache {
    pub fn new(max_models: usize, max_bytes: u64) -> Self {
        let cache = Self::default();
        cache.set_limits(max_models, max_bytes);
        cache
    }

    pub fn set_limits(&self, max_models: usize, max_bytes: u64) {
        let mut state = self.state.lock();
        state.status.max_models = max_models;
        state.status.max_bytes = max_bytes;
        let dropped = state.shrink();
        drop(state);
        self.reclaim.evict(dropped);
    }

    /// A cached session. Counts a hit; a miss is counted by the load that follows.
    pub fn get(&self, key: &SessionKey) -> Option<Arc<Session>> {
        let mut state = self.state.lock();
        let found = state.sessions.get(key).cloned();
        if let Some(session) = &found {
            session.usage.touch();
            state.status.hits += 1;
        }
        found
    }

    /// Answers from the cache, or joins a load that is under way, or says what the caller must do.
    pub fn get_or_join(&self, key: &SessionKey, callback: LoadCallback, now: Instant) -> Found {
        let mut state = self.state.lock();
        let (found, dropped) = state.find(key);
        if let Some(found) = found {
            found.usage.touch();
            state.status.hits += 1;
            drop(state);
            self.reclaim.evict(dropped);
            callback(Ok(found));
            return Found::Joined;
        }
        if state.too_slow.contains(key, now) {
            return Found::TooSlow(callback);
        }
        state.status.misses += 1;
        let first = state.loading.get(key).is_none_or(|loading| loading.evicted);
        state.loading.entry(key.clone()).or_default().waiting.push(callback);
        if first {
            state.status.loads += 1;
        }
        if first { Found::Load } else { Found::Joined }
    }

    /// Begins to load a session anew that stays in use meanwhile: the caller must load and call [`SessionCache::finish`]. False
    /// while it is being loaded already.
    pub fn begin_again(&self, key: &SessionKey) -> bool {
        let mut state = self.state.lock();
        let begins = !state.loading.contains_key(key);
        if begins {
            state.loading.insert(key.clone(), Loading::default());
            state.status.loads += 1;
        }
        begins
    }

    /// A cached session, for another purpose than to use it.
    pub fn peek(&self, key: &SessionKey) -> Option<Arc<Session>> {
        self.state.lock().sessions.peek(key).cloned()
    }

    /// Answers all callers of a load that takes too long. `begun`: the model is at fault, and requests for it are refused until the
    /// load ends.
    pub fn give_up(&self, key: &SessionKey, begun: bool, problem: &Error) {
        let mut state = self.state.lock();
        let Some(loading) = state.loading.get_mut(key) else { return };
        let waiting = std::mem::take(&mut loading.waiting);
        if begun {
            state.too_slow.add(key.clone());
        }
        drop(state);
        for callback in waiting {
            callback(Err(problem.clone()));
        }
    }

    /// Ends a load: keeps the session and answers all callers that wait.
    pub fn finish(&self, key: &SessionKey, loaded: Result<Arc<Session>>, now: Instant) {
        let mut state = self.state.lock();
        let Loading { waiting, evicted } = state.loading.remove(key).unwrap_or_default();
        state.too_slow.end(key, loaded.is_err(), now);
        if loaded.is_ok() {
            state.residency.count_load(&key.digest, now);
        }
        let mut dropped = Vec::new();
        match &loaded {
            Ok(session) if evicted => {
                session.set_evicted();
                state.outside.insert(key.clone(), Arc::downgrade(session));
                dropped.push(Arc::clone(session));
            }
            Ok(session) => dropped = state.put(session),
            Err(_) => {}
        }
        drop(state);
        for callback in waiting {
            callback(loaded.clone());
        }
        self.reclaim.evict(dropped);
    }

    /// Drops every session of a digest, also those that are being loaded.
    pub fn evict(&self, digest: &str) {
        let mut state = self.state.lock();
        let keys: Vec<SessionKey> =
            state.sessions.iter().map(|(key, _)| key).filter(|key| key.digest == digest).cloned().collect();
        let dropped: Vec<_> = keys.iter().filter_map(|key| state.remove(key)).collect();
        for (key, loading) in &mut state.loading {
            loading.evicted |= key.digest == digest;
        }
        state.too_slow.forget(|key| key.digest == digest);
        drop(state);
        self.reclaim.evict(dropped);
    }

    /// Unloads the sessions that have been idle for `limit`; gives the time until the next may be due.
    pub fn unload_idle(&self, limit: Duration) -> Duration {
        let mut state = self.state.lock();
        let idle: Vec<SessionKey> = state
            .sessions
            .iter()
            .filter(|(_, session)| session.usage.idle() >= Some(limit))
            .map(|(key, _)| key.clone())
            .collect();
        let mut unloaded = Vec::new();
        let mut dropped = Vec::new();
        for key in idle {
            let Some(model) = state.sessions.peek(&key).and_then(|session| session.unload(limit)) else { continue };
            let Some(session) = state.sessions.pop(&key) else { continue };
            state.leaves(&session);
            state.status.idle_unloads += 1;
            state.residency.count_eviction(&key.digest, Instant::now());
            state.outside.insert(key, Arc::downgrade(&session));
            unloaded.extend(model);
            dropped.push(session);
        }
        let left = state.sessions.iter().filter_map(|(_, session)| session.usage.idle());
        let next = left.map(|idle| limit.saturating_sub(idle)).min().unwrap_or(limit);
        drop(state);
        if !dropped.is_empty() {
            self.reclaim.free(unloaded);
            self.reclaim.evict(dropped);
        }
        next
    }

    /// Lends the model of a cached session to another session of the same key that a caller still holds, for as long as that is
    /// used.
    pub fn share(&self, cached: &Session, with: &Arc<Session>) {
        if !std::ptr::eq(cached, &**with)
            && let Ok(model) = cached.backend()
        {
            with.borrow_model(model);
            self.reclaim.evict(vec![Arc::clone(with)]);
        }
    }

    /// The session of a key that a caller holds and that was unloaded.
    pub fn unloaded(&self, key: &SessionKey) -> Option<Arc<Session>> {
        let session = self.state.lock().outside.get(key)?.upgrade()?;
        session.is_unloaded().then_some(session)
    }

    pub fn status(&self) -> CacheStatus {
        let state = self.state.lock();
        CacheStatus { models: state.sessions.len(), ..state.status.clone() }
    }

    /// By digest, how its sessions used the cache since that was taken.
    pub fn residences(&self) -> Vec<(String, Residence)> {
        self.state.lock().residency.until(Instant::now())
    }

    /// The same for a digest, which then begins anew.
    pub fn take_residence(&self, digest: &str) -> Residence {
        self.state.lock().residency.take(digest, Instant::now())
    }

    /// The cached sessions, most recently used first.
    pub fn sessions(&self) -> Vec<Arc<Session>> {
        self.state.lock().sessions.iter().map(|(_, session)| Arc::clone(session)).collect()
    }
}

impl State {
    /// A cached session, or one that was dropped and still has its model, which is taken back; and what that drops.
    fn find(&mut self, key: &SessionKey) -> (Option<Arc<Session>>, Vec<Arc<Session>>) {
        if let Some(found) = self.sessions.get(key) {
            return (Some(Arc::clone(found)), Vec::new());
        }
        match self.outside.get(key).and_then(Weak::upgrade).filter(|session| session.readmit()) {
            Some(session) => {
                let dropped = self.put(&session);
                (Some(session), dropped)
            }
            None => (None, Vec::new()),
        }
    }

    /// Adds a session, and gives those that are dropped for it.
    fn put(&mut self, session: &Arc<Session>) -> Vec<Arc<Session>> {
        self.status.bytes += session.weight_bytes;
        self.residency.enters(&session.key.digest, session.weight_bytes, Instant::now());
        self.outside.remove(&session.key);
        let mut dropped = Vec::new();
        if let Some(replaced) = self.sessions.put(session.key.clone(), Arc::clone(session)) {
            self.leaves(&replaced);
            if !Arc::ptr_eq(&replaced, session) {
                replaced.set_evicted();
                dropped.push(replaced);
            }
        }
        dropped.extend(self.shrink());
        dropped
    }

    fn remove(&mut self, key: &SessionKey) -> Option<Arc<Session>> {
        let session = self.sessions.pop(key)?;
        self.let_go(&session);
        Some(session)
    }

    /// Drops the least recently used sessions until the limits hold, but never the last one.
    fn shrink(&mut self) -> Vec<Arc<Session>> {
        let mut dropped = Vec::new();
        while self.sessions.len() > 1
            && (self.sessions.len() > self.status.max_models || self.status.bytes > self.status.max_bytes)
        {
            let Some((_, session)) = self.sessions.pop_lru() else { break };
            self.let_go(&session);
            dropped.push(session);
        }
        dropped
    }

    fn leaves(&mut self, session: &Session) {
        self.status.bytes -= session.weight_bytes;
        self.residency.leaves(&session.key.digest, session.weight_bytes, Instant::now());
    }

    fn let_go(&mut self, session: &Arc<Session>) {
        self.leaves(session);
        self.status.evictions += 1;
        self.residency.count_eviction(&session.key.digest, Instant::now());
        session.set_evicted();
        self.outside.retain(|_, held| held.strong_count() > 0);
        self.outside.insert(session.key.clone(), Arc::downgrade(session));
    }
}
