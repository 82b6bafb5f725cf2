//! Optional inputs. ONNX Runtime's C interface has no empty optional and reads through a null pointer when it is given one, so each
//! optional input of a graph becomes two that always have a value: the element, and whether it is there.

use crate::onnx::opset;
use crate::onnx::proto::{
    AttributeProto, AttributeType, GraphProto, ModelProto, NodeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};
use crate::tensor::{Bytes, DType, Tensor, TensorData, Value};
use std::collections::HashSet;

/// `If` can give optionals from this operator set on.
const MIN_OPSET: i64 = 16;

/// The optional inputs of a model that was rewritten.
pub struct OptionalInputs {
    inputs: Vec<OptionalInput>,
    given: Value,
    absent: Value,
}

struct OptionalInput {
    name: String,
    /// The input that holds the element.
    element: String,
    /// The input that says whether there is one.
    flag: String,
    /// What the element is when there is none.
    nothing: Value,
}

impl Default for OptionalInputs {
    fn default() -> Self {
        let flag = |byte: u8| {
            Value::from(Tensor {
                dtype: DType::Bool,
                shape: vec![],
                data: TensorData::Bytes(Bytes::copy_from(&[byte])),
            })
        };
        Self { inputs: Vec::new(), given: flag(1), absent: flag(0) }
    }
}

impl OptionalInputs {
    /// Rewrites the optional inputs of a model; `None` where it has none.
    pub fn rewrite(model: &ModelProto) -> Option<(ModelProto, Self)> {
        let is_optional = |input: &ValueInfoProto| element_type(input).is_some();
        let graph = model.graph.as_ref().filter(|graph| graph.input.iter().any(is_optional))?;
        if opset::standard(&model.opset_import) < MIN_OPSET {
            return None;
        }
        let mut names = names_of(graph);
        let mut made = Self::default();
        let (mut inputs, mut nodes) = (Vec::new(), Vec::new());
        for input in &graph.input {
            let split = element_type(input).and_then(|element| Some((element, empty_of(element)?)));
            let Some((element_type, nothing)) = split else {
                inputs.push(input.clone());
                continue;
            };
            let mut fresh = |part: &str| {
                let mut name = format!("{}/{part}", input.name());
                while !names.insert(name.clone()) {
                    name.push('_');
                }
                name
            };
            let (element, flag) = (fresh("element"), fresh("given"));
            nodes.push(choice(input.name(), &element, &flag, element_type, &mut fresh));
            inputs.push(ValueInfoProto {
                name: Some(element.clone()),
                r#type: Some(free(element_type)),
                ..ValueInfoProto::default()
            });
            inputs.push(ValueInfoProto::tensor(&flag, DType::Bool, &[]));
            made.inputs.push(OptionalInput { name: input.name().to_owned(), element, flag, nothing });
        }
        let mut model = model.clone();
        if let Some(graph) = &mut model.graph {
            graph.input = inputs;
            graph.node.splice(0..0, nodes);
        }
        Some((model, made))
    }

    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// What the rewritten model is given for the inputs of a run. An optional input that is absent is empty.
    pub fn split<'a>(&'a self, inputs: &[(&'a str, &'a Value)]) -> Vec<(&'a str, &'a Value)> {
        let is_own = |name: &str| self.inputs.iter().any(|own| own.name == name);
        let mut all: Vec<_> = inputs.iter().copied().filter(|(name, _)| !is_own(name)).collect();
        for own in &self.inputs {
            let value = inputs.iter().find(|(name, _)| *name == own.name).map(|(_, value)| *value);
            let value = value.filter(|value| !matches!(value, Value::None));
            all.push((&own.element, value.unwrap_or(&own.nothing)));
            all.push((&own.flag, if value.is_some() { &self.given } else { &self.absent }));
        }
        all
    }
}

fn element_type(input: &ValueInfoProto) -> Option<&TypeProto> {
    match input.r#type.as_ref()?.value.as_ref()? {
        TypeValue::OptionalType(optional) => optional.elem_type.as_deref(),
        _ => None,
    }
}

/// A value of the type that holds nothing.
fn empty_of(element: &TypeProto) -> Option<Value> {
    match element.value.as_ref()? {
        TypeValue::TensorType(tensor) => {
            let dtype = DType::from_code(tensor.elem_type())?;
            Some(match dtype {
                DType::String => Tensor::from_strings(&[0], Vec::new()).into(),
                _ => Tensor { dtype, shape: vec![0], data: TensorData::Bytes(Bytes::default()) }.into(),
            })
        }
        TypeValue::SequenceType(_) => Some(Value::Sequence(Vec::new())),
        _ => None,
    }
}

/// The type without a shape, so that the empty tensor fits too.
fn free(element: &TypeProto) -> TypeProto {
    match &element.value {
        Some(TypeValue::TensorType(tensor)) => {
            let value = TypeValue::TensorType(TensorType { elem_type: tensor.elem_type, shape: None });
            TypeProto { value: Some(value), ..element.clone() }
        }
        _ => element.clone(),
    }
}

/// The node that gives the optional.
fn choice(name: &str, element: &str, flag: &str, kind: &TypeProto, fresh: &mut dyn FnMut(&str) -> String) -> NodeProto {
    let (there, nothing) = (fresh("there"), fresh("nothing"));
    let mut branch = |label: &str, node: NodeProto| GraphProto {
        name: Some(fresh(label)),
        output: vec![ValueInfoProto { name: node.output.first().cloned(), ..ValueInfoProto::default() }],
        node: vec![node],
        ..GraphProto::default()
    };
    let then = branch("then", NodeProto::new("Optional", [element], [there.as_str()]));
    let mut empty = NodeProto::new("Optional", [""; 0], [nothing.as_str()]);
    empty.attribute.push(AttributeProto {
        name: Some("type".to_owned()),
        r#type: Some(AttributeType::TypeProto.into()),
        tp: Some(free(kind)),
        ..AttributeProto::default()
    });
    let otherwise = branch("else", empty);
    NodeProto::new("If", [flag], [name]).with("then_branch", then).with("else_branch", otherwise)
}

/// All names of values in a graph and those within it.
fn names_of(graph: &GraphProto) -> HashSet<String> {
    let mut names: HashSet<String> = graph.input.iter().map(|input| input.name().to_owned()).collect();
    names.extend(graph.initializer.iter().map(|tensor| tensor.name().to_owned()));
    for node in &graph.node {
        names.extend(node.output.iter().cloned());
        node.subgraphs().for_each(|inner| names.extend(names_of(inner)));
    }
    names
}
