//! The finished graph as an ONNX model: names are given, and what no output needs is left out.

use super::{Body, Emit, Operation, Value};
use crate::onnx::Attribute;
use crate::onnx::operators::ML;
use crate::onnx::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto};
use std::collections::{HashMap, HashSet};

/// The operator set that the rules are written for, and the version of the file format that goes with it.
const OPSET: i64 = 21;
const ML_OPSET: i64 = 3;
const IR_VERSION: i64 = 10;

impl Emit {
    /// The model, and the graph's names of those outputs that are named as an input is.
    pub fn finish(mut self) -> (ModelProto, HashMap<String, String>) {
        self.own_outputs();
        self.refine_sigmoids();
        self.arrange_layout();
        let used = self.drop_unused();
        let mut names = Names::default();
        for &input in &self.inputs {
            names.give(input, &self.known[input.0 as usize].name);
        }
        let mut renamed = HashMap::new();
        for (name, value) in &self.outputs {
            if names.is_taken(name) {
                renamed.insert(name.clone(), names.of(*value, &format!("{name}/output")));
            } else {
                names.give(*value, name);
            }
        }
        let mut constants: Vec<Value> =
            used.into_iter().filter(|value| self.known[value.0 as usize].constant.is_some()).collect();
        constants.sort_unstable();
        let initializer = constants
            .iter()
            .filter_map(|&value| {
                let known = &self.known[value.0 as usize];
                let name = names.of(value, &known.name);
                known.constant.as_ref().map(|constant| constant.to_proto(&name))
            })
            .collect();
        let node = self.operations.iter().map(|operation| self.node(operation, &mut names)).collect();
        let graph = GraphProto {
            name: Some("translated".to_owned()),
            node,
            initializer,
            input: self.inputs.iter().map(|&value| self.info(value, &mut names)).collect(),
            output: self.outputs.iter().map(|(_, value)| self.info(*value, &mut names)).collect(),
            ..GraphProto::default()
        };
        let model = ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some(env!("CARGO_PKG_NAME").to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            opset_import: vec![
                OperatorSetIdProto { domain: None, version: Some(OPSET) },
                OperatorSetIdProto { domain: Some(ML.to_owned()), version: Some(ML_OPSET) },
            ],
            graph: Some(graph),
            ..ModelProto::default()
        };
        (model, renamed)
    }

    /// Every output is a value of its own that an operation makes, so that it can take the output's name.
    fn own_outputs(&mut self) {
        self.at("output");
        let made: HashSet<Value> =
            self.operations.iter().flat_map(|operation| operation.outputs.iter().copied()).collect();
        let mut seen = HashSet::new();
        let mut outputs = std::mem::take(&mut self.outputs);
        for (_, value) in &mut outputs {
            if !made.contains(value) || !seen.insert(*value) {
                *value = self.identity(*value);
            }
        }
        self.outputs = outputs;
    }

    /// Removes operations that lead to no output; returns the values that are left in use.
    pub(super) fn drop_unused(&mut self) -> HashSet<Value> {
        let mut used: HashSet<Value> = self.outputs.iter().map(|(_, value)| *value).collect();
        sweep(&mut self.operations, &mut used);
        used
    }

    fn node(&self, operation: &Operation, names: &mut Names) -> NodeProto {
        let mut name = |value: &Value| match self.known(*value) {
            Some(known) => names.of(*value, &known.name),
            None => String::new(),
        };
        let inputs: Vec<String> = operation.inputs.iter().map(&mut name).collect();
        let outputs: Vec<String> = operation.outputs.iter().map(&mut name).collect();
        let mut node = NodeProto::new(operation.operator.name, inputs, outputs);
        node.name = node.output.first().cloned();
        if !operation.operator.domain.is_empty() {
            node.domain = Some(operation.operator.domain.to_owned());
        }
        for (name, value) in &operation.attributes {
            node = node.with(name, value.clone());
        }
        for (name, body) in &operation.bodies {
            node = node.with(name, Attribute::Graph(self.graph(name, body, names)));
        }
        node
    }

    fn graph(&self, name: &str, body: &Body, names: &mut Names) -> GraphProto {
        GraphProto {
            name: Some(name.to_owned()),
            node: body.operations.iter().map(|operation| self.node(operation, names)).collect(),
            input: body.inputs.iter().map(|&value| self.info(value, names)).collect(),
            output: body.outputs.iter().map(|&value| self.info(value, names)).collect(),
            ..GraphProto::default()
        }
    }

    fn info(&self, value: Value, names: &mut Names) -> ValueInfoProto {
        let known = &self.known[value.0 as usize];
        let name = names.of(value, &known.name);
        let mut info = ValueInfoProto::tensor(&name, known.dtype, known.shape.as_deref().unwrap_or_default());
        if known.shape.is_none()
            && let Some(crate::onnx::proto::TypeValue::TensorType(tensor)) =
                info.r#type.as_mut().and_then(|kind| kind.value.as_mut())
        {
            tensor.shape = None;
        }
        info
    }
}

/// Goes from the end to the start and keeps what is used later.
fn sweep(operations: &mut Vec<Operation>, used: &mut HashSet<Value>) {
    let mut kept: Vec<Operation> = Vec::with_capacity(operations.len());
    for mut operation in std::mem::take(operations).into_iter().rev() {
        if !operation.outputs.iter().any(|output| used.contains(output)) {
            continue;
        }
        used.extend(operation.inputs.iter().filter(|&&input| input != Value::ABSENT));
        for (_, body) in &mut operation.bodies {
            used.extend(&body.outputs);
            sweep(&mut body.operations, used);
        }
        kept.push(operation);
    }
    kept.reverse();
    *operations = kept;
}

/// Unique names of values.
#[derive(Default)]
struct Names {
    given: HashMap<Value, String>,
    taken: HashMap<String, usize>,
}

impl Names {
    /// Reserves the exact name.
    fn give(&mut self, value: Value, name: &str) {
        self.given.insert(value, name.to_owned());
        self.taken.insert(name.to_owned(), 1);
    }

    fn is_taken(&self, name: &str) -> bool {
        self.taken.contains_key(name)
    }

    fn of(&mut self, value: Value, wanted: &str) -> String {
        if let Some(name) = self.given.get(&value) {
            return name.clone();
        }
        let mut name = wanted.to_owned();
        while self.taken.contains_key(&name) {
            let count = self.taken.entry(wanted.to_owned()).or_insert(1);
            *count += 1;
            name = format!("{wanted}_{count}");
        }
        self.taken.insert(name.clone(), 1);
        self.given.insert(value, name.clone());
        name
    }
}
