//! A request for a prediction. That of `POST /predict` is read here, without building a tree of its numbers.

use super::features::{Content, Features};
use super::form::Form;
use super::limits::{MAX_ID_BYTES, MAX_PRIORITY, has_control_characters};
use super::{open_inference, tensorflow_serving};
use crate::engine::{MAX_TIMEOUT_MS, Session};
use crate::error::{Error, Result, error};
use crate::format::{Encoded, Format};
use crate::process::nearest_name;
use crate::signature::{Inputs, Signature, class_names};
use bytes::Bytes;
use serde::de::DeserializeOwned;

/// A parsed body of a prediction, of any protocol.
#[derive(Debug)]
pub struct PredictRequest {
    /// Empty where the path names the model.
    pub model_id: String,
    /// Nothing for the default: see `stage`.
    pub version: Option<String>,
    /// In place of a version, the stage whose version was uploaded last. Of the two at most one is given.
    pub stage: Option<String>,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    /// Which part of the requests it is of, such as a country: metrics tell some of them apart.
    pub segment: Option<String>,
    pub request_id: Option<String>,
    /// Features that the request lacks come from this entity.
    pub entity_id: Option<String>,
    /// The outputs wanted; empty for all.
    pub outputs: Vec<String>,
    pub timeout_ms: Option<f64>,
    /// Of the requests that wait for a model, those of a higher priority go first.
    pub priority: i32,
    /// Whether class scores are given by the names of the classes.
    pub labels: bool,
    /// Whether an inference event is written.
    pub record: bool,
    /// Whether the answer says what the prediction cost.
    pub receipt: bool,
    features: Features,
    body: Body,
}

/// What of a body can be read only with the signature of the model.
#[derive(Debug)]
enum Body {
    /// Nothing: `/predict`.
    Features,
    OpenInference(open_inference::Request),
    TensorFlowServing(tensorflow_serving::Request),
}

const FIELDS: [&str; 15] = [
    "modelId",
    "version",
    "stage",
    "features",
    "userId",
    "sessionId",
    "segment",
    "requestId",
    "entityId",
    "outputs",
    "labels",
    "timeoutMs",
    "priority",
    "record",
    "receipt",
];

impl PredictRequest {
    /// Reads a body of `/predict`.
    ///
    /// # Errors
    /// `INVALID_JSON` when it is not JSON but should be; `INVALID_REQUEST` when it is malformed in another format, or that names a
    /// field which is missing, given twice, unknown (with the nearest known name) or of the wrong type.
    pub fn parse(body: &[u8], format: Format) -> Result<Self> {
        let body = Encoded::parse(format, Bytes::copy_from_slice(body))?;
        let mut request = Self::of(Body::Features);
        let mut features = None;
        let mut fields = Vec::new();
        body.each_field(&mut body.items(), |name, items| {
            if name == "features" {
                features = body
                    .read_fields(items)
                    .map_err(|problem| format!("features must be an object of values by input name: {problem}"))?;
            } else if let Some(value) = items.value()? {
                fields.push((name, body.part(value)));
            }
            Ok(())
        })
        .and_then(|is_object| if is_object { Ok(()) } else { Err("expected an object, received null".to_owned()) })
        .map_err(|problem| error!(InvalidRequest, "{problem}"))?;
        let has_features = features.is_some();
        let values = features.into_iter().flatten().map(|(name, value)| (name, Content::Value(value)));
        request.features = Features::new(values)?;
        fields.iter().try_for_each(|(name, value)| request.set(name, value))?;
        if request.model_id.is_empty() {
            return Err(error!(InvalidRequest, "modelId is required"));
        }
        if request.version.is_some() && request.stage.is_some() {
            return Err(error!(
                InvalidRequest,
                "version and stage cannot both be given: the stage stands for a version"
            ));
        }
        if !has_features && request.entity_id.is_none() {
            return Err(error!(InvalidRequest, "features is required: an object of values by input name"));
        }
        Ok(request)
    }

    /// Reads a body of the Open Inference Protocol: JSON of so many bytes, and the binary data behind it.
    ///
    /// # Errors
    /// `INVALID_JSON`, `INVALID_REQUEST` and `INVALID_INPUT` for what is malformed; `NOT_SUPPORTED` for a sequence, classification
    /// and shared memory.
    pub fn parse_open_inference(body: &[u8], json_length: usize) -> Result<Self> {
        let (head, request) = open_inference::parse(body, json_length)?;
        Ok(Self {
            user_id: head.user_id,
            session_id: head.session_id,
            segment: head.segment,
            request_id: head.id,
            timeout_ms: head.timeout_ms,
            priority: head.priority,
            record: head.record,
            receipt: head.receipt,
            ..Self::of(Body::OpenInference(request))
        })
    }

    /// Reads a body of TensorFlow Serving's `:predict`.
    ///
    /// # Errors
    /// `INVALID_JSON`, `INVALID_REQUEST` and `INVALID_INPUT` for what is malformed.
    pub fn parse_tensorflow_serving(body: &[u8]) -> Result<Self> {
        Ok(Self::of(Body::TensorFlowServing(tensorflow_serving::parse(body)?)))
    }

    fn of(body: Body) -> Self {
        Self {
            model_id: String::new(),
            version: None,
            stage: None,
            user_id: None,
            session_id: None,
            segment: None,
            request_id: None,
            entity_id: None,
            outputs: Vec::new(),
            labels: false,
            timeout_ms: None,
            priority: 0,
            record: true,
            receipt: false,
            features: Features::default(),
            body,
        }
    }

    fn set(&mut self, name: &str, value: &Encoded) -> Result<()> {
        match name {
            // Null for a field that may be absent is absence.
            optional if optional != "modelId" && FIELDS.contains(&optional) && value.is_null() => {}
            "modelId" => self.model_id = text(name, value)?,
            "version" => self.version = Some(text(name, value)?),
            "stage" => self.stage = Some(text(name, value)?),
            "userId" => self.user_id = Some(text(name, value)?),
            "sessionId" => self.session_id = Some(text(name, value)?),
            "segment" => self.segment = Some(text(name, value)?),
            "requestId" => self.request_id = Some(text(name, value)?),
            "entityId" => self.entity_id = Some(text(name, value)?),
            "outputs" => self.outputs = typed(name, value, "a list of output names")?,
            "labels" => self.labels = typed(name, value, "a boolean")?,
            "record" => self.record = typed(name, value, "a boolean")?,
            "receipt" => self.receipt = typed(name, value, "a boolean")?,
            "timeoutMs" => self.timeout_ms = Some(timeout(name, value)?),
            "priority" => self.priority = priority(name, value)?,
            unknown => return Err(unknown_field(unknown)),
        }
        Ok(())
    }

    pub fn feature_names(&self) -> impl Iterator<Item = &str> {
        self.features.names()
    }

    /// Adds the features of an object that the request lacks.
    ///
    /// # Errors
    /// `INVALID_JSON` when it is not JSON but should be; `INVALID_REQUEST` when it is malformed in another format, or no object.
    pub fn add_features(&mut self, object: &[u8], format: Format) -> Result<()> {
        let added = Encoded::parse(format, Bytes::copy_from_slice(object))?.fields();
        self.features.add(added.map_err(|problem| error!(InvalidRequest, "features by input name: {problem}"))?)
    }

    /// The inputs for a model of that signature. The record of the prediction knows from then on what the features became.
    ///
    /// # Errors
    /// As [`inputs_from`](crate::signature::inputs_from).
    pub fn inputs(&mut self, signature: &Signature) -> Result<Inputs> {
        match &self.body {
            Body::Features => {}
            Body::OpenInference(request) => self.features = request.features(signature)?,
            Body::TensorFlowServing(request) => self.features = request.features(signature)?,
        }
        self.features.inputs(signature)
    }

    /// The outputs to compute, and the form in which they are answered.
    pub(super) fn outputs(&self, session: &Session, format: Format) -> Result<(Vec<String>, Form)> {
        let signature = &session.signature;
        match &self.body {
            Body::OpenInference(request) => request.outputs(signature),
            Body::TensorFlowServing(request) => {
                Ok((signature.select_outputs(&[])?, Form::TensorFlowServing { rows: request.rows() }))
            }
            Body::Features => {
                let outputs = signature.select_outputs(&self.outputs)?;
                if self.labels {
                    class_names(signature, session.labels.as_deref(), &outputs)?;
                }
                Ok((outputs, Form::Own { format, by_class: self.labels }))
            }
        }
    }

    /// The features as JSON text for the record of the prediction. Beyond `max_bytes` a summary of names, shapes, dtypes, and
    /// of what was sent the size and the SHA-256: of JSON that text, of other formats the values in their order.
    ///
    /// # Errors
    /// `INTERNAL`
    pub fn features_json(&self, max_bytes: usize) -> Result<String> {
        self.features.to_json(max_bytes)
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

fn typed<T: DeserializeOwned>(name: &str, value: &Encoded, expected: &str) -> Result<T> {
    let text = value.to_json();
    serde_json::from_str(&text)
        .map_err(|_| error!(InvalidRequest, "{name} must be {expected}, received {}", shortened(&text)))
}

fn text(name: &str, value: &Encoded) -> Result<String> {
    let text: String = typed(name, value, "a string")?;
    if text.is_empty() || text.len() > MAX_ID_BYTES {
        return Err(error!(InvalidRequest, "{name} must have 1 to {MAX_ID_BYTES} bytes, received {}", text.len()));
    }
    if has_control_characters(&text) {
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

fn timeout(name: &str, value: &Encoded) -> Result<f64> {
    let timeout_ms: f64 = typed(name, value, "a number of milliseconds")?;
    if (1.0..=MAX_TIMEOUT_MS as f64).contains(&timeout_ms) {
        return Ok(timeout_ms.ceil());
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
    use crate::files::hex;
    use crate::signature::{ValueInfo, ValueType};
    use crate::tensor::DType;
    use serde_json::json;
    use sha2::{Digest, Sha256};

    fn parse(body: &str) -> Result<PredictRequest> {
        PredictRequest::parse(body.as_bytes(), Format::Json)
    }

    fn refused(body: &str) -> Error {
        parse(body).unwrap_err()
    }

    #[test]
    fn every_field_is_read() {
        let request = parse(
            r#"{"modelId":"m","version":"v1","features":{"x":[1,2]},"userId":"u","sessionId":"s","segment":"eu","requestId":"r",
                "entityId":"e","outputs":["y"],"labels":true,"timeoutMs":1500,"record":false,"receipt":true}"#,
        )
        .unwrap();
        assert_eq!((request.model_id.as_str(), request.version.as_deref()), ("m", Some("v1")));
        assert_eq!((request.timeout_ms, request.labels, request.record), (Some(1500.0), true, false));
        assert!(request.receipt);
        assert_eq!(request.segment.as_deref(), Some("eu"));
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
        assert!(!request.receipt);
        assert_eq!(parse(r#"{"modelId":"m","features":null,"entityId":"e"}"#).unwrap().feature_names().count(), 0);
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
        request.add_features(br#"{"a":5,"b":[2]}"#, Format::Json).unwrap();
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
