//! A prediction that a meter counts: fed where the answer is made, when it is.

use crate::engine::{Account, RunOutput, RunRequest, Session};
use crate::error::{Error, Result};
use crate::monitoring::meter::{Meter, Meters, Observation, Payer, SharedResources};
use crate::process::unix_ms;
use crate::tensor::Value;
use std::sync::Arc;

/// What the meter of a prediction wants to know when its run has ended.
pub struct Metered {
    meter: Arc<Meter>,
    inputs: Arc<Vec<(String, Value)>>,
    rows: Option<usize>,
    payer: Arc<Payer>,
}

impl Metered {
    /// Of a run of so many rows that is about to begin; nothing without a meter. From then on a user pays for it, in the sums of the meter and
    /// in those of a monitor.
    pub fn of(
        meter: Option<u32>,
        run: &mut RunRequest,
        rows: Option<usize>,
        user: Option<String>,
        monitored: Option<SharedResources>,
    ) -> Option<Self> {
        let meter = meter.and_then(|handle| Meters::shared().get(handle))?;
        let payer = Arc::new(Payer::new([Arc::clone(&meter.resources)].into_iter().chain(monitored), user));
        run.account = Some(Arc::clone(&payer) as Arc<dyn Account>);
        Some(Self { meter, inputs: Arc::clone(&run.inputs), rows, payer })
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
    if let Some(Metered { meter, inputs, rows, payer }) = metered {
        payer.count(answered.is_ok());
        let outcome = answered.as_ref().map(|(_, output)| output).map_err(|problem| problem.code);
        let signature = &session.signature;
        meter.record(&Observation { unix_ms: unix_ms(), signature, inputs: &inputs, rows, outcome });
    }
    answered.map(|(answer, _)| answer)
}
