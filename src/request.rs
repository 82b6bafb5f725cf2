//! The body of a prediction request, read without building a tree of its numbers.

use crate::error::{Error, Result, error};
use crate::model::hex;
use crate::registry::nearest_name;
use crate::signature::{JsonInputs, Signature, inputs_from_json, summarize};
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt;

/// A parsed `POST /predict` body.
#[derive(Debug)]
pub struct PredictRequest {
    pub model_id: String,
    /// `None` for the latest.
    pub version: Option<String>,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    pub request_id: Option<String>,
    /// Features that the request lacks come from this entity.
    pub entity_id: Option<String>,
    /// The outputs wanted; empty for all.
    pub outputs: Vec<String>,
    pub timeout_ms: Option<u64>,
    /// Of the requests that wait for a model, those of a higher priority go first.
    pub priority: i32,
    /// Whether class scores are given by the names of the classes.
    pub labels: bool,
    /// Whether an inference event is written.
    pub record: bool,
    features: Vec<(String, Box<RawValue>)>,
}

const FIELDS: [&str; 12] = [
    "modelId",
    "version",
    "features",
    "userId",
    "sessionId",
    "requestId",
    "entityId",
    "outputs",
    "labels",
    "timeoutMs",
    "priority",
    "record",
];
const MAX_FEATURES: usize = 10_000;
const MAX_TEXT_BYTES: usize = 1024;
const MAX_TIMEOUT_MS: u64 = 3_600_000;
const MAX_PRIORITY: i32 = 100;

impl PredictRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// `INVALID_JSON` when it is not JSON; `INVALID_REQUEST` that names a field which is missing, given twice, unknown (with
    /// the nearest known name) or of the wrong type.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let fields: UniqueFields = serde_json::from_slice(body).map_err(|problem| not_json(&problem))?;
        let mut request = Self {
            model_id: String::new(),
            version: None,
            user_id: None,
            session_id: None,
            request_id: None,
            entity_id: None,
            outputs: Vec::new(),
            labels: false,
            timeout_ms: None,
            priority: 0,
            record: true,
            features: Vec::new(),
        };
        let mut has_features = false;
        for (name, value) in fields.0 {
            match name.as_str() {
                "modelId" => request.model_id = text(&name, value)?,
                "version" => request.version = optional_text(&name, value)?,
                "userId" => request.user_id = optional_text(&name, value)?,
                "sessionId" => request.session_id = optional_text(&name, value)?,
                "requestId" => request.request_id = optional_text(&name, value)?,
                "entityId" => request.entity_id = optional_text(&name, value)?,
                "outputs" => request.outputs = typed(&name, value, "a list of output names")?,
                "labels" => request.labels = typed(&name, value, "a boolean")?,
                "record" => request.record = typed(&name, value, "a boolean")?,
                "timeoutMs" => request.timeout_ms = Some(timeout(&name, value)?),
                "priority" => request.priority = priority(&name, value)?,
                "features" => {
                    has_features = true;
                    request.features = features(value)?;
                }
                unknown => return Err(unknown_field(unknown)),
            }
        }
        if request.model_id.is_empty() {
            return Err(error!(InvalidRequest, "modelId is required"));
        }
        if !has_features && request.entity_id.is_none() {
            return Err(error!(InvalidRequest, "features is required: an object of values by input name"));
        }
        Ok(request)
    }

    pub fn feature_names(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|(name, _)| name.as_str())
    }

    /// Adds the features of a JSON object that the request lacks.
    ///
    /// # Errors
    /// `INVALID_REQUEST` when the text is not an object.
    pub fn add_features(&mut self, object: &str) -> Result<()> {
        let raw: &RawValue = serde_json::from_str(object).map_err(|problem| not_json(&problem))?;
        for (name, value) in features(raw)? {
            if self.feature_names().all(|known| known != name) {
                self.features.push((name, value));
            }
        }
        Ok(())
    }

    /// The inputs for a model of that signature.
    ///
    /// # Errors
    /// As [`inputs_from_json`].
    pub fn inputs(&self, signature: &Signature) -> Result<JsonInputs> {
        let features: Vec<(&str, &RawValue)> =
            self.features.iter().map(|(name, value)| (name.as_str(), value.as_ref())).collect();
        inputs_from_json(signature, &features)
    }

    /// The features as JSON text for the record of the prediction; beyond `max_bytes` a summary of names, shapes, dtypes,
    /// the size and the SHA-256 of that text.
    pub fn features_json(&self, max_bytes: usize) -> String {
        let mut text = String::from("{");
        for (at, (name, value)) in self.features.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            text.push_str(&json!(name).to_string());
            text.push(':');
            text.push_str(value.get());
        }
        text.push('}');
        if text.len() <= max_bytes {
            return text;
        }
        let features: Vec<_> = self.features.iter().map(|(name, value)| summarize(name, value)).collect();
        json!({ "summary": features, "bytes": text.len(), "digest": hex(Sha256::digest(&text)) }).to_string()
    }
}

/// Gives each name of a misspelt field its nearest known one.
fn unknown_field(name: &str) -> Error {
    let shown: String = name.chars().take(64).collect();
    match nearest_name(name, FIELDS) {
        Some(known) => error!(InvalidRequest, "unknown field \"{shown}\"; did you mean \"{known}\"?"),
        None => error!(InvalidRequest, "unknown field \"{shown}\"; known are {}", FIELDS.join(", ")),
    }
}

fn not_json(problem: &serde_json::Error) -> Error {
    if problem.classify() == serde_json::error::Category::Data {
        let message = problem.to_string();
        let message = message.rsplit_once(" at line").map_or(message.as_str(), |(text, _)| text);
        return error!(InvalidRequest, "{message}");
    }
    error!(InvalidJson, "the body is not valid JSON: {problem}")
}

fn typed<T: DeserializeOwned>(name: &str, value: &RawValue, expected: &str) -> Result<T> {
    serde_json::from_str(value.get()).map_err(|_| {
        let shown: String = value.get().chars().take(40).collect();
        error!(InvalidRequest, "{name} must be {expected}, received {shown}")
    })
}

fn text(name: &str, value: &RawValue) -> Result<String> {
    let text: String = typed(name, value, "a string")?;
    if text.is_empty() || text.len() > MAX_TEXT_BYTES {
        return Err(error!(InvalidRequest, "{name} must have 1 to {MAX_TEXT_BYTES} bytes, received {}", text.len()));
    }
    Ok(text)
}

fn optional_text(name: &str, value: &RawValue) -> Result<Option<String>> {
    if value.get() == "null" { Ok(None) } else { text(name, value).map(Some) }
}

fn timeout(name: &str, value: &RawValue) -> Result<u64> {
    let timeout_ms: f64 = typed(name, value, "a number of milliseconds")?;
    if (1.0..=MAX_TIMEOUT_MS as f64).contains(&timeout_ms) {
        return Ok(timeout_ms.ceil() as u64);
    }
    Err(error!(InvalidRequest, "{name} must be from 1 to {MAX_TIMEOUT_MS}, received {timeout_ms}"))
}

fn priority(name: &str, value: &RawValue) -> Result<i32> {
    let priority: i32 = typed(name, value, "a whole number")?;
    if (-MAX_PRIORITY..=MAX_PRIORITY).contains(&priority) {
        return Ok(priority);
    }
    Err(error!(InvalidRequest, "{name} must be from -{MAX_PRIORITY} to {MAX_PRIORITY}, received {priority}"))
}

fn features(value: &RawValue) -> Result<Vec<(String, Box<RawValue>)>> {
    if !value.get().starts_with('{') {
        let shown: String = value.get().chars().take(40).collect();
        return Err(error!(InvalidRequest, "features must be an object of values by input name, received {shown}"));
    }
    let fields: UniqueFields = serde_json::from_str(value.get()).map_err(|problem| not_json(&problem))?;
    Ok(fields.0.into_iter().map(|(name, value)| (name, value.to_owned())).collect())
}

/// The fields of an object in their order, none twice.
struct UniqueFields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for UniqueFields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = UniqueFields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields: Vec<(String, &RawValue)> = Vec::new();
                let mut names = std::collections::HashSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    if fields.len() == MAX_FEATURES {
                        return Err(de::Error::custom(format!("an object may have at most {MAX_FEATURES} fields")));
                    }
                    if !names.insert(name.clone()) {
                        return Err(de::Error::custom(format!("the field \"{name}\" is given twice")));
                    }
                    fields.push((name, map.next_value()?));
                }
                Ok(UniqueFields(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn refused(body: &str) -> Error {
        PredictRequest::parse(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn every_field_is_read() {
        let request = PredictRequest::parse(
            br#"{"modelId":"m","version":"v1","features":{"x":[1,2]},"userId":"u","sessionId":"s","requestId":"r",
                "entityId":"e","outputs":["y"],"labels":true,"timeoutMs":1500,"record":false}"#,
        )
        .unwrap();
        assert_eq!((request.model_id.as_str(), request.version.as_deref()), ("m", Some("v1")));
        assert_eq!((request.timeout_ms, request.labels, request.record), (Some(1500), true, false));
        assert_eq!(request.feature_names().collect::<Vec<_>>(), ["x"]);
        assert_eq!(request.features_json(100), r#"{"x":[1,2]}"#);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, code, part) in [
            ("", ErrorCode::InvalidJson, "not valid JSON"),
            ("{\"modelId\":\"m\",}", ErrorCode::InvalidJson, "not valid JSON"),
            ("\u{feff}{}", ErrorCode::InvalidJson, "not valid JSON"),
            ("[]", ErrorCode::InvalidRequest, "expected an object"),
            (r#"{"features":{}}"#, ErrorCode::InvalidRequest, "modelId is required"),
            (r#"{"modelId":"m"}"#, ErrorCode::InvalidRequest, "features is required"),
            (r#"{"modelId":7,"features":{}}"#, ErrorCode::InvalidRequest, "modelId must be a string, received 7"),
            (r#"{"modelId":"m","features":[]}"#, ErrorCode::InvalidRequest, "features must be an object"),
            (r#"{"modelId":"m","features":null}"#, ErrorCode::InvalidRequest, "features must be an object"),
            (r#"{"modelId":"m","feature":{}}"#, ErrorCode::InvalidRequest, "did you mean \"features\"?"),
            (r#"{"modelId":"m","modelid":"m","features":{}}"#, ErrorCode::InvalidRequest, "did you mean \"modelId\"?"),
            (r#"{"modelId":"m","zzz":1,"features":{}}"#, ErrorCode::InvalidRequest, "known are modelId"),
            (r#"{"modelId":"m","modelId":"m","features":{}}"#, ErrorCode::InvalidRequest, "given twice"),
            (r#"{"modelId":"m","features":{"x":1,"x":2}}"#, ErrorCode::InvalidRequest, "given twice"),
            (r#"{"modelId":"m","features":{},"timeoutMs":0}"#, ErrorCode::InvalidRequest, "from 1 to"),
            (r#"{"modelId":"m","features":{},"record":1}"#, ErrorCode::InvalidRequest, "record must be a boolean"),
        ] {
            let problem = refused(body);
            assert_eq!(problem.code, code, "{body}: {problem}");
            assert!(problem.message.contains(part), "{body}: {problem}");
        }
    }

    #[test]
    fn stored_features_fill_only_gaps() {
        let mut request = PredictRequest::parse(br#"{"modelId":"m","features":{"a":1},"entityId":"e"}"#).unwrap();
        request.add_features(r#"{"a":5,"b":[2]}"#).unwrap();
        assert_eq!(request.features_json(100), r#"{"a":1,"b":[2]}"#);
    }

    #[test]
    fn large_features_are_summarized() {
        let request = PredictRequest::parse(br#"{"modelId":"m","features":{"x":[[1,2],[3,4]]}}"#).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&request.features_json(10)).unwrap();
        assert_eq!(summary["bytes"], 19);
        assert_eq!(summary["summary"][0]["name"], "x");
        assert_eq!(summary["summary"][0]["shape"], json!([2, 2]));
        assert_eq!(summary["summary"][0]["dtype"], "float64");
    }
}
