//! Plain JavaScript values of what can be serialized.

use napi::Env;
use napi::bindgen_prelude::Unknown;
use serde::Serialize;
use serde_json::Value;

/// The value as `JSON.parse` would give it: every number is a number. napi alone makes a `BigInt` of a whole number beyond 32
/// bits, which `JSON.stringify` refuses.
pub fn to_js<'env>(env: &'env Env, value: &impl Serialize) -> napi::Result<Unknown<'env>> {
    let mut value = serde_json::to_value(value).map_err(|problem| napi::Error::from_reason(problem.to_string()))?;
    make_plain(&mut value);
    env.to_js_value(&value)
}

fn make_plain(value: &mut Value) {
    match value {
        Value::Number(number) if number.as_i64().is_none_or(|number| i32::try_from(number).is_err()) => {
            *value = number.as_f64().into();
        }
        Value::Array(items) => items.iter_mut().for_each(make_plain),
        Value::Object(fields) => fields.values_mut().for_each(make_plain),
        _ => {}
    }
}
