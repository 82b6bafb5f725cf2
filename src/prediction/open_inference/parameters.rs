//! What a request says beside its tensors: how it runs, and what is recorded of it.

use crate::engine::MAX_TIMEOUT_MS;
use crate::error::{Result, error};
use crate::format::Encoded;
use crate::prediction::limits::{MAX_ID_BYTES, MAX_PRIORITY, has_control_characters};
use crate::prediction::shown::shown;
use serde_json::Value as Json;

/// Of what a request says, what it says of the whole.
#[derive(Debug)]
pub struct Head {
    pub id: Option<String>,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    pub segment: Option<String>,
    pub record: bool,
    pub receipt: bool,
    pub priority: i32,
    pub timeout_ms: Option<f64>,
    /// Whether outputs are binary data unless they say otherwise.
    pub binary_outputs: bool,
}

impl Head {
    pub fn read(id: Option<&Encoded>, parameters: Option<&Encoded>) -> Result<Self> {
        let parameters = Parameters::read(parameters)?;
        if parameters.get("sequence_id").is_some_and(is_true) {
            return Err(error!(NotSupported, "parameters.sequence_id: a model keeps no state from request to request"));
        }
        Ok(Self {
            id: optional_text("id", id)?,
            user_id: optional_text("userId", parameters.get("userId"))?,
            session_id: optional_text("sessionId", parameters.get("sessionId"))?,
            segment: optional_text("segment", parameters.get("segment"))?,
            record: parameters.flag("record", true)?,
            receipt: parameters.flag("receipt", false)?,
            priority: priority(parameters.whole("priority")?),
            timeout_ms: timeout_ms(parameters.whole("timeout")?),
            binary_outputs: parameters.flag("binary_data_output", false)?,
        })
    }
}

/// The object `parameters` of a request, an input or an output.
pub struct Parameters(Vec<(String, Encoded)>);

impl Parameters {
    pub fn read(value: Option<&Encoded>) -> Result<Self> {
        let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(Self(Vec::new())) };
        if !value.is_object() {
            return Err(error!(InvalidRequest, "parameters must be an object, received {}", shown(value)));
        }
        value.fields().map(Self).map_err(|problem| error!(InvalidRequest, "parameters: {problem}"))
    }

    /// Null is absence.
    pub fn get(&self, name: &str) -> Option<&Encoded> {
        self.0.iter().find(|(known, value)| known == name && !value.is_null()).map(|(_, value)| value)
    }

    pub fn flag(&self, name: &str, otherwise: bool) -> Result<bool> {
        match self.get(name) {
            None => Ok(otherwise),
            Some(value) => read(value)
                .ok_or_else(|| error!(InvalidRequest, "{name} must be true or false, received {}", shown(value))),
        }
    }

    /// A whole number; 0 when it is absent.
    fn whole(&self, name: &str) -> Result<u64> {
        match self.get(name) {
            None => Ok(0),
            Some(value) => whole(value).ok_or_else(|| {
                error!(InvalidRequest, "parameters.{name} must be a whole number, received {}", shown(value))
            }),
        }
    }
}

/// A whole number, however it is written, that loses nothing as a double.
pub fn whole(value: &Encoded) -> Option<u64> {
    let number: f64 = read(value)?;
    ((0.0..=crate::format::MAX_SAFE_INTEGER as f64).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

fn read<T: serde::de::DeserializeOwned>(value: &Encoded) -> Option<T> {
    serde_json::from_slice(value.bytes()).ok()
}

/// As JavaScript sees it.
pub fn is_true(value: &Encoded) -> bool {
    match read(value) {
        None | Some(Json::Null) => false,
        Some(Json::Bool(is_true)) => is_true,
        Some(Json::Number(number)) => number.as_f64() != Some(0.0),
        Some(Json::String(text)) => !text.is_empty(),
        Some(Json::Array(_) | Json::Object(_)) => true,
    }
}

/// A text that becomes part of keys; null and the empty text are absence.
fn optional_text(name: &str, value: Option<&Encoded>) -> Result<Option<String>> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let text: String =
        read(value).ok_or_else(|| error!(InvalidRequest, "{name} must be a text, received {}", shown(value)))?;
    if text.len() > MAX_ID_BYTES || has_control_characters(&text) {
        return Err(error!(
            InvalidRequest,
            "{name} may have {MAX_ID_BYTES} bytes and no control characters, received {}",
            shown(value)
        ));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The protocol's 1 goes first of all, and 0 is the default; a higher one of ours goes first.
fn priority(given: u64) -> i32 {
    match i32::try_from(given) {
        Ok(0) => 0,
        Ok(given) => (MAX_PRIORITY + 1).saturating_sub(given).max(-MAX_PRIORITY),
        Err(_) => -MAX_PRIORITY,
    }
}

/// From microseconds; 0 is none.
fn timeout_ms(given: u64) -> Option<f64> {
    (given > 0).then(|| (given as f64 / 1000.0).min(MAX_TIMEOUT_MS as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_the_first_priority_and_zero_the_default() {
        for (given, ours) in [(0, 0), (1, 100), (100, 1), (101, 0), (201, -100), (1000, -100), (u64::MAX, -100)] {
            assert_eq!(priority(given), ours, "{given}");
        }
    }

    #[test]
    fn timeouts_are_microseconds() {
        for (given, ours) in [(0, None), (200, Some(0.2)), (1_500_000, Some(1500.0)), (u64::MAX, Some(3_600_000.0))] {
            assert_eq!(timeout_ms(given), ours, "{given}");
        }
    }

    #[test]
    fn whole_numbers_may_be_written_as_fractions() {
        for (text, expected) in
            [("7", Some(7)), ("7.0", Some(7)), ("1e3", Some(1000)), ("9007199254740991", Some((1 << 53) - 1))]
        {
            assert_eq!(whole(&Encoded::json(text).unwrap()), expected, "{text}");
        }
        for text in ["-1", "0.5", "9007199254740993", "\"1\"", "null", "[1]", "1e300"] {
            assert_eq!(whole(&Encoded::json(text).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn what_javascript_takes_for_true_is_a_sequence() {
        for (text, expected) in [("0", false), ("\"\"", false), ("null", false), ("false", false), ("-0.0", false)] {
            assert_eq!(is_true(&Encoded::json(text).unwrap()), expected, "{text}");
        }
        for text in ["1", "\"a\"", "true", "[]", "{}"] {
            assert!(is_true(&Encoded::json(text).unwrap()), "{text}");
        }
    }
}
