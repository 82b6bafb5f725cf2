//! The protocol's names of element types, and which values have one.

use crate::signature::ValueType;
use crate::tensor::DType;

/// The name of an element type in the protocol; `None` for types that it does not have.
pub const fn datatype_of(dtype: DType) -> Option<&'static str> {
    Some(match dtype {
        DType::Bool => "BOOL",
        DType::UInt8 => "UINT8",
        DType::UInt16 => "UINT16",
        DType::UInt32 => "UINT32",
        DType::UInt64 => "UINT64",
        DType::Int8 => "INT8",
        DType::Int16 => "INT16",
        DType::Int32 => "INT32",
        DType::Int64 => "INT64",
        DType::Float16 => "FP16",
        DType::BFloat16 => "BF16",
        DType::Float32 => "FP32",
        DType::Float64 => "FP64",
        DType::String => "BYTES",
        _ => return None,
    })
}

/// The datatype of an input.
pub fn input_datatype(value_type: &ValueType) -> Option<(DType, &'static str)> {
    match value_type {
        ValueType::Tensor { dtype, .. } => Some((*dtype, datatype_of(*dtype)?)),
        _ => None,
    }
}

/// The datatype of an output. For each row a map from class to probability, which classifiers of scikit-learn give, is a tensor
/// with a column for each class.
pub fn output_datatype(value_type: &ValueType) -> Option<&'static str> {
    let element = match value_type {
        ValueType::Sequence(rows) => match &**rows {
            ValueType::Map { value, .. } => value,
            _ => return None,
        },
        tensor => tensor,
    };
    input_datatype(element).map(|(_, datatype)| datatype)
}
