//! The empty sequence as an input: the C interface cannot make one, a model of one node can.

use super::builder::plain;
use super::value::{OrtValueBox, call};
use crate::error::{Result, error};
use crate::onnx::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TypeProto, TypeValue, ValueInfoProto};
use crate::tensor::Value;
use ort::AsPointer;
use ort::environment::Environment;
use ort::ep::CPU;
use ort::session::Session;
use ort::sys::OrtValue;
use prost::Message;
use std::collections::HashMap;
use std::ptr;

/// The empty sequence of each input that is one, by the input's name.
#[derive(Default)]
pub struct EmptySequences(HashMap<String, OrtValueBox<'static>>);

// SAFETY: the library binds values to no thread, and each is owned here alone.
unsafe impl Send for EmptySequences {}
// SAFETY: the values are never changed, and `Run` only reads its inputs, so runs on several threads may share them.
unsafe impl Sync for EmptySequences {}

impl EmptySequences {
    pub fn of_inputs(environment: &Environment, inputs: &[ValueInfoProto]) -> Result<Self> {
        let mut made = HashMap::new();
        for input in inputs {
            if let Some(node) = input.r#type.as_ref().and_then(maker) {
                made.insert(input.name().to_owned(), make(environment, node, input)?);
            }
        }
        Ok(Self(made))
    }

    /// What to pass for `value`, when it is an empty sequence.
    pub fn pointer(&self, input: &str, value: &Value) -> Option<*const OrtValue> {
        match value {
            Value::Sequence(items) if items.is_empty() => self.0.get(input).map(OrtValueBox::pointer),
            _ => None,
        }
    }
}

/// The node that gives an empty sequence of a type.
fn maker(kind: &TypeProto) -> Option<NodeProto> {
    let TypeValue::SequenceType(element) = kind.value.as_ref()? else { return None };
    let TypeValue::TensorType(tensor) = element.elem_type.as_ref()?.value.as_ref()? else { return None };
    let nothing: [&str; 0] = [];
    Some(NodeProto::new("SequenceEmpty", nothing, ["value"]).with("dtype", i64::from(tensor.elem_type())))
}

fn make(environment: &Environment, node: NodeProto, input: &ValueInfoProto) -> Result<OrtValueBox<'static>> {
    let output = ValueInfoProto { name: Some("value".to_owned()), ..input.clone() };
    let graph =
        GraphProto { name: Some("empty".to_owned()), node: vec![node], output: vec![output], ..GraphProto::default() };
    let model = ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(16) }],
        graph: Some(graph),
        ..ModelProto::default()
    };
    let session = Session::builder(environment)
        .and_then(|builder| plain(builder.with_execution_providers([CPU::default().build()])))
        .and_then(|mut builder| builder.commit_from_memory(&model.encode_to_vec()))
        .map_err(|problem| error!(UnsupportedModel, "input \"{}\": {}", input.name(), problem.message()))?;
    let mut value = ptr::null_mut();
    // SAFETY: there are no inputs; the one name is NUL-terminated and the one output is valid.
    unsafe {
        call!(Run(
            session.ptr().cast_mut(),
            ptr::null(),
            ptr::null(),
            ptr::null(),
            0,
            [c"value".as_ptr()].as_ptr(),
            1,
            &mut value,
        ))?;
    }
    Ok(OrtValueBox::from_pointer(value))
}
