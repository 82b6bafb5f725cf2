//! The files of ONNX's test suites: values in protobuf form, and how close a result must come to them.
#![allow(dead_code)]

use harper_edge_ai::onnx::proto::{GraphProto, TensorProto, TypeProto, TypeValue, ValueInfoProto};
use harper_edge_ai::tensor::{Bytes, DType, Element, Tensor, TensorData, Value};
use prost::Message;
use std::fs;
use std::path::Path;

#[derive(Clone, PartialEq, Message)]
struct SequenceProto {
    #[prost(message, repeated, tag = "3")]
    tensor_values: Vec<TensorProto>,
    #[prost(message, repeated, tag = "5")]
    sequence_values: Vec<SequenceProto>,
    #[prost(message, repeated, tag = "7")]
    optional_values: Vec<OptionalProto>,
}

#[derive(Clone, PartialEq, Message)]
struct OptionalProto {
    #[prost(message, optional, tag = "3")]
    tensor_value: Option<TensorProto>,
    #[prost(message, optional, tag = "5")]
    sequence_value: Option<SequenceProto>,
}

/// Reads the file of an input or output whose type the graph declares.
pub fn decode(bytes: &[u8], declared: &TypeProto) -> Result<Value, String> {
    let failed = |problem: prost::DecodeError| format!("its protobuf cannot be read: {problem}");
    match declared.value.as_ref().ok_or("it has no declared type")? {
        TypeValue::TensorType(_) => tensor(&TensorProto::decode(bytes).map_err(failed)?).map(Value::Tensor),
        TypeValue::SequenceType(_) => sequence(&SequenceProto::decode(bytes).map_err(failed)?),
        TypeValue::OptionalType(element) => {
            // The suite also writes the bare value where an optional is declared.
            let inner = element.elem_type.as_ref().ok_or("its optional has no element type")?;
            match OptionalProto::decode(bytes) {
                Ok(made) => optional(&made),
                Err(_) => decode(bytes, inner),
            }
        }
        TypeValue::MapType(_) | TypeValue::SparseTensorType(_) | TypeValue::OpaqueType(_) => {
            Err("maps, sparse tensors and opaque values are not read".to_owned())
        }
    }
}

fn sequence(made: &SequenceProto) -> Result<Value, String> {
    let tensors = made.tensor_values.iter().map(|item| tensor(item).map(Value::Tensor));
    let sequences = made.sequence_values.iter().map(sequence);
    let optionals = made.optional_values.iter().map(optional);
    tensors.chain(sequences).chain(optionals).collect::<Result<_, _>>().map(Value::Sequence)
}

fn optional(made: &OptionalProto) -> Result<Value, String> {
    match (&made.tensor_value, &made.sequence_value) {
        (Some(value), _) => tensor(value).map(Value::Tensor),
        (None, Some(value)) => sequence(value),
        (None, None) => Ok(Value::None),
    }
}

fn tensor(made: &TensorProto) -> Result<Tensor, String> {
    let code = made.data_type();
    let dtype = DType::from_code(code).ok_or_else(|| format!("element type {code}"))?;
    let shape = made.dims.iter().map(|&size| size as usize).collect::<Vec<_>>();
    if dtype == DType::String {
        let strings = made.string_data.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
        return Ok(Tensor { dtype, shape, data: TensorData::Strings(strings) });
    }
    let bytes = match &made.raw_data {
        Some(raw) => raw.to_vec(),
        None => typed_bytes(made, dtype),
    };
    Tensor::from_bytes(dtype, shape, Bytes::copy_from(&bytes)).map_err(|problem| problem.message)
}

/// The elements outside `raw_data`, in the field that the dtype uses.
fn typed_bytes(made: &TensorProto, dtype: DType) -> Vec<u8> {
    match dtype {
        DType::Float32 | DType::Complex64 => bytemuck::cast_slice(&made.float_data).to_vec(),
        DType::Float64 | DType::Complex128 => bytemuck::cast_slice(&made.double_data).to_vec(),
        DType::Int64 => bytemuck::cast_slice(&made.int64_data).to_vec(),
        DType::UInt64 => bytemuck::cast_slice(&made.uint64_data).to_vec(),
        DType::UInt32 => made.uint64_data.iter().flat_map(|&value| (value as u32).to_le_bytes()).collect(),
        // Elements of less than a byte are packed into the bytes of int32_data.
        _ => {
            let width = dtype.bits().div_ceil(8);
            made.int32_data.iter().flat_map(|value| value.to_le_bytes().into_iter().take(width)).collect()
        }
    }
}

/// How far apart numbers may be.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub relative: f64,
    pub absolute: f64,
    /// By this part of the tensor's largest element: what is near 0 there carries the rounding of the others.
    pub scale: f64,
}

impl Tolerance {
    /// What ONNX's own runner allows, and some units of float32's last place.
    pub const SUITE: Self = Self { relative: 1e-3, absolute: 1e-7, scale: 1e-6 };
}

/// Compares as ONNX's own runner does: dtypes and shapes equal, numbers close, everything else equal.
pub fn compare(expected: &Value, received: &Value, tolerance: Tolerance) -> Result<(), String> {
    match (expected, received) {
        (Value::Tensor(expected), Value::Tensor(received)) => compare_tensors(expected, received, tolerance),
        (Value::Sequence(expected), Value::Sequence(received)) => {
            if expected.len() != received.len() {
                return Err(format!("a sequence of {} expected, {} received", expected.len(), received.len()));
            }
            expected.iter().zip(received).try_for_each(|(one, other)| compare(one, other, tolerance))
        }
        (Value::None, Value::None) => Ok(()),
        (expected, received) => Err(format!("{} expected, {} received", kind(expected), kind(received))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Tensor(_) => "a tensor",
        Value::Sequence(_) => "a sequence",
        Value::Map { .. } => "a map",
        Value::None => "nothing",
    }
}

fn compare_tensors(expected: &Tensor, received: &Tensor, tolerance: Tolerance) -> Result<(), String> {
    if (expected.dtype, &expected.shape) != (received.dtype, &received.shape) {
        return Err(format!(
            "{} {:?} expected, {} {:?} received",
            expected.dtype.name(),
            expected.shape,
            received.dtype.name(),
            received.shape
        ));
    }
    match expected.dtype {
        DType::Float32 => close::<f32>(expected, received, f64::from, tolerance),
        DType::Float64 => close::<f64>(expected, received, |value| value, tolerance),
        DType::Float16 => close::<half::f16>(expected, received, f64::from, tolerance),
        DType::BFloat16 => close::<half::bf16>(expected, received, f64::from, tolerance),
        _ if expected.data == received.data => Ok(()),
        dtype => match (expected.bytes(), received.bytes(), float8_nan(dtype)) {
            // NaN has several encodings.
            (Some(one), Some(other), Some(is_nan))
                if one.iter().zip(other).all(|(&one, &other)| one == other || (is_nan(one) && is_nan(other))) =>
            {
                Ok(())
            }
            _ => Err("values differ".to_owned()),
        },
    }
}

fn float8_nan(dtype: DType) -> Option<fn(u8) -> bool> {
    match dtype {
        DType::Float8E4M3FN => Some(|bits| bits & 0x7F == 0x7F),
        DType::Float8E5M2 => Some(|bits| bits & 0x7F > 0x7C),
        DType::Float8E4M3FNUZ | DType::Float8E5M2FNUZ => Some(|bits| bits == 0x80),
        DType::Float8E8M0 => Some(|bits| bits == 0xFF),
        _ => None,
    }
}

fn close<T: Element>(
    expected: &Tensor,
    received: &Tensor,
    number: impl Fn(T) -> f64,
    tolerance: Tolerance,
) -> Result<(), String> {
    let (expected, received) = (expected.elements::<T>().unwrap_or(&[]), received.elements::<T>().unwrap_or(&[]));
    let largest = expected.iter().map(|&one| number(one).abs()).filter(|size| size.is_finite()).fold(0.0, f64::max);
    let absolute = tolerance.absolute.max(tolerance.scale * largest);
    for (at, (&one, &other)) in expected.iter().zip(received).enumerate() {
        let (one, other) = (number(one), number(other));
        let same = one == other || (one.is_nan() && other.is_nan());
        let near = (one - other).abs() <= absolute + tolerance.relative * one.abs();
        if !(same || near && one.is_finite()) {
            return Err(format!("element {at}: {one} expected, {other} received"));
        }
    }
    Ok(())
}

/// Named inputs and the outputs that they must give.
pub struct Set {
    pub inputs: Vec<(String, Value)>,
    pub outputs: Vec<(String, Value)>,
}

/// Reads the values of one data set: `input_N.pb` and `output_N.pb` in the graph's order.
pub fn read_set(graph: &GraphProto, folder: &Path) -> Result<Set, String> {
    let read = |kind: &str, infos: Vec<&ValueInfoProto>| {
        let mut values = Vec::new();
        for (at, info) in infos.into_iter().enumerate() {
            let path = folder.join(format!("{kind}_{at}.pb"));
            // An optional input at the end may have no file.
            if let Ok(bytes) = fs::read(&path) {
                let value = decode(&bytes, declared(info)?).map_err(|problem| format!("{kind} {at}: {problem}"))?;
                values.push((info.name().to_owned(), value));
            }
        }
        Ok::<_, String>(values)
    };
    Ok(Set { inputs: read("input", fed(graph))?, outputs: read("output", graph.output.iter().collect())? })
}

/// The inputs that a caller gives: initializers have their values.
pub fn fed(graph: &GraphProto) -> Vec<&ValueInfoProto> {
    let given = |info: &&ValueInfoProto| graph.initializer.iter().any(|weights| weights.name() == info.name());
    graph.input.iter().filter(|info| !given(info)).collect()
}

/// The type that a value is declared with.
pub fn declared(info: &ValueInfoProto) -> Result<&TypeProto, String> {
    info.r#type.as_ref().ok_or_else(|| format!("{} has no declared type", info.name()))
}
