//! Errors to JavaScript: `error.code`, `error.message`, `error.details`.

use super::plain::to_js;
use crate::error::{Error, error};
use crate::format::MAX_SAFE_INTEGER;
use napi::Env;
use napi::bindgen_prelude::{FunctionCallContext, Object};
use napi::{JsValue, Status};
use serde_json::Value as Json;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The error object.
pub fn to_object<'env>(env: &'env Env, problem: &Error) -> napi::Result<Object<'env>> {
    let mut object = env.create_error(napi::Error::new(Status::GenericFailure, problem.message.clone()))?;
    object.set("code", problem.code.as_str())?;
    if let Some(details) = &problem.details {
        object.set("details", to_js(env, &readable(details))?)?;
    }
    Ok(object)
}

/// Integers that a JavaScript number does not hold as texts: they would become BigInts, which JSON does not have.
fn readable(details: &Json) -> Json {
    match details {
        Json::Number(number)
            if !number.is_f64() && number.as_f64().is_some_and(|value| value.abs() > MAX_SAFE_INTEGER as f64) =>
        {
            Json::String(number.to_string())
        }
        Json::Array(values) => values.iter().map(readable).collect(),
        Json::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), readable(value))).collect(),
        other => other.clone(),
    }
}

/// For `?` in a bound function: the error as the exception to throw.
pub fn throw(env: &Env, problem: &Error) -> napi::Error {
    match to_object(env, problem) {
        Ok(object) => napi::Error::from(object.to_unknown()),
        Err(failed) => failed,
    }
}

/// A panic becomes an error, as `catch_unwind` makes it of other functions; it must not reach JavaScript's frames.
pub fn catch_panic<T>(call: &FunctionCallContext<'_>, body: impl FnOnce() -> napi::Result<T>) -> napi::Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Err(throw(call.env, &panicked())))
}

pub fn panicked() -> Error {
    error!(Internal, "the addon panicked; this is a defect")
}
