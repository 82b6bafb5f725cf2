//! How far the preloading of models is. The caller that knows their names preloads them; all threads can read about it.

use serde::Serialize;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreloadStatus {
    /// Whether all that is to be loaded was tried.
    pub done: bool,
    /// Versions that are to be loaded, those that are, and those that the cache has no room for.
    pub models: u32,
    pub loaded: u32,
    pub skipped: u32,
    pub failures: Vec<PreloadFailure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreloadFailure {
    pub model_id: String,
    pub version: String,
    pub code: String,
    pub error: String,
}
