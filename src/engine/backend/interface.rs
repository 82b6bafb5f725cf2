//! What the engine asks of an execution engine: load a prepared model, run it, stop when told.

use crate::engine::control::RunControl;
use crate::engine::providers::{Placement, Providers};
use crate::error::Result;
use crate::model::Prepared;
use crate::tensor::Value;

/// An execution engine.
pub trait Backend: Send + Sync {
    fn name(&self) -> &'static str;
    fn version(&self) -> String;

    /// The execution providers that it has.
    ///
    /// # Errors
    /// `INTERNAL` when they are not known.
    fn execution_providers(&self) -> Result<Vec<String>>;

    /// Loads a model, with the first of the execution providers that can be used.
    ///
    /// # Errors
    /// `INVALID_MODEL` when the graph is wrong, `UNSUPPORTED_MODEL` when it holds what this backend does not run, by name of
    /// the operator, `ENGINE_UNAVAILABLE` when none of the providers can be used. The control's own error when it is stopped;
    /// how soon the load ends then is the library's affair.
    fn load(
        &self,
        model: &Prepared,
        purpose: LoadPurpose,
        providers: &Providers,
        control: &RunControl,
    ) -> Result<Loaded>;
}

pub struct Loaded {
    pub session: Box<dyn BackendSession>,
    pub placement: Placement,
}

/// What a session is loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadPurpose {
    /// To run: optimized, weights packed.
    Run,
    /// To see that it loads: a large model is neither optimized nor packed, so that memory stays flat.
    Check,
}

/// A loaded model. Runs may overlap.
pub trait BackendSession: Send + Sync {
    /// Runs the model: named inputs in, the named outputs back in the order asked for. The run ends soon after `control` is
    /// cancelled.
    ///
    /// # Errors
    /// `INVALID_INPUT` when the engine refuses the inputs, `RUN_FAILED` when it fails, the control's own error when
    /// cancelled.
    fn run(&self, inputs: &[(&str, &Value)], outputs: &[&str], control: &RunControl) -> Result<Vec<Value>>;

    /// Whether a run may use other threads than its own: those of [`OperatorThreads`](crate::engine::operator_threads::OperatorThreads).
    fn has_operator_threads(&self) -> bool;
}
