//! A run with made-up inputs before an upload is accepted, so that what is listed can run.
//!
//! Made-up inputs are not what a model was made for: that they fail proves something only where neither their values nor their sizes
//! can be the reason. Then the upload is refused; otherwise its answer has a warning.

use super::backend::{BackendSession, is_lack_of_memory};
use super::batch::{analyse, samples};
use super::control::{RunControl, Stop, StopReason};
use super::shared::Engine;
use crate::error::{Error, ErrorCode, Result, error};
use crate::model::Prepared;
use crate::signature::{Dim, Signature, ValueType};
use crate::tensor::{DType, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long a model may be tried out. What takes longer is not known to fail.
const LIMIT: Duration = Duration::from_secs(1);
/// Larger models are not run: it would touch all their weights.
const MAX_WEIGHT_BYTES: u64 = 256 << 20;

/// Stops a trial at its limit.
struct Trial(RunControl);

impl Stop for Trial {
    fn stop(self: Arc<Self>, reason: StopReason) {
        self.0.stop(reason);
    }
}

impl Engine {
    /// Runs the model until made-up inputs succeed. A warning where none did, but others may.
    ///
    /// # Errors
    /// `INVALID_MODEL` or `UNSUPPORTED_MODEL` for a model that cannot run, whatever it is given; the control's own error when it is
    /// stopped.
    pub(super) fn try_run(
        &self,
        session: &dyn BackendSession,
        model: &Prepared,
        control: &RunControl,
    ) -> Result<Option<String>> {
        if model.weight_bytes > MAX_WEIGHT_BYTES {
            return Ok(None);
        }
        let trial = Arc::new(Trial(RunControl::default()));
        let watched: Weak<dyn Stop> = Arc::<Trial>::downgrade(&trial);
        let key = self.watchdog.watch(Instant::now() + LIMIT, watched);
        let stopped = Arc::clone(&trial);
        let outcome = control.guard(
            move || stopped.0.stop(StopReason::Cancelled),
            || judge(&model.signature, &failures(session, model, &trial.0)),
        );
        self.watchdog.forget(key);
        outcome
    }
}

/// How the model failed with each kind of inputs; nothing when one succeeded, or when it is not known.
fn failures(session: &dyn BackendSession, model: &Prepared, control: &RunControl) -> Vec<Error> {
    let signature = &model.signature;
    let outputs: Vec<&str> = signature.outputs.iter().map(|output| output.name.as_str()).collect();
    let table_rows = analyse(&model.model, signature).table_rows;
    let mut failures = Vec::new();
    for sample in samples(signature) {
        let Some(inputs) = sample.inputs(signature, &table_rows) else { return Vec::new() };
        let inputs: Vec<(&str, &Value)> = inputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let ran = catch_unwind(AssertUnwindSafe(|| session.run(&inputs, &outputs, control)))
            .unwrap_or_else(|_| Err(error!(RunFailed, "the engine panicked")));
        match ran {
            Err(failure) if control.reason().is_none() => failures.push(failure),
            _ => return Vec::new(),
        }
    }
    failures
}

fn judge(signature: &Signature, failures: &[Error]) -> Result<Option<String>> {
    let Some(first) = failures.first() else { return Ok(None) };
    let reason = format!("the model was loaded, but made-up inputs did not run: {}", first.message);
    if failures.iter().all(|failure| failure.code == ErrorCode::UnsupportedModel) {
        return Err(Error::new(ErrorCode::UnsupportedModel, reason));
    }
    // What a limit stops may run with another one.
    let is_shortage = |failure: &Error| is_lack_of_memory(&failure.message);
    if takes_anything(signature) && !failures.iter().any(is_shortage) {
        return Err(Error::new(ErrorCode::InvalidModel, reason));
    }
    Ok(Some(format!("{reason}; others may run")))
}

/// Whether all that can be given are floating-point numbers in a fixed shape, but for the number of rows.
fn takes_anything(signature: &Signature) -> bool {
    signature.inputs.iter().all(|input| match &input.value_type {
        ValueType::Tensor { dtype, shape: Some(shape) } => {
            let is_float = matches!(dtype, DType::Float16 | DType::BFloat16 | DType::Float32 | DType::Float64);
            is_float && shape.iter().skip(1).all(|dim| matches!(dim, Dim::Fixed(_)))
        }
        _ => false,
    })
}
