//! Values as models take and give them: tensors, and the sequences, maps and optionals that ONNX has besides.

use crate::error::{Result, error};

macro_rules! dtypes {
    ($($variant:ident $name:literal $code:literal $bits:literal)*) => {
        /// An element type. The names are those of JavaScript and NumPy, the codes those of ONNX's `TensorProto.DataType`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum DType {
            $($variant,)*
        }

        impl DType {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The code in an ONNX file.
            pub const fn code(self) -> i32 {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// Bits of one element; 0 for strings.
            pub const fn bits(self) -> usize {
                match self {
                    $(Self::$variant => $bits,)*
                }
            }

            pub fn from_code(code: i32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

dtypes! {
    Float32 "float32" 1 32
    UInt8 "uint8" 2 8
    Int8 "int8" 3 8
    UInt16 "uint16" 4 16
    Int16 "int16" 5 16
    Int32 "int32" 6 32
    Int64 "int64" 7 64
    String "string" 8 0
    Bool "bool" 9 8
    Float16 "float16" 10 16
    Float64 "float64" 11 64
    UInt32 "uint32" 12 32
    UInt64 "uint64" 13 64
    Complex64 "complex64" 14 64
    Complex128 "complex128" 15 128
    BFloat16 "bfloat16" 16 16
    Float8E4M3FN "float8e4m3fn" 17 8
    Float8E4M3FNUZ "float8e4m3fnuz" 18 8
    Float8E5M2 "float8e5m2" 19 8
    Float8E5M2FNUZ "float8e5m2fnuz" 20 8
    UInt4 "uint4" 21 4
    Int4 "int4" 22 4
    Float4E2M1 "float4e2m1" 23 4
    Float8E8M0 "float8e8m0" 24 8
    UInt2 "uint2" 25 2
    Int2 "int2" 26 2
}

impl DType {
    /// Bytes that `count` elements take; elements of less than a byte are packed, the last byte padded.
    pub const fn byte_length(self, count: usize) -> Option<usize> {
        match count.checked_mul(self.bits()) {
            Some(bits) => Some(bits.div_ceil(8)),
            None => None,
        }
    }

    pub const fn is_float(self) -> bool {
        matches!(self, Self::Float16 | Self::BFloat16 | Self::Float32 | Self::Float64)
    }
}

/// Bytes aligned for every element type. ONNX Runtime reads them in place.
#[derive(Debug, Clone, Default)]
pub struct Bytes {
    words: Vec<u128>,
    len: usize,
}

impl Bytes {
    pub fn zeroed(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(size_of::<u128>())], len }
    }

    pub fn copy_from(bytes: &[u8]) -> Self {
        let whole = bytes.chunks_exact(size_of::<u128>());
        let rest = whole.remainder();
        let mut words: Vec<u128> = Vec::with_capacity(bytes.len().div_ceil(size_of::<u128>()));
        words.extend(whole.map(bytemuck::pod_read_unaligned::<u128>));
        if !rest.is_empty() {
            let mut last = [0; size_of::<u128>()];
            last[..rest.len()].copy_from_slice(rest);
            words.push(u128::from_ne_bytes(last));
        }
        Self { words, len: bytes.len() }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn as_slice(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.len]
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

/// The elements of a tensor in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// Little-endian elements, bools one byte each.
    Bytes(Bytes),
    Strings(Vec<String>),
}

/// A dense tensor: `data` holds exactly the product of `shape` elements.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub data: TensorData,
}

/// A Rust type that is the element of a tensor.
pub trait Element: bytemuck::Pod {
    const DTYPE: DType;
}

macro_rules! elements {
    ($($rust:ty => $dtype:ident),* $(,)?) => {
        $(impl Element for $rust {
            const DTYPE: DType = DType::$dtype;
        })*
    };
}

elements! {
    f32 => Float32, f64 => Float64, half::f16 => Float16, half::bf16 => BFloat16,
    i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64,
    u8 => UInt8, u16 => UInt16, u32 => UInt32, u64 => UInt64,
}

impl Tensor {
    /// A tensor of the elements, in row-major order. The number of elements must be the product of `shape`.
    pub fn from_elements<T: Element>(shape: &[usize], elements: &[T]) -> Self {
        debug_assert_eq!(element_count(shape), Some(elements.len()));
        Self {
            dtype: T::DTYPE,
            shape: shape.to_vec(),
            data: TensorData::Bytes(Bytes::copy_from(bytemuck::cast_slice(elements))),
        }
    }

    pub fn from_strings(shape: &[usize], strings: Vec<String>) -> Self {
        debug_assert_eq!(element_count(shape), Some(strings.len()));
        Self { dtype: DType::String, shape: shape.to_vec(), data: TensorData::Strings(strings) }
    }

    /// A tensor of raw little-endian bytes.
    ///
    /// # Errors
    /// `INVALID_INPUT` when the bytes are not as many as the shape asks for, or the dtype is string.
    pub fn from_bytes(dtype: DType, shape: Vec<usize>, bytes: Bytes) -> Result<Self> {
        let expected = element_count(&shape).and_then(|count| dtype.byte_length(count));
        if dtype == DType::String || expected != Some(bytes.len()) {
            return Err(error!(
                InvalidInput,
                "a {} tensor of shape {shape:?} takes {} bytes, received {}",
                dtype.name(),
                expected.map_or_else(|| "too many".to_owned(), |count| count.to_string()),
                bytes.len()
            ));
        }
        Ok(Self { dtype, shape, data: TensorData::Bytes(bytes) })
    }

    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// The elements, when they are of that type.
    pub fn elements<T: Element>(&self) -> Option<&[T]> {
        match &self.data {
            TensorData::Bytes(bytes) if self.dtype == T::DTYPE => Some(bytemuck::cast_slice(bytes.as_slice())),
            _ => None,
        }
    }

    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.data {
            TensorData::Bytes(bytes) => Some(bytes.as_slice()),
            TensorData::Strings(_) => None,
        }
    }

    pub fn strings(&self) -> Option<&[String]> {
        match &self.data {
            TensorData::Strings(strings) => Some(strings),
            TensorData::Bytes(_) => None,
        }
    }

    /// Memory that the elements take, in bytes.
    pub fn byte_size(&self) -> usize {
        match &self.data {
            TensorData::Bytes(bytes) => bytes.len(),
            TensorData::Strings(strings) => byte_size_of(strings),
        }
    }
}

/// The product of the dimensions; `None` when it does not fit.
pub fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
}

/// The keys of an ONNX map.
#[derive(Debug, Clone, PartialEq)]
pub enum MapKeys {
    Ints(Vec<i64>),
    Strings(Vec<String>),
}

impl MapKeys {
    fn byte_size(&self) -> usize {
        match self {
            Self::Ints(keys) => size_of_val(keys.as_slice()),
            Self::Strings(keys) => byte_size_of(keys),
        }
    }
}

/// Memory that texts take, in bytes.
fn byte_size_of(texts: &[String]) -> usize {
    texts.iter().map(|text| text.len() + size_of::<String>()).sum()
}

/// What a model takes or gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Tensor(Tensor),
    Sequence(Vec<Value>),
    /// Parallel keys and values, in the order the model gave them.
    Map {
        keys: MapKeys,
        values: Tensor,
    },
    /// An `optional` that is empty.
    None,
}

impl Value {
    pub fn as_tensor(&self) -> Option<&Tensor> {
        match self {
            Self::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// Memory that the elements of all tensors in it take, in bytes.
    pub fn byte_size(&self) -> usize {
        match self {
            Self::Tensor(tensor) => tensor.byte_size(),
            Self::Sequence(values) => values.iter().map(Self::byte_size).sum(),
            Self::Map { keys, values } => keys.byte_size() + values.byte_size(),
            Self::None => 0,
        }
    }
}

impl From<Tensor> for Value {
    fn from(tensor: Tensor) -> Self {
        Self::Tensor(tensor)
    }
}
