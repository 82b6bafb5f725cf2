//! What callers ask the engine to run.

use super::receipt::Account;
use super::run::Call;
use super::session::Session;
use crate::tensor::Value;
use std::sync::Arc;
use std::time::Duration;

/// What to run.
pub struct RunRequest {
    pub session: Arc<Session>,
    /// Named inputs, owned: a caller's memory may vanish while the run is under way. Shared with who looks at them afterwards.
    pub inputs: Arc<Vec<(String, Value)>>,
    /// Names of the outputs wanted; empty for all.
    pub outputs: Vec<String>,
    /// How long it may take, waiting included; `None` for the engine's default.
    pub timeout: Option<Duration>,
    /// Of the requests that wait for a model, those of a higher priority go first.
    pub priority: i32,
    /// Whether it may not run together with others, even where the model allows it.
    pub alone: bool,
    /// Whether its CPU time is measured, however tiny it is.
    pub exact: bool,
    /// Who pays for it.
    pub account: Option<Arc<dyn Account>>,
}

impl RunRequest {
    pub(super) fn into_call(self) -> (Arc<Session>, Call) {
        let Self { session, inputs, outputs, priority, alone, exact, account, .. } = self;
        (session, Call { inputs, outputs, priority, alone, exact, account })
    }
}
