//! Slices in the notation of Python, `x[1:, ..., None, ::-1, 0]`.

use super::node::{Node, Output};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};

/// Entries that a slice may have.
const MAX_ENTRIES: usize = 32;

pub fn strided_slice(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let steps = node.constant_ints(3, "strides")?;
    if steps.len() > MAX_ENTRIES || steps.contains(&0) {
        return Err(error!(InvalidModel, "strides {steps:?} are out of range"));
    }
    let masks = Masks::of(node);
    let bounds = Bounds { begin: node.input(1)?, end: node.input(2)? };
    let rank = node.emit.rank(x);
    let emit = &mut *node.emit;
    let mut plan = Plan::default();
    for (at, &step) in steps.iter().enumerate() {
        if has(masks.ellipsis, at) {
            let named = (0..steps.len()).filter(|&other| other != at && !has(masks.added, other)).count();
            let rank = rank.ok_or_else(|| error!(UnsupportedModel, "the rank of the input is not known"))?;
            plan.skip(rank.saturating_sub(named) as i64);
        } else if has(masks.added, at) {
            plan.add_axis();
        } else if has(masks.removed, at) {
            let (start, stop) = bounds.only(emit, at);
            plan.take([start, stop], 1);
            plan.remove_axis();
        } else if has(masks.begin, at) && has(masks.end, at) && step == 1 {
            plan.skip(1);
        } else {
            let range = bounds.range(emit, at, step, &masks);
            plan.take(range, step);
            plan.skip(1);
        }
    }
    Ok(plan.apply(emit, x).into())
}

/// Bits that change the meaning of the entries.
struct Masks {
    begin: i64,
    end: i64,
    ellipsis: i64,
    added: i64,
    removed: i64,
}

impl Masks {
    fn of(node: &Node<'_>) -> Self {
        let mask = |name: &str| node.definition.int(name).unwrap_or(0);
        Self {
            begin: mask("begin_mask"),
            end: mask("end_mask"),
            ellipsis: mask("ellipsis_mask"),
            added: mask("new_axis_mask"),
            removed: mask("shrink_axis_mask"),
        }
    }
}

fn has(mask: i64, at: usize) -> bool {
    mask >> at & 1 == 1
}

/// Where the entries start and end, perhaps computed at run time.
struct Bounds {
    begin: Value,
    end: Value,
}

impl Bounds {
    fn range(&self, emit: &mut Emit, at: usize, step: i64, masks: &Masks) -> [Value; 2] {
        let (first, last) = if step > 0 { (0, i64::MAX) } else { (i64::MAX, i64::MIN) };
        let start = if has(masks.begin, at) { emit.int64s(&[first]) } else { element(emit, self.begin, at) };
        let stop = if has(masks.end, at) { emit.int64s(&[last]) } else { element(emit, self.end, at) };
        [start, stop]
    }

    /// The range of one element. What follows the last element, -1, is not 0 but the end.
    fn only(&self, emit: &mut Emit, at: usize) -> (Value, Value) {
        let start = element(emit, self.begin, at);
        let [zero, one, end] = [0, 1, i64::MAX].map(|number| emit.int64s(&[number]));
        let next = emit.add(start, one);
        let wrapped = emit.op("Equal", &[next, zero]);
        (start, emit.op("Where", &[wrapped, end, next]))
    }
}

/// One element of a list, as a list of int64.
fn element(emit: &mut Emit, list: Value, at: usize) -> Value {
    let list = emit.cast(list, DType::Int64);
    emit.slice(list, 0, at as i64, at as i64 + 1)
}

/// What is done to the axes.
#[derive(Default)]
struct Plan {
    /// The next axis of the input, and of the output.
    axis: i64,
    made: i64,
    starts: Vec<Value>,
    stops: Vec<Value>,
    axes: Vec<i64>,
    steps: Vec<i64>,
    removed: Vec<i64>,
    added: Vec<i64>,
}

impl Plan {
    fn skip(&mut self, axes: i64) {
        self.axis += axes;
        self.made += axes;
    }

    fn add_axis(&mut self) {
        self.added.push(self.made);
        self.made += 1;
    }

    fn remove_axis(&mut self) {
        self.removed.push(self.axis);
        self.axis += 1;
    }

    fn take(&mut self, [start, stop]: [Value; 2], step: i64) {
        self.starts.push(start);
        self.stops.push(stop);
        self.axes.push(self.axis);
        self.steps.push(step);
    }

    fn apply(self, emit: &mut Emit, mut x: Value) -> Value {
        if !self.axes.is_empty() {
            let (starts, stops) = (emit.concat(&self.starts, 0), emit.concat(&self.stops, 0));
            let (axes, steps) = (emit.int64s(&self.axes), emit.int64s(&self.steps));
            x = emit.op("Slice", &[x, starts, stops, axes, steps]);
        }
        if !self.removed.is_empty() {
            x = emit.squeeze(x, &self.removed);
        }
        if !self.added.is_empty() {
            x = emit.unsqueeze(x, &self.added);
        }
        x
    }
}
