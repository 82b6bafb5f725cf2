//! New nodes for a rewritten graph: names that nobody else has, and the forms of operators that an operator set knows.

use crate::onnx::Attribute;
use crate::onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use crate::tensor::{DType, Tensor};

/// The nodes of a graph, or of a branch, while they are written.
pub struct Draft {
    pub opset: i64,
    prefix: String,
    made: usize,
    pub nodes: Vec<NodeProto>,
}

impl Draft {
    /// `prefix` is the name of a value that one node gives; what is made here is named after it.
    pub fn new(opset: i64, prefix: &str) -> Self {
        Self { opset, prefix: format!("{prefix}/guard"), made: 0, nodes: Vec::new() }
    }

    /// An empty draft for a branch within this one.
    pub fn branch(&mut self) -> Self {
        let prefix = self.name();
        Self { opset: self.opset, prefix, made: 0, nodes: Vec::new() }
    }

    pub fn name(&mut self) -> String {
        self.made += 1;
        format!("{}/{}", self.prefix, self.made)
    }

    /// Adds an operator with one output and returns that output's name.
    pub fn op(&mut self, op_type: &str, inputs: &[&str]) -> String {
        self.op_with(op_type, inputs, Vec::new())
    }

    pub fn op_with(&mut self, op_type: &str, inputs: &[&str], attributes: Vec<(&str, Attribute)>) -> String {
        let output = self.name();
        let node = NodeProto::new(op_type, inputs.iter().copied(), [&output]);
        self.nodes.push(attributes.into_iter().fold(node, |node, (name, value)| node.with(name, value)));
        output
    }

    /// A list of whole numbers.
    pub fn integers(&mut self, values: &[i64]) -> String {
        self.tensor(&Tensor::from_elements(&[values.len()], values))
    }

    pub fn tensor(&mut self, tensor: &Tensor) -> String {
        self.op_with("Constant", &[], vec![("value", Attribute::Tensor(TensorProto::from_tensor("", tensor)))])
    }

    pub fn cast(&mut self, value: &str, dtype: DType) -> String {
        self.op_with("Cast", &[value], vec![("to", Attribute::Int(i64::from(dtype.code())))])
    }

    /// The sizes `from..to` of a value's axes; `to` may be `i64::MAX`.
    pub fn sizes(&mut self, value: &str, from: i64, to: i64) -> String {
        let shape = self.op("Shape", &[value]);
        self.slice(&shape, from, to, 0)
    }

    /// The part `from..to` along one axis.
    pub fn slice(&mut self, value: &str, from: i64, to: i64, axis: i64) -> String {
        if self.opset < 10 {
            let ints = |value: i64| Attribute::Ints(vec![value]);
            return self.op_with(
                "Slice",
                &[value],
                vec![("starts", ints(from)), ("ends", ints(to)), ("axes", ints(axis))],
            );
        }
        let [from, to, axis] = [from, to, axis].map(|value| self.integers(&[value]));
        self.op("Slice", &[value, &from, &to, &axis])
    }

    pub fn concat(&mut self, parts: &[&str]) -> String {
        self.op_with("Concat", parts, vec![("axis", Attribute::Int(0))])
    }

    /// Zeros of a shape that another value holds; `rank` is that value's length. `Tile` serves all operator sets.
    pub fn zeros(&mut self, dtype: DType, shape: &str, rank: usize) -> String {
        let one = self.zero(dtype, rank);
        self.op("Tile", &[&one, shape])
    }

    /// One zero; of a dtype that has no zero, nothing sensible.
    pub fn zero(&mut self, dtype: DType, rank: usize) -> String {
        let raw = bytes::Bytes::from(vec![0; dtype.byte_length(1).unwrap_or_default()]);
        let tensor = TensorProto {
            dims: vec![1; rank],
            data_type: Some(dtype.code()),
            raw_data: Some(raw),
            ..TensorProto::default()
        };
        self.op_with("Constant", &[], vec![("value", Attribute::Tensor(tensor))])
    }

    /// True when there is no zero among whole numbers.
    pub fn none_is_zero(&mut self, numbers: &str) -> String {
        let product = self.op_with("ReduceProd", &[numbers], vec![("keepdims", Attribute::Int(0))]);
        self.cast(&product, DType::Bool)
    }

    /// A value that fails the run when it is computed, with the reason in the message. Its element type is that of `like`, or
    /// `dtype`.
    pub fn failure(&mut self, reason: &str, like: Option<&str>, dtype: DType) -> String {
        let data = match like {
            Some(like) => {
                let flat = self.integers(&[-1]);
                self.op("Reshape", &[like, &flat])
            }
            None => self.zero(dtype, 1),
        };
        // A branch that is not taken must not fail when its constants are computed.
        let beyond = self.integers(&[1 << 40]);
        let beyond = self.hidden(&beyond);
        let failed = self.op("Gather", &[&data, &beyond]);
        if let Some(node) = self.nodes.last_mut() {
            node.name = Some(format!("{reason} ({failed})"));
        }
        failed
    }

    /// Adds a value that is the same but hidden from the computing of constants when a model is loaded, which runs nodes even in
    /// branches that are not taken.
    pub fn hidden(&mut self, value: &str) -> String {
        let once = self.tensor(&Tensor::from_elements(&[], &[1i64]));
        let yes = self.cast(&once, DType::Bool);
        let [at, go, before, more, after, output] = [(); 6].map(|()| self.name());
        let untyped = |name: &String| ValueInfoProto { name: Some(name.clone()), ..ValueInfoProto::default() };
        let body = GraphProto {
            name: Some(format!("{output}/body")),
            node: vec![NodeProto::new("Identity", [&go], [&more]), NodeProto::new("Identity", [&before], [&after])],
            input: vec![
                ValueInfoProto::tensor(&at, DType::Int64, &[]),
                ValueInfoProto::tensor(&go, DType::Bool, &[]),
                untyped(&before),
            ],
            output: [&more, &after].map(untyped).to_vec(),
            ..GraphProto::default()
        };
        self.nodes.push(NodeProto::new("Loop", [once.as_str(), &yes, value], [&output]).with("body", body));
        output
    }

    /// Adds a choice between two branches; each gives `outputs.len()` values.
    pub fn choose(&mut self, condition: &str, then: GraphProto, otherwise: GraphProto, outputs: &[&str]) {
        self.nodes.push(
            NodeProto::new("If", [condition], outputs.iter().copied())
                .with("then_branch", then)
                .with("else_branch", otherwise),
        );
    }

    /// The draft as a branch that gives these values.
    pub fn into_branch(self, outputs: &[String]) -> GraphProto {
        let untyped = |name: &String| ValueInfoProto { name: Some(name.clone()), ..ValueInfoProto::default() };
        GraphProto {
            name: Some(self.prefix),
            node: self.nodes,
            output: outputs.iter().map(untyped).collect(),
            ..GraphProto::default()
        }
    }
}
