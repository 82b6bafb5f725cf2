//! `If`, `Loop`, `Scan`: what decides about their bodies may not come from rows, for a row would then decide for the others.

use super::call::{Call, resolve};
use super::graph::{Place, Walk};
use super::value::{Rows, Size, Value};
use crate::onnx::operators::RowRule;
use crate::onnx::proto::GraphProto;

/// So often what a loop carries is made less precise until an iteration leaves it as it is.
const MAX_ROUNDS: usize = 8;

impl<'a> Walk<'a> {
    /// A node that has graphs of its own.
    pub fn with_bodies(&mut self, call: &Call<'a>, place: &Place) -> Vec<Value> {
        let body = |name: &str| call.node.attribute(name).and_then(|attribute| attribute.g.as_ref());
        match (call.row_rule(), body("body"), body("then_branch"), body("else_branch")) {
            (RowRule::If, _, Some(yes), Some(no)) => self.branches(call, yes, no, place),
            (RowRule::Loop, Some(body), _, _) => self.repeat(call, body, place),
            (RowRule::Scan, Some(body), _, _) if call.opset >= 9 => self.scan(call, body, place),
            _ => {
                let settled = call.given().all(|value| value.is_same() && !value.counts_rows());
                if settled && call.node.subgraphs().all(|graph| self.captures_only_same(graph)) {
                    vec![Value::same(None); call.node.output.len()]
                } else {
                    Self::all_mixed(call, "runs a graph of its own on the rows")
                }
            }
        }
    }

    fn branches(&mut self, call: &Call<'a>, yes: &'a GraphProto, no: &'a GraphProto, place: &Place) -> Vec<Value> {
        let Some(condition) = call.input(0) else { return Self::all_mixed(call, "lacks its condition") };
        if let Some(what) = decided_by_rows(condition) {
            return Self::all_mixed(call, what);
        }
        let made: Vec<Value> = match condition.integers().as_deref() {
            Some([0]) => self.body(no, Vec::new(), place),
            Some([_]) => self.body(yes, Vec::new(), place),
            _ => {
                let (one, other) = (self.body(yes, Vec::new(), place), self.body(no, Vec::new(), place));
                one.iter().zip(&other).map(|(one, other)| one.or(other)).collect()
            }
        };
        doubted(made, [condition])
    }

    fn repeat(&mut self, call: &Call<'a>, body: &'a GraphProto, place: &Place) -> Vec<Value> {
        let limits = [0, 1].into_iter().filter_map(|at| call.input(at)).find_map(decided_by_rows);
        if let Some(what) = limits {
            return Self::all_mixed(call, what);
        }
        let number = || Value::same(Some(Vec::new()));
        let initial: Vec<Value> =
            call.inputs.iter().skip(2).map(|value| value.clone().unwrap_or_else(number)).collect();
        let inputs = |carried: &[Value]| [number(), number()].into_iter().chain(carried.iter().cloned()).collect();
        let round = self.rounds(body, place, initial, 1, inputs);
        if let Some(what) = round.outputs.first().and_then(decided_by_rows) {
            return Self::all_mixed(call, what);
        }
        let stacked = round.outputs.iter().skip(1 + round.carried.len()).map(|value| stacked(value, 0));
        let made = round.carried.iter().cloned().chain(stacked).collect();
        doubted(made, call.given().take(2).chain(round.outputs.first()))
    }

    fn scan(&mut self, call: &Call<'a>, body: &'a GraphProto, place: &Place) -> Vec<Value> {
        let scanned = usize::try_from(call.int("num_scan_inputs", 0)).unwrap_or(0);
        let Some(states) = call.inputs.len().checked_sub(scanned) else { return Self::all_mixed(call, "lacks inputs") };
        let axes = call.ints("scan_input_axes").unwrap_or_default();
        let mut slices = Vec::with_capacity(scanned);
        for (at, value) in call.inputs[states..].iter().flatten().enumerate() {
            match sliced(value, axes.get(at).copied().unwrap_or(0)) {
                Some(slice) => slices.push(slice),
                None => return Self::all_mixed(call, "steps along the rows"),
            }
        }
        let initial = call.inputs[..states].iter().flatten().cloned().collect();
        let inputs = |carried: &[Value]| carried.iter().chain(&slices).cloned().collect();
        let round = self.rounds(body, place, initial, 0, inputs);
        let axes = call.ints("scan_output_axes").unwrap_or_default();
        let outputs = round.outputs.iter().skip(round.carried.len()).enumerate();
        let stacked = outputs.map(|(at, value)| stacked(value, axes.get(at).copied().unwrap_or(0)));
        round.carried.iter().cloned().chain(stacked).collect()
    }

    /// Rounds of a body until what is carried from one to the next is known for all of them.
    fn rounds(
        &mut self,
        body: &'a GraphProto,
        place: &Place,
        initial: Vec<Value>,
        first_carried: usize,
        inputs: impl Fn(&[Value]) -> Vec<Value>,
    ) -> Round {
        let mut carried = initial;
        for _ in 0..MAX_ROUNDS {
            let outputs = self.body(body, inputs(&carried), place);
            let next = carried.iter().zip(outputs.iter().skip(first_carried)).map(|(one, other)| one.or(other));
            let next: Vec<Value> = next.collect();
            if is_settled(&carried, &next) {
                return Round { carried, outputs };
            }
            carried = next;
        }
        let lost = || Value::mixed("a loop changes its values in a way that cannot be followed");
        let outputs = vec![lost(); body.output.len()];
        Round { carried: carried.iter().map(|_| lost()).collect(), outputs }
    }
}

/// Whether an iteration left what is known as it was. Doubts only add up.
fn is_settled(before: &[Value], after: &[Value]) -> bool {
    before.iter().zip(after).all(|(one, other)| {
        one.rows == other.rows && one.shape == other.shape && one.elements == other.elements && one.outer == other.outer
    })
}

struct Round {
    carried: Vec<Value>,
    /// All outputs of the body.
    outputs: Vec<Value>,
}

/// Why a run may not decide by this value.
fn decided_by_rows(value: &Value) -> Option<&'static str> {
    match value.rows {
        Rows::Same if value.counts_rows() => Some("decides by the number of rows"),
        Rows::Same => None,
        _ => Some("decides by what the rows hold"),
    }
}

/// What is doubted of what decides is doubted of what comes of it.
fn doubted<'v>(mut made: Vec<Value>, deciding: impl IntoIterator<Item = &'v Value>) -> Vec<Value> {
    if let Some(doubt) = deciding.into_iter().find_map(|value| value.doubt.clone()) {
        made.iter_mut().for_each(|value| value.doubt = value.doubt.take().or_else(|| Some(doubt.clone())));
    }
    made
}

/// One step of a value along an axis; `None` when that is the axis of the rows.
fn sliced(value: &Value, axis: i64) -> Option<Value> {
    let Some(shape) = value.shape.as_deref() else {
        return Some(if value.is_same() {
            Value::same(None)
        } else {
            Value { doubt: value.doubt.clone(), ..Value::with_rows(Rows::Unknown) }
        });
    };
    let at = resolve(axis, shape.len()).ok()?;
    if value.axis() == Some(at) || value.counts_rows() {
        return None;
    }
    let mut shape = shape.to_vec();
    shape.remove(at);
    let rows = value.axis().map(|rows| rows - usize::from(rows > at));
    let rows = match (&value.rows, rows) {
        (Rows::Same | Rows::Along(_), axis) => Value::of(axis, shape),
        (other, _) => Value::with_rows(other.clone()),
    };
    Some(Value {
        outer: value.outer.clone(),
        doubt: value.doubt.clone(),
        padded_with: value.padded_with.clone(),
        ..rows
    })
}

/// The values of all steps behind each other along a new axis.
fn stacked(value: &Value, axis: i64) -> Value {
    let Some(shape) = value.shape.as_deref() else { return Value { elements: None, input: None, ..value.clone() } };
    if value.counts_rows() {
        return Value::mixed("it follows from the number of rows");
    }
    let mut shape = shape.to_vec();
    let at = resolve(axis, shape.len() + 1).unwrap_or(0);
    shape.insert(at, Size::UNKNOWN);
    let made = match &value.rows {
        Rows::Same | Rows::Along(_) => Value::of(value.axis().map(|rows| rows + usize::from(rows >= at)), shape),
        other => Value::with_rows(other.clone()),
    };
    Value { outer: value.outer.clone(), doubt: value.doubt.clone(), padded_with: value.padded_with.clone(), ..made }
}
