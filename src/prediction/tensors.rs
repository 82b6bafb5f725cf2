//! From what a caller gives to what the engine runs.

use super::answer::Writing;
use super::message::{Input, InputContent, Name};
use super::request::PredictRequest;
use crate::engine::{RunRequest, Session};
use crate::error::{Result, error};
use crate::format::{Encoded, Format};
use crate::signature::{Given, Inputs, Signature, inputs_from};
use crate::tensor::Value;
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Duration;

/// What to run for a request, and how its outcome is written. `format` is that of the answer; `timeout_ms` is what is left of
/// the time that the request gives itself.
///
/// # Errors
/// `INVALID_INPUT` for what the model does not take or give; `NOT_SUPPORTED` for what the protocol of the request does not have.
pub fn prepare(
    session: &Arc<Session>,
    request: &mut PredictRequest,
    format: Format,
    timeout_ms: Option<f64>,
) -> Result<(RunRequest, Writing)> {
    let inputs = request.inputs(&session.signature)?;
    let (outputs, form) = request.outputs(session, format)?;
    let timeout = timeout_ms.or(request.timeout_ms);
    let writing = Writing {
        unbatched: inputs.unbatched,
        rows: inputs.rows,
        record: request.record,
        receipt: request.receipt,
        form,
    };
    let run = run_request(session, inputs.values.into(), outputs, timeout, request.priority);
    Ok((RunRequest { exact: request.receipt, ..run }, writing))
}

pub fn run_request(
    session: &Arc<Session>,
    inputs: Arc<Vec<(String, Value)>>,
    outputs: Vec<String>,
    timeout_ms: Option<f64>,
    priority: i32,
) -> RunRequest {
    let timeout = timeout_ms.and_then(|limit| Duration::try_from_secs_f64(limit / 1e3).ok());
    RunRequest {
        session: Arc::clone(session),
        inputs,
        outputs,
        timeout,
        priority,
        alone: false,
        exact: false,
        account: None,
    }
}

/// The inputs of a message. Elements are taken as they are; JSON goes the way of JSON requests.
///
/// # Errors
/// As [`inputs_from`]; `INTERNAL` for an input that the signature does not have by its index.
pub fn inputs_of(signature: &Signature, given: &[Input<'_>]) -> Result<Inputs> {
    let mut read: SmallVec<[(&str, Read<'_>); 4]> = SmallVec::with_capacity(given.len());
    for Input { name, content } in given {
        let name = name_of(signature, name)?;
        let content = match content {
            InputContent::Json(text) => {
                Read::Json(Encoded::json(text).map_err(|_| error!(InvalidInput, "input \"{name}\": not valid JSON"))?)
            }
            InputContent::Elements { dtype, shape, bytes } => {
                Read::Elements(Given::Elements { dtype: *dtype, shape: shape.as_deref(), bytes })
            }
        };
        read.push((name, content));
    }
    let given: SmallVec<[(&str, Given<'_>); 4]> = read.iter().map(|(name, read)| (*name, read.given())).collect();
    inputs_from(signature, &given)
}

enum Read<'a> {
    Json(Encoded),
    Elements(Given<'a>),
}

impl Read<'_> {
    fn given(&self) -> Given<'_> {
        match self {
            Self::Json(value) => Given::Value(value),
            Self::Elements(given) => *given,
        }
    }
}

fn name_of<'a>(signature: &'a Signature, name: &Name<'a>) -> Result<&'a str> {
    match *name {
        Name::Text(name) => Ok(name),
        Name::Index(at) => {
            signature.inputs.get(at).map(|input| input.name.as_str()).ok_or_else(|| error!(Internal, "no input {at}"))
        }
    }
}
