//! The walk through a graph: each node once, graphs within it and functions that it calls included.

use super::call::Call;
use super::elements;
use super::rules::{self, reason};
use super::value::{Rows, Size, Value};
use crate::onnx::operators::operator;
use crate::onnx::opset;
use crate::onnx::proto::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto};
use std::collections::HashMap;
use std::rc::Rc;

/// Bodies of loops are walked several times, functions for each call. What needs more visits than this is not followed.
const MAX_VISITS: usize = 1 << 18;
/// Graphs within graphs and functions within functions, deeper than this, are not followed.
const MAX_DEPTH: usize = 24;

pub struct Walk<'a> {
    functions: HashMap<(&'a str, &'a str), &'a FunctionProto>,
    /// What is known in the graphs around a node, the innermost last.
    scopes: Vec<HashMap<&'a str, Value>>,
    /// The outermost scope that the present function sees.
    floor: usize,
    visits: usize,
    /// By input of the model: the rows of the smallest table that its numbers are indices of.
    pub table_rows: Vec<Option<usize>>,
}

/// Where a node stands.
#[derive(Clone)]
pub struct Place {
    opset: i64,
    /// Attributes of the call of the function that it is in.
    bound: Rc<[AttributeProto]>,
    depth: usize,
}

impl<'a> Walk<'a> {
    pub fn new(model: &'a ModelProto, inputs: usize) -> Self {
        let functions =
            model.functions.iter().map(|function| ((function.domain(), function.name()), function)).collect();
        Self { functions, scopes: vec![HashMap::new()], floor: 0, visits: 0, table_rows: vec![None; inputs] }
    }

    pub fn set(&mut self, name: &'a str, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, value);
        }
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.scopes[self.floor..].iter().rev().find_map(|scope| scope.get(name))
    }

    /// Walks through the main graph, whose inputs are set.
    pub fn main(&mut self, model: &'a ModelProto, graph: &'a GraphProto) {
        let place = Place { opset: opset::standard(&model.opset_import), bound: Rc::new([]), depth: 0 };
        self.nodes(graph, &place);
    }

    fn nodes(&mut self, graph: &'a GraphProto, place: &Place) {
        for tensor in &graph.initializer {
            self.set(tensor.name(), constant(tensor));
        }
        for tensor in &graph.sparse_initializer {
            let name = tensor.values.as_ref().map_or("", TensorProto::name);
            self.set(name, Value::same(Some(tensor.dims.iter().map(|&size| Size::Known(size)).collect())));
        }
        for node in &graph.node {
            self.node(node, place);
        }
    }

    /// Walks through a graph within a node; its outputs for these inputs.
    pub fn body(&mut self, graph: &'a GraphProto, inputs: Vec<Value>, place: &Place) -> Vec<Value> {
        self.scopes.push(HashMap::new());
        for (info, value) in graph.input.iter().zip(inputs) {
            self.set(info.name(), value);
        }
        self.nodes(graph, &Place { depth: place.depth + 1, ..place.clone() });
        let outputs = graph.output.iter().map(|output| self.found(output.name())).collect();
        self.scopes.pop();
        outputs
    }

    fn found(&self, name: &str) -> Value {
        self.get(name).cloned().unwrap_or_else(|| Value::with_rows(Rows::Unknown))
    }

    fn node(&mut self, node: &'a NodeProto, place: &Place) {
        self.visits += 1;
        let outputs = if self.visits > MAX_VISITS || place.depth > MAX_DEPTH {
            vec![Value::mixed("the graph is too large or too deep to follow its rows"); node.output.len()]
        } else {
            let inputs = node.input.iter().map(|name| (!name.is_empty()).then(|| self.found(name))).collect();
            let bound = Rc::clone(&place.bound);
            let call = Call { node, operator: operator(node), inputs, opset: place.opset, bound };
            self.outputs(&call, place)
        };
        for (name, value) in node.output.iter().zip(outputs) {
            self.set(name, value);
        }
    }

    fn outputs(&mut self, call: &Call<'a>, place: &Place) -> Vec<Value> {
        let node = call.node;
        if node.is("Constant") {
            return vec![constant_node(call)];
        }
        if let Some(function) = self.functions.get(&(node.domain(), node.op_type())).copied() {
            return self.function(function, call, place);
        }
        if node.subgraphs().next().is_some() {
            return self.with_bodies(call, place);
        }
        self.note_tables(call);
        rules::outputs(call)
    }

    fn function(&mut self, function: &'a FunctionProto, call: &Call<'a>, place: &Place) -> Vec<Value> {
        let mut bound: Vec<AttributeProto> = Vec::new();
        for attribute in &call.node.attribute {
            if let Some(resolved) = call.attribute(attribute.name()) {
                bound.push(AttributeProto { name: attribute.name.clone(), ..resolved.clone() });
            }
        }
        let defaults = function.attribute_proto.iter();
        bound.extend(defaults.filter(|default| call.node.attribute(default.name()).is_none()).cloned());
        let opset = opset::standard(&function.opset_import);
        let place =
            Place { opset: if opset == 0 { place.opset } else { opset }, bound: bound.into(), depth: place.depth + 1 };
        let floor = std::mem::replace(&mut self.floor, self.scopes.len());
        self.scopes.push(HashMap::new());
        for (name, value) in function.input.iter().zip(&call.inputs) {
            if let Some(value) = value {
                self.set(name, value.clone());
            }
        }
        for node in &function.node {
            self.node(node, &place);
        }
        let outputs = function.output.iter().map(|name| self.found(name)).collect();
        self.scopes.pop();
        self.floor = floor;
        outputs
    }

    /// What the synthetic rows of the check by running need: how many rows a table has that an input picks from.
    fn note_tables(&mut self, call: &Call<'_>) {
        for &(table, indices) in call.operator.map_or(&[][..], |row| row.picks) {
            let (Some(table), Some(indices)) = (call.input(table), call.input(indices)) else { continue };
            let Some(shape) = table.shape.as_deref() else { continue };
            let at = super::call::resolve(call.int("axis", 0), shape.len()).unwrap_or(0);
            if let (Some(input), Some(&Size::Known(rows))) = (indices.input, shape.get(at))
                && let Ok(rows) = usize::try_from(rows)
                && let Some(least) = self.table_rows.get_mut(input)
            {
                *least = Some(least.map_or(rows, |least| least.min(rows)));
            }
        }
    }

    /// Whether a graph sees nothing around it that differs between runs.
    pub fn captures_only_same(&self, graph: &GraphProto) -> bool {
        graph.node.iter().all(|node| {
            let seen = node.input.iter().filter_map(|name| self.get(name));
            seen.into_iter().all(|value| value.is_same() && !value.counts_rows())
                && node.subgraphs().all(|graph| self.captures_only_same(graph))
        })
    }

    /// The outputs of a node for which nothing better is known than that it mixes.
    pub fn all_mixed(call: &Call<'_>, what: &str) -> Vec<Value> {
        vec![Value::mixed(&reason(call, what)); call.node.output.len()]
    }
}

pub fn constant(tensor: &TensorProto) -> Value {
    let shape = tensor.dims.iter().map(|&size| Size::Known(size)).collect();
    Value { elements: elements::of_constant(tensor).map(Into::into), ..Value::same(Some(shape)) }
}

fn constant_node(call: &Call<'_>) -> Value {
    let whole = |number: f32| if number.fract() == 0.0 { Size::Known(number as i64) } else { Size::UNKNOWN };
    if let Some(tensor) = call.attribute("value").and_then(|value| value.t.as_ref()) {
        return constant(tensor);
    }
    if let Some(number) = call.attribute("value_int") {
        return Value::scalar(Size::Known(number.i()));
    }
    if let Some(number) = call.attribute("value_float") {
        return Value::scalar(whole(number.f()));
    }
    if let Some(numbers) = call.ints("value_ints") {
        return Value::vector(numbers.into_iter().map(Size::Known).collect());
    }
    if let Some(numbers) = call.attribute("value_floats") {
        return Value::vector(numbers.floats.iter().map(|&number| whole(number)).collect());
    }
    Value::same(None)
}
