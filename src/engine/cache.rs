//! The sessions that are loaded: least recently used ones go first, and each is loaded once however many ask.

use super::LoadCallback;
use super::session::{Session, SessionKey};
use crate::error::Result;
use lru::LruCache;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

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
    /// Unloaded because nobody used them.
    pub idle_unloads: u64,
    pub loads: u64,
}

pub struct SessionCache(Mutex<State>);

struct State {
    sessions: LruCache<SessionKey, Arc<Session>>,
    loading: HashMap<SessionKey, Loading>,
    /// Sessions without their models that somebody still holds.
    unloaded: HashMap<SessionKey, Weak<Session>>,
    status: CacheStatus,
}

#[derive(Default)]
struct Loading {
    waiting: Vec<LoadCallback>,
    /// The model was evicted meanwhile: whoever waits may still use it, nobody else.
    evicted: bool,
}

impl SessionCache {
    pub fn new(max_models: usize, max_bytes: u64) -> Self {
        let status = CacheStatus { max_models, max_bytes, ..CacheStatus::default() };
        Self(Mutex::new(State {
            sessions: LruCache::unbounded(),
            loading: HashMap::new(),
            unloaded: HashMap::new(),
            status,
        }))
    }

    pub fn set_limits(&self, max_models: usize, max_bytes: u64) {
        let mut state = self.0.lock();
        state.status.max_models = max_models;
        state.status.max_bytes = max_bytes;
        let dropped = state.shrink();
        drop(state);
        // Dropping a session takes time, which nobody should wait for at the lock.
        drop(dropped);
    }

    /// A cached session. Counts a hit; a miss is counted by who then loads.
    pub fn get(&self, key: &SessionKey) -> Option<Arc<Session>> {
        let mut state = self.0.lock();
        let found = state.sessions.get(key).cloned();
        if let Some(session) = &found {
            session.usage.touch();
            state.status.hits += 1;
        }
        found
    }

    /// Answers from the cache, or joins a load that is under way, or returns true: the caller must load and call
    /// [`Self::finish`].
    pub fn get_or_join(&self, key: &SessionKey, callback: LoadCallback) -> bool {
        let mut state = self.0.lock();
        if let Some(found) = state.sessions.get(key).cloned() {
            found.usage.touch();
            state.status.hits += 1;
            drop(state);
            callback(Ok(found));
            return false;
        }
        state.status.misses += 1;
        let first = state.loading.get(key).is_none_or(|loading| loading.evicted);
        state.loading.entry(key.clone()).or_default().waiting.push(callback);
        if first {
            state.status.loads += 1;
        }
        first
    }

    /// Ends a load: keeps the session and answers everyone who waits.
    pub fn finish(&self, key: &SessionKey, loaded: Result<Arc<Session>>) {
        let mut state = self.0.lock();
        let Loading { waiting, evicted } = state.loading.remove(key).unwrap_or_default();
        let mut dropped = Vec::new();
        if let (Ok(session), false) = (&loaded, evicted) {
            state.status.bytes += session.weight_bytes;
            state.unloaded.remove(key);
            if let Some(replaced) = state.sessions.put(key.clone(), Arc::clone(session)) {
                state.status.bytes -= replaced.weight_bytes;
                dropped.push(replaced);
            }
            dropped.extend(state.shrink());
        }
        drop(state);
        for callback in waiting {
            callback(loaded.clone());
        }
        drop(dropped);
    }

    /// Drops every session of a digest, also those that are being loaded.
    pub fn evict(&self, digest: &str) {
        let mut state = self.0.lock();
        let keys: Vec<SessionKey> =
            state.sessions.iter().map(|(key, _)| key).filter(|key| key.digest == digest).cloned().collect();
        let dropped: Vec<_> = keys.iter().filter_map(|key| state.remove(key)).collect();
        for (key, loading) in &mut state.loading {
            loading.evicted |= key.digest == digest;
        }
        drop(state);
        drop(dropped);
    }

    /// Unloads the sessions that nobody has used for so long; gives how many, and the time until the next may be due.
    pub fn unload_idle(&self, limit: Duration) -> (usize, Duration) {
        let mut state = self.0.lock();
        let idle: Vec<SessionKey> = state
            .sessions
            .iter()
            .filter(|(_, session)| session.usage.idle() >= Some(limit))
            .map(|(key, _)| key.clone())
            .collect();
        let mut dropped = Vec::new();
        for key in idle {
            let Some(model) = state.sessions.peek(&key).and_then(|session| session.unload(limit)) else { continue };
            let Some(session) = state.sessions.pop(&key) else { continue };
            state.status.bytes -= session.weight_bytes;
            state.status.idle_unloads += 1;
            state.unloaded.insert(key, Arc::downgrade(&session));
            dropped.push((session, model));
        }
        state.unloaded.retain(|_, session| session.strong_count() > 0);
        let left = state.sessions.iter().filter_map(|(_, session)| session.usage.idle());
        let next = left.map(|idle| limit.saturating_sub(idle)).min().unwrap_or(limit);
        drop(state);
        // Freeing a model takes time, which nobody should wait for at the lock.
        let count = dropped.len();
        drop(dropped);
        (count, next)
    }

    /// The session of a key that somebody holds without its model.
    pub fn unloaded(&self, key: &SessionKey) -> Option<Arc<Session>> {
        let session = self.0.lock().unloaded.get(key)?.upgrade()?;
        session.is_unloaded().then_some(session)
    }

    pub fn status(&self) -> CacheStatus {
        let state = self.0.lock();
        CacheStatus { models: state.sessions.len(), ..state.status.clone() }
    }

    /// The cached sessions, most recently used first.
    pub fn sessions(&self) -> Vec<Arc<Session>> {
        self.0.lock().sessions.iter().map(|(_, session)| Arc::clone(session)).collect()
    }
}

impl State {
    fn remove(&mut self, key: &SessionKey) -> Option<Arc<Session>> {
        let session = self.sessions.pop(key)?;
        self.status.bytes -= session.weight_bytes;
        self.status.evictions += 1;
        Some(session)
    }

    /// Drops the least recently used sessions until the limits hold, but never the last one.
    fn shrink(&mut self) -> Vec<Arc<Session>> {
        let mut dropped = Vec::new();
        while self.sessions.len() > 1
            && (self.sessions.len() > self.status.max_models || self.status.bytes > self.status.max_bytes)
        {
            let Some((_, session)) = self.sessions.pop_lru() else { break };
            self.status.bytes -= session.weight_bytes;
            self.status.evictions += 1;
            dropped.push(session);
        }
        dropped
    }
}
