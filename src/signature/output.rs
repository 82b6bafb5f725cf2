//! Values to the formats of answers: nested lists, objects for maps.

use crate::format::{MAX_SAFE_INTEGER, not_a_number};
use crate::tensor::{DType, MapKeys, Tensor, TensorData, Value};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

/// Serializes the outputs of a run as an object by their names.
pub struct Outputs<'a> {
    pub outputs: &'a [(String, Value)],
    pub unbatched: bool,
    pub labels: Option<&'a [String]>,
}

impl Serialize for Outputs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { outputs, unbatched, labels } = *self;
        serializer.collect_map(outputs.iter().map(|(name, value)| (name, Output { value, unbatched, labels })))
    }
}

/// Serializes a value. What a format of text lacks (NaN, the infinities, integers beyond 2^53) is text there. `unbatched` drops a leading dimension of one, for a caller who gave a single row.
pub struct Output<'a> {
    pub value: &'a Value,
    pub unbatched: bool,
    /// Class names: rows of as many values become objects by class.
    pub labels: Option<&'a [String]>,
}

impl Serialize for Output<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::None => serializer.serialize_none(),
            Value::Tensor(tensor) => {
                let shape = written_shape(tensor, self.unbatched);
                let labels =
                    self.labels.filter(|labels| matches!(*tensor.shape, [_, classes] if classes == labels.len()));
                Nested { tensor, shape, start: 0, labels }.serialize(serializer)
            }
            Value::Sequence(values) => {
                let unbatched = self.unbatched && lose_batch(values);
                match values.as_slice() {
                    [only] if self.unbatched && !unbatched => {
                        Output { value: only, unbatched: false, labels: None }.serialize(serializer)
                    }
                    values => {
                        let mut list = serializer.serialize_seq(Some(values.len()))?;
                        for value in values {
                            list.serialize_element(&Output { value, unbatched, labels: None })?;
                        }
                        list.end()
                    }
                }
            }
            Value::Map { keys, values } => {
                let is_text = serializer.is_human_readable();
                let mut map = serializer.serialize_map(Some(values.len()))?;
                for at in 0..values.len() {
                    match keys {
                        MapKeys::Ints(keys) if is_text => map.serialize_key(&keys[at].to_string())?,
                        MapKeys::Ints(keys) => map.serialize_key(&keys[at])?,
                        MapKeys::Strings(keys) => map.serialize_key(&keys[at])?,
                    }
                    map.serialize_value(&Nested { tensor: values, shape: &[], start: at, labels: None })?;
                }
                map.end()
            }
        }
    }
}

/// Serializes a row of a value that is written as a list.
pub struct OutputRow<'a> {
    pub value: &'a Value,
    pub at: usize,
    pub unbatched: bool,
}

impl OutputRow<'_> {
    /// How long the list is as which [`Output`] writes a value; `None` for what is no list.
    pub fn count(value: &Value, unbatched: bool) -> Option<usize> {
        match value {
            Value::Tensor(tensor) => written_shape(tensor, unbatched).first().copied(),
            Value::Sequence(values) => (!unbatched || values.len() != 1 || lose_batch(values)).then_some(values.len()),
            Value::Map { .. } | Value::None => None,
        }
    }
}

impl Serialize for OutputRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Tensor(tensor) => {
                let shape = written_shape(tensor, self.unbatched).get(1..).unwrap_or(&[]);
                let start = self.at * shape.iter().product::<usize>();
                Nested { tensor, shape, start, labels: None }.serialize(serializer)
            }
            Value::Sequence(values) => {
                let unbatched = self.unbatched && lose_batch(values);
                Output { value: &values[self.at], unbatched, labels: None }.serialize(serializer)
            }
            Value::Map { .. } | Value::None => Err(S::Error::custom("it has no rows")),
        }
    }
}

/// Whether the items of a sequence lose a leading dimension of one for a caller of a single row: when all are tensors that have
/// it. Otherwise the sequence itself may be that of the rows.
pub fn lose_batch(items: &[Value]) -> bool {
    items.iter().all(|item| item.as_tensor().is_some_and(|tensor| tensor.shape.first() == Some(&1)))
}

fn written_shape(tensor: &Tensor, unbatched: bool) -> &[usize] {
    match tensor.shape.as_slice() {
        [1, row @ ..] if unbatched => row,
        shape => shape,
    }
}

/// Serializes the elements of a tensor as one list. Integers have all their digits.
pub struct Elements<'a>(pub &'a Tensor);

impl Serialize for Elements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(tensor) = *self;
        if let Some(elements) = tensor.elements::<i64>() {
            return serializer.collect_seq(elements);
        }
        if let Some(elements) = tensor.elements::<u64>() {
            return serializer.collect_seq(elements);
        }
        serializer.collect_seq((0..tensor.len()).map(|at| Nested { tensor, shape: &[], start: at, labels: None }))
    }
}

/// The part of a tensor that begins at element `start` and has the trailing dimensions `shape`.
struct Nested<'a> {
    tensor: &'a Tensor,
    shape: &'a [usize],
    start: usize,
    /// The names of the elements of the last dimension.
    labels: Option<&'a [String]>,
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some((&size, rest)) = self.shape.split_first() else {
            return serialize_element(self.tensor, self.start, serializer);
        };
        if let (Some(labels), []) = (self.labels, rest) {
            let mut map = serializer.serialize_map(Some(size))?;
            for (at, label) in labels.iter().enumerate() {
                map.serialize_entry(label, &Nested { shape: rest, start: self.start + at, labels: None, ..*self })?;
            }
            return map.end();
        }
        let stride: usize = rest.iter().product();
        let mut list = serializer.serialize_seq(Some(size))?;
        for at in 0..size {
            list.serialize_element(&Nested { shape: rest, start: self.start + at * stride, ..*self })?;
        }
        list.end()
    }
}

fn serialize_element<S: Serializer>(tensor: &Tensor, at: usize, serializer: S) -> Result<S::Ok, S::Error> {
    let bytes = match &tensor.data {
        TensorData::Strings(strings) => return serializer.serialize_str(&strings[at]),
        TensorData::Bytes(bytes) => bytes.as_slice(),
    };
    macro_rules! element {
        ($rust:ty) => {
            bytemuck::pod_read_unaligned::<$rust>(&bytes[at * size_of::<$rust>()..][..size_of::<$rust>()])
        };
    }
    match tensor.dtype {
        DType::Float32 => float32(element!(f32), serializer),
        DType::Float64 => float64(element!(f64), serializer),
        DType::Float16 => float32(element!(half::f16).to_f32(), serializer),
        DType::BFloat16 => float32(element!(half::bf16).to_f32(), serializer),
        DType::Int8 => serializer.serialize_i8(element!(i8)),
        DType::Int16 => serializer.serialize_i16(element!(i16)),
        DType::Int32 => serializer.serialize_i32(element!(i32)),
        DType::Int64 => int64(element!(i64), serializer),
        DType::UInt8 => serializer.serialize_u8(element!(u8)),
        DType::UInt16 => serializer.serialize_u16(element!(u16)),
        DType::UInt32 => serializer.serialize_u32(element!(u32)),
        DType::UInt64 => uint64(element!(u64), serializer),
        DType::Bool => serializer.serialize_bool(element!(u8) != 0),
        DType::UInt4 | DType::Int4 | DType::UInt2 | DType::Int2 => {
            serializer.serialize_i8(packed_integer(tensor.dtype, bytes, at))
        }
        DType::Float8E4M3FN
        | DType::Float8E4M3FNUZ
        | DType::Float8E5M2
        | DType::Float8E5M2FNUZ
        | DType::Float8E8M0
        | DType::Float4E2M1 => float32(small_float(tensor.dtype, bytes, at), serializer),
        DType::Complex64 | DType::Complex128 | DType::String => {
            Err(S::Error::custom(format!("{} has no form in an answer", tensor.dtype.name())))
        }
    }
}

fn float32<S: Serializer>(value: f32, serializer: S) -> Result<S::Ok, S::Error> {
    match not_a_number(f64::from(value)) {
        Some(name) if serializer.is_human_readable() => serializer.serialize_str(name),
        _ => serializer.serialize_f32(value),
    }
}

fn float64<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    match not_a_number(value) {
        Some(name) if serializer.is_human_readable() => serializer.serialize_str(name),
        _ => serializer.serialize_f64(value),
    }
}

fn int64<S: Serializer>(value: i64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.unsigned_abs() > MAX_SAFE_INTEGER && serializer.is_human_readable() {
        serializer.collect_str(&value)
    } else {
        serializer.serialize_i64(value)
    }
}

fn uint64<S: Serializer>(value: u64, serializer: S) -> Result<S::Ok, S::Error> {
    if value > MAX_SAFE_INTEGER && serializer.is_human_readable() {
        serializer.collect_str(&value)
    } else {
        serializer.serialize_u64(value)
    }
}

/// An element of less than a byte; the first element is in the lowest bits.
fn packed_bits(bits: usize, bytes: &[u8], at: usize) -> u8 {
    let position = at * bits;
    (bytes[position / 8] >> (position % 8)) & ((1 << bits) - 1)
}

fn packed_integer(dtype: DType, bytes: &[u8], at: usize) -> i8 {
    let bits = dtype.bits();
    let raw = packed_bits(bits, bytes, at);
    match dtype {
        DType::Int4 | DType::Int2 => ((raw << (8 - bits)) as i8) >> (8 - bits),
        _ => raw as i8,
    }
}

/// The 8- and 4-bit floats as ONNX defines them: <https://onnx.ai/onnx/technical/float8.html>.
fn small_float(dtype: DType, bytes: &[u8], at: usize) -> f32 {
    let raw = if dtype.bits() == 4 { packed_bits(4, bytes, at) } else { bytes[at] };
    let (exponent_bits, mantissa_bits, bias, infinite, unsigned_zero) = match dtype {
        DType::Float8E8M0 => {
            return if raw == 0xFF { f32::NAN } else { (f64::from(raw) - 127.0).exp2() as f32 };
        }
        DType::Float8E4M3FN => (4, 3, 7, false, false),
        DType::Float8E4M3FNUZ => (4, 3, 8, false, true),
        DType::Float8E5M2 => (5, 2, 15, true, false),
        DType::Float8E5M2FNUZ => (5, 2, 16, false, true),
        _ => (2, 1, 1, false, false),
    };
    let sign = raw >> (exponent_bits + mantissa_bits);
    let exponent = i32::from((raw >> mantissa_bits) & ((1 << exponent_bits) - 1));
    let mantissa = raw & ((1 << mantissa_bits) - 1);
    let top_exponent = (1 << exponent_bits) - 1;
    let is_nan = match dtype {
        DType::Float4E2M1 => false,
        _ if unsigned_zero => sign == 1 && exponent == 0 && mantissa == 0,
        _ if infinite => exponent == top_exponent && mantissa != 0,
        _ => exponent == top_exponent && mantissa == (1 << mantissa_bits) - 1,
    };
    if is_nan {
        return f32::NAN;
    }
    let fraction = f32::from(mantissa) / f32::from(1u8 << mantissa_bits);
    let magnitude = if infinite && exponent == top_exponent {
        f32::INFINITY
    } else if exponent == 0 {
        fraction * ((1 - bias) as f32).exp2()
    } else {
        (1.0 + fraction) * ((exponent - bias) as f32).exp2()
    };
    if sign == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Bytes;

    fn json(value: impl Into<Value>, unbatched: bool) -> String {
        serde_json::to_string(&Output { value: &value.into(), unbatched, labels: None }).unwrap()
    }

    fn small(dtype: DType, count: usize, bytes: &[u8]) -> String {
        json(Tensor::from_bytes(dtype, vec![count], Bytes::copy_from(bytes)).unwrap(), false)
    }

    #[test]
    fn tensors_are_nested_lists_and_lose_their_batch_on_request() {
        let tensor = Tensor::from_elements(&[1, 2, 2], &[0.1f32, 2.0, -3.5, 1e-7]);
        assert_eq!(json(tensor.clone(), false), "[[[0.1,2.0],[-3.5,1e-7]]]");
        assert_eq!(json(tensor, true), "[[0.1,2.0],[-3.5,1e-7]]");
        assert_eq!(json(Tensor::from_elements(&[2, 0], &[0f32; 0]), true), "[[],[]]");
        assert_eq!(json(Tensor::from_elements(&[], &[7i32]), true), "7");
    }

    #[test]
    fn what_json_numbers_cannot_carry_is_text() {
        let floats = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        assert_eq!(json(Tensor::from_elements(&[3], &floats), false), r#"["NaN","Infinity","-Infinity"]"#);
        let ints = [(1i64 << 53) - 1, 1 << 53, i64::MIN];
        assert_eq!(
            json(Tensor::from_elements(&[3], &ints), false),
            r#"[9007199254740991,"9007199254740992","-9223372036854775808"]"#
        );
        assert_eq!(json(Tensor::from_elements(&[1], &[u64::MAX]), false), r#"["18446744073709551615"]"#);
    }

    #[test]
    fn a_single_class_map_loses_its_batch() {
        let map =
            Value::Map { keys: MapKeys::Ints(vec![0, -1]), values: Tensor::from_elements(&[2], &[0.25f32, 0.75]) };
        let sequence = Value::Sequence(vec![map]);
        assert_eq!(json(sequence.clone(), false), r#"[{"0":0.25,"-1":0.75}]"#);
        assert_eq!(json(sequence, true), r#"{"0":0.25,"-1":0.75}"#);
        assert_eq!(json(Value::None, true), "null");
    }

    #[test]
    fn tensors_in_a_sequence_lose_their_batch() {
        let tensor = |shape: &[usize], numbers: &[f32]| Value::from(Tensor::from_elements(shape, numbers));
        let targets = Value::Sequence(vec![tensor(&[1, 2], &[0.25, 0.75]), tensor(&[1, 1], &[1.0])]);
        assert_eq!(json(targets.clone(), true), "[[0.25,0.75],[1.0]]");
        assert_eq!(json(targets, false), "[[[0.25,0.75]],[[1.0]]]");
        let parts = Value::Sequence(vec![tensor(&[1], &[1.0]), tensor(&[2], &[2.0, 3.0])]);
        assert_eq!(json(parts, true), "[[1.0],[2.0,3.0]]", "no batch");
        assert_eq!(json(Value::Sequence(vec![tensor(&[2], &[2.0, 3.0])]), true), "[2.0,3.0]", "a tensor for each row");
    }

    #[test]
    fn rows_of_as_many_values_as_there_are_labels_become_objects() {
        let labels = ["cat".to_owned(), "dog".to_owned()];
        let named = |shape: &[usize], values: &[f32], unbatched| {
            let value = Tensor::from_elements(shape, values).into();
            serde_json::to_string(&Output { value: &value, unbatched, labels: Some(&labels) }).unwrap()
        };
        assert_eq!(named(&[1, 2], &[0.25, 0.75], true), r#"{"cat":0.25,"dog":0.75}"#);
        assert_eq!(named(&[2, 2], &[1.0, 0.0, 0.5, 0.5], false), r#"[{"cat":1.0,"dog":0.0},{"cat":0.5,"dog":0.5}]"#);
        assert_eq!(named(&[2], &[1.0, 2.0], false), "[1.0,2.0]", "two rows of one value");
        assert_eq!(named(&[1, 1, 2], &[1.0, 2.0], true), "[[1.0,2.0]]");
    }

    #[test]
    fn small_types_are_decoded() {
        assert_eq!(small(DType::Int4, 3, &[0x8F, 0x07]), "[-1,-8,7]");
        assert_eq!(small(DType::UInt4, 3, &[0x8F, 0x07]), "[15,8,7]");
        assert_eq!(small(DType::Int2, 4, &[0b11_10_01_00]), "[0,1,-2,-1]");
        assert_eq!(small(DType::Float8E4M3FN, 4, &[0x38, 0xB8, 0x7E, 0x7F]), r#"[1.0,-1.0,448.0,"NaN"]"#);
        assert_eq!(small(DType::Float8E5M2, 4, &[0x3C, 0x7B, 0x7C, 0x7D]), r#"[1.0,57344.0,"Infinity","NaN"]"#);
        assert_eq!(small(DType::Float8E4M3FNUZ, 3, &[0x40, 0x7F, 0x80]), r#"[1.0,240.0,"NaN"]"#);
        assert_eq!(small(DType::Float8E5M2FNUZ, 2, &[0x40, 0x80]), r#"[1.0,"NaN"]"#);
        assert_eq!(small(DType::Float8E8M0, 2, &[127, 128]), "[1.0,2.0]");
        assert_eq!(small(DType::Float4E2M1, 4, &[0x21, 0xF7]), "[0.5,1.0,6.0,-6.0]");
    }
}
