//! Building an ONNX graph: operations are emitted one by one, and each value carries what is known about it.
//!
//! ```ignore
//! let x = emit.input("x", DType::Float32, Some(vec![None, Some(4)]));
//! let kernel = emit.constant(weights["dense/kernel"].clone());
//! let product = emit.op("MatMul", &[x, kernel]);
//! let y = emit.op_with("Softmax", &[product], [("axis", (-1).into())]);
//! emit.output("y", y);
//! ```
//!
//! What can be computed from constants and known shapes is computed at once: the result of an operation may be a constant
//! itself, and then nothing is emitted. Operations that no output needs are left out in the end, so a rule may ask freely.

mod evaluate;
mod finish;
mod infer;
mod operations;
mod operator;
mod refine;

use super::constant::Constant;
use crate::error::Result;
use crate::onnx::Attribute;
use crate::onnx::operators::Operator;
use crate::tensor::DType;
pub use operator::{ml_operator, standard_operator};

/// A shape of known rank; a size that is not known is `None`.
pub type Dims = Vec<Option<i64>>;

/// Elements of a small tensor, as far as they are known.
pub type PartialElements = Vec<Option<f64>>;

/// A value of the graph. Copy it freely; what is known about it is asked from [`Emit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(u32);

impl Value {
    /// Stands for an optional input that is not given.
    pub const ABSENT: Self = Self(u32::MAX);
}

/// What is known about a value.
#[derive(Debug, Clone)]
struct Known {
    /// The name it will get, unless another has it.
    name: String,
    dtype: DType,
    shape: Option<Dims>,
    constant: Option<Constant>,
    elements: Option<PartialElements>,
    /// The int64 or bool value of which this is a cast.
    cast_from: Option<Value>,
}

/// A node of the graph to be.
#[derive(Debug, Clone)]
pub struct Operation {
    pub operator: &'static Operator,
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    pub attributes: Vec<(&'static str, Attribute)>,
    /// The graphs that the node runs: `then_branch`, `else_branch` or `body`.
    pub bodies: Vec<(&'static str, Body)>,
}

/// A graph within a node. It may use the values around it.
#[derive(Debug, Clone)]
pub struct Body {
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    pub operations: Vec<Operation>,
}

impl Operation {
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|(given, _)| *given == name).map(|(_, value)| value)
    }

    pub fn int(&self, name: &str, default: i64) -> i64 {
        match self.attribute(name) {
            Some(Attribute::Int(value)) => *value,
            _ => default,
        }
    }

    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attribute(name) {
            Some(Attribute::Ints(values)) => Some(values),
            _ => None,
        }
    }

    /// The same operation of other values.
    pub fn with_values(&self, inputs: Vec<Value>, outputs: Vec<Value>) -> Self {
        Self { inputs, outputs, ..self.clone() }
    }

    pub fn set_attribute(&mut self, name: &'static str, value: impl Into<Attribute>) {
        self.attributes.retain(|(given, _)| *given != name);
        self.attributes.push((name, value.into()));
    }

    fn string(&self, name: &str) -> Option<&str> {
        match self.attribute(name) {
            Some(Attribute::String(value)) => Some(value),
            _ => None,
        }
    }
}

/// The graph under construction.
#[derive(Debug, Default)]
pub struct Emit {
    known: Vec<Known>,
    inputs: Vec<Value>,
    outputs: Vec<(String, Value)>,
    operations: Vec<Operation>,
    /// The node or layer that is being translated.
    place: String,
}

impl Emit {
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the node or layer that what follows belongs to; run-time errors show it.
    pub fn at(&mut self, place: &str) {
        place.clone_into(&mut self.place);
    }

    /// Declares an input of the model.
    pub fn input(&mut self, name: &str, dtype: DType, shape: Option<Dims>) -> Value {
        let value = self.value(name.to_owned(), dtype, shape);
        self.inputs.push(value);
        value
    }

    /// Declares an output of the model.
    pub fn output(&mut self, name: &str, value: Value) {
        self.outputs.push((name.to_owned(), value));
    }

    /// A constant. It costs nothing until an operation uses it.
    pub fn constant(&mut self, constant: Constant) -> Value {
        let shape = constant.shape.iter().map(|&size| Some(size as i64)).collect();
        let value = self.value(format!("{}/constant", self.place), constant.dtype, Some(shape));
        let small = constant.len() <= evaluate::MAX_ELEMENTS;
        let elements = if small { constant.numbers() } else { None };
        let known = &mut self.known[value.0 as usize];
        known.elements = elements.map(|numbers| numbers.into_iter().map(Some).collect());
        known.constant = Some(constant);
        value
    }

    /// Emits an operation of one output, without attributes. Trailing inputs that are [`Value::ABSENT`] may be left out.
    pub fn op(&mut self, op_type: &'static str, inputs: &[Value]) -> Value {
        self.op_with(op_type, inputs, [])
    }

    /// Emits an operation of one output.
    pub fn op_with(
        &mut self,
        op_type: &'static str,
        inputs: &[Value],
        attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
    ) -> Value {
        self.op_n(op_type, inputs, attributes, 1)[0]
    }

    /// Emits an operation of several outputs.
    pub fn op_n(
        &mut self,
        op_type: &'static str,
        inputs: &[Value],
        attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
        outputs: usize,
    ) -> Vec<Value> {
        self.push(standard_operator(op_type), inputs, attributes.into_iter().collect(), Vec::new(), outputs)
    }

    /// Emits `If`, `Loop` or `Scan`. The types of the outputs are those of the bodies'.
    pub fn op_with_bodies(
        &mut self,
        op_type: &'static str,
        inputs: &[Value],
        attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
        bodies: Vec<(&'static str, Body)>,
        outputs: usize,
    ) -> Vec<Value> {
        self.push(standard_operator(op_type), inputs, attributes.into_iter().collect(), bodies, outputs)
    }

    fn push(
        &mut self,
        operator: &'static Operator,
        inputs: &[Value],
        attributes: Vec<(&'static str, Attribute)>,
        bodies: Vec<(&'static str, Body)>,
        outputs: usize,
    ) -> Vec<Value> {
        let used = inputs.iter().rposition(|&input| input != Value::ABSENT).map_or(0, |last| last + 1);
        let mut operation =
            Operation { operator, inputs: inputs[..used].to_vec(), outputs: Vec::new(), attributes, bodies };
        let inferred = infer::infer(self, &operation, outputs);
        let elements = evaluate::evaluate(self, &operation, &inferred[0]);
        if let (Some(numbers), Some(shape)) = (all(elements.as_deref()), fixed(inferred[0].1.as_ref())) {
            return vec![self.constant(Constant::of_numbers(inferred[0].0, &shape, &numbers))];
        }
        let name = format!("{}/{}", self.place, operator.name);
        for (dtype, shape) in inferred {
            let output = self.value(name.clone(), dtype, shape);
            operation.outputs.push(output);
        }
        self.known[operation.outputs[0].0 as usize].elements = elements;
        let outputs = operation.outputs.clone();
        self.operations.push(operation);
        outputs
    }

    /// Collects what `build` emits as the graph within a node; it returns the graph's inputs and outputs. Inputs are made
    /// with [`Self::body_input`].
    ///
    /// # Errors
    /// Those of `build`.
    pub fn body(&mut self, build: impl FnOnce(&mut Self) -> Result<(Vec<Value>, Vec<Value>)>) -> Result<Body> {
        let around = std::mem::take(&mut self.operations);
        let built = build(self);
        let operations = std::mem::replace(&mut self.operations, around);
        let (inputs, outputs) = built?;
        let mut body = Body { inputs, outputs, operations };
        self.produce_outputs(&mut body);
        Ok(body)
    }

    /// The outputs of a body must be made in it, each by itself.
    pub(super) fn produce_outputs(&mut self, body: &mut Body) {
        let mut seen = std::collections::HashSet::new();
        let made: std::collections::HashSet<Value> =
            body.operations.iter().flat_map(|operation| operation.outputs.iter().copied()).collect();
        for output in &mut body.outputs {
            if !made.contains(output) || !seen.insert(*output) {
                let around = std::mem::replace(&mut self.operations, std::mem::take(&mut body.operations));
                *output = self.identity(*output);
                body.operations = std::mem::replace(&mut self.operations, around);
            }
        }
    }

    /// An `Identity` even of a constant.
    fn identity(&mut self, input: Value) -> Value {
        let known = &self.known[input.0 as usize];
        let output = self.value(format!("{}/Identity", self.place), known.dtype, known.shape.clone());
        self.operations.push(Operation {
            operator: standard_operator("Identity"),
            inputs: vec![input],
            outputs: vec![output],
            attributes: Vec::new(),
            bodies: Vec::new(),
        });
        output
    }

    /// An input of a body.
    pub fn body_input(&mut self, name: &str, dtype: DType, shape: Option<Dims>) -> Value {
        self.value(format!("{}/{name}", self.place), dtype, shape)
    }

    fn value(&mut self, name: String, dtype: DType, shape: Option<Dims>) -> Value {
        let value = Value(u32::try_from(self.known.len()).expect("fewer values than the limit on nodes allows"));
        let sane = |size: Option<i64>| size.filter(|&size| size >= 0);
        let shape = shape.map(|shape| shape.into_iter().map(sane).collect());
        self.known.push(Known { name, dtype, shape, constant: None, elements: None, cast_from: None });
        value
    }

    /// How many values there are.
    pub fn size_so_far(&self) -> usize {
        self.known.len()
    }

    fn known(&self, value: Value) -> Option<&Known> {
        self.known.get(value.0 as usize)
    }

    /// The element type.
    ///
    /// # Panics
    /// For [`Value::ABSENT`].
    pub fn dtype(&self, value: Value) -> DType {
        self.known[value.0 as usize].dtype
    }

    /// The shape as far as it is known; `None` when not even the rank is.
    pub fn shape(&self, value: Value) -> Option<&Dims> {
        self.known(value)?.shape.as_ref()
    }

    pub fn rank(&self, value: Value) -> Option<usize> {
        self.shape(value).map(Vec::len)
    }

    /// The size of one axis; a negative axis counts from the end.
    pub fn size(&self, value: Value, axis: i64) -> Option<i64> {
        let shape = self.shape(value)?;
        let axis = if axis < 0 { axis + shape.len() as i64 } else { axis };
        *shape.get(usize::try_from(axis).ok()?)?
    }

    /// The shape when every size is known.
    pub fn fixed_shape(&self, value: Value) -> Option<Vec<usize>> {
        fixed(self.shape(value))
    }

    /// Adds what the caller knows about a shape to what is known already.
    pub fn assume_shape(&mut self, value: Value, shape: &[Option<i64>]) {
        let Some(known) = self.known.get_mut(value.0 as usize) else { return };
        match &mut known.shape {
            Some(sizes) if sizes.len() == shape.len() => {
                sizes.iter_mut().zip(shape).for_each(|(size, assumed)| *size = size.or(*assumed));
            }
            Some(_) => {}
            unknown => *unknown = Some(shape.to_vec()),
        }
    }

    /// Replaces the operations by what `rewrite` makes of them; it is given the outputs of the model too, which stay.
    pub fn rewrite(&mut self, rewrite: impl FnOnce(&mut Self, Vec<Operation>, &[Value]) -> Vec<Operation>) {
        let outputs: Vec<Value> = self.outputs.iter().map(|(_, value)| *value).collect();
        let operations = std::mem::take(&mut self.operations);
        self.operations = rewrite(self, operations, &outputs);
    }

    /// A new value with the name and element type of another, for an operation that takes its place.
    pub fn in_place_of(&mut self, other: Value, shape: Option<Dims>) -> Value {
        let known = &self.known[other.0 as usize];
        self.value(known.name.clone(), known.dtype, shape)
    }

    /// The same value with a shape that is known only so far, such as the start of what grows in a loop.
    pub fn loosened(&mut self, value: Value, shape: Dims) -> Value {
        let loose = self.identity(value);
        self.known[loose.0 as usize].shape = Some(shape);
        loose
    }

    /// Corrects the element type of an output that is not that of the first input.
    pub fn assume_dtype(&mut self, value: Value, dtype: DType) {
        if let Some(known) = self.known.get_mut(value.0 as usize) {
            known.dtype = dtype;
        }
    }

    /// The constant that the value is.
    pub fn constant_of(&self, value: Value) -> Option<&Constant> {
        self.known(value)?.constant.as_ref()
    }

    /// The elements of an integer constant.
    pub fn ints_of(&self, value: Value) -> Option<Vec<i64>> {
        self.constant_of(value)?.ints()
    }

    /// The one element of an integer constant.
    pub fn int_of(&self, value: Value) -> Option<i64> {
        match self.ints_of(value)?.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// The elements of a small tensor as far as they are known, such as `[None, 10]` for the shape of a batch.
    pub fn elements_of(&self, value: Value) -> Option<&PartialElements> {
        self.known(value)?.elements.as_ref()
    }
}

fn all(elements: Option<&[Option<f64>]>) -> Option<Vec<f64>> {
    elements?.iter().copied().collect()
}

fn fixed(shape: Option<&Dims>) -> Option<Vec<usize>> {
    shape?.iter().map(|size| usize::try_from((*size)?).ok()).collect()
}
