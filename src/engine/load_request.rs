//! What to load, and why.

use super::options::EngineChoice;
use crate::model::{Framework, Source};

/// A model's files and how to load them.
#[derive(Clone)]
pub struct LoadRequest {
    pub digest: String,
    pub source: Source,
    /// `None`: what the bytes say.
    pub framework: Option<Framework>,
    /// `None`: the engine's own choice.
    pub engine: Option<EngineChoice>,
}

/// Why a session is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A caller waits for it.
    Request,
    /// No caller waits for it yet.
    Preload,
    /// It was unloaded, and a caller that still holds it wants to run it.
    Reload,
    /// It runs on another provider than was asked for, which had no memory left.
    Retry,
}
