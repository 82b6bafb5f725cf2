//! From what a run gave to what is answered and recorded.

use super::form::Form;
use super::receipt::{ReceiptAnswer, RecordedRun};
use super::{open_inference, tensorflow_serving};
use crate::engine::{RunOutput, Session};
use crate::error::{Result, error};
use crate::format::{Format, write_value};
use crate::signature::{Confidence, Outputs, confidence};
use crate::tensor::Value;
use serde::Serialize;
use smallvec::SmallVec;

/// What a prediction says.
#[derive(Debug, PartialEq)]
pub struct Prediction {
    /// The outputs as JSON text, for the event and for an answer of `/predict` in JSON.
    pub json: Option<String>,
    /// The confidence as JSON text: a number, an array or null. `None` where nobody asks.
    pub confidence: Option<String>,
    pub latency_ms: f64,
    /// What an event has of the run.
    pub run: Option<RecordedRun>,
    /// What it cost, as JSON text, where the request asks for it.
    pub receipt: Option<String>,
    /// The outputs as another protocol writes them.
    pub text: Option<String>,
    /// The outputs in another format than JSON, or those that another protocol writes as binary data.
    pub bytes: Option<Vec<u8>>,
}

/// How what a run gave is written.
#[derive(Debug)]
pub struct Writing {
    pub unbatched: bool,
    /// Of the inputs.
    pub rows: Option<usize>,
    /// An event wants the outputs as JSON text, whatever the answer is in.
    pub(super) record: bool,
    /// Whether the answer says what the prediction cost.
    pub(super) receipt: bool,
    pub(super) form: Form,
}

impl Writing {
    /// # Errors
    /// `RUN_FAILED` for a value that the format does not have, and for outputs that lack rows of the inputs; `INVALID_INPUT` and `NOT_SUPPORTED` for outputs that have no form
    /// in the protocol of the request.
    pub fn prediction(&self, session: &Session, output: &RunOutput) -> Result<Prediction> {
        let Self { unbatched, rows, record, receipt, ref form } = *self;
        session.signature.check_rows(rows, &output.outputs)?;
        let by_class = matches!(form, Form::Own { by_class: true, .. });
        let labels = session.labels.as_deref().filter(|_| by_class);
        let outputs = Outputs { outputs: &output.outputs, unbatched, labels };
        let (mut text, mut bytes) = (None, None);
        let mut is_answer = false;
        match form {
            Form::Own { format: Format::Json, .. } => is_answer = true,
            Form::Own { format, .. } => bytes = Some(write(*format, &outputs)?),
            Form::OpenInference(wanted) => {
                let written = open_inference::write_outputs(wanted, &output.outputs)?;
                text = Some(written.json);
                bytes = written.binary;
            }
            Form::TensorFlowServing { rows } => {
                text = Some(tensorflow_serving::write_outputs(*rows, &output.outputs, unbatched)?);
            }
        }
        let is_own = matches!(form, Form::Own { .. });
        Ok(Prediction {
            json: (is_answer || record).then(|| json_text(&outputs)).transpose()?,
            confidence: (is_own || record)
                .then(|| json_text(&confidence_of(session, output, unbatched)))
                .transpose()?,
            latency_ms: latency_ms(output),
            run: record.then(|| RecordedRun::of(output, rows)),
            receipt: receipt.then(|| json_text(&ReceiptAnswer::of(output, rows))).transpose()?,
            text,
            bytes,
        })
    }
}

pub fn confidence_of(session: &Session, output: &RunOutput, unbatched: bool) -> Confidence {
    let outputs: SmallVec<[(&str, &Value); 4]> =
        output.outputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
    confidence(&session.signature, &outputs, unbatched)
}

pub fn latency_ms(output: &RunOutput) -> f64 {
    output.latency.as_nanos().div_ceil(1000) as f64 / 1e3
}

fn write(format: Format, value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(128);
    write_value(format, value, &mut bytes)?;
    Ok(bytes)
}

pub(super) fn json_text(value: &impl Serialize) -> Result<String> {
    String::from_utf8(write(Format::Json, value)?).map_err(|_| error!(Internal, "JSON is UTF-8"))
}
