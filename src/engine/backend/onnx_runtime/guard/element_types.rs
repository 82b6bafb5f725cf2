//! Element types of the values in a graph, as far as they are plain to see. What is not known is `None`, never a guess.

use crate::onnx::proto::{GraphProto, NodeProto, TypeProto, TypeValue, ValueInfoProto};
use crate::tensor::DType;
use std::collections::HashMap;

/// The values that are visible in a graph: its own and those of the graphs around it.
#[derive(Default)]
pub struct Scopes(Vec<HashMap<String, DType>>);

/// How the outputs of an operator get their element types.
enum Rule {
    /// Each output that of one input.
    Like(usize),
    Fixed(&'static [DType]),
    /// From an integer attribute that holds a type's code, or else the default.
    Attribute(&'static str, Option<DType>),
    Unknown,
}

impl Scopes {
    pub fn enter(&mut self) {
        self.0.push(HashMap::new());
    }

    pub fn leave(&mut self) {
        self.0.pop();
    }

    pub fn get(&self, name: &str) -> Option<DType> {
        self.0.iter().rev().find_map(|scope| scope.get(name).copied())
    }

    /// Takes over what the graph declares itself. A declaration that is wrong fails when the model is loaded.
    pub fn declare(&mut self, graph: &GraphProto) {
        for info in graph.input.iter().chain(&graph.value_info).chain(&graph.output) {
            self.set(info.name(), declared(info));
        }
        for tensor in &graph.initializer {
            self.set(tensor.name(), DType::from_code(tensor.data_type()));
        }
    }

    /// Takes over what the operator says of its outputs. `body_outputs` are the types of its last subgraph's outputs.
    pub fn infer(&mut self, node: &NodeProto, body_outputs: &[Option<DType>]) {
        if !matches!(node.domain(), "" | "ai.onnx") {
            return;
        }
        match node.op_type() {
            "If" | "Scan" => return self.set_all(node, body_outputs),
            "Loop" => return self.set_all(node, body_outputs.get(1..).unwrap_or_default()),
            "Constant" => {
                let dtype = node.attribute.first().and_then(|attribute| match attribute.name() {
                    "value" => DType::from_code(attribute.t.as_ref()?.data_type()),
                    "value_int" | "value_ints" => Some(DType::Int64),
                    "value_float" | "value_floats" => Some(DType::Float32),
                    "value_string" | "value_strings" => Some(DType::String),
                    _ => None,
                });
                return self.set_all(node, &[dtype]);
            }
            "ConstantOfShape" => {
                let value = node.attribute("value").and_then(|attribute| attribute.t.as_ref());
                let dtype = value.map_or(Some(DType::Float32), |tensor| DType::from_code(tensor.data_type()));
                return self.set_all(node, &[dtype]);
            }
            _ => {}
        }
        let types: Vec<Option<DType>> = match rule(node.op_type()) {
            Rule::Like(input) => vec![node.input.get(input).and_then(|name| self.get(name)); node.output.len()],
            Rule::Fixed(types) => types.iter().copied().map(Some).collect(),
            Rule::Attribute(name, default) => {
                let code = node.attribute(name).map(|attribute| attribute.i() as i32);
                vec![code.map_or(default, DType::from_code)]
            }
            Rule::Unknown => return,
        };
        self.set_all(node, &types);
    }

    fn set_all(&mut self, node: &NodeProto, types: &[Option<DType>]) {
        for (name, dtype) in node.output.iter().zip(types) {
            self.set(name, *dtype);
        }
    }

    fn set(&mut self, name: &str, dtype: Option<DType>) {
        if let (Some(scope), Some(dtype)) = (self.0.last_mut(), dtype) {
            scope.insert(name.to_owned(), dtype);
        }
    }
}

fn declared(info: &ValueInfoProto) -> Option<DType> {
    match info.r#type.as_ref() {
        Some(TypeProto { value: Some(TypeValue::Tensor(tensor)), .. }) => DType::from_code(tensor.elem_type()),
        _ => None,
    }
}

fn rule(op_type: &str) -> Rule {
    use DType::{Bool, Float32, Int32, Int64, UInt8};
    match op_type {
        "Abs"
        | "Acos"
        | "Acosh"
        | "Add"
        | "Asin"
        | "Asinh"
        | "Atan"
        | "Atanh"
        | "AveragePool"
        | "BatchNormalization"
        | "Ceil"
        | "Celu"
        | "Clip"
        | "Compress"
        | "Concat"
        | "Conv"
        | "ConvTranspose"
        | "Cos"
        | "Cosh"
        | "CumSum"
        | "DepthToSpace"
        | "Det"
        | "Div"
        | "Einsum"
        | "Elu"
        | "Erf"
        | "Exp"
        | "Expand"
        | "Flatten"
        | "Floor"
        | "GRU"
        | "Gather"
        | "GatherElements"
        | "GatherND"
        | "Gelu"
        | "Gemm"
        | "GlobalAveragePool"
        | "GlobalLpPool"
        | "GlobalMaxPool"
        | "GridSample"
        | "GroupNormalization"
        | "HardSigmoid"
        | "HardSwish"
        | "Hardmax"
        | "Identity"
        | "InstanceNormalization"
        | "LRN"
        | "LSTM"
        | "LayerNormalization"
        | "LeakyRelu"
        | "Log"
        | "LogSoftmax"
        | "LpPool"
        | "MatMul"
        | "Max"
        | "Mean"
        | "Min"
        | "Mish"
        | "Mod"
        | "Mul"
        | "Neg"
        | "PRelu"
        | "Pad"
        | "Pow"
        | "RNN"
        | "Range"
        | "Reciprocal"
        | "ReduceL1"
        | "ReduceL2"
        | "ReduceLogSum"
        | "ReduceLogSumExp"
        | "ReduceMax"
        | "ReduceMean"
        | "ReduceMin"
        | "ReduceProd"
        | "ReduceSum"
        | "ReduceSumSquare"
        | "Relu"
        | "Reshape"
        | "Resize"
        | "ReverseSequence"
        | "Round"
        | "Scatter"
        | "ScatterElements"
        | "ScatterND"
        | "Selu"
        | "Sigmoid"
        | "Sign"
        | "Sin"
        | "Sinh"
        | "Slice"
        | "Softmax"
        | "Softplus"
        | "Softsign"
        | "SpaceToDepth"
        | "Split"
        | "Sqrt"
        | "Squeeze"
        | "Sub"
        | "Sum"
        | "Tan"
        | "Tanh"
        | "ThresholdedRelu"
        | "Tile"
        | "Transpose"
        | "Trilu"
        | "Unsqueeze"
        | "Upsample" => Rule::Like(0),
        "CastLike" | "DequantizeLinear" | "Where" => Rule::Like(1),
        "OneHot" => Rule::Like(2),
        "Cast" => Rule::Attribute("to", None),
        "Bernoulli" | "EyeLike" => Rule::Unknown,
        "RandomNormal" | "RandomUniform" => Rule::Attribute("dtype", Some(Float32)),
        "Multinomial" => Rule::Attribute("dtype", Some(Int32)),
        "ArgMax" | "ArgMin" | "NonMaxSuppression" | "NonZero" | "SequenceLength" | "Shape" | "Size" => {
            Rule::Fixed(&[Int64])
        }
        "And" | "Equal" | "Greater" | "GreaterOrEqual" | "IsInf" | "IsNaN" | "Less" | "LessOrEqual" | "Not" | "Or"
        | "Xor" => Rule::Fixed(&[Bool]),
        "StringConcat" | "StringNormalizer" => Rule::Fixed(&[DType::String]),
        "StringSplit" => Rule::Fixed(&[DType::String, Int64]),
        "RegexFullMatch" => Rule::Fixed(&[Bool]),
        "ConvInteger" | "MatMulInteger" => Rule::Fixed(&[Int32]),
        "DynamicQuantizeLinear" => Rule::Fixed(&[UInt8, Float32, UInt8]),
        _ => Rule::Unknown,
    }
}
