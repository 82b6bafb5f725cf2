//! The tensors of a request, and the outputs that it wants.

use super::datatypes::{input_datatype, output_datatype};
use super::parameters::{Head, Parameters, is_true, whole};
use super::texts::read_texts;
use crate::error::{Error, Result, error};
use crate::format::{Encoded, Format};
use crate::prediction::features::{Content, Features};
use crate::prediction::form::{Form, WantedOutput};
use crate::prediction::shown::{shown, shown_name};
use crate::signature::{Signature, ValueInfo, quoted};
use crate::tensor::DType;
use bytes::Bytes;
use std::collections::HashSet;

/// What can be read only with the signature of the model.
#[derive(Debug)]
pub struct Request {
    inputs: Vec<Input>,
    /// Empty for all.
    outputs: Vec<Output>,
    binary_outputs: bool,
}

#[derive(Debug)]
struct Input {
    name: String,
    /// As it stands in the request.
    datatype: Encoded,
    shape: Vec<usize>,
    data: Data,
}

#[derive(Debug)]
enum Data {
    Json(Encoded),
    Binary(Bytes),
}

#[derive(Debug)]
struct Output {
    name: String,
    is_binary: bool,
}

/// Reads a body: JSON of so many bytes, and the binary data behind it.
///
/// # Errors
/// `INVALID_JSON`, `INVALID_REQUEST` and `INVALID_INPUT` for what is malformed; `NOT_SUPPORTED` for what nothing here does.
pub fn parse(body: &[u8], json_length: usize) -> Result<(Head, Request)> {
    let body = Bytes::copy_from_slice(body);
    if json_length > body.len() {
        return Err(error!(InvalidRequest, "{json_length} bytes of JSON do not fit a body of {}", body.len()));
    }
    let fields = Encoded::parse(Format::Json, body.slice(..json_length))?.fields();
    let fields = fields.map_err(|problem| error!(InvalidRequest, "the body cannot be read: {problem}"))?;
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let head = Head::read(field("id"), field("parameters"))?;
    let inputs = read_inputs(field("inputs"), body.slice(json_length..))?;
    let outputs = read_outputs(field("outputs"), head.binary_outputs)?;
    let binary_outputs = head.binary_outputs;
    Ok((head, Request { inputs, outputs, binary_outputs }))
}

impl Request {
    /// The inputs as features for a model of that signature.
    ///
    /// # Errors
    /// `INVALID_INPUT` for a tensor that the model does not take; `NOT_SUPPORTED` for a model that takes what is no tensor.
    pub fn features(&self, signature: &Signature) -> Result<Features> {
        if let Some(input) = signature.inputs.iter().find(|input| input_datatype(&input.value_type).is_none()) {
            return Err(without_datatype("input", input));
        }
        let contents = self.inputs.iter().map(|input| Ok((input.name.clone(), input.content(signature)?)));
        Features::new(contents.collect::<Result<Vec<_>>>()?)
    }

    /// The outputs to compute, and the form of the answer.
    ///
    /// # Errors
    /// `INVALID_INPUT` for an output that the model does not have; `NOT_SUPPORTED` for one that has no form in the protocol.
    pub fn outputs(&self, signature: &Signature) -> Result<(Vec<String>, Form)> {
        let known = signature.outputs.iter();
        let wanted: Vec<WantedOutput> = if self.outputs.is_empty() {
            let describe = |output: &ValueInfo| {
                let datatype = output_datatype(&output.value_type)?;
                Some(WantedOutput { name: output.name.clone(), datatype, is_binary: self.binary_outputs })
            };
            known.filter_map(describe).collect()
        } else {
            self.outputs.iter().map(|output| output.of(signature)).collect::<Result<_>>()?
        };
        if wanted.is_empty() {
            return Err(error!(NotSupported, "no output of the model has a datatype of this protocol"));
        }
        Ok((wanted.iter().map(|output| output.name.clone()).collect(), Form::OpenInference(wanted)))
    }
}

impl Output {
    fn of(&self, signature: &Signature) -> Result<WantedOutput> {
        let Self { name, is_binary } = self;
        let Some(output) = signature.outputs.iter().find(|output| output.name == *name) else {
            let names: Vec<&str> = signature.outputs.iter().map(|output| output.name.as_str()).collect();
            return Err(error!(
                InvalidInput,
                "the model has no output {}; its outputs are {}",
                shown_name(name),
                quoted(&names)
            ));
        };
        let datatype = output_datatype(&output.value_type).ok_or_else(|| without_datatype("output", output))?;
        Ok(WantedOutput { name: name.clone(), datatype, is_binary: *is_binary })
    }
}

fn without_datatype(kind: &str, info: &ValueInfo) -> Error {
    error!(NotSupported, "{kind} \"{}\" is {}, for which this protocol has no datatype", info.name, info.value_type)
}

impl Input {
    fn content(&self, signature: &Signature) -> Result<Content> {
        let Self { name, datatype, shape, data } = self;
        let declared = signature.input(name).and_then(|input| input_datatype(&input.value_type));
        let Some((dtype, expected)) = declared else {
            let names: Vec<&str> = signature.inputs.iter().map(|input| input.name.as_str()).collect();
            return Err(error!(
                InvalidInput,
                "the model has no input {}; its inputs are {}",
                shown_name(name),
                quoted(&names)
            ));
        };
        if serde_json::from_slice::<&str>(datatype.bytes()).ok() != Some(expected) {
            return Err(self.problem(format_args!("the model takes datatype {expected}, received {}", shown(datatype))));
        }
        Ok(match data {
            Data::Json(data) => Content::Shaped(data.clone(), shape.clone()),
            Data::Binary(bytes) if dtype == DType::String => {
                let texts = serde_json::to_vec(&read_texts(bytes, name)?)
                    .map_err(|problem| error!(Internal, "texts cannot be written: {problem}"))?;
                Content::Shaped(Encoded::parse(Format::Json, texts.into())?, shape.clone())
            }
            Data::Binary(bytes) => Content::Elements { dtype, shape: shape.clone(), bytes: bytes.clone() },
        })
    }

    fn problem(&self, text: std::fmt::Arguments<'_>) -> Error {
        problem_of(&self.name, text)
    }
}

fn problem_of(input: &str, text: std::fmt::Arguments<'_>) -> Error {
    error!(InvalidInput, "input {}: {text}", shown_name(input))
}

fn read_inputs(list: Option<&Encoded>, binary: Bytes) -> Result<Vec<Input>> {
    let list = list.filter(|list| !list.is_null());
    let list = list.ok_or_else(|| error!(InvalidRequest, "inputs is required: a list of tensors"))?;
    let items = list.list().map_err(|problem| error!(InvalidRequest, "inputs: {problem}"))?;
    let given = binary.len();
    let mut left = binary;
    let mut names = HashSet::new();
    let mut inputs = Vec::with_capacity(items.len());
    for item in &items {
        let input = read_input(item, &mut left)?;
        if !names.insert(input.name.clone()) {
            return Err(error!(InvalidInput, "input {} is given twice", shown_name(&input.name)));
        }
        inputs.push(input);
    }
    if !left.is_empty() {
        let taken = given - left.len();
        return Err(error!(InvalidInput, "the inputs take {taken} bytes of binary data, received {given}"));
    }
    Ok(inputs)
}

fn read_input(item: &Encoded, binary: &mut Bytes) -> Result<Input> {
    let fields = item.fields().map_err(|problem| error!(InvalidRequest, "an input: {problem}"))?;
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let name = read_name("input", field("name"))?;
    let problem = |text: std::fmt::Arguments<'_>| problem_of(&name, text);
    let null = || Encoded::json("null");
    let stated = field("shape").cloned().map_or_else(null, Ok)?;
    let shape = read_shape(&stated)
        .ok_or_else(|| problem(format_args!("shape must be a list of sizes, received {}", shown(&stated))))?;
    let parameters = Parameters::read(field("parameters"))?;
    if parameters.get("shared_memory_region").is_some() {
        return Err(error!(
            NotSupported,
            "input {}: shared memory is not supported; send binary data",
            shown_name(&name)
        ));
    }
    let data = match (field("data").filter(|data| !data.is_null()), parameters.get("binary_data_size")) {
        (Some(data), None) => {
            check_nesting(data, &shape).map_err(|text| problem(format_args!("{text}")))?;
            Data::Json(data.clone())
        }
        (None, Some(size)) => {
            let bytes = whole(size).ok_or_else(|| {
                problem(format_args!("binary_data_size must be a number of bytes, received {}", shown(size)))
            })?;
            let taken = usize::try_from(bytes).ok().filter(|&bytes| bytes <= binary.len());
            let taken = taken.ok_or_else(|| {
                let left = binary.len();
                problem(format_args!("binary_data_size is {bytes}, but {left} bytes of binary data are left"))
            })?;
            Data::Binary(binary.split_to(taken))
        }
        _ => return Err(problem(format_args!("send either data or parameters.binary_data_size"))),
    };
    let datatype = field("datatype").cloned().map_or_else(null, Ok)?;
    Ok(Input { name, datatype, shape, data })
}

fn read_name(kind: &str, value: Option<&Encoded>) -> Result<String> {
    let name = value.and_then(|value| serde_json::from_slice(value.bytes()).ok());
    name.ok_or_else(|| {
        let received = value.map_or_else(|| "none".to_owned(), shown);
        error!(InvalidInput, "each {kind} must have a name, received {received}")
    })
}

/// Sizes as every tensor can have them.
fn read_shape(value: &Encoded) -> Option<Vec<usize>> {
    let size = |value: &Encoded| whole(value).and_then(|size| u32::try_from(size).ok()).map(|size| size as usize);
    value.list().ok()?.iter().map(size).collect()
}

/// Data may be flat; nested, it must have the shape that the request states.
fn check_nesting(data: &Encoded, shape: &[usize]) -> Result<(), String> {
    let sizes = data.sizes()?;
    match sizes.len() {
        0 => Err("data must be a list".to_owned()),
        1 => Ok(()),
        _ if sizes == shape => Ok(()),
        _ => Err(format!("the data is nested as {sizes:?}, its shape is {shape:?}")),
    }
}

fn read_outputs(list: Option<&Encoded>, binary_outputs: bool) -> Result<Vec<Output>> {
    let Some(list) = list.filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
    let items = list.list().map_err(|problem| error!(InvalidRequest, "outputs: {problem}"))?;
    let mut names = HashSet::new();
    let mut outputs = Vec::with_capacity(items.len());
    for item in &items {
        let fields = item.fields().map_err(|problem| error!(InvalidRequest, "an output: {problem}"))?;
        let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let name = read_name("output", field("name"))?;
        let parameters = Parameters::read(field("parameters"))?;
        if parameters.get("classification").is_some_and(is_true) {
            return Err(error!(
                NotSupported,
                "output {}: the classification extension is not supported",
                shown_name(&name)
            ));
        }
        if parameters.get("shared_memory_region").is_some() {
            return Err(error!(
                NotSupported,
                "output {}: shared memory is not supported; ask for binary data",
                shown_name(&name)
            ));
        }
        if !names.insert(name.clone()) {
            return Err(error!(InvalidInput, "output {} is given twice", shown_name(&name)));
        }
        outputs.push(Output { name, is_binary: parameters.flag("binary_data", binary_outputs)? });
    }
    Ok(outputs)
}
