//! What a request gives for the inputs of a model, and the text of it for the record of the prediction.

use crate::error::{Result, error};
use crate::files::hex;
use crate::format::{Encoded, Format};
use crate::signature::{Elements, Given, Inputs, Signature, input_for, inputs_from};
use crate::tensor::{self, DType, Tensor};
use bytes::Bytes;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

const MAX_FEATURES: usize = 10_000;
/// The text of an element has at least a quarter of the bytes of the element: a digit and a comma for a double.
const MAX_BYTES_PER_BYTE_OF_TEXT: usize = 4;

/// Values by the names of inputs, in the order of the request.
#[derive(Debug, Default)]
pub struct Features(Vec<Feature>);

#[derive(Debug)]
struct Feature {
    name: String,
    content: Content,
    /// What it became as an input of a model; `None` for what is no tensor or has not become one.
    tensor: Option<(DType, Vec<usize>)>,
}

#[derive(Debug)]
pub enum Content {
    /// As the body has it.
    Value(Encoded),
    /// With the shape that the body states beside it.
    Shaped(Encoded, Vec<usize>),
    /// Little-endian elements.
    Elements { dtype: DType, shape: Vec<usize>, bytes: Bytes },
}

impl Content {
    fn given(&self) -> Given<'_> {
        match self {
            Self::Value(value) => Given::Value(value),
            Self::Shaped(value, shape) => Given::Shaped(value, shape),
            Self::Elements { dtype, shape, bytes } => Given::Elements { dtype: *dtype, shape: Some(shape), bytes },
        }
    }

    /// As it came.
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Value(value) | Self::Shaped(value, _) => value.bytes(),
            Self::Elements { bytes, .. } => bytes,
        }
    }

    fn is_json(&self) -> bool {
        match self {
            Self::Value(value) | Self::Shaped(value, _) => value.format() == Format::Json,
            Self::Elements { .. } => false,
        }
    }

    /// Writes it as a feature of `/predict` in JSON.
    fn write_json(&self, dtype: Option<DType>, out: &mut impl Write) -> io::Result<()> {
        let shape = match self {
            Self::Value(value) => return value.write_json(dtype, out),
            Self::Shaped(value, shape) => {
                out.write_all(b"{\"data\":")?;
                value.write_json(dtype, out)?;
                shape
            }
            Self::Elements { dtype, shape, bytes } => {
                let bytes = tensor::Bytes::copy_from(bytes);
                let tensor = Tensor::from_bytes(*dtype, shape.clone(), bytes).map_err(io::Error::other)?;
                out.write_all(b"{\"data\":")?;
                serde_json::to_writer(&mut *out, &Elements(&tensor))?;
                shape
            }
        };
        write!(out, ",\"shape\":{}}}", json!(shape))
    }
}

impl Features {
    /// # Errors
    /// `INVALID_REQUEST` for more than a request may have.
    pub fn new(contents: impl IntoIterator<Item = (String, Content)>) -> Result<Self> {
        let feature = |(name, content)| Feature { name, content, tensor: None };
        let made = Self(contents.into_iter().map(feature).collect());
        check_count(made.0.len())?;
        Ok(made)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|feature| feature.name.as_str())
    }

    /// Adds those whose names it lacks.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn add(&mut self, values: Vec<(String, Encoded)>) -> Result<()> {
        check_count(self.0.len() + values.len())?;
        for (name, value) in values {
            if self.names().all(|known| known != name) {
                self.0.push(Feature { name, content: Content::Value(value), tensor: None });
            }
        }
        Ok(())
    }

    /// The inputs for a model of that signature. The text knows from then on what the features became.
    ///
    /// # Errors
    /// As [`inputs_from`].
    pub fn inputs(&mut self, signature: &Signature) -> Result<Inputs> {
        let given: Vec<(&str, Given<'_>)> =
            self.0.iter().map(|Feature { name, content, .. }| (name.as_str(), content.given())).collect();
        let inputs = inputs_from(signature, &given)?;
        let count = self.0.len();
        for feature in &mut self.0 {
            let input = input_for(signature, &feature.name, count);
            let value = input.and_then(|input| inputs.values.iter().find(|(name, _)| *name == input.name));
            let tensor = value.and_then(|(_, value)| value.as_tensor());
            feature.tensor = tensor.map(|tensor| (tensor.dtype, tensor.shape.clone()));
        }
        Ok(inputs)
    }

    /// JSON text. Beyond `max_bytes` a summary of names, shapes, dtypes, and of what was sent the size and the SHA-256: of JSON
    /// that text, of other formats the values in their order.
    ///
    /// # Errors
    /// `INTERNAL`
    pub fn to_json(&self, max_bytes: usize) -> Result<String> {
        let is_json = self.0.iter().all(|feature| feature.content.is_json());
        let sent = || self.0.iter().map(|feature| feature.content.bytes());
        let sent_bytes = sent().map(<[u8]>::len).sum::<usize>();
        let mut text = BoundedText { max_bytes: if is_json { usize::MAX } else { max_bytes }, text: Vec::new() };
        let written = if !is_json && sent_bytes > max_bytes.saturating_mul(MAX_BYTES_PER_BYTE_OF_TEXT) {
            Err(io::ErrorKind::FileTooLarge.into())
        } else {
            self.write(&mut text)
        };
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
                sent().for_each(|bytes| digest.update(bytes));
                sent_bytes
            }
            Err(problem) => return Err(error!(Internal, "the features cannot be written: {problem}")),
        };
        let summary = |Feature { name, tensor, .. }: &Feature| {
            let (dtype, shape) = tensor.as_ref().map(|(dtype, shape)| (dtype.name(), shape)).unzip();
            json!({ "name": name, "shape": shape, "dtype": dtype })
        };
        let features: Vec<_> = self.0.iter().map(summary).collect();
        Ok(json!({ "summary": features, "bytes": bytes, "digest": hex(digest.finalize()) }).to_string())
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (at, Feature { name, content, tensor }) in self.0.iter().enumerate() {
            out.write_all(if at == 0 { b"{" } else { b"," })?;
            serde_json::to_writer(&mut *out, name)?;
            out.write_all(b":")?;
            content.write_json(tensor.as_ref().map(|(dtype, _)| *dtype), out)?;
        }
        out.write_all(if self.0.is_empty() { b"{}" } else { b"}" })
    }
}

/// Text that refuses to grow beyond a number of bytes.
struct BoundedText {
    max_bytes: usize,
    text: Vec<u8>,
}

impl Write for BoundedText {
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
