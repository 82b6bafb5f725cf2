//! Errors to JavaScript: `error.code`, `error.message`, `error.details`.

use crate::error::Error;
use napi::Env;
use napi::bindgen_prelude::Object;
use napi::{JsValue, Status};

/// The error object.
pub fn to_object<'env>(env: &'env Env, problem: &Error) -> napi::Result<Object<'env>> {
    let mut object = env.create_error(napi::Error::new(Status::GenericFailure, problem.message.clone()))?;
    object.set("code", problem.code.as_str())?;
    if let Some(details) = &problem.details {
        object.set("details", env.to_js_value(details)?)?;
    }
    Ok(object)
}

/// For `?` in a bound function: the error as the exception to throw.
pub fn throw(env: &Env, problem: &Error) -> napi::Error {
    match to_object(env, problem) {
        Ok(object) => napi::Error::from(object.to_unknown()),
        Err(failed) => failed,
    }
}
