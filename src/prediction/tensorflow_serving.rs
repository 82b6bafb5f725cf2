//! TensorFlow Serving's `:predict`: rows or columns of JSON as features, and what a run gave as predictions or outputs.

use super::features::{Content, Features};
use super::shown::{shown, shown_name};
use crate::error::{Error, Result, error};
use crate::format::{Encoded, Item};
use crate::signature::{Dim, Output, OutputRow, Outputs, Signature, ValueType, quoted};
use crate::tensor::{DType, Value};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::Serialize;
use serde::ser::SerializeMap;
use std::collections::HashMap;

const B64: &[u8] = b"\"b64\"";

/// What can be read only with the signature of the model.
#[derive(Debug)]
pub struct Request {
    values: Values,
    /// How many rows there are, when they came as rows.
    rows: Option<usize>,
}

#[derive(Debug)]
enum Values {
    ByName(Vec<(String, Encoded)>),
    /// For the one input.
    Only(Encoded),
}

/// Reads a body.
///
/// # Errors
/// `INVALID_JSON`, `INVALID_REQUEST` and `INVALID_INPUT` for what is malformed.
pub fn parse(body: &[u8]) -> Result<Request> {
    let fields = Encoded::parse_lenient_json(Bytes::copy_from_slice(body))?.fields().map_err(unreadable)?;
    // Null is absence.
    let field =
        |name: &str| fields.iter().find(|(known, value)| known == name && !value.is_null()).map(|(_, value)| value);
    if let Some(signature) = field("signature_name")
        && !matches!(signature.bytes(), b"\"serving_default\"" | b"\"\"")
    {
        return Err(error!(InvalidRequest, "a model has the signature \"serving_default\", not {}", shown(signature)));
    }
    match (field("inputs"), field("instances")) {
        (Some(inputs), None) if is_named(inputs)? => {
            Ok(Request { values: Values::ByName(inputs.fields().map_err(unreadable)?), rows: None })
        }
        (Some(inputs), None) => Ok(Request { values: Values::Only(inputs.clone()), rows: None }),
        (None, Some(instances)) => read_rows(instances),
        _ => Err(error!(InvalidRequest, "send either \"instances\", a list of rows, or \"inputs\", values by input")),
    }
}

fn read_rows(instances: &Encoded) -> Result<Request> {
    let rows = instances.sizes().map_err(unreadable)?.first().copied().filter(|&count| count > 0);
    let rows = Some(rows.ok_or_else(|| error!(InvalidRequest, "instances must be a list of at least one row"))?);
    let mut items = instances.items();
    let first = items.item().and_then(|_| items.value()).map_err(unreadable)?;
    let is_by_name = first.map_or(Ok(false), |first| is_named(&instances.part(first)))?;
    let values = if is_by_name {
        Values::ByName(columns_of(&instances.list().map_err(unreadable)?)?)
    } else {
        Values::Only(instances.clone())
    };
    Ok(Request { values, rows })
}

/// Rows of values by name as a list for each name.
fn columns_of(rows: &[Encoded]) -> Result<Vec<(String, Encoded)>> {
    let mut columns: Vec<(String, Vec<Encoded>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        for (name, value) in row.fields().map_err(unreadable)? {
            match places.get(&name) {
                Some(&place) => columns[place].1.push(value),
                None if at == 0 => {
                    places.insert(name.clone(), columns.len());
                    columns.push((name, vec![value]));
                }
                None => return Err(unlike(at, &name, "has")),
            }
        }
        if let Some((missing, _)) = columns.iter().find(|(_, values)| values.len() == at) {
            return Err(unlike(at, missing, "lacks"));
        }
    }
    Ok(columns.into_iter().map(|(name, values)| (name, Encoded::json_list(&values))).collect())
}

fn unlike(row: usize, name: &str, verb: &str) -> Error {
    let name = shown_name(name);
    error!(InvalidInput, "instances[{row}] {verb} {name}, unlike the first; all rows have the same names")
}

impl Request {
    pub fn rows(&self) -> Option<usize> {
        self.rows
    }

    /// The values as features for a model of that signature. Each has its shape, so that a list of rows is never taken for one
    /// row.
    ///
    /// # Errors
    /// `INVALID_INPUT` for a value without a name when the model takes several, and for what is no Base64.
    pub fn features(&self, signature: &Signature) -> Result<Features> {
        match &self.values {
            Values::ByName(values) => {
                let contents = values.iter().map(|(name, value)| Ok((name.clone(), content(signature, name, value)?)));
                Features::new(contents.collect::<Result<Vec<_>>>()?)
            }
            Values::Only(value) => {
                let mut required = signature.required_inputs();
                let (Some(input), None) = (required.next(), required.next()) else {
                    let names: Vec<&str> = signature.inputs.iter().map(|input| input.name.as_str()).collect();
                    return Err(error!(
                        InvalidInput,
                        "the model has several inputs, give values by name: {}",
                        quoted(&names)
                    ));
                };
                Features::new([(input.name.clone(), content(signature, &input.name, value)?)])
            }
        }
    }
}

fn content(signature: &Signature, name: &str, value: &Encoded) -> Result<Content> {
    let Some(ValueType::Tensor { dtype, shape: declared }) = signature.input(name).map(|input| &input.value_type)
    else {
        return Ok(Content::Value(value.clone()));
    };
    let has_bytes = || value.bytes().windows(B64.len()).any(|part| part == B64);
    let value = if *dtype == DType::String && has_bytes() { decoded(value)? } else { value.clone() };
    let mut shape = value.sizes().map_err(unreadable)?;
    // A column of an input with rows of one element may be a plain list.
    if let Some(declared) = declared
        && !shape.is_empty()
        && declared.len() == shape.len() + 1
        && declared.last() == Some(&Dim::Fixed(1))
    {
        shape.push(1);
    }
    Ok(Content::Shaped(value, shape))
}

/// Whether it is values by name, and not bytes: `{"b64": "..."}`.
fn is_named(value: &Encoded) -> Result<bool> {
    if !value.is_object() {
        return Ok(false);
    }
    let fields = value.fields().map_err(unreadable)?;
    Ok(!matches!(fields.as_slice(), [(name, _)] if name == "b64"))
}

/// A value with texts in the place of the bytes in it.
fn decoded(value: &Encoded) -> Result<Encoded> {
    if value.is_object() {
        let fields = value.fields().map_err(unreadable)?;
        let bytes = fields.iter().find(|(name, _)| name == "b64").map(|(_, bytes)| bytes);
        return match bytes.map(|bytes| (bytes, bytes.items().item())) {
            Some((bytes, Ok(Item::Text(text)))) => text_of(bytes, &text),
            _ => Ok(value.clone()),
        };
    }
    let Ok(items) = value.list() else { return Ok(value.clone()) };
    Ok(Encoded::json_list(&items.iter().map(decoded).collect::<Result<Vec<_>>>()?))
}

fn text_of(value: &Encoded, base64: &str) -> Result<Encoded> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let bytes = LENIENT
        .decode(base64.replace('-', "+").replace('_', "/"))
        .map_err(|_| error!(InvalidInput, "b64 must be Base64, received {}", shown(value)))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        error!(
            InvalidInput,
            "b64 must be the Base64 of UTF-8, as the strings of a model are, received {}",
            shown(value)
        )
    })?;
    Encoded::json(&serde_json::Value::String(text).to_string())
}

fn unreadable(problem: String) -> Error {
    error!(InvalidRequest, "the body cannot be read: {problem}")
}

/// The answer as JSON text: `{"predictions": [...]}` with a part for each row, or `{"outputs": ...}`. A single output goes
/// without its name.
///
/// # Errors
/// `INVALID_INPUT` for an output that has no part for each row; `RUN_FAILED` for a value that JSON does not have.
pub fn write_outputs(rows: Option<usize>, outputs: &[(String, Value)], unbatched: bool) -> Result<String> {
    let written = match (rows, outputs) {
        (None, [(_, value)]) => answer("outputs", &Output { value, unbatched, labels: None }),
        (None, outputs) => answer("outputs", &Outputs { outputs, unbatched, labels: None }),
        (Some(count), outputs) => {
            for (name, value) in outputs {
                if OutputRow::count(value, unbatched) != Some(count) {
                    return Err(error!(
                        InvalidInput,
                        "output \"{name}\" has no row for each instance; send \"inputs\" instead"
                    ));
                }
            }
            match outputs {
                [(_, value)] => answer("predictions", &Output { value, unbatched, labels: None }),
                outputs => {
                    let rows: Vec<Row<'_>> = (0..count).map(|at| Row { outputs, at, unbatched }).collect();
                    answer("predictions", &rows)
                }
            }
        }
    };
    written.map_err(|problem| error!(RunFailed, "an output cannot be written: {problem}"))
}

fn answer(name: &str, value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|text| format!("{{\"{name}\":{text}}}"))
}

/// The parts of all outputs that belong to a row.
struct Row<'a> {
    outputs: &'a [(String, Value)],
    at: usize,
    unbatched: bool,
}

impl Serialize for Row<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(Some(self.outputs.len()))?;
        for (name, value) in self.outputs {
            row.serialize_entry(name, &OutputRow { value, at: self.at, unbatched: self.unbatched })?;
        }
        row.end()
    }
}
