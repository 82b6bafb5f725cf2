//! Training data that is read into the profile of a reference, off the event loop.

use super::channel::{Channel, Reply};
use super::error::{panicked, throw};
use crate::error::{Error, ErrorCode, Result, error};
use crate::monitoring::estimated::LabelledTraining;
use crate::monitoring::reference::{Format, ProfiledRows, Reader, Schema, Source, Summary};
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// How a file is to be read.
#[napi(object, object_to_js = false)]
pub struct ReferenceInput {
    /// As the record of the model has them: JSON texts.
    pub input_schema: String,
    pub output_schema: String,
    /// A tensor with more columns is a vector.
    pub max_columns: u32,
    /// "csv", "ndjson" or "json".
    pub format: String,
    /// Of CSV: one character of ASCII.
    pub delimiter: String,
    /// The column of labels; one called `label` when none is named.
    pub label: Option<String>,
    /// Whether an estimator is to be fitted, and the names of the classes of the model.
    pub estimate: bool,
    pub class_names: Option<Vec<String>>,
}

/// What a file came to.
#[napi(object)]
pub struct ReadReference {
    pub profile: Uint8Array,
    /// `{rows, leftOut, columns: [{name, kind, count, missing}], ignored, labels?, estimator?}` as JSON text: what `estimator` is, or
    /// `{error}` when none can be fitted to predictions and labels.
    pub contents: String,
    /// Of data with predictions and labels.
    pub estimator: Option<Uint8Array>,
}

enum Message {
    Bytes(Vec<u8>, Reply),
    End(Reply),
}

/// Reads one file on a thread of its own, which ends with it.
#[napi]
pub struct ReferenceReader {
    sender: Option<Sender<Message>>,
}

#[napi]
impl ReferenceReader {
    /// Throws INVALID_REQUEST.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: &Env, input: ReferenceInput) -> napi::Result<Self> {
        let reader = reader_of(input).map_err(|problem| throw(env, &problem))?;
        let (sender, messages) = channel();
        let work = move || read(reader, &messages);
        let started = thread::Builder::new().name("reference".to_owned()).spawn(work);
        started.map_err(|_| throw(env, &error!(Internal, "a thread that reads cannot be started")))?;
        Ok(Self { sender: Some(sender) })
    }

    /// Reads the next bytes; answered on the channel when that is done, or with INVALID_REQUEST, INVALID_JSON, INVALID_INPUT,
    /// SCHEMA_MISMATCH, TOO_LARGE.
    #[napi(catch_unwind)]
    pub fn push(&self, channel: &Channel, id: u32, bytes: Uint8Array) {
        self.send(Message::Bytes(bytes.to_vec(), channel.reply(id)));
    }

    /// Answered on the channel with a `ReadReference`, or as [`Self::push`].
    #[napi(catch_unwind)]
    pub fn finish(&self, channel: &Channel, id: u32) {
        self.send(Message::End(channel.reply(id)));
    }

    /// Ends it, wherever it is.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.sender = None;
    }

    fn send(&self, message: Message) {
        let refused = match &self.sender {
            Some(sender) => sender.send(message).err().map(|unsent| unsent.0),
            None => Some(message),
        };
        if let Some(Message::Bytes(_, reply) | Message::End(reply)) = refused {
            reply.send_value::<()>(Err(closed()));
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorCode::Closed, "the reader is closed")
}

type Rows = (ProfiledRows, Option<LabelledTraining>);

fn reader_of(input: ReferenceInput) -> Result<Reader<Rows>> {
    let ReferenceInput { input_schema, output_schema, max_columns, format, delimiter, label, estimate, class_names } =
        input;
    let format = match format.as_str() {
        "csv" => match *delimiter.as_bytes() {
            [delimiter] if delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\r' | b'\n') => {
                Format::Csv { delimiter }
            }
            _ => return Err(error!(InvalidRequest, "delimiter must be one character of ASCII")),
        },
        "ndjson" => Format::Lines,
        "json" => Format::Json,
        _ => return Err(error!(InvalidRequest, "format must be csv, ndjson or json")),
    };
    let schema = || Schema::parse(&input_schema, &output_schema, max_columns as usize);
    let (schema, read_by) = (schema()?, schema()?);
    let labelled = estimate.then(|| LabelledTraining::new(read_by, output_schema, class_names));
    Reader::new(Source { schema, label }, format, (ProfiledRows::default(), labelled))
}

fn read(reader: Reader<Rows>, messages: &Receiver<Message>) {
    let mut reader = Some(reader);
    while let Ok(message) = messages.recv() {
        match message {
            Message::Bytes(bytes, reply) => {
                let push = || reader.as_mut().ok_or_else(closed)?.push(&bytes);
                let pushed = catch_unwind(AssertUnwindSafe(push)).unwrap_or_else(|_| Err(panicked()));
                if pushed.is_err() {
                    reader = None;
                }
                reply.send_value(pushed);
            }
            Message::End(reply) => {
                let whole = reader.take();
                let finish = || whole.ok_or_else(closed)?.finish().and_then(answer);
                reply.send_value(catch_unwind(AssertUnwindSafe(finish)).unwrap_or_else(|_| Err(panicked())));
            }
        }
    }
}

fn answer(((rows, labelled), summary): (Rows, Summary)) -> Result<ReadReference> {
    let ProfiledRows { profile, labels } = rows;
    let Summary { ignored, .. } = summary;
    let mut contents = profile.contents();
    contents["ignored"] = json!(ignored);
    if let Some(column) = labels.columns.values().next() {
        contents["labels"] = column.to_json();
    }
    let estimator = match labelled.and_then(|labelled| labelled.fit()) {
        Some(Ok(estimator)) => {
            contents["estimator"] = estimator.described();
            Some(estimator.to_bytes()?.into())
        }
        Some(Err(problem)) => {
            contents["estimator"] = json!({ "error": problem.message });
            None
        }
        None => None,
    };
    Ok(ReadReference { profile: profile.to_bytes()?.into(), contents: contents.to_string(), estimator })
}
