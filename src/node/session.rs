//! `Session`: a loaded model.

use super::channel::{Answer, Channel, Replies, ToJs, memory_of};
use super::error::{catch_panic, throw};
use super::prediction::{JsPrediction, PredictAnswer, predict, predict_together};
use super::profile::{Profiled, Profiler};
use super::shared_buffer::SharedBuffer;
use crate::engine::{Engine, RunOutput, RunRequest, Session as EngineSession};
use crate::error::{Result, error};
use crate::prediction::message::Outputs;
use crate::prediction::{
    Metered, ReceiptAnswer, RecordedRun, answered, confidence_of, count_refused, inputs_of, latency_ms, message,
    run_request,
};
use crate::signature::Inputs;
use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Either, Function, FunctionCallContext, ToNapiValue, Uint8Array, Unknown};
use napi::sys;
use napi_derive::napi;
use serde_json::json;
use std::sync::Arc;

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
    /// Whether it may not run together with others.
    pub alone: Option<bool>,
    /// Whether the outputs come with what they cost.
    pub receipt: Option<bool>,
    /// Who pays.
    pub user_id: Option<String>,
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

    /// The function that runs parsed bodies on this session: `(id, slot, crowded, timeoutMs | undefined, alone?, meter?)`. Answers
    /// a prediction at once when the run is tiny; otherwise nothing, and the prediction follows on the channel. `crowded`: the
    /// caller waits for other runs already. `meter`: the handle of who counts it, see `meterHandle`. A function that holds what it needs is several times as fast to call as a method.
    #[napi(catch_unwind)]
    pub fn predictor<'env>(
        &self,
        env: &'env Env,
        channel: &Channel,
    ) -> napi::Result<Function<'env, (), Option<JsPrediction>>> {
        let session = Arc::clone(&self.inner);
        let replies = channel.replies.clone();
        env.create_function_from_closure("predict", move |call| {
            catch_panic(&call, || predict(&call, &session, &replies))
        })
    }

    /// The function that does the same for several at once: `([id, slot, timeoutMs | undefined, meter | undefined, id, ...])`. Those that may and
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

    /// The function that runs messages of inputs on this session, see `message.rs`: `(id, inputs, crowded, options, meter?, profiler?)`,
    /// where inputs are a length in the channel's memory or bytes of their own. Answers at once as a `predictor` does: with the
    /// length of the message of outputs in the memory, or with a long message itself: a list of its head and its parts.
    #[napi(catch_unwind)]
    pub fn runner<'env>(&self, env: &'env Env, channel: &Channel) -> napi::Result<RunFunction<'env>> {
        let session = Arc::clone(&self.inner);
        let (buffer, replies) = (channel.buffer.clone(), channel.replies.clone());
        env.create_function_from_closure("run", move |call| {
            catch_panic(&call, || run(&call, &session, &buffer, &replies))
        })
    }
}

type RunFunction<'env> = Function<'env, (), RunAnswer>;

/// What the function of a run answers at once.
pub enum RunAnswer {
    /// Nothing: the outcome follows on the channel.
    Later,
    /// A message of this length is in the channel's memory.
    Short(u32),
    Long(Outputs),
}

impl ToNapiValue for RunAnswer {
    unsafe fn to_napi_value(env: sys::napi_env, answer: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller's environment is the one the values are made in.
        unsafe {
            match answer {
                Self::Later => ToNapiValue::to_napi_value(env, ()),
                Self::Short(length) => ToNapiValue::to_napi_value(env, length),
                Self::Long(message) => ToNapiValue::to_napi_value(env, memory_of(&Env::from_raw(env), message)?),
            }
        }
    }
}

fn run(
    call: &FunctionCallContext<'_>,
    session: &Arc<EngineSession>,
    buffer: &SharedBuffer,
    replies: &Replies,
) -> napi::Result<RunAnswer> {
    let (id, crowded) = (call.get::<u32>(0)?, call.get::<bool>(2)?);
    let options = call.get::<Option<RunOptions>>(3)?.unwrap_or_default();
    let meter = if call.length() > 4 { call.get::<Option<u32>>(4)? } else { None };
    let profiler = if call.length() > 5 { call.get::<Option<ClassInstance<'_, Profiler>>>(5)? } else { None };
    let prepare = |message: &[u8]| {
        let Inputs { values, unbatched, rows } = inputs_of(&session.signature, &message::read_inputs(message)?)?;
        let outputs = session.signature.select_outputs(options.outputs.as_deref().unwrap_or_default())?;
        let run = run_request(session, values.into(), outputs, options.timeout_ms, options.priority.unwrap_or(0));
        let given =
            Given { unbatched, rows, receipt: options.receipt.unwrap_or(false), is_monitored: profiler.is_some() };
        Ok((RunRequest { alone: options.alone.unwrap_or(false), exact: given.receipt, ..run }, given))
    };
    let prepared = match call.get::<Either<u32, Uint8Array>>(1)? {
        Either::A(length) => buffer
            .read(length as usize, prepare)
            .unwrap_or_else(|| Err(error!(Internal, "there is no message of {length} bytes"))),
        Either::B(bytes) => prepare(&bytes),
    };
    let prepared = prepared.inspect_err(|problem| count_refused(meter, session, problem));
    let (mut run, given) = prepared.map_err(|problem| throw(call.env, &problem))?;
    let monitored = profiler.as_ref().map(|profiler| profiler.resources());
    let metered = Metered::of(meter, &mut run, given.rows, options.user_id, monitored);
    let profiled = profiler.map(|profiler| Profiled::of(&profiler, &run));
    let message_of = move |session: &EngineSession, output: &RunOutput| {
        let message = outputs_message(session, output, given)?;
        profiled.iter().for_each(|profiled| profiled.observe(session, output));
        Ok(message)
    };
    match Engine::shared().run_inline(run, crowded) {
        Ok(outcome) => {
            let message = answered(metered, session, outcome, |output| message_of(session, output));
            let message = message.map_err(|problem| throw(call.env, &problem))?;
            let left = message.parts.is_empty() && buffer.write(0, &message.head);
            Ok(if left { RunAnswer::Short(message.head.len() as u32) } else { RunAnswer::Long(message) })
        }
        Err(run) => {
            let reply = replies.reply(id);
            let session = Arc::clone(session);
            let callback = Box::new(move |outcome: Result<RunOutput>| {
                let message = answered(metered, &session, outcome, |output| message_of(&session, output));
                reply.send(message.map(Answer::Message));
            });
            replies.track(id, Engine::shared().run(run, callback));
            Ok(RunAnswer::Later)
        }
    }
}

/// What the message of outputs depends on.
#[derive(Clone, Copy)]
struct Given {
    /// The inputs lacked the batch dimension.
    unbatched: bool,
    rows: Option<usize>,
    receipt: bool,
    /// A monitor records the run.
    is_monitored: bool,
}

fn outputs_message(session: &EngineSession, output: &RunOutput, given: Given) -> Result<Outputs> {
    let Given { unbatched, rows, receipt, is_monitored } = given;
    session.signature.check_rows(rows, &output.outputs)?;
    let confidence = confidence_of(session, output, unbatched);
    let receipt = receipt.then(|| ReceiptAnswer::of(output, rows));
    let run = is_monitored.then(|| RecordedRun::of(output, rows));
    message::write_outputs(&output.outputs, &confidence, (latency_ms(output), receipt.as_ref(), run), unbatched)
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
