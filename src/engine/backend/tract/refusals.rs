//! What tract does not run, or would run wrongly. Everything is refused by name when a model is loaded.

use super::value::has;
use crate::error::{Result, error};
use crate::onnx::operators::{ShapeRule, operator};
use crate::onnx::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, TypeValue, ValueInfoProto};
use crate::tensor::DType;
use tract_onnx::model::OnnxOpRegister;

/// Refuses what tract has no implementation of, what it is known to answer wrongly, and what takes too much memory.
pub fn check(model: &ModelProto, operators: &OnnxOpRegister, max_tensor_bytes: usize) -> Result<()> {
    let Some(graph) = &model.graph else { return Err(error!(InvalidModel, "the file holds no graph")) };
    for info in graph.input.iter().chain(&graph.output) {
        check_type(info)?;
    }
    let mut problems = Vec::new();
    visit(graph, &mut |graph, node| {
        let standard = matches!(node.domain(), "" | "ai.onnx" | "ai.onnx.ml");
        let reason = if !standard || !operators.0.contains_key(node.op_type()) {
            Some("tract does not have it".to_owned())
        } else {
            wrong_trees(node).or_else(|| too_large(graph, node, max_tensor_bytes))
        };
        if let Some(reason) = reason {
            let name =
                if node.name().is_empty() { node.output.first().map_or("", String::as_str) } else { node.name() };
            problems.push(format!("{} (node \"{name}\"): {reason}", node.op_type()));
        }
    });
    if graph.sparse_initializer.is_empty() && problems.is_empty() {
        return Ok(());
    }
    if !graph.sparse_initializer.is_empty() {
        problems.push("sparse initializers: tract does not read them".to_owned());
    }
    Err(error!(UnsupportedModel, "tract cannot run {}", problems.join("; ")))
}

fn visit(graph: &GraphProto, action: &mut impl FnMut(&GraphProto, &NodeProto)) {
    for node in &graph.node {
        action(graph, node);
        for body in node.subgraphs() {
            visit(body, action);
        }
    }
}

fn check_type(info: &ValueInfoProto) -> Result<()> {
    match info.r#type.as_ref().and_then(|kind| kind.value.as_ref()) {
        Some(TypeValue::TensorType(tensor)) => match DType::from_code(tensor.elem_type()) {
            Some(dtype) if has(dtype) => Ok(()),
            Some(dtype) => Err(error!(
                UnsupportedModel,
                "tract does not support {} tensors, such as \"{}\"",
                dtype.name(),
                info.name()
            )),
            None => {
                Err(error!(InvalidModel, "\"{}\" has the unknown element type {}", info.name(), tensor.elem_type()))
            }
        },
        _ => Err(error!(UnsupportedModel, "tract supports tensors only; \"{}\" is not a tensor", info.name())),
    }
}

/// A binary classifier with one weight a leaf gets inverted labels, and children before their parents could form a circle.
fn wrong_trees(node: &NodeProto) -> Option<String> {
    if !operator(node).is_some_and(|row| row.has_trees) {
        return None;
    }
    let ints = |name: &str| node.attribute(name).map_or(&[][..], |attribute| &attribute.ints);
    let labels =
        ints("classlabels_int64s").len() + node.attribute("classlabels_strings").map_or(0, |a| a.strings.len());
    let classes = ints("class_ids");
    if labels == 2 && classes.windows(2).all(|pair| pair[0] == pair[1]) {
        return Some("tract gives wrong labels for a binary classifier with one weight a leaf".to_owned());
    }
    let (own, yes, no) = (ints("nodes_nodeids"), ints("nodes_truenodeids"), ints("nodes_falsenodeids"));
    let leaf = |mode: &bytes::Bytes| mode.as_ref() == b"LEAF";
    let modes: &[bytes::Bytes] = node.attribute("nodes_modes").map_or(&[], |attribute| &attribute.strings);
    let ordered = modes.len() == own.len()
        && yes.len() == own.len()
        && no.len() == own.len()
        && (0..own.len()).all(|at| leaf(&modes[at]) || (yes[at] > own[at] && no[at] > own[at]));
    (!ordered).then(|| "the children of a tree's node must come after it".to_owned())
}

/// Operators whose output is as large as a constant says; tract would compute it while it loads the model.
fn too_large(graph: &GraphProto, node: &NodeProto, max_tensor_bytes: usize) -> Option<String> {
    let factor = match operator(node)?.shape {
        ShapeRule::ConstantOfShape => product(&integers(graph, node.input.first()?)?),
        ShapeRule::Tile | ShapeRule::Expand => product(&integers(graph, node.input.get(1)?)?),
        ShapeRule::Pad => integers(graph, node.input.get(1)?)?.iter().map(|size| size.unsigned_abs() as f64).sum(),
        ShapeRule::Range => {
            let bound = |at: usize| Some(*integers(graph, node.input.get(at)?)?.first()? as f64);
            ((bound(1)? - bound(0)?) / bound(2)?).abs()
        }
        _ => return None,
    };
    (factor > max_tensor_bytes as f64).then(|| format!("it makes a tensor of more than {max_tensor_bytes} bytes"))
}

fn product(sizes: &[i64]) -> f64 {
    sizes.iter().map(|&size| size.max(1) as f64).product()
}

/// The integers of a constant, if it is one.
fn integers(graph: &GraphProto, name: &str) -> Option<Vec<i64>> {
    let constant = graph.initializer.iter().find(|tensor| tensor.name() == name).or_else(|| {
        let node =
            graph.node.iter().find(|node| node.is("Constant") && node.output.iter().any(|output| output == name))?;
        node.attribute("value").and_then(|value: &AttributeProto| value.t.as_ref())
    })?;
    constant.integers()
}
