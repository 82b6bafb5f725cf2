//! The messages of the ONNX file format. They are generated from the definition that ONNX publishes, so that a rewritten model
//! keeps every field when it is encoded again. Byte fields are [`Bytes`](bytes::Bytes): decoding a memory-mapped file copies no
//! weights.
//!
//! `tests/onnx_messages.rs` says how a newer definition is taken over.

#[allow(clippy::enum_variant_names, reason = "the names are ONNX's")]
#[rustfmt::skip]
mod generated;

pub use generated::attribute_proto::AttributeType;
pub use generated::tensor_proto::DataLocation;
pub use generated::tensor_shape_proto::Dimension;
pub use generated::tensor_shape_proto::dimension::Value as DimensionValue;
pub use generated::type_proto::{Map as MapType, Sequence as SequenceType, Tensor as TensorType, Value as TypeValue};
pub use generated::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
};
