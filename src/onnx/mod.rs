//! The ONNX file format: its messages, and short ways to make and read them.

pub mod operators;
pub mod opset;
pub mod proto;
pub mod tree_ensemble;

use crate::tensor::{DType, Tensor, TensorData};
use bytes::Bytes;
use proto::{AttributeProto, AttributeType, DataLocation, NodeProto, TensorProto};

/// The value of a node's attribute, for [`NodeProto::with`].
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    Float(f32),
    Int(i64),
    String(String),
    Tensor(TensorProto),
    Graph(proto::GraphProto),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Strings(Vec<String>),
}

macro_rules! attribute_from {
    ($($from:ty => |$value:ident| $made:expr),* $(,)?) => {
        $(impl From<$from> for Attribute {
            fn from($value: $from) -> Self {
                $made
            }
        })*
    };
}

attribute_from! {
    f32 => |value| Self::Float(value),
    i64 => |value| Self::Int(value),
    &str => |value| Self::String(value.to_owned()),
    String => |value| Self::String(value),
    TensorProto => |value| Self::Tensor(value),
    proto::GraphProto => |value| Self::Graph(value),
    Vec<f32> => |value| Self::Floats(value),
    Vec<i64> => |value| Self::Ints(value),
    &[i64] => |value| Self::Ints(value.to_vec()),
    Vec<String> => |value| Self::Strings(value),
}

impl NodeProto {
    /// A node of the standard operator set.
    pub fn new<I: Into<String>, O: Into<String>>(
        op_type: &str,
        inputs: impl IntoIterator<Item = I>,
        outputs: impl IntoIterator<Item = O>,
    ) -> Self {
        Self {
            op_type: Some(op_type.to_owned()),
            input: inputs.into_iter().map(Into::into).collect(),
            output: outputs.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The node with one more attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Attribute>) -> Self {
        self.attribute.push(AttributeProto::new(name, value));
        self
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute.iter().find(|attribute| attribute.name() == name)
    }

    /// True for the operator of that name in the standard domain.
    pub fn is(&self, op_type: &str) -> bool {
        self.op_type() == op_type && matches!(self.domain(), "" | "ai.onnx")
    }

    /// The graphs in this node's attributes: the bodies of `If`, `Loop` and `Scan`.
    pub fn subgraphs(&self) -> impl Iterator<Item = &proto::GraphProto> {
        self.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
    }
}

impl AttributeProto {
    pub fn new(name: &str, value: impl Into<Attribute>) -> Self {
        let mut made = Self { name: Some(name.to_owned()), ..Self::default() };
        let kind = match value.into() {
            Attribute::Float(value) => {
                made.f = Some(value);
                AttributeType::Float
            }
            Attribute::Int(value) => {
                made.i = Some(value);
                AttributeType::Int
            }
            Attribute::String(value) => {
                made.s = Some(Bytes::from(value));
                AttributeType::String
            }
            Attribute::Tensor(value) => {
                made.t = Some(value);
                AttributeType::Tensor
            }
            Attribute::Graph(value) => {
                made.g = Some(value);
                AttributeType::Graph
            }
            Attribute::Floats(value) => {
                made.floats = value;
                AttributeType::Floats
            }
            Attribute::Ints(value) => {
                made.ints = value;
                AttributeType::Ints
            }
            Attribute::Strings(value) => {
                made.strings = value.into_iter().map(Bytes::from).collect();
                AttributeType::Strings
            }
        };
        made.r#type = Some(kind.into());
        made
    }
}

impl TensorProto {
    /// A tensor with its bytes inside, for an initializer or a constant.
    pub fn from_tensor(name: &str, tensor: &Tensor) -> Self {
        let mut made = Self {
            name: Some(name.to_owned()),
            dims: tensor.shape.iter().map(|&size| size as i64).collect(),
            data_type: Some(tensor.dtype.code()),
            ..Self::default()
        };
        match &tensor.data {
            TensorData::Strings(strings) => {
                made.string_data = strings.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect();
            }
            TensorData::Bytes(bytes) => made.raw_data = Some(Bytes::copy_from_slice(bytes.as_slice())),
        }
        made
    }

    /// The elements of an int64 tensor that holds them inside.
    pub fn integers(&self) -> Option<Vec<i64>> {
        if self.data_type() != DType::Int64.code() {
            return None;
        }
        match &self.raw_data {
            Some(raw) => {
                Some(raw.chunks_exact(8).map(|word| i64::from_le_bytes(word.try_into().unwrap_or_default())).collect())
            }
            None => (self.data_location() == DataLocation::Default).then(|| self.int64_data.clone()),
        }
    }
}

impl proto::ValueInfoProto {
    /// A tensor-valued input or output; a `None` dimension is free.
    pub fn tensor(name: &str, dtype: DType, shape: &[Option<i64>]) -> Self {
        let dim = |size: &Option<i64>| proto::Dimension {
            value: size.map(proto::DimensionValue::DimValue),
            denotation: None,
        };
        let tensor = proto::TensorType {
            elem_type: Some(dtype.code()),
            shape: Some(proto::TensorShapeProto { dim: shape.iter().map(dim).collect() }),
        };
        Self {
            name: Some(name.to_owned()),
            r#type: Some(proto::TypeProto { value: Some(proto::TypeValue::TensorType(tensor)), denotation: None }),
            ..Self::default()
        }
    }
}
