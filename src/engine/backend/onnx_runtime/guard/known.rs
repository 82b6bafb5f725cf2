//! What is certain of the values in a graph before it runs: that they are not empty, and that they are no constants.
//!
//! Only what ONNX Runtime checks itself is believed: the fixed sizes of the graph's own inputs, and tensors in the file. What a file
//! declares of values in between is not checked by anyone.

use crate::onnx::operators::{RowRule, operator};
use crate::onnx::proto::{Dimension, DimensionValue, GraphProto, NodeProto, TensorProto, TypeValue, ValueInfoProto};
use std::collections::{HashMap, HashSet};

#[derive(Default, Clone, Copy)]
struct Facts {
    filled: bool,
    varying: bool,
    /// A tensor in the file that nobody can override.
    fixed: bool,
}

/// The values that are visible in a graph: its own and those of the graphs around it.
#[derive(Default)]
pub struct Known(Vec<HashMap<String, Facts>>);

impl Known {
    pub fn enter(&mut self) {
        self.0.push(HashMap::new());
    }

    pub fn leave(&mut self) {
        self.0.pop();
    }

    /// Takes over the inputs and tensors of a graph.
    pub fn declare(&mut self, graph: &GraphProto) {
        let outermost = self.0.len() == 1;
        let overridable: HashSet<&str> = graph.initializer.iter().map(TensorProto::name).collect();
        for input in &graph.input {
            let filled = outermost && has_fixed_sizes(input);
            self.set(input.name(), Facts { filled, varying: !overridable.contains(input.name()), fixed: false });
        }
        for tensor in &graph.initializer {
            let given_again = graph.input.iter().find(|input| input.name() == tensor.name());
            let filled = is_filled(tensor) && given_again.is_none_or(has_fixed_sizes);
            self.set(tensor.name(), Facts { filled, varying: false, fixed: given_again.is_none() });
        }
    }

    pub fn infer(&mut self, node: &NodeProto) {
        let inputs = || node.input.iter().filter(|name| !name.is_empty()).map(|name| self.get(name));
        let row = operator(node);
        let is_constant = node.is("Constant");
        let filled = if is_constant {
            is_filled_constant(node)
        } else {
            row.is_some_and(|row| row.shape.keeps_filled()) && inputs().all(|input| input.filled)
        };
        let from_shapes = row.is_some_and(|row| matches!(row.rows, RowRule::Shape | RowRule::Size));
        let varying = !from_shapes && inputs().any(|input| input.varying);
        for name in &node.output {
            self.set(name, Facts { filled, varying, fixed: is_constant });
        }
    }

    /// True when the value has at least one element, whatever the model is fed with.
    pub fn is_filled(&self, name: &str) -> bool {
        self.get(name).filled
    }

    /// True for a tensor in the file that nobody can override, which ONNX Runtime looks at when it loads the model.
    pub fn is_fixed(&self, name: &str) -> bool {
        self.get(name).fixed
    }

    /// True when ONNX Runtime cannot compute the value before it runs the model.
    pub fn is_varying(&self, name: &str) -> bool {
        self.get(name).varying
    }

    fn get(&self, name: &str) -> Facts {
        self.0.iter().rev().find_map(|scope| scope.get(name).copied()).unwrap_or_default()
    }

    fn set(&mut self, name: &str, facts: Facts) {
        if let Some(scope) = self.0.last_mut() {
            scope.insert(name.to_owned(), facts);
        }
    }
}

fn has_fixed_sizes(info: &ValueInfoProto) -> bool {
    let Some(TypeValue::TensorType(tensor)) = info.r#type.as_ref().and_then(|kind| kind.value.as_ref()) else {
        return false;
    };
    let fixed = |dimension: &Dimension| matches!(dimension.value, Some(DimensionValue::DimValue(size)) if size > 0);
    tensor.shape.as_ref().is_some_and(|shape| shape.dim.iter().all(fixed))
}

fn is_filled(tensor: &TensorProto) -> bool {
    tensor.dims.iter().all(|&size| size > 0)
}

fn is_filled_constant(node: &NodeProto) -> bool {
    node.attribute.first().is_some_and(|attribute| match &attribute.t {
        Some(tensor) => is_filled(tensor),
        None => matches!(attribute.name(), "value_int" | "value_float" | "value_string"),
    })
}
