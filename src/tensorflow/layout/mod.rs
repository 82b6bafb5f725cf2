//! Channels last, as TensorFlow has them, to channels first, as ONNX has them.
//!
//! Rules put a `Transpose` before and one behind each convolution. Here every `Transpose` is put off: a value that it would
//! give is remembered as another value and an order of axes. Operations that do not care about the order are then done in
//! the order of the other value, and their results are remembered in the same way. Where two transposes meet, the orders
//! cancel. Only an operation that needs the axes as they were makes the `Transpose` happen.

mod operators;

use super::constant::Constant;
use super::emit::{Dims, Emit, Operation, Value, standard_operator};
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

impl<'a> Layout<'a> {
    fn new(emit: &'a mut Emit) -> Self {
        Self { emit, done: Vec::new(), moved: HashMap::new(), produced: HashSet::new(), added: HashMap::new() }
    }

    fn run(&mut self, operations: Vec<Operation>) {
        for mut operation in operations {
            operation.inputs.iter_mut().for_each(|input| *input = self.cancelled(*input));
            let moved = self.moved(&operation);
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

fn simple(op_type: &'static str, inputs: Vec<Value>, output: Value) -> Operation {
    Operation {
        operator: standard_operator(op_type),
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
