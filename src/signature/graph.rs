//! The signature of an ONNX graph.

use super::declared::{Dim, Signature, ValueInfo, ValueType};
use crate::error::{Result, error};
use crate::onnx::operators::{ElementRule, operator};
use crate::onnx::proto::{self, DimensionValue, TypeValue};
use crate::tensor::DType;

impl Signature {
    /// Reads the signature of an ONNX graph. Initializers that are also inputs become optional inputs.
    ///
    /// # Errors
    /// `INVALID_MODEL` for a name that is missing, has a NUL or is given twice, an element type that ONNX does not have, or a graph
    /// without outputs.
    pub fn of_graph(graph: &proto::GraphProto) -> Result<Self> {
        let defaults: std::collections::HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name()).collect();
        let mut inputs = values(&graph.input, "input")?;
        for input in &mut inputs {
            input.optional =
                defaults.contains(input.name.as_str()) || matches!(input.value_type, ValueType::Optional(_));
        }
        // IR versions below 4 list every initializer as an input; those are no inputs to a caller.
        let (required, with_default): (Vec<_>, Vec<_>) =
            inputs.into_iter().partition(|input| !defaults.contains(input.name.as_str()));
        let inputs = required.into_iter().chain(with_default).collect();
        let outputs = values(&graph.output, "output")?;
        if outputs.is_empty() {
            return Err(error!(InvalidModel, "the model has no outputs"));
        }
        let sigmoid_outputs = made_by_sigmoid(graph, &outputs);
        Ok(Self { inputs, outputs, sigmoid_outputs })
    }
}

/// The outputs that come from a `Sigmoid` by nothing but another shape or type.
fn made_by_sigmoid(graph: &proto::GraphProto, outputs: &[ValueInfo]) -> Vec<String> {
    let makers: std::collections::HashMap<&str, &proto::NodeProto> =
        graph.node.iter().flat_map(|node| node.output.iter().map(move |output| (output.as_str(), node))).collect();
    let by_sigmoid = |output: &&ValueInfo| {
        let mut name = output.name.as_str();
        for _ in 0..graph.node.len() {
            match makers.get(name) {
                Some(node) if node.is("Sigmoid") => return true,
                Some(node) if keeps_elements(node) => {
                    name = node.input.first().map_or("", String::as_str);
                }
                _ => return false,
            }
        }
        false
    };
    outputs.iter().filter(by_sigmoid).map(|output| output.name.clone()).collect()
}

fn keeps_elements(node: &proto::NodeProto) -> bool {
    operator(node).is_some_and(|row| matches!(row.elements, ElementRule::Keep | ElementRule::Cast))
}

fn values(infos: &[proto::ValueInfoProto], what: &str) -> Result<Vec<ValueInfo>> {
    let mut names = std::collections::HashSet::new();
    infos
        .iter()
        .map(|info| {
            let name = info.name().to_owned();
            if name.is_empty() || !names.insert(name.clone()) {
                return Err(error!(
                    InvalidModel,
                    "the model has an {what} without a name or two of the name \"{name}\""
                ));
            }
            // ONNX Runtime takes names as texts that end with NUL.
            if name.contains('\0') {
                return Err(error!(InvalidModel, "the name of the {what} \"{}\" has a NUL", name.escape_debug()));
            }
            let value_type = info.r#type.as_ref().map_or(Ok(ValueType::Unknown), value_type)?;
            Ok(ValueInfo { name, value_type, optional: false })
        })
        .collect()
}

fn value_type(declared: &proto::TypeProto) -> Result<ValueType> {
    let element = |inner: &Option<Box<proto::TypeProto>>| {
        inner.as_deref().map_or(Ok(ValueType::Unknown), value_type).map(Box::new)
    };
    Ok(match &declared.value {
        None => ValueType::Unknown,
        Some(TypeValue::TensorType(tensor)) => ValueType::Tensor {
            dtype: dtype(tensor.elem_type())?,
            shape: tensor.shape.as_ref().map(|shape| shape.dim.iter().map(dim).collect()),
        },
        Some(TypeValue::SequenceType(inner)) => ValueType::Sequence(element(&inner.elem_type)?),
        Some(TypeValue::OptionalType(inner)) => ValueType::Optional(element(&inner.elem_type)?),
        Some(TypeValue::MapType(map)) => {
            ValueType::Map { key: dtype(map.key_type())?, value: element(&map.value_type)? }
        }
        Some(TypeValue::SparseTensorType(_)) => {
            return Err(error!(UnsupportedModel, "sparse tensors as inputs or outputs are not supported"));
        }
        Some(TypeValue::OpaqueType(_)) => {
            return Err(error!(UnsupportedModel, "opaque values as inputs or outputs are not supported"));
        }
    })
}

fn dtype(code: i32) -> Result<DType> {
    DType::from_code(code).ok_or_else(|| error!(InvalidModel, "ONNX has no element type {code}"))
}

fn dim(declared: &proto::Dimension) -> Dim {
    match &declared.value {
        Some(DimensionValue::DimValue(size)) => usize::try_from(*size).map_or(Dim::Free(None), Dim::Fixed),
        Some(DimensionValue::DimParam(name)) if !name.is_empty() => Dim::Free(Some(name.clone())),
        Some(DimensionValue::DimParam(_)) | None => Dim::Free(None),
    }
}
