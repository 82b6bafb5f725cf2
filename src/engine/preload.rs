//! How far the preloading of models is. Who knows the models' names preloads them; here all threads can read about it.

use super::Engine;
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

impl Engine {
    pub fn report_preload(&self, status: PreloadStatus) {
        *self.preloaded.lock() = Some(status);
    }
}
