//! Channels last, as TensorFlow has them, to channels first, as ONNX has them.
//!
//! Rules put a `Transpose` before and one behind each convolution. Here every `Transpose` is put off: a value that it would
//! give is remembered as another value and an order of axes. Operations that do not care about the order are then done in
//! the order of the other value, and their results are remembered in the same way. Where two transposes meet, the orders
//! cancel. Only an operation that needs the axes as they were makes the `Transpose` happen.

use super::constant::Constant;
use super::emit::{Dims, Emit, Operation, Value};
use crate::onnx::Attribute;
use std::collections::{HashMap, HashSet};

impl Emit {
    /// Moves transposes towards each other until they cancel.
    pub(super) fn arrange_layout(&mut self) {
        self.rewrite(|emit, operations, outputs| {
            let mut layout = Layout::new(emit);
            layout.run(operations);
            outputs.iter().for_each(|&output| layout.produce(output));
            layout.done
        });
    }
}

/// A value that is another one with its axes in this order.
#[derive(Debug, Clone)]
struct Moved {
    source: Value,
    order: Vec<usize>,
}

struct Layout<'a> {
    emit: &'a mut Emit,
    done: Vec<Operation>,
    moved: HashMap<Value, Moved>,
    /// Moved values that exist nevertheless, because something needed them.
    produced: HashSet<Value>,
    /// Transposes that were added, by what they transpose.
    added: HashMap<(Value, Vec<usize>), Value>,
}

/// Operations on single elements. The number of inputs that are broadcast against each other; the others are scalars.
fn elementwise(op_type: &str) -> Option<usize> {
    match op_type {
        "Relu" | "Sigmoid" | "Tanh" | "Exp" | "Log" | "Neg" | "Abs" | "Sqrt" | "Floor" | "Ceil" | "Round" | "Sign"
        | "Erf" | "Sin" | "Cos" | "Elu" | "Selu" | "Celu" | "LeakyRelu" | "HardSigmoid" | "HardSwish" | "Softplus"
        | "Softsign" | "Gelu" | "Mish" | "ThresholdedRelu" | "Reciprocal" | "Clip" | "Identity" | "Not" | "IsNaN"
        | "IsInf" | "Cast" => Some(1),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "PRelu" | "And" | "Or" | "Xor" | "Equal" | "Less"
        | "LessOrEqual" | "Greater" | "GreaterOrEqual" | "Max" | "Min" | "Sum" | "Mean" | "Where" => Some(usize::MAX),
        _ => None,
    }
}

impl<'a> Layout<'a> {
    fn new(emit: &'a mut Emit) -> Self {
        Self { emit, done: Vec::new(), moved: HashMap::new(), produced: HashSet::new(), added: HashMap::new() }
    }

    fn run(&mut self, operations: Vec<Operation>) {
        for mut operation in operations {
            operation.inputs.iter_mut().for_each(|input| *input = self.cancelled(*input));
            let moved = match operation.op_type.as_str() {
                "Transpose" => self.transpose(&operation),
                "Shape" => self.shape(&operation),
                "Pad" => self.pad(&operation),
                "Concat" => self.concat(&operation),
                "Split" => self.along_axis(&operation, 0),
                "Softmax" | "LogSoftmax" => self.along_axis(&operation, -1),
                "Slice" => self.slice(&operation),
                "Reshape" => self.reshape(&operation),
                "Squeeze" => self.squeeze(&operation),
                "Unsqueeze" => self.unsqueeze(&operation),
                "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL2" => {
                    self.reduce(&operation)
                }
                other => match elementwise(other) {
                    Some(count) => self.elementwise(&operation, count),
                    None => None,
                },
            };
            if moved.is_none() {
                self.keep(operation);
            }
        }
    }

    /// The value that another one is when all the orders between them cancel.
    fn cancelled(&self, value: Value) -> Value {
        match self.moved.get(&value) {
            Some(moved) if is_identity(&moved.order) => moved.source,
            _ => value,
        }
    }

    /// Keeps an operation that needs its inputs as they are.
    fn keep(&mut self, mut operation: Operation) {
        for input in operation.inputs.clone() {
            self.produce(input);
        }
        for (_, body) in &mut operation.bodies {
            for captured in captured(&body.operations).into_iter().chain(body.outputs.iter().copied()) {
                self.produce(captured);
            }
            let mut inner = Layout::new(self.emit);
            inner.run(std::mem::take(&mut body.operations));
            for &output in &body.outputs {
                inner.produce(output);
            }
            body.operations = inner.done;
        }
        self.done.push(operation);
    }

    /// Makes a moved value exist.
    fn produce(&mut self, value: Value) {
        let Some(Moved { source, order }) = self.moved.get(&value).cloned() else { return };
        if !self.produced.insert(value) {
            return;
        }
        let transpose = if is_identity(&order) {
            simple("Identity", vec![source], value)
        } else {
            let mut transpose = simple("Transpose", vec![source], value);
            transpose.set_attribute("perm", as_ints(&order));
            transpose
        };
        self.done.push(transpose);
    }

    /// The value itself or what it was moved from, whichever exists without more work when `order` is what is wanted.
    fn source(&self, value: Value) -> (Value, Option<&[usize]>) {
        match self.moved.get(&value) {
            Some(moved) => (moved.source, Some(&moved.order)),
            None => (value, None),
        }
    }

    fn set_moved(&mut self, value: Value, source: Value, order: Vec<usize>) {
        self.moved.insert(value, Moved { source, order });
    }

    /// The first input's source and order; `None` when it was not moved.
    fn moved_input(&self, operation: &Operation) -> Option<(Value, Vec<usize>)> {
        let moved = self.moved.get(operation.inputs.first()?)?;
        (!is_identity(&moved.order)).then(|| (moved.source, moved.order.clone()))
    }

    fn transpose(&mut self, operation: &Operation) -> Option<()> {
        let order: Vec<usize> =
            operation.ints("perm")?.iter().map(|&axis| usize::try_from(axis).ok()).collect::<Option<_>>()?;
        let input = operation.inputs[0];
        let (source, order) = match self.source(input) {
            (source, Some(first)) if first.len() == order.len() => {
                (source, order.iter().map(|&axis| first.get(axis).copied()).collect::<Option<Vec<_>>>()?)
            }
            (_, Some(_)) => return None,
            (source, None) => (source, order),
        };
        self.set_moved(operation.outputs[0], source, order);
        Some(())
    }

    /// The sizes of a moved value are those of its source in another order.
    fn shape(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let sizes = self.emit.in_place_of(operation.outputs[0], Some(vec![Some(order.len() as i64)]));
        self.done.push(operation.with_values(vec![source], vec![sizes]));
        let order = self.emit.int64s(&as_ints(&order));
        self.done.push(simple("Gather", vec![sizes, order], operation.outputs[0]));
        Some(())
    }

    /// Does an operation with the axes of its first input in the source's order, and remembers its outputs as moved.
    fn redo(&mut self, mut operation: Operation, inputs: Vec<Value>, order: &[usize]) {
        let outputs: Vec<Value> = operation
            .outputs
            .iter()
            .map(|&output| {
                let shape = self.emit.shape(output).filter(|shape| shape.len() == order.len());
                let shape = shape.map(|shape| in_source_order(shape, order));
                self.emit.in_place_of(output, shape)
            })
            .collect();
        for (&output, &made) in operation.outputs.iter().zip(&outputs) {
            self.moved.insert(output, Moved { source: made, order: order.to_vec() });
        }
        operation.inputs = inputs;
        operation.outputs = outputs;
        self.done.push(operation);
    }

    fn pad(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let pads = operation.inputs[1];
        let rank = order.len() as i64;
        if operation.inputs.len() > 3 || self.emit.size(pads, 0) != Some(rank * 2) {
            return None;
        }
        // Where each axis of the source finds what is put before it, and behind it.
        let before = in_source_order(&(0..rank).collect::<Vec<_>>(), &order);
        let places: Vec<i64> = before.iter().copied().chain(before.iter().map(|at| at + rank)).collect();
        let mut inputs = operation.inputs.clone();
        inputs[0] = source;
        inputs[1] = match self.emit.ints_of(pads) {
            Some(pads) => {
                let pads: Vec<i64> = places.iter().map(|&at| pads[at as usize]).collect();
                self.emit.int64s(&pads)
            }
            None => {
                self.produce(pads);
                let places = self.emit.int64s(&places);
                let made = self.emit.in_place_of(pads, Some(vec![Some(rank * 2)]));
                self.done.push(simple("Gather", vec![pads, places], made));
                made
            }
        };
        self.redo(operation.clone(), inputs, &order);
        Some(())
    }

    fn along_axis(&mut self, operation: &Operation, default: i64) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let axis = moved_axis(operation.int("axis", default), &order)?;
        let mut redone = operation.clone();
        redone.set_attribute("axis", axis);
        let mut inputs = operation.inputs.clone();
        inputs[0] = source;
        self.redo(redone, inputs, &order);
        Some(())
    }

    fn slice(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let axes = match operation.inputs.get(3) {
            Some(&axes) => self.emit.ints_of(axes)?,
            None => (0..self.emit.size(operation.inputs[1], 0)?).collect(),
        };
        let axes: Vec<i64> = axes.into_iter().map(|axis| moved_axis(axis, &order)).collect::<Option<_>>()?;
        let mut inputs = operation.inputs.clone();
        inputs[0] = source;
        inputs.resize(inputs.len().max(4), Value::ABSENT);
        inputs[3] = self.emit.int64s(&axes);
        self.redo(operation.clone(), inputs, &order);
        Some(())
    }

    /// Where only axes of size 1 change their places, the elements stay where they are.
    fn reshape(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let shape = self.emit.shape(source)?;
        let longer: Vec<usize> = order.iter().copied().filter(|&axis| shape.get(axis) != Some(&Some(1))).collect();
        // A size of 0 in the new shape may mean that of the input's axis.
        let plain = self.emit.ints_of(operation.inputs[1])?.iter().all(|&size| size != 0);
        if !longer.is_sorted() || !plain {
            return None;
        }
        let mut inputs = operation.inputs.clone();
        inputs[0] = source;
        self.done.push(operation.with_values(inputs, operation.outputs.clone()));
        Some(())
    }

    fn reduce(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let axes = self.emit.ints_of(*operation.inputs.get(1)?)?;
        let axes: Vec<i64> = axes.into_iter().map(|axis| moved_axis(axis, &order)).collect::<Option<_>>()?;
        let inputs = vec![source, self.emit.int64s(&axes)];
        if operation.int("keepdims", 1) == 1 {
            self.redo(operation.clone(), inputs, &order);
            return Some(());
        }
        self.without_axes(operation, inputs, &order, &axes);
        Some(())
    }

    fn squeeze(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let axes = self.emit.ints_of(*operation.inputs.get(1)?)?;
        let axes: Vec<i64> = axes.into_iter().map(|axis| moved_axis(axis, &order)).collect::<Option<_>>()?;
        let inputs = vec![source, self.emit.int64s(&axes)];
        self.without_axes(operation, inputs, &order, &axes);
        Some(())
    }

    /// Does an operation that takes away some axes of the source.
    fn without_axes(&mut self, operation: &Operation, inputs: Vec<Value>, order: &[usize], axes: &[i64]) {
        let left: Vec<usize> = order.iter().copied().filter(|&axis| !axes.contains(&(axis as i64))).collect();
        let mut sorted = left.clone();
        sorted.sort_unstable();
        let rank = |axis: &usize| sorted.iter().position(|other| other == axis);
        let order: Vec<usize> = left.iter().filter_map(rank).collect();
        if is_identity(&order) {
            self.done.push(operation.with_values(inputs, operation.outputs.clone()));
        } else {
            self.redo(operation.clone(), inputs, &order);
        }
    }

    /// The new axis comes before the same axis of the source as it does in the moved value.
    fn unsqueeze(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let [axis] = self.emit.ints_of(operation.inputs[1])?[..] else { return None };
        let rank = order.len() as i64 + 1;
        let axis = usize::try_from(if axis < 0 { axis + rank } else { axis }).ok()?;
        let place = if axis > order.len() { return None } else { order.get(axis).copied().unwrap_or(order.len()) };
        let mut longer: Vec<usize> =
            order.iter().map(|&other| if other >= place { other + 1 } else { other }).collect();
        longer.insert(axis, place);
        let inputs = vec![source, self.emit.int64s(&[place as i64])];
        self.redo(operation.clone(), inputs, &longer);
        Some(())
    }

    fn concat(&mut self, operation: &Operation) -> Option<()> {
        let order = self.common_order(&operation.inputs)?;
        let axis = moved_axis(operation.int("axis", 0), &order)?;
        let inputs = self.inputs_in(&operation.inputs, &order)?;
        let mut redone = operation.clone();
        redone.set_attribute("axis", axis);
        self.redo(redone, inputs, &order);
        Some(())
    }

    fn elementwise(&mut self, operation: &Operation, count: usize) -> Option<()> {
        let (spread, scalars) = operation.inputs.split_at(count.min(operation.inputs.len()));
        let order = self.common_order(spread)?;
        if self.emit.rank(operation.outputs[0])? != order.len() {
            return None;
        }
        let mut inputs = self.inputs_in(spread, &order)?;
        inputs.extend(scalars);
        self.redo(operation.clone(), inputs, &order);
        Some(())
    }

    /// The order in which an operation is best done; `None` when that is the order of its own inputs.
    fn common_order(&self, inputs: &[Value]) -> Option<Vec<usize>> {
        let mut votes: Vec<(&[usize], usize)> = Vec::new();
        let mut against = 0;
        for &input in inputs {
            match self.moved.get(&input) {
                Some(moved) if !is_identity(&moved.order) => {
                    match votes.iter_mut().find(|(order, _)| *order == moved.order) {
                        Some((_, count)) => *count += 1,
                        None => votes.push((&moved.order, 1)),
                    }
                }
                _ if self.is_cheap(input) => {}
                _ => against += 1,
            }
        }
        let (order, count) = votes.into_iter().max_by_key(|(_, count)| *count)?;
        (count >= against).then(|| order.to_vec())
    }

    /// Constants are transposed here, and a vector needs no copy.
    fn is_cheap(&self, value: Value) -> bool {
        let Some(shape) = self.emit.shape(value) else { return false };
        self.emit.constant_of(value).is_some() || shape.iter().filter(|size| **size != Some(1)).count() <= 1
    }

    /// The inputs with their axes as the source of a value that was moved by `order` has them.
    fn inputs_in(&mut self, inputs: &[Value], order: &[usize]) -> Option<Vec<Value>> {
        let known = inputs.iter().all(|&input| self.emit.rank(input).is_some_and(|rank| rank <= order.len()));
        known.then(|| inputs.iter().map(|&input| self.input_in(input, order)).collect())
    }

    fn input_in(&mut self, input: Value, order: &[usize]) -> Value {
        if let Some(moved) = self.moved.get(&input)
            && moved.order == order
        {
            return moved.source;
        }
        let rank = self.emit.rank(input).unwrap_or_default();
        let mut inverse = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, &axis)| inverse[axis] = at);
        if rank == 0 {
            self.produce(input);
            return input;
        }
        if let Some(constant) = self.emit.constant_of(input) {
            let made = widened(constant, order.len()).transposed(&inverse);
            return self.emit.constant(made);
        }
        if let Some(&added) = self.added.get(&(input, inverse.clone())) {
            return added;
        }
        self.produce(input);
        let wide = self.widen(input, order.len());
        let shape = self.emit.shape(wide).map(|shape| inverse.iter().map(|&axis| shape[axis]).collect());
        let made = self.emit.in_place_of(input, shape);
        let mut transpose = simple("Transpose", vec![wide], made);
        transpose.set_attribute("perm", as_ints(&inverse));
        self.done.push(transpose);
        self.added.insert((input, inverse), made);
        made
    }

    /// The value with axes of size 1 before its own.
    fn widen(&mut self, input: Value, rank: usize) -> Value {
        let shape = self.emit.shape(input).cloned().unwrap_or_default();
        let missing = rank - shape.len();
        if missing == 0 {
            return input;
        }
        let axes: Vec<i64> = (0..missing as i64).collect();
        let axes = self.emit.int64s(&axes);
        let wide: Dims = std::iter::repeat_n(Some(1), missing).chain(shape).collect();
        let made = self.emit.in_place_of(input, Some(wide));
        self.done.push(simple("Unsqueeze", vec![input, axes], made));
        made
    }
}

fn simple(op_type: &str, inputs: Vec<Value>, output: Value) -> Operation {
    Operation {
        op_type: op_type.to_owned(),
        inputs,
        outputs: vec![output],
        attributes: Vec::<(&'static str, Attribute)>::new(),
        bodies: Vec::new(),
    }
}

/// The values of the graphs around that a body uses.
fn captured(operations: &[Operation]) -> Vec<Value> {
    let mut found = Vec::new();
    for operation in operations {
        found.extend(&operation.inputs);
        for (_, body) in &operation.bodies {
            found.extend(captured(&body.operations));
            found.extend(&body.outputs);
        }
    }
    found
}

fn widened(constant: &Constant, rank: usize) -> Constant {
    let missing = rank - constant.shape.len();
    let shape: Vec<usize> = std::iter::repeat_n(1, missing).chain(constant.shape.iter().copied()).collect();
    constant.reshaped(&shape)
}

fn is_identity(order: &[usize]) -> bool {
    order.iter().enumerate().all(|(at, &axis)| at == axis)
}

fn as_ints(order: &[usize]) -> Vec<i64> {
    order.iter().map(|&axis| axis as i64).collect()
}

/// What belongs to each axis of a moved value, by the axes of its source.
fn in_source_order<T: Copy>(list: &[T], order: &[usize]) -> Vec<T> {
    let mut sorted: Vec<(usize, T)> = order.iter().copied().zip(list.iter().copied()).collect();
    sorted.sort_by_key(|(axis, _)| *axis);
    sorted.into_iter().map(|(_, entry)| entry).collect()
}

/// The axis of the source that an axis of the moved value is.
fn moved_axis(axis: i64, order: &[usize]) -> Option<i64> {
    let axis = if axis < 0 { axis + order.len() as i64 } else { axis };
    order.get(usize::try_from(axis).ok()?).map(|&axis| axis as i64)
}
