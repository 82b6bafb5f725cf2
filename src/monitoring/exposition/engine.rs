//! Sessions, their cache and the queue of runs.

use super::encode::{counter, gauge};
use crate::engine::EngineStatus;
use prometheus_client::encoding::DescriptorEncoder;
use std::fmt;

pub fn encode(engine: &EngineStatus, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let cache = &engine.cache;
    for (name, help, value) in [
        ("edge_ai_sessions", "Models that are loaded.", cache.models as f64),
        ("edge_ai_sessions_max", "Models that may be loaded at once.", cache.max_models as f64),
        ("edge_ai_session_memory_bytes", "Bytes of the weights of loaded models.", cache.bytes as f64),
        (
            "edge_ai_session_memory_max_bytes",
            "Bytes that the weights of loaded models may have.",
            cache.max_bytes as f64,
        ),
        ("edge_ai_runs_queued", "Runs that wait for a thread.", engine.queued as f64),
        ("edge_ai_runs_in_progress", "Runs that wait or are under way.", engine.running as f64),
    ] {
        gauge(encoder, name, help, value)?;
    }
    for (name, help, value) in [
        ("edge_ai_session_cache_hits", "Predictions that found their model loaded.", cache.hits),
        ("edge_ai_session_cache_misses", "Predictions that did not find their model loaded.", cache.misses),
        ("edge_ai_session_loads", "Models that were loaded.", cache.loads),
        ("edge_ai_session_evictions", "Models that were unloaded for the limits, or deleted.", cache.evictions),
        ("edge_ai_session_idle_unloads", "Models that were unloaded because nobody used them.", cache.idle_unloads),
    ] {
        counter(encoder, name, help, value)?;
    }
    Ok(())
}
