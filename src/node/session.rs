//! `Session`: a loaded model.

use super::channel::{Answer, Channel, Replies, ToJs, array_buffer};
use super::error::{throw, to_object};
use super::exchange::Exchange;
use super::message::{self, Input, InputContent, Name};
use super::request::{Parsed, RequestSlot};
use crate::engine::{Engine, RunOutput, RunRequest, Session as EngineSession};
use crate::error::{Error, Result, error};
use crate::format::{Encoded, Format, write_value};
use crate::signature::{Outputs, Signature, class_names, confidence, inputs_from, tensor_input};
use crate::tensor::{Bytes, Value};
use napi::bindgen_prelude::{
    Array, Either, External, FromNapiMutRef, Function, FunctionCallContext, ToNapiValue, Uint8Array, Unknown,
};
use napi::sys;
use napi::{Env, JsValue};
use napi_derive::napi;
use serde::Serialize;
use serde_json::json;
use smallvec::SmallVec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

#[napi]
pub struct Session {
    pub(super) inner: Arc<EngineSession>,
}

#[napi(object)]
#[derive(Default)]
pub struct RunOptions {
    pub outputs: Option<Vec<String>>,
    pub timeout_ms: Option<f64>,
    pub priority: Option<i32>,
}

#[napi]
impl Session {
    #[napi(getter, catch_unwind)]
    pub fn digest(&self) -> &str {
        &self.inner.key.digest
    }

    #[napi(getter, catch_unwind)]
    pub fn engine(&self) -> &str {
        self.inner.engine
    }

    #[napi(getter, catch_unwind)]
    pub fn execution_provider(&self) -> &str {
        &self.inner.placement.execution_provider
    }

    #[napi(getter, catch_unwind)]
    pub fn framework(&self) -> &str {
        self.inner.framework.as_str()
    }

    /// Whether `cachedSession` would give this session now. Like that, it counts as a use.
    #[napi(catch_unwind)]
    pub fn is_current(&self) -> bool {
        Engine::shared().is_current(&self.inner)
    }

    /// `{inputs, outputs, labels?}` as JSON text.
    #[napi(getter, catch_unwind)]
    pub fn signature(&self) -> String {
        let signature = &self.inner.signature;
        let mut made = signature.inputs_json();
        made["outputs"] = signature.outputs_json()["outputs"].take();
        if let Some(labels) = &self.inner.labels {
            made["labels"] = json!(labels);
        }
        made.to_string()
    }

    /// The function that runs parsed bodies on this session: `(id, slot, crowded, timeoutMs | undefined)`. Answers a
    /// prediction at once when the run is tiny; otherwise nothing, and the prediction follows on the channel. `crowded`: the
    /// caller waits for other runs already. A function that holds what it needs is several times as fast to call as a method.
    #[napi(catch_unwind)]
    pub fn predictor<'env>(&self, env: &'env Env, channel: &Channel) -> napi::Result<PredictFunction<'env>> {
        let session = Arc::clone(&self.inner);
        let replies = channel.replies.clone();
        env.create_function_from_closure("predict", move |call| {
            catch_panic(&call, || predict(&call, &session, &replies))
        })
    }

    /// The function that does the same for several at once: `([id, slot, timeoutMs | undefined, id, ...])`. Those that may and
    /// that are tiny run together. Answers a list with a prediction, an error, or nothing for each.
    #[napi(catch_unwind)]
    pub fn joint_predictor<'env>(
        &self,
        env: &'env Env,
        channel: &Channel,
    ) -> napi::Result<Function<'env, (), Vec<PredictAnswer>>> {
        let session = Arc::clone(&self.inner);
        let replies = channel.replies.clone();
        env.create_function_from_closure("predictTogether", move |call| {
            catch_panic(&call, || predict_together(&call, &session, &replies))
        })
    }

    /// The function that runs messages of inputs on this session, see `message.rs`: `(id, inputs, crowded, options)`, where
    /// inputs are a length in the channel's memory or bytes of their own. Answers at once as a `predictor` does: with the
    /// length of the message of outputs in the memory, or with a long message itself.
    #[napi(catch_unwind)]
    pub fn runner<'env>(&self, env: &'env Env, channel: &Channel) -> napi::Result<RunFunction<'env>> {
        let session = Arc::clone(&self.inner);
        let (exchange, replies) = (channel.exchange.clone(), channel.replies.clone());
        env.create_function_from_closure("run", move |call| {
            catch_panic(&call, || run(&call, &session, &exchange, &replies))
        })
    }
}

type PredictFunction<'env> = Function<'env, (), Option<Prediction>>;
type RunFunction<'env> = Function<'env, (), RunAnswer>;

/// What the function of a run answers at once.
pub enum RunAnswer {
    /// Nothing: the outcome follows on the channel.
    Later,
    /// A message of this length is in the channel's memory.
    Short(u32),
    Long(Vec<u8>),
}

impl ToNapiValue for RunAnswer {
    unsafe fn to_napi_value(env: sys::napi_env, answer: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller's environment is the one the values are made in.
        unsafe {
            match answer {
                Self::Later => ToNapiValue::to_napi_value(env, ()),
                Self::Short(length) => ToNapiValue::to_napi_value(env, length),
                Self::Long(bytes) => ToNapiValue::to_napi_value(env, array_buffer(&Env::from_raw(env), bytes)?),
            }
        }
    }
}

/// A panic becomes an error, as `catch_unwind` makes it of other functions; it must not reach JavaScript's frames.
fn catch_panic<T>(call: &FunctionCallContext<'_>, body: impl FnOnce() -> napi::Result<T>) -> napi::Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Err(throw(call.env, &panicked())))
}

fn panicked() -> Error {
    error!(Internal, "the addon panicked; this is a defect")
}

fn predict(
    call: &FunctionCallContext<'_>,
    session: &Arc<EngineSession>,
    replies: &Replies,
) -> napi::Result<Option<Prediction>> {
    let (id, crowded, timeout_ms) = (call.get::<u32>(0)?, call.get::<bool>(2)?, call.get::<Option<f64>>(3)?);
    let prepared = prepare(call.env, &call.get(1)?, session, timeout_ms);
    let (run, writing) = prepared.map_err(|problem| throw(call.env, &problem))?;
    match Engine::shared().run_inline(run, crowded) {
        Ok(outcome) => outcome
            .and_then(|output| writing.prediction(session, &output))
            .map(Some)
            .map_err(|problem| throw(call.env, &problem)),
        Err(run) => {
            predict_later(run, writing, replies, id);
            Ok(None)
        }
    }
}

/// What the function of several predictions answers for one of them.
pub enum PredictAnswer {
    /// Nothing: the prediction follows on the channel.
    Later,
    Now(Prediction),
    Failed(Error),
}

impl From<Result<Prediction>> for PredictAnswer {
    fn from(outcome: Result<Prediction>) -> Self {
        outcome.map_or_else(Self::Failed, Self::Now)
    }
}

impl ToNapiValue for PredictAnswer {
    unsafe fn to_napi_value(env: sys::napi_env, answer: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller's environment is the one the values are made in.
        unsafe {
            match answer {
                Self::Later => ToNapiValue::to_napi_value(env, ()),
                Self::Now(prediction) => ToNapiValue::to_napi_value(env, prediction),
                Self::Failed(problem) => ToNapiValue::to_napi_value(env, to_object(&Env::from_raw(env), &problem)?),
            }
        }
    }
}

fn predict_together(
    call: &FunctionCallContext<'_>,
    session: &Arc<EngineSession>,
    replies: &Replies,
) -> napi::Result<Vec<PredictAnswer>> {
    let given = call.get::<Array<'_>>(0)?;
    let count = given.len() / 3;
    let missing = || napi::Error::from_reason("each request has a number, a slot and a limit");
    let mut answers = Vec::with_capacity(count as usize);
    let mut waiting = Vec::with_capacity(count as usize);
    let mut runs = Vec::with_capacity(count as usize);
    for at in 0..count {
        let id = given.get::<u32>(3 * at)?.ok_or_else(missing)?;
        let slot = given.get::<Unknown<'_>>(3 * at + 1)?.ok_or_else(missing)?;
        let timeout_ms = given.get::<Option<f64>>(3 * at + 2)?.flatten();
        // One that panics is no trouble of the others.
        let prepared = catch_unwind(AssertUnwindSafe(|| prepare(call.env, &slot, session, timeout_ms)));
        answers.push(match prepared.unwrap_or_else(|_| Err(panicked())) {
            Ok((run, writing)) => {
                runs.push(run);
                waiting.push((answers.len(), id, writing));
                PredictAnswer::Later
            }
            Err(problem) => PredictAnswer::Failed(problem),
        });
    }
    for ((at, id, writing), outcome) in waiting.into_iter().zip(Engine::shared().run_inline_together(runs)) {
        match outcome {
            Ok(outcome) => answers[at] = outcome.and_then(|output| writing.prediction(session, &output)).into(),
            Err(run) => predict_later(run, writing, replies, id),
        }
    }
    Ok(answers)
}

/// What to run for the body in a slot, and how its outcome is written.
fn prepare(
    env: &Env,
    slot: &Unknown<'_>,
    session: &Arc<EngineSession>,
    timeout_ms: Option<f64>,
) -> Result<(RunRequest, Writing)> {
    // SAFETY: the value belongs to this environment, and JavaScript, which alone could reach the slot another way, does not run
    // meanwhile.
    let slot = unsafe { External::<RequestSlot>::from_napi_mut_ref(env.raw(), slot.raw()) };
    let slot = slot.map_err(|problem| error!(Internal, "no slot of a request: {problem}"))?;
    let Parsed { inner: request, format } = slot.parsed()?;
    let inputs = request.inputs(&session.signature)?;
    let outputs = session.signature.select_outputs(&request.outputs)?;
    if request.labels {
        class_names(&session.signature, session.labels.as_deref(), &outputs)?;
    }
    let timeout = request.timeout_ms.map(|limit| limit as f64).or(timeout_ms);
    let writing =
        Writing { unbatched: inputs.unbatched, by_class: request.labels, format: *format, record: request.record };
    Ok((run_request(session, inputs.values, outputs, timeout, request.priority), writing))
}

/// Runs a request on other threads; its prediction follows on the channel.
fn predict_later(run: RunRequest, writing: Writing, replies: &Replies, id: u32) {
    let reply = replies.reply(id);
    let session = Arc::clone(&run.session);
    let callback = Box::new(move |outcome: Result<RunOutput>| {
        reply.send_value(outcome.and_then(|output| writing.prediction(&session, &output)));
    });
    replies.track(id, Engine::shared().run(run, callback));
}

fn run(
    call: &FunctionCallContext<'_>,
    session: &Arc<EngineSession>,
    exchange: &Exchange,
    replies: &Replies,
) -> napi::Result<RunAnswer> {
    let (id, crowded) = (call.get::<u32>(0)?, call.get::<bool>(2)?);
    let options = call.get::<Option<RunOptions>>(3)?.unwrap_or_default();
    let prepare = |message: &[u8]| {
        let (inputs, unbatched) = inputs_of(&session.signature, message::read_inputs(message)?)?;
        let outputs = session.signature.select_outputs(&options.outputs.unwrap_or_default())?;
        Ok((run_request(session, inputs, outputs, options.timeout_ms, options.priority.unwrap_or(0)), unbatched))
    };
    let prepared = match call.get::<Either<u32, Uint8Array>>(1)? {
        Either::A(length) => exchange
            .read(length as usize, prepare)
            .unwrap_or_else(|| Err(error!(Internal, "there is no message of {length} bytes"))),
        Either::B(bytes) => prepare(&bytes),
    };
    let (run, unbatched) = prepared.map_err(|problem| throw(call.env, &problem))?;
    match Engine::shared().run_inline(run, crowded) {
        Ok(outcome) => {
            let message = outcome.and_then(|output| outputs_message(session, &output, unbatched));
            let message = message.map_err(|problem| throw(call.env, &problem))?;
            let left = exchange.write(0, &message);
            Ok(if left { RunAnswer::Short(message.len() as u32) } else { RunAnswer::Long(message) })
        }
        Err(run) => {
            let reply = replies.reply(id);
            let session = Arc::clone(session);
            let callback = Box::new(move |outcome: Result<RunOutput>| {
                let message = outcome.and_then(|output| outputs_message(&session, &output, unbatched));
                reply.send(message.map(Answer::Message));
            });
            replies.track(id, Engine::shared().run(run, callback));
            Ok(RunAnswer::Later)
        }
    }
}

fn run_request(
    session: &Arc<EngineSession>,
    inputs: Vec<(String, Value)>,
    outputs: Vec<String>,
    timeout_ms: Option<f64>,
    priority: i32,
) -> RunRequest {
    let timeout = timeout_ms.and_then(|limit| Duration::try_from_secs_f64(limit / 1e3).ok());
    RunRequest { session: Arc::clone(session), inputs, outputs, timeout, priority }
}

/// Elements are taken as they are; JSON goes the way of JSON requests. Also whether the outputs lose the batch dimension.
fn inputs_of(signature: &Signature, given: SmallVec<[Input<'_>; 4]>) -> Result<(Vec<(String, Value)>, bool)> {
    let mut values = Vec::with_capacity(given.len());
    let mut texts: Vec<(&str, Encoded)> = Vec::new();
    let (mut added, mut batched) = (false, false);
    for Input { name, content } in given {
        let name = match name {
            Name::Text(name) => name,
            Name::Index(at) => &signature.inputs.get(at).ok_or_else(|| error!(Internal, "no input {at}"))?.name,
        };
        match content {
            InputContent::Elements { dtype, shape, bytes } => {
                let fitted = tensor_input(signature, name, dtype, shape, Bytes::copy_from(bytes))?;
                added |= fitted.batch_added;
                batched |= !fitted.batch_added && !fitted.tensor.shape.is_empty();
                values.push((name.to_owned(), fitted.tensor.into()));
            }
            InputContent::Json(text) => {
                let value = Encoded::json(text).map_err(|_| error!(InvalidInput, "input \"{name}\": no JSON"))?;
                texts.push((name, value));
            }
        }
    }
    if texts.is_empty() && signature.required_inputs().all(|input| values.iter().any(|(name, _)| *name == input.name)) {
        return Ok((values, added && !batched));
    }
    let rest = signature.without(values.iter().map(|(name, _)| name.as_str()));
    let texts: Vec<(&str, &Encoded)> = texts.iter().map(|(name, value)| (*name, value)).collect();
    let converted = inputs_from(&rest, &texts)?;
    batched |= !converted.unbatched && !converted.values.is_empty();
    added |= converted.unbatched;
    values.extend(converted.values);
    Ok((values, added && !batched))
}

fn outputs_message(session: &EngineSession, output: &RunOutput, unbatched: bool) -> Result<Vec<u8>> {
    let confidence = confidence_of(session, output, unbatched);
    message::write_outputs(&output.outputs, &confidence, latency_ms(output), unbatched)
}

fn confidence_of(session: &EngineSession, output: &RunOutput, unbatched: bool) -> crate::signature::Confidence {
    let outputs: SmallVec<[(&str, &Value); 4]> =
        output.outputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
    confidence(&session.signature, &outputs, unbatched)
}

fn latency_ms(output: &RunOutput) -> f64 {
    output.latency.as_nanos().div_ceil(1000) as f64 / 1e3
}

/// What a prediction says, for JavaScript a list of: JSON text for the event and for an answer in JSON; the confidence as JSON
/// text, a number, an array or null; `latencyMs`; the prediction in another format, for the answer.
pub struct Prediction {
    json: Option<String>,
    confidence: String,
    latency_ms: f64,
    encoded: Option<Uint8Array>,
}

impl ToNapiValue for Prediction {
    unsafe fn to_napi_value(env: sys::napi_env, prediction: Self) -> napi::Result<sys::napi_value> {
        let Self { json, confidence, latency_ms, encoded } = prediction;
        let env_of = Env::from_raw(env);
        let mut list = env_of.create_array(0)?;
        list.set(0, json)?;
        list.set(1, confidence)?;
        list.set(2, latency_ms)?;
        if let Some(encoded) = encoded {
            list.set(3, encoded)?;
        }
        // SAFETY: the list was made in this environment.
        unsafe { ToNapiValue::to_napi_value(env, list) }
    }
}

/// How what a run gave is written.
#[derive(Clone, Copy)]
struct Writing {
    unbatched: bool,
    by_class: bool,
    format: Format,
    /// An event wants the JSON text, whatever the answer is in.
    record: bool,
}

impl Writing {
    fn prediction(self, session: &EngineSession, output: &RunOutput) -> Result<Prediction> {
        let Self { unbatched, by_class, format, record } = self;
        let labels = session.labels.as_deref().filter(|_| by_class);
        let outputs = Outputs { outputs: &output.outputs, unbatched, labels };
        let is_json = format == Format::Json;
        Ok(Prediction {
            json: (is_json || record).then(|| json_text(&outputs)).transpose()?,
            encoded: (!is_json).then(|| write(format, &outputs).map(Uint8Array::new)).transpose()?,
            confidence: json_text(&confidence_of(session, output, unbatched))?,
            latency_ms: latency_ms(output),
        })
    }
}

fn write(format: Format, value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(128);
    write_value(format, value, &mut bytes)?;
    Ok(bytes)
}

fn json_text(value: &impl Serialize) -> Result<String> {
    String::from_utf8(write(Format::Json, value)?).map_err(|_| error!(Internal, "JSON is UTF-8"))
}

/// A session as the value of an outcome.
pub fn session_to_js(inner: Arc<EngineSession>) -> ToJs {
    Box::new(move |env| {
        // SAFETY: `env` is the live environment of this thread, and the raw value was just made in it.
        unsafe {
            let raw = napi::bindgen_prelude::ToNapiValue::to_napi_value(env.raw(), Session { inner })?;
            Ok(Unknown::from_raw_unchecked(env.raw(), raw))
        }
    })
}
