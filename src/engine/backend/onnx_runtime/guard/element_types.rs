//! Element types of the values in a graph, as far as they are plain to see. What is not known is `None`, never a guess.

use crate::onnx::operators::{ElementType, TypeRule, operator};
use crate::onnx::proto::{GraphProto, NodeProto, TypeProto, TypeValue, ValueInfoProto};
use crate::tensor::DType;
use std::collections::HashMap;

/// The values that are visible in a graph: its own and those of the graphs around it.
#[derive(Default)]
pub struct Scopes(Vec<HashMap<String, DType>>);

impl Scopes {
    pub fn enter(&mut self) {
        self.0.push(HashMap::new());
    }

    pub fn leave(&mut self) {
        self.0.pop();
    }

    pub fn get(&self, name: &str) -> Option<DType> {
        self.0.iter().rev().find_map(|scope| scope.get(name).copied())
    }

    /// Takes over what the graph declares itself. A declaration that is wrong fails when the model is loaded.
    pub fn declare(&mut self, graph: &GraphProto) {
        for info in graph.input.iter().chain(&graph.value_info).chain(&graph.output) {
            self.set(info.name(), declared(info));
        }
        for tensor in &graph.initializer {
            self.set(tensor.name(), DType::from_code(tensor.data_type()));
        }
    }

    /// Takes over what the operator says of its outputs. `body_outputs` are the types of its last subgraph's outputs.
    pub fn infer(&mut self, node: &NodeProto, body_outputs: &[Option<DType>]) {
        let types: Vec<Option<DType>> = match operator(node).map_or(TypeRule::Unknown, |row| row.types) {
            TypeRule::All(kind) => vec![self.element_type(node, kind); node.output.len()],
            TypeRule::Each(kinds) => kinds.iter().map(|kind| self.element_type(node, *kind)).collect(),
            TypeRule::Constant => vec![of_constant(node)],
            TypeRule::Fill => {
                let value = node.attribute("value").and_then(|attribute| attribute.t.as_ref());
                vec![value.map_or(Some(DType::Float32), |tensor| DType::from_code(tensor.data_type()))]
            }
            TypeRule::Bodies(from) => body_outputs.get(from..).unwrap_or_default().to_vec(),
            TypeRule::Unknown => return,
        };
        self.set_all(node, &types);
    }

    fn element_type(&self, node: &NodeProto, kind: ElementType) -> Option<DType> {
        let like = |input: usize| node.input.get(input).and_then(|name| self.get(name));
        let named = |name: &str| node.attribute(name).map(|attribute| DType::from_code(attribute.i() as i32));
        match kind {
            ElementType::Is(dtype) => Some(dtype),
            ElementType::Like(input) => like(input),
            ElementType::Labels => Some(labels_type(node)),
            ElementType::ByAttribute(name, default) => named(name).unwrap_or(default),
            ElementType::ByAttributeOrLike(name, input) => named(name).unwrap_or_else(|| like(input)),
        }
    }

    fn set_all(&mut self, node: &NodeProto, types: &[Option<DType>]) {
        for (name, dtype) in node.output.iter().zip(types) {
            self.set(name, *dtype);
        }
    }

    fn set(&mut self, name: &str, dtype: Option<DType>) {
        if let (Some(scope), Some(dtype)) = (self.0.last_mut(), dtype) {
            scope.insert(name.to_owned(), dtype);
        }
    }
}

fn declared(info: &ValueInfoProto) -> Option<DType> {
    match info.r#type.as_ref() {
        Some(TypeProto { value: Some(TypeValue::TensorType(tensor)), .. }) => DType::from_code(tensor.elem_type()),
        _ => None,
    }
}

fn labels_type(node: &NodeProto) -> DType {
    let texts = node.attribute("classlabels_strings").is_some_and(|attribute| !attribute.strings.is_empty());
    if texts { DType::String } else { DType::Int64 }
}

/// What a `Constant` holds.
fn of_constant(node: &NodeProto) -> Option<DType> {
    let attribute = node.attribute.first()?;
    match attribute.name() {
        "value" => DType::from_code(attribute.t.as_ref()?.data_type()),
        "value_int" | "value_ints" => Some(DType::Int64),
        "value_float" | "value_floats" => Some(DType::Float32),
        "value_string" | "value_strings" => Some(DType::String),
        _ => None,
    }
}
