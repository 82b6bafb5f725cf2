//! Predictions: parsed bodies that run on a session, and what is written of them.

use super::channel::Replies;
use super::error::{panicked, throw, to_object};
use super::request::{Parsed, RequestSlot};
use crate::engine::{Engine, RunOutput, RunRequest, Session};
use crate::error::{Error, Result, error};
use crate::prediction::{self, Metered, Prediction, RecordedRun, Writing, answered, count_refused};
use napi::bindgen_prelude::{Array, External, FromNapiMutRef, FunctionCallContext, ToNapiValue, Uint8Array, Unknown};
use napi::{Env, JsValue, sys};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The call of a session's `predictor`.
pub fn predict(
    call: &FunctionCallContext<'_>,
    session: &Arc<Session>,
    replies: &Replies,
) -> napi::Result<Option<JsPrediction>> {
    let (id, crowded, timeout_ms) = (call.get::<u32>(0)?, call.get::<bool>(2)?, call.get::<Option<f64>>(3)?);
    let alone = call.length() > 4 && call.get::<bool>(4)?;
    let meter = if call.length() > 5 { call.get::<Option<u32>>(5)? } else { None };
    let prepared = prepare(call.env, &call.get(1)?, session, timeout_ms, meter);
    let (mut run, pending) = prepared.map_err(|problem| throw(call.env, &problem))?;
    run.alone = alone;
    match Engine::shared().run_inline(run, crowded) {
        Ok(outcome) => pending
            .prediction(session, outcome)
            .map(|prediction| Some(JsPrediction(prediction)))
            .map_err(|problem| throw(call.env, &problem)),
        Err(run) => {
            predict_later(run, pending, replies, id);
            Ok(None)
        }
    }
}

/// What the function of several predictions answers for one of them.
pub enum PredictAnswer {
    /// Nothing: the prediction follows on the channel.
    Later,
    Now(JsPrediction),
    Failed(Error),
}

impl From<Result<Prediction>> for PredictAnswer {
    fn from(outcome: Result<Prediction>) -> Self {
        outcome.map_or_else(Self::Failed, |prediction| Self::Now(JsPrediction(prediction)))
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

/// The call of a session's `jointPredictor`.
pub fn predict_together(
    call: &FunctionCallContext<'_>,
    session: &Arc<Session>,
    replies: &Replies,
) -> napi::Result<Vec<PredictAnswer>> {
    let given = call.get::<Array<'_>>(0)?;
    let count = given.len() / 4;
    let missing = || napi::Error::from_reason("each request has a number, a slot, a limit and a meter");
    let mut answers = Vec::with_capacity(count as usize);
    let mut waiting = Vec::with_capacity(count as usize);
    let mut runs = Vec::with_capacity(count as usize);
    for at in 0..count {
        let id = given.get::<u32>(4 * at)?.ok_or_else(missing)?;
        let slot = given.get::<Unknown<'_>>(4 * at + 1)?.ok_or_else(missing)?;
        let timeout_ms = given.get::<Option<f64>>(4 * at + 2)?.flatten();
        let meter = given.get::<Option<u32>>(4 * at + 3)?.flatten();
        // One that panics is no trouble of the others.
        let prepared = catch_unwind(AssertUnwindSafe(|| prepare(call.env, &slot, session, timeout_ms, meter)));
        answers.push(match prepared.unwrap_or_else(|_| Err(panicked())) {
            Ok((run, pending)) => {
                runs.push(run);
                waiting.push((answers.len(), id, pending));
                PredictAnswer::Later
            }
            Err(problem) => PredictAnswer::Failed(problem),
        });
    }
    for ((at, id, pending), outcome) in waiting.into_iter().zip(Engine::shared().run_inline_together(runs)) {
        match outcome {
            Ok(outcome) => answers[at] = pending.prediction(session, outcome).into(),
            Err(run) => predict_later(run, pending, replies, id),
        }
    }
    Ok(answers)
}

/// A prediction that is about to run: how its outcome is written, and who counts it.
struct Pending {
    writing: Writing,
    metered: Option<Metered>,
}

impl Pending {
    fn prediction(self, session: &Session, ran: Result<RunOutput>) -> Result<Prediction> {
        answered(self.metered, session, ran, |output| self.writing.prediction(session, output))
    }
}

/// What to run for the body in a slot.
fn prepare(
    env: &Env,
    slot: &Unknown<'_>,
    session: &Arc<Session>,
    timeout_ms: Option<f64>,
    meter: Option<u32>,
) -> Result<(RunRequest, Pending)> {
    // SAFETY: the value belongs to this environment, and JavaScript, which alone could reach the slot another way, does not run
    // meanwhile.
    let slot = unsafe { External::<RequestSlot>::from_napi_mut_ref(env.raw(), slot.raw()) };
    let slot = slot.map_err(|problem| error!(Internal, "no slot of a request: {problem}"))?;
    let Parsed { inner: request, format } = slot.parsed()?;
    let prepared = prediction::prepare(session, request, *format, timeout_ms);
    let (mut run, writing) = prepared.inspect_err(|problem| count_refused(meter, session, problem))?;
    let metered = Metered::of(meter, &mut run, writing.rows, request.user_id.clone(), None);
    Ok((run, Pending { writing, metered }))
}

/// Runs a request on other threads; its prediction follows on the channel.
fn predict_later(run: RunRequest, pending: Pending, replies: &Replies, id: u32) {
    let reply = replies.reply(id);
    let session = Arc::clone(&run.session);
    let callback = Box::new(move |outcome: Result<RunOutput>| {
        reply.send_value(pending.prediction(&session, outcome).map(JsPrediction));
    });
    replies.track(id, Engine::shared().run(run, callback));
}

/// A prediction for JavaScript, as a list of its parts in their order.
pub struct JsPrediction(Prediction);

impl ToNapiValue for JsPrediction {
    unsafe fn to_napi_value(env: sys::napi_env, Self(prediction): Self) -> napi::Result<sys::napi_value> {
        let Prediction { json, confidence, latency_ms, run, receipt, bytes, text } = prediction;
        let env_of = Env::from_raw(env);
        let mut list = env_of.create_array(0)?;
        list.set(0, json)?;
        list.set(1, confidence)?;
        list.set(2, latency_ms)?;
        if let Some(bytes) = bytes {
            list.set(3, Uint8Array::new(bytes))?;
        }
        if let Some(text) = text {
            list.set(4, text)?;
        }
        if let Some(receipt) = receipt {
            list.set(5, receipt)?;
        }
        if let Some(RecordedRun { queue_ms, batch_rows }) = run {
            list.set(6, queue_ms)?;
            list.set(7, batch_rows as f64)?;
        }
        // SAFETY: the list was made in this environment.
        unsafe { ToNapiValue::to_napi_value(env, list) }
    }
}
