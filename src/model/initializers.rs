//! Checks on the tensors inside a model, so that no engine meets a tensor that claims more than it holds.

use crate::error::{Result, error};
use crate::onnx::proto::{DataLocation, GraphProto, ModelProto, NodeProto, TensorProto};
use crate::tensor::DType;
use std::collections::HashSet;

/// From this IR version on an initializer that is also an input is the default of that input.
const DEFAULTS_IR_VERSION: i64 = 4;

/// Takes initializers out of the inputs of a model so old that it must list all of them there: no caller can give them. It is one of
/// the version that need not list them then; of older ones ONNX Runtime knows only those that are inputs or that a node reads.
pub fn leave_inputs(model: &mut ModelProto) {
    if model.ir_version() >= DEFAULTS_IR_VERSION {
        return;
    }
    if let Some(graph) = &mut model.graph {
        let initializers: HashSet<&str> = graph.initializer.iter().map(TensorProto::name).collect();
        graph.input.retain(|input| !initializers.contains(input.name()));
        model.ir_version = Some(DEFAULTS_IR_VERSION);
    }
}

/// Checks every tensor of the graph and of the graphs within it, and returns the bytes that they take.
///
/// # Errors
/// `INVALID_MODEL` for negative or overflowing dimensions, an unknown element type, or data of another length than the
/// shape asks for.
pub fn check(graph: &GraphProto) -> Result<u64> {
    let mut bytes = 0u64;
    for tensor in &graph.initializer {
        bytes = bytes.saturating_add(check_tensor(tensor)?);
    }
    for node in &graph.node {
        bytes = bytes.saturating_add(check_node(node)?);
    }
    Ok(bytes)
}

fn check_node(node: &NodeProto) -> Result<u64> {
    let mut bytes = 0u64;
    for attribute in &node.attribute {
        // Tree ensembles keep their weights in lists.
        let strings = attribute.strings.iter().map(|text| text.len() as u64).sum::<u64>();
        bytes = bytes.saturating_add(4 * attribute.floats.len() as u64 + 8 * attribute.ints.len() as u64 + strings);
        for tensor in attribute.t.iter().chain(&attribute.tensors) {
            bytes = bytes.saturating_add(check_tensor(tensor)?);
        }
        for graph in attribute.g.iter().chain(&attribute.graphs) {
            bytes = bytes.saturating_add(check(graph)?);
        }
    }
    Ok(bytes)
}

fn check_tensor(tensor: &TensorProto) -> Result<u64> {
    let name = tensor.name();
    let dtype = DType::from_code(tensor.data_type())
        .ok_or_else(|| error!(InvalidModel, "tensor \"{name}\": ONNX has no element type {}", tensor.data_type()))?;
    let expected = byte_length(dtype, &tensor.dims)
        .ok_or_else(|| error!(InvalidModel, "tensor \"{name}\": dimensions {:?} are out of range", tensor.dims))?;
    if tensor.data_location() != DataLocation::External
        && let Some(raw) = &tensor.raw_data
        && dtype != DType::String
        && raw.len() as u64 != expected
    {
        return Err(error!(
            InvalidModel,
            "tensor \"{name}\" of {} {:?} takes {expected} bytes, the file holds {}",
            dtype.name(),
            tensor.dims,
            raw.len()
        ));
    }
    Ok(expected)
}

/// Bytes of a tensor with these dimensions; `None` when a dimension is negative or the product too large.
pub fn byte_length(dtype: DType, dims: &[i64]) -> Option<u64> {
    let count = dims
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(usize::try_from(size).ok()?))
        .filter(|&count| count <= isize::MAX as usize)?;
    Some(dtype.byte_length(count)? as u64)
}
