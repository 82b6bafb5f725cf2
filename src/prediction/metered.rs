//! A prediction that a meter counts: fed where the answer is made, when it is.

use crate::engine::{RunOutput, RunRequest, Session};
use crate::error::{Error, Result};
use crate::monitoring::meter::{Meter, Meters, Observation};
use crate::process::unix_ms;
use crate::tensor::Value;
use std::sync::Arc;

/// What the meter of a prediction wants to know when its run has ended.
pub struct Metered {
    meter: Arc<Meter>,
    inputs: Arc<Vec<(String, Value)>>,
    rows: Option<usize>,
}

impl Metered {
    /// Of a run of so many rows that is about to begin; nothing without a meter.
    pub fn of(meter: Option<u32>, run: &RunRequest, rows: Option<usize>) -> Option<Self> {
        let meter = meter.and_then(|handle| Meters::shared().get(handle))?;
        Some(Self { meter, inputs: Arc::clone(&run.inputs), rows })
    }
}

/// Counts a prediction whose inputs were refused.
pub fn count_refused(meter: Option<u32>, session: &Session, problem: &Error) {
    if let Some(meter) = meter.and_then(|handle| Meters::shared().get(handle)) {
        let (signature, outcome) = (&session.signature, Err(problem.code));
        meter.record(&Observation { unix_ms: unix_ms(), signature, inputs: &[], rows: None, outcome });
    }
}

/// The answer to a prediction, which its meter has counted.
///
/// # Errors
/// Those of the run and of `answer`.
pub fn answered<T>(
    metered: Option<Metered>,
    session: &Session,
    ran: Result<RunOutput>,
    answer: impl FnOnce(&RunOutput) -> Result<T>,
) -> Result<T> {
    let answered = ran.and_then(|output| answer(&output).map(|answer| (answer, output)));
    if let Some(Metered { meter, inputs, rows }) = metered {
        let outcome = answered.as_ref().map(|(_, output)| output).map_err(|problem| problem.code);
        let signature = &session.signature;
        meter.record(&Observation { unix_ms: unix_ms(), signature, inputs: &inputs, rows, outcome });
    }
    answered.map(|(answer, _)| answer)
}
