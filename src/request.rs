//! The body of a prediction request, read without building a tree of its numbers.

use crate::error::{Error, Result, error};
use crate::format::{Encoded, Format};
use crate::model::hex;
use crate::registry::nearest_name;
use crate::signature::{Inputs, Signature, input_for, inputs_from};
use crate::tensor::DType;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io;

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
    features: Vec<Feature>,
}

#[derive(Debug)]
struct Feature {
    name: String,
    value: Encoded,
    /// What it became as an input of a model; `None` for what is no tensor or has not become one.
    tensor: Option<(DType, Vec<usize>)>,
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
    /// `INVALID_JSON` when it is not JSON but should be; `INVALID_REQUEST` when it is malformed in another format, or that names a field which is missing, given twice, unknown (with
    /// the nearest known name) or of the wrong type.
    pub fn parse(body: &[u8], format: Format) -> Result<Self> {
        let body = Encoded::parse(format, Bytes::copy_from_slice(body))?;
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
        let mut fields = Vec::new();
        body.each_field(&mut body.items(), |name, items| {
            if name == "features" {
                let values = body
                    .read_fields(items)
                    .map_err(|problem| format!("features must be an object of values by input name: {problem}"))?;
                has_features = values.is_some();
                request.features = values.into_iter().flatten().map(Feature::from).collect();
            } else if let Some(value) = items.value()? {
                fields.push((name, body.part(value)));
            }
            Ok(())
        })
        .and_then(|is_object| if is_object { Ok(()) } else { Err("expected an object, received null".to_owned()) })
        .map_err(|problem| error!(InvalidRequest, "{problem}"))?;
        check_count(request.features.len())?;
        for (name, value) in &fields {
            match name.as_str() {
                // Null for a field that may be absent is absence.
                optional if optional != "modelId" && FIELDS.contains(&optional) && value.is_null() => {}
                "modelId" => request.model_id = text(name, value)?,
                "version" => request.version = Some(text(name, value)?),
                "userId" => request.user_id = Some(text(name, value)?),
                "sessionId" => request.session_id = Some(text(name, value)?),
                "requestId" => request.request_id = Some(text(name, value)?),
                "entityId" => request.entity_id = Some(text(name, value)?),
                "outputs" => request.outputs = typed(name, value, "a list of output names")?,
                "labels" => request.labels = typed(name, value, "a boolean")?,
                "record" => request.record = typed(name, value, "a boolean")?,
                "timeoutMs" => request.timeout_ms = Some(timeout(name, value)?),
                "priority" => request.priority = priority(name, value)?,
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
        self.features.iter().map(|feature| feature.name.as_str())
    }

    /// Adds the features of a JSON object that the request lacks.
    ///
    /// # Errors
    /// `INVALID_JSON` when the text is not JSON; `INVALID_REQUEST` when it is no object.
    pub fn add_features(&mut self, object: &str) -> Result<()> {
        let added = Encoded::json(object)?.fields();
        let added = added.map_err(|problem| error!(InvalidRequest, "features by input name: {problem}"))?;
        check_count(self.features.len() + added.len())?;
        for (name, value) in added {
            if self.feature_names().all(|known| known != name) {
                self.features.push(Feature::from((name, value)));
            }
        }
        Ok(())
    }

    /// The inputs for a model of that signature. The record of the prediction knows from then on what the features became.
    ///
    /// # Errors
    /// As [`inputs_from`].
    pub fn inputs(&mut self, signature: &Signature) -> Result<Inputs> {
        let features: Vec<(&str, &Encoded)> =
            self.features.iter().map(|Feature { name, value, .. }| (name.as_str(), value)).collect();
        let inputs = inputs_from(signature, &features)?;
        let count = self.features.len();
        for feature in &mut self.features {
            let input = input_for(signature, &feature.name, count);
            let value = input.and_then(|input| inputs.values.iter().find(|(name, _)| *name == input.name));
            let tensor = value.and_then(|(_, value)| value.as_tensor());
            feature.tensor = tensor.map(|tensor| (tensor.dtype, tensor.shape.clone()));
        }
        Ok(inputs)
    }

    /// The features as JSON text for the record of the prediction. Beyond `max_bytes` a summary of names, shapes, dtypes, and
    /// of what was sent the size and the SHA-256: of JSON that text, of other formats the values in their order.
    ///
    /// # Errors
    /// `INTERNAL`
    pub fn features_json(&self, max_bytes: usize) -> Result<String> {
        let is_json = self.features.iter().all(|feature| feature.value.format() == Format::Json);
        let mut text = BoundedText { max_bytes: if is_json { usize::MAX } else { max_bytes }, text: Vec::new() };
        let written = self.write_features(&mut text);
        let text = text.text;
        let mut digest = Sha256::new();
        let bytes = match written {
            Ok(()) if text.len() <= max_bytes => {
                return String::from_utf8(text).map_err(|_| error!(Internal, "JSON is UTF-8"));
            }
            Ok(()) => {
                digest.update(&text);
                text.len()
            }
            Err(problem) if problem.kind() == io::ErrorKind::FileTooLarge => {
                self.features.iter().for_each(|feature| digest.update(feature.value.bytes()));
                self.features.iter().map(|feature| feature.value.bytes().len()).sum()
            }
            Err(problem) => return Err(error!(Internal, "the features cannot be written: {problem}")),
        };
        let summary = |Feature { name, tensor, .. }: &Feature| {
            let (dtype, shape) = tensor.as_ref().map(|(dtype, shape)| (dtype.name(), shape)).unzip();
            json!({ "name": name, "shape": shape, "dtype": dtype })
        };
        let features: Vec<_> = self.features.iter().map(summary).collect();
        Ok(json!({ "summary": features, "bytes": bytes, "digest": hex(digest.finalize()) }).to_string())
    }

    fn write_features(&self, out: &mut impl io::Write) -> io::Result<()> {
        for (at, Feature { name, value, tensor }) in self.features.iter().enumerate() {
            write!(out, "{}{}:", if at == 0 { '{' } else { ',' }, json!(name))?;
            value.write_json(tensor.as_ref().map(|(dtype, _)| *dtype), out)?;
        }
        out.write_all(if self.features.is_empty() { b"{}" } else { b"}" })
    }
}

impl From<(String, Encoded)> for Feature {
    fn from((name, value): (String, Encoded)) -> Self {
        Self { name, value, tensor: None }
    }
}

/// Text that refuses to grow beyond a number of bytes.
struct BoundedText {
    max_bytes: usize,
    text: Vec<u8>,
}

impl io::Write for BoundedText {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.text.len() + part.len() > self.max_bytes {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn check_count(features: usize) -> Result<()> {
    if features > MAX_FEATURES {
        return Err(error!(InvalidRequest, "a request may have at most {MAX_FEATURES} features"));
    }
    Ok(())
}

/// Gives each name of a misspelt field its nearest known one.
fn unknown_field(name: &str) -> Error {
    let shown: String = name.chars().take(64).collect();
    match nearest_name(name, FIELDS) {
        Some(known) => error!(InvalidRequest, "unknown field \"{shown}\"; did you mean \"{known}\"?"),
        None => error!(InvalidRequest, "unknown field \"{shown}\"; known are {}", FIELDS.join(", ")),
    }
}

fn typed<T: DeserializeOwned>(name: &str, value: &Encoded, expected: &str) -> Result<T> {
    let text = value.to_json();
    serde_json::from_str(&text)
        .map_err(|_| error!(InvalidRequest, "{name} must be {expected}, received {}", shortened(&text)))
}

fn text(name: &str, value: &Encoded) -> Result<String> {
    let text: String = typed(name, value, "a string")?;
    if text.is_empty() || text.len() > MAX_TEXT_BYTES {
        return Err(error!(InvalidRequest, "{name} must have 1 to {MAX_TEXT_BYTES} bytes, received {}", text.len()));
    }
    // They become part of keys, in which some of these take two bytes.
    if text.chars().any(|character| character.is_ascii_control()) {
        return Err(error!(
            InvalidRequest,
            "{name} must have no control characters, received \"{}\"",
            shortened(&text).escape_debug()
        ));
    }
    Ok(text)
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

fn timeout(name: &str, value: &Encoded) -> Result<u64> {
    let timeout_ms: f64 = typed(name, value, "a number of milliseconds")?;
    if (1.0..=MAX_TIMEOUT_MS as f64).contains(&timeout_ms) {
        return Ok(timeout_ms.ceil() as u64);
    }
    Err(error!(InvalidRequest, "{name} must be from 1 to {MAX_TIMEOUT_MS}, received {timeout_ms}"))
}

fn priority(name: &str, value: &Encoded) -> Result<i32> {
    let priority: i32 = typed(name, value, "a whole number")?;
    if (-MAX_PRIORITY..=MAX_PRIORITY).contains(&priority) {
        return Ok(priority);
    }
    Err(error!(InvalidRequest, "{name} must be from -{MAX_PRIORITY} to {MAX_PRIORITY}, received {priority}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::signature::{ValueInfo, ValueType};

    fn parse(body: &str) -> Result<PredictRequest> {
        PredictRequest::parse(body.as_bytes(), Format::Json)
    }

    fn refused(body: &str) -> Error {
        parse(body).unwrap_err()
    }

    #[test]
    fn every_field_is_read() {
        let request = parse(
            r#"{"modelId":"m","version":"v1","features":{"x":[1,2]},"userId":"u","sessionId":"s","requestId":"r",
                "entityId":"e","outputs":["y"],"labels":true,"timeoutMs":1500,"record":false}"#,
        )
        .unwrap();
        assert_eq!((request.model_id.as_str(), request.version.as_deref()), ("m", Some("v1")));
        assert_eq!((request.timeout_ms, request.labels, request.record), (Some(1500), true, false));
        assert_eq!(request.feature_names().collect::<Vec<_>>(), ["x"]);
        assert_eq!(request.features_json(100).unwrap(), r#"{"x":[1,2]}"#);
    }

    #[test]
    fn null_is_absence() {
        let names = FIELDS.iter().filter(|name| !["modelId", "features"].contains(name));
        let nulls = names.map(|name| format!(",\"{name}\":null")).collect::<String>();
        let request = parse(&format!(r#"{{"modelId":"m","features":{{}}{nulls}}}"#)).unwrap();
        assert_eq!((request.version, request.user_id, request.entity_id), (None, None, None));
        assert_eq!((request.timeout_ms, request.labels, request.record), (None, false, true));
        assert_eq!(parse(r#"{"modelId":"m","features":null,"entityId":"e"}"#).unwrap().features.len(), 0);
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
            (r#"{"modelId":"m","features":null}"#, ErrorCode::InvalidRequest, "features is required"),
            (r#"{"modelId":null,"features":{}}"#, ErrorCode::InvalidRequest, "modelId must be a string, received null"),
            (r#"{"modelId":"m","features":{},"labels":null,"labels":true}"#, ErrorCode::InvalidRequest, "given twice"),
            ("null", ErrorCode::InvalidRequest, "expected an object, received null"),
            (r#"{"modelId":"m","feature":{}}"#, ErrorCode::InvalidRequest, "did you mean \"features\"?"),
            (r#"{"modelId":"m","modelid":"m","features":{}}"#, ErrorCode::InvalidRequest, "did you mean \"modelId\"?"),
            (r#"{"modelId":"m","zzz":1,"features":{}}"#, ErrorCode::InvalidRequest, "known are modelId"),
            (r#"{"modelId":"m","modelId":"m","features":{}}"#, ErrorCode::InvalidRequest, "given twice"),
            (r#"{"modelId":"m","features":{"x":1,"x":2}}"#, ErrorCode::InvalidRequest, "given twice"),
            (r#"{"modelId":"m","features":{},"timeoutMs":0}"#, ErrorCode::InvalidRequest, "from 1 to"),
            (r#"{"modelId":"m","features":{},"record":1}"#, ErrorCode::InvalidRequest, "record must be a boolean"),
            (r#"{"modelId":"m","features":{},"userId":"a\u0001"}"#, ErrorCode::InvalidRequest, "no control characters"),
        ] {
            let problem = refused(body);
            assert_eq!(problem.code, code, "{body}: {problem}");
            assert!(problem.message.contains(part), "{body}: {problem}");
        }
    }

    #[test]
    fn stored_features_fill_only_gaps() {
        let mut request = parse(r#"{"modelId":"m","features":{"a":1},"entityId":"e"}"#).unwrap();
        request.add_features(r#"{"a":5,"b":[2]}"#).unwrap();
        assert_eq!(request.features_json(100).unwrap(), r#"{"a":1,"b":[2]}"#);
    }

    #[test]
    fn large_features_are_summarized() {
        let mut request = parse(r#"{"modelId":"m","features":{"any":[[1,2],[3,4]]}}"#).unwrap();
        let value_type = ValueType::Tensor { dtype: DType::Int8, shape: None };
        let input = ValueInfo { name: "x".to_owned(), value_type, optional: false };
        request.inputs(&Signature { inputs: vec![input], ..Signature::default() }).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&request.features_json(10).unwrap()).unwrap();
        assert_eq!(summary["bytes"], 21);
        assert_eq!(summary["summary"], json!([{ "name": "any", "shape": [2, 2], "dtype": "int8" }]));
        assert_eq!(summary["digest"], hex(Sha256::digest(r#"{"any":[[1,2],[3,4]]}"#)));
    }
}
