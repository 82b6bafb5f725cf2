//! The signature of an ONNX model.

use super::classes::class_outputs;
use super::confidence::sources;
use super::declared::{Dim, Signature, ValueInfo, ValueType};
use crate::error::{Result, error};
use crate::onnx::proto::{self, DimensionValue, TypeValue};
use crate::tensor::DType;

impl Signature {
    /// Reads the signature of an ONNX model. Initializers that are also inputs become optional inputs.
    ///
    /// # Errors
    /// `INVALID_MODEL` for a name that is missing, has a NUL or is given twice, an element type that ONNX does not have, or a graph
    /// that is missing or has no outputs.
    pub fn of_model(model: &proto::ModelProto) -> Result<Self> {
        let graph = model.graph.as_ref().ok_or_else(|| error!(InvalidModel, "the file holds no graph"))?;
        let defaults: std::collections::HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name()).collect();
        let mut inputs = values(&graph.input, "input")?;
        for input in &mut inputs {
            input.optional =
                defaults.contains(input.name.as_str()) || matches!(input.value_type, ValueType::Optional(_));
        }
        let (required, with_default): (Vec<_>, Vec<_>) =
            inputs.into_iter().partition(|input| !defaults.contains(input.name.as_str()));
        let inputs: Vec<ValueInfo> = required.into_iter().chain(with_default).collect();
        let outputs = values(&graph.output, "output")?;
        if outputs.is_empty() {
            return Err(error!(InvalidModel, "the model has no outputs"));
        }
        let confidence = sources(model, graph, &inputs, &outputs);
        let drops = |node: &proto::NodeProto| {
            node.is("StringNormalizer") && node.attribute("stopwords").is_some_and(|words| !words.strings.is_empty())
        };
        let class_outputs = class_outputs(graph, &outputs);
        Ok(Self { inputs, outputs, confidence, drops_rows: graph.node.iter().any(drops), class_outputs })
    }
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
        // Converters also write these for a dimension without a name.
        Some(DimensionValue::DimParam(name)) if !["", "?", "-1", "None"].contains(&name.as_str()) => {
            Dim::Free(Some(name.clone()))
        }
        Some(DimensionValue::DimParam(_)) | None => Dim::Free(None),
    }
}
