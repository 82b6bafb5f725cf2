//! Operators that end the process when they get a tensor without elements, or one of a wrong shape. Each such node becomes a
//! choice: the node itself, or, where it would not survive, nodes that give the result which ONNX's rules of
//! shapes define. What has no defined result fails the run.
//!
//! `scripts/operator-scan` finds the operators; `tests/operators_that_kill.rs` runs what it found.

use super::draft::Draft;
use crate::error::{Result, error};
use crate::onnx::Attribute;
use crate::onnx::operators::{Empty, What, When, operator};
use crate::onnx::proto::NodeProto;
use crate::tensor::{DType, Tensor};

/// A condition that a node needs to survive: what must hold for one of its inputs.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    pub input: usize,
    pub what: What,
}

/// What a node needs; nothing for one that survives whatever it gets.
pub fn needs(node: &NodeProto) -> Vec<Need> {
    let Some(guarded) = operator(node).map(|row| row.guarded) else { return Vec::new() };
    let concerned = match guarded.when {
        When::Always => true,
        When::WithAttribute(name) => node.attribute(name).is_some(),
        When::WithInputs(count) => node.input.len() == count,
    };
    let needs = guarded.needs.iter().map(|&(input, what)| Need { input, what });
    needs.filter(|need| concerned && optional_input(node, need.input).is_some()).collect()
}

/// Adds the truth value that a need is met.
pub fn met(need: &Need, node: &NodeProto, draft: &mut Draft) -> String {
    let value = &node.input[need.input];
    match need.what {
        What::Elements => {
            let size = draft.op("Size", &[value]);
            draft.cast(&size, DType::Bool)
        }
        What::Axes(from, to) => {
            let sizes = draft.sizes(value, from, to);
            draft.none_is_zero(&sizes)
        }
        What::Signal => {
            let axis = signal_axis(node, draft);
            let shape = draft.op("Shape", &[value]);
            let size = draft.op("Gather", &[&shape, &axis]);
            draft.none_is_zero(&size)
        }
        What::Values => draft.none_is_zero(value),
        What::Rank(_) | What::SpatialRank => {
            let rank = if let What::Rank(rank) = need.what { rank } else { 2 + integer(node, "ndim", 1) };
            let shape = draft.op("Shape", &[value]);
            let own = draft.op("Size", &[&shape]);
            let rank = draft.tensor(&Tensor::from_elements(&[], &[rank]));
            draft.op("Equal", &[&own, &rank])
        }
        What::ForEachAxis => {
            let shape = draft.op("Shape", &[&node.input[0]]);
            let [axes, own] = [&shape, value].map(|value| draft.op("Size", &[value]));
            draft.op("Equal", &[&axes, &own])
        }
        What::Square => {
            let [rows, columns] = [(-2, -1), (-1, i64::MAX)].map(|(from, to)| draft.sizes(value, from, to));
            let same = draft.op("Equal", &[&rows, &columns]);
            let same = draft.cast(&same, DType::Int64);
            draft.none_is_zero(&same)
        }
    }
}

/// The axis of a `DFT` as a list of one.
fn signal_axis(node: &NodeProto, draft: &mut Draft) -> String {
    match optional_input(node, 2) {
        Some(axis) => {
            let list = draft.integers(&[1]);
            draft.op("Reshape", &[axis, &list])
        }
        None => draft.integers(&[integer(node, "axis", 1)]),
    }
}

/// Adds the results of the node where a need is not met, one for each of its outputs that has a name.
///
/// # Errors
/// `INVALID_MODEL` for a node that lacks an input.
pub fn results(node: &NodeProto, dtype: Option<DType>, draft: &mut Draft) -> Result<Vec<String>> {
    match operator(node).map_or(Empty::Fails { like: 0 }, |row| row.guarded.without) {
        Empty::Fails { like } => failures(node, like, draft),
        Empty::Input => Ok(vec![draft.op("Identity", &[input(node, 0)?])]),
        Empty::Sum => skip(node, draft),
        Empty::TopK => top_k(node, draft),
        Empty::Unique => unique(node, draft),
        Empty::Recurrent { hidden_axis } => recurrent(node, hidden_axis, dtype.unwrap_or(DType::Float32), draft),
        Empty::Transform => transform(node, draft),
        Empty::Quantize => quantize(node, draft),
        Empty::Features => features(node, draft),
    }
}

fn input(node: &NodeProto, at: usize) -> Result<&str> {
    optional_input(node, at)
        .ok_or_else(|| error!(InvalidModel, "{} node \"{}\" lacks its input {at}", node.op_type(), node.name()))
}

fn optional_input(node: &NodeProto, at: usize) -> Option<&str> {
    node.input.get(at).map(String::as_str).filter(|name| !name.is_empty())
}

fn integer(node: &NodeProto, name: &str, default: i64) -> i64 {
    node.attribute(name).map_or(default, |attribute| attribute.i())
}

/// The run fails; the outputs have the element type of an input.
fn failures(node: &NodeProto, like: usize, draft: &mut Draft) -> Result<Vec<String>> {
    let like = input(node, like)?;
    let reason = reason(node);
    Ok(node.output.iter().map(|_| draft.failure(&reason, Some(like), DType::Float32)).collect())
}

fn reason(node: &NodeProto) -> String {
    format!(
        "{} \"{}\" got a tensor without elements, or of a shape or with sizes that it has no result for",
        node.op_type(),
        node.name()
    )
}

/// The first `k` of nothing: as many as `k` along the axis, which must have so many.
fn top_k(node: &NodeProto, draft: &mut Draft) -> Result<Vec<String>> {
    let values = input(node, 0)?;
    let axis = integer(node, "axis", -1);
    let positions = match optional_input(node, 1) {
        Some(k) => {
            let one = draft.tensor(&Tensor::from_elements(&[1], &[1i64]));
            let ones = draft.op("Tile", &[&one, k]);
            let positions = draft.op("NonZero", &[&ones]);
            let list = draft.integers(&[-1]);
            draft.op("Reshape", &[&positions, &list])
        }
        None => {
            let k = integer(node, "k", 0);
            if !(0..=MAX_FIXED_K).contains(&k) {
                return Err(error!(InvalidModel, "TopK node \"{}\" has k = {k}", node.name()));
            }
            draft.integers(&(0..k).collect::<Vec<_>>())
        }
    };
    let top = draft.op_with("Gather", &[values, &positions], vec![("axis", Attribute::Int(axis))]);
    let indices = draft.cast(&top, DType::Int64);
    Ok(vec![top, indices])
}

/// `k` in the file, of the operator sets before 10.
const MAX_FIXED_K: i64 = 1 << 20;

/// As NumPy's `unique`: along an axis without elements nothing, along one of `n` empty rows one row.
fn unique(node: &NodeProto, draft: &mut Draft) -> Result<Vec<String>> {
    let values = input(node, 0)?;
    let (values, axis) = match node.attribute("axis") {
        Some(axis) => (values.to_owned(), axis.i()),
        None => {
            let list = draft.integers(&[-1]);
            (draft.op("Reshape", &[values, &list]), 0)
        }
    };
    let first = draft.slice(&values, 0, 1, axis);
    let [count, distinct] = [&values, &first].map(|value| {
        let shape = draft.op("Shape", &[value]);
        let axis = draft.integers(&[axis]);
        draft.op("Gather", &[&shape, &axis])
    });
    let indices = draft.zeros(DType::Int64, &distinct, 1);
    let inverse = draft.zeros(DType::Int64, &count, 1);
    let counts = draft.op("Tile", &[&count, &distinct]);
    Ok(vec![first, indices, inverse, counts])
}

/// No steps or no rows: the state stays what it was.
fn recurrent(node: &NodeProto, hidden_axis: i64, dtype: DType, draft: &mut Draft) -> Result<Vec<String>> {
    let (values, recurrence) = (input(node, 0)?, input(node, 2)?);
    let batch_first = integer(node, "layout", 0) == 1;
    let [steps, rows] = if batch_first { [1, 0] } else { [0, 1] }.map(|axis| draft.sizes(values, axis, axis + 1));
    let [directions, hidden] = [0, hidden_axis].map(|axis| draft.sizes(recurrence, axis, axis + 1));
    let (all, state): (Vec<&str>, Vec<&str>) = if batch_first {
        (vec![&rows, &steps, &directions, &hidden], vec![&rows, &directions, &hidden])
    } else {
        (vec![&steps, &directions, &rows, &hidden], vec![&directions, &rows, &hidden])
    };
    let (all, state) = (draft.concat(&all), draft.concat(&state));
    // With steps and rows it is the features that are missing, and the result would not be empty.
    let both = draft.concat(&[&steps, &rows]);
    let without_features = draft.none_is_zero(&both);
    let mut fails = draft.branch();
    let failed = fails.failure(&reason(node), None, dtype);
    let mut empty = draft.branch();
    let nothing = empty.zeros(dtype, &all, 4);
    let output = draft.name();
    draft.choose(&without_features, fails.into_branch(&[failed]), empty.into_branch(&[nothing]), &[&output]);
    let mut outputs = vec![output];
    for initial in [5, 6] {
        outputs.push(match optional_input(node, initial) {
            Some(initial) => draft.op("Identity", &[initial]),
            None => draft.zeros(dtype, &state, 3),
        });
    }
    Ok(outputs)
}

/// A signal without elements can be filled up to a length that is given; without one there is nothing to transform.
fn transform(node: &NodeProto, draft: &mut Draft) -> Result<Vec<String>> {
    let Some(length) = optional_input(node, 1) else { return failures(node, 0, draft) };
    let signal = input(node, 0)?;
    let axis = signal_axis(node, draft);
    let shape = draft.op("Shape", &[signal]);
    let one = draft.integers(&[1]);
    let shape = draft.op("ScatterElements", &[&shape, &axis, &one]);
    let zero = draft.zero(DType::Float32, 1);
    let zero = draft.op("CastLike", &[&zero, signal]);
    let padded = draft.op("Expand", &[&zero, &shape]);
    let output = draft.name();
    let mut again = NodeProto { output: vec![output.clone()], ..node.clone() };
    again.input[0] = padded;
    again.input[1] = length.to_owned();
    draft.nodes.push(again);
    Ok(vec![output])
}

/// The same shape in the type of the zero point, or the one that is named.
fn quantize(node: &NodeProto, draft: &mut Draft) -> Result<Vec<String>> {
    let values = input(node, 0)?;
    let output = match optional_input(node, 2) {
        Some(zero_point) => draft.op("CastLike", &[values, zero_point]),
        None => {
            let code = integer(node, "output_dtype", 0) as i32;
            draft.cast(values, DType::from_code(code).unwrap_or(DType::UInt8))
        }
    };
    Ok(vec![output])
}

/// No rows of as many features as the inputs have together.
fn features(node: &NodeProto, draft: &mut Draft) -> Result<Vec<String>> {
    let width = node
        .attribute("inputdimensions")
        .map_or(0, |attribute| attribute.ints.iter().fold(0, |sum: i64, &size| sum.saturating_add(size)));
    let rows = draft.sizes(input(node, 0)?, 0, 1);
    let width = draft.integers(&[width]);
    let shape = draft.concat(&[&rows, &width]);
    Ok(vec![draft.zeros(DType::Float32, &shape, 2)])
}

/// What the sum of both inputs gives: nothing, or an error where only one of them is empty.
fn skip(node: &NodeProto, draft: &mut Draft) -> Result<Vec<String>> {
    let (values, skipped) = (input(node, 0)?, input(node, 1)?);
    let reason = reason(node);
    let result = |(at, name): (usize, &String)| match (at, name.is_empty()) {
        (_, true) => String::new(),
        (1 | 2, _) => draft.failure(&reason, None, DType::Float32),
        _ => draft.op("Add", &[values, skipped]),
    };
    Ok(node.output.iter().enumerate().map(result).collect())
}

#[cfg(test)]
mod tests {
    use super::super::handed::Handed;
    use crate::onnx::operators::operators;
    use crate::onnx::proto::ModelProto;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use prost::Message;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn kills() -> Value {
        serde_json::from_str(include_str!("../../../../../tests/fixtures/operators-that-kill.json")).unwrap()
    }

    #[test]
    fn the_guard_covers_what_the_scan_found_and_nothing_else() {
        let kills = kills();
        let mut found = BTreeSet::new();
        for kill in kills["kills"].as_array().unwrap() {
            let model = ModelProto::decode(&*BASE64.decode(kill["model"].as_str().unwrap()).unwrap()).unwrap();
            let node = &model.graph.as_ref().unwrap().node[0];
            let what = format!("{} by {} {}", kill["operator"], kill["by"], kill["what"]);
            assert!(super::super::check(node, &Handed::default()).unwrap_or(true), "{what}");
            found.insert(kill["operator"].as_str().unwrap().to_owned());
        }
        for row in operators().filter(|row| !row.guarded.needs.is_empty()) {
            let name =
                if row.domain.is_empty() { row.name.to_owned() } else { format!("{}::{}", row.domain, row.name) };
            assert!(found.contains(&name), "{name} is guarded, but the scan has not found it");
        }
    }

    #[test]
    fn the_list_is_of_the_release_that_the_project_builds_with() {
        let package: Value = serde_json::from_str(include_str!("../../../../../package.json")).unwrap();
        assert_eq!(kills()["onnxruntime"], package["devDependencies"]["onnxruntime-node"]);
    }
}
