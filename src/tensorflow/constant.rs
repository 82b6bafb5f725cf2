//! A tensor that is known when the model is translated: a weight, or what was computed from weights and shapes.

use crate::error::{Result, error};
use crate::onnx::proto::TensorProto;
use crate::tensor::DType;
use bytes::Bytes;

/// The elements, shared with the file that they came from.
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// Little-endian, unaligned; bools one byte each.
    Bytes(Bytes),
    Strings(Vec<Bytes>),
}

/// A dense tensor that costs nothing to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    pub dtype: DType,
    pub shape: Vec<usize>,
    elements: Elements,
}

macro_rules! from_numbers {
    ($($make:ident $rust:ty => $dtype:ident),*) => {
        $(
            /// A tensor of these elements, which are as many as the shape asks for.
            pub fn $make(shape: &[usize], elements: &[$rust]) -> Self {
                debug_assert_eq!(shape.iter().product::<usize>(), elements.len());
                let bytes = elements.iter().flat_map(|element| element.to_le_bytes()).collect::<Vec<_>>();
                Self { dtype: DType::$dtype, shape: shape.to_vec(), elements: Elements::Bytes(bytes.into()) }
            }
        )*
    };
}

impl Constant {
    from_numbers! { of_f32 f32 => Float32, of_i32 i32 => Int32, of_i64 i64 => Int64, of_u8 u8 => UInt8 }

    /// # Errors
    /// `INVALID_MODEL` when the bytes are not as many as the shape asks for.
    pub fn new(dtype: DType, shape: Vec<usize>, bytes: Bytes) -> Result<Self> {
        let count = crate::tensor::element_count(&shape);
        match count.and_then(|count| dtype.byte_length(count)) {
            Some(expected) if expected == bytes.len() && dtype != DType::String => {
                Ok(Self { dtype, shape, elements: Elements::Bytes(bytes) })
            }
            _ => Err(error!(
                InvalidModel,
                "a {} tensor of shape {shape:?} cannot have {} bytes",
                dtype.name(),
                bytes.len()
            )),
        }
    }

    /// A tensor of texts, as many as the shape asks for.
    pub fn of_strings(shape: &[usize], strings: Vec<Bytes>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), strings.len());
        Self { dtype: DType::String, shape: shape.to_vec(), elements: Elements::Strings(strings) }
    }

    /// A tensor of a numeric type or bool from numbers; integers are truncated and saturate.
    pub fn of_numbers(dtype: DType, shape: &[usize], numbers: &[f64]) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), numbers.len());
        let mut bytes = Vec::with_capacity(numbers.len() * 8);
        for &number in numbers {
            match dtype {
                DType::Float32 => bytes.extend((number as f32).to_le_bytes()),
                DType::Float64 => bytes.extend(number.to_le_bytes()),
                DType::Float16 => bytes.extend(half::f16::from_f64(number).to_le_bytes()),
                DType::Int64 => bytes.extend((number as i64).to_le_bytes()),
                DType::Int32 => bytes.extend((number as i32).to_le_bytes()),
                DType::Int8 => bytes.extend((number as i8).to_le_bytes()),
                DType::Bool => bytes.push(u8::from(number != 0.0)),
                DType::UInt8 => bytes.push(number as u8),
                other => unreachable!("translated models have no {} constants", other.name()),
            }
        }
        Self { dtype, shape: shape.to_vec(), elements: Elements::Bytes(bytes.into()) }
    }

    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    pub fn elements(&self) -> &Elements {
        &self.elements
    }

    /// The elements as numbers; `None` for strings.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        let Elements::Bytes(bytes) = &self.elements else { return None };
        Some(match self.dtype {
            DType::Float32 => read(bytes, |bytes| f64::from(f32::from_le_bytes(bytes))),
            DType::Float64 => read(bytes, f64::from_le_bytes),
            DType::Float16 => read(bytes, |bytes| half::f16::from_le_bytes(bytes).to_f64()),
            DType::Int64 => read(bytes, |bytes| i64::from_le_bytes(bytes) as f64),
            DType::Int32 => read(bytes, |bytes| f64::from(i32::from_le_bytes(bytes))),
            DType::Int8 => read(bytes, |bytes| f64::from(i8::from_le_bytes(bytes))),
            DType::Bool | DType::UInt8 => bytes.iter().map(|&byte| f64::from(byte)).collect(),
            _ => return None,
        })
    }

    /// The elements of an integer tensor.
    pub fn ints(&self) -> Option<Vec<i64>> {
        let Elements::Bytes(bytes) = &self.elements else { return None };
        match self.dtype {
            DType::Int64 => Some(read(bytes, i64::from_le_bytes)),
            DType::Int32 => Some(read(bytes, |bytes| i64::from(i32::from_le_bytes(bytes)))),
            DType::Int8 => Some(read(bytes, |bytes| i64::from(i8::from_le_bytes(bytes)))),
            DType::Bool | DType::UInt8 => Some(bytes.iter().map(|&byte| i64::from(byte)).collect()),
            _ => None,
        }
    }

    /// The elements of a float32 tensor.
    pub fn floats(&self) -> Option<Vec<f32>> {
        match &self.elements {
            Elements::Bytes(bytes) if self.dtype == DType::Float32 => Some(read(bytes, f32::from_le_bytes)),
            _ => None,
        }
    }

    /// The same elements under another shape of the same size.
    #[must_use]
    pub fn reshaped(&self, shape: &[usize]) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), self.len());
        Self { shape: shape.to_vec(), ..self.clone() }
    }

    /// The axes in the order of `permutation`, which names each axis once.
    #[must_use]
    pub fn transposed(&self, permutation: &[usize]) -> Self {
        debug_assert_eq!(permutation.len(), self.shape.len());
        let shape: Vec<usize> = permutation.iter().map(|&axis| self.shape[axis]).collect();
        let mut strides = vec![1; self.shape.len()];
        for axis in (1..self.shape.len()).rev() {
            strides[axis - 1] = strides[axis] * self.shape[axis];
        }
        let strides: Vec<usize> = permutation.iter().map(|&axis| strides[axis]).collect();
        let order = Walk::new(&shape, &strides);
        let elements = match &self.elements {
            Elements::Strings(strings) => Elements::Strings(order.map(|at| strings[at].clone()).collect()),
            Elements::Bytes(bytes) => {
                let width = self.dtype.bits() / 8;
                let mut moved = Vec::with_capacity(bytes.len());
                for at in order {
                    moved.extend_from_slice(&bytes[at * width..(at + 1) * width]);
                }
                Elements::Bytes(moved.into())
            }
        };
        Self { dtype: self.dtype, shape, elements }
    }

    /// The tensor as an initializer.
    pub fn to_proto(&self, name: &str) -> TensorProto {
        let mut made = TensorProto {
            name: Some(name.to_owned()),
            dims: self.shape.iter().map(|&size| size as i64).collect(),
            data_type: Some(self.dtype.code()),
            ..TensorProto::default()
        };
        match &self.elements {
            Elements::Strings(strings) => made.string_data.clone_from(strings),
            Elements::Bytes(bytes) => made.raw_data = Some(bytes.clone()),
        }
        made
    }
}

fn read<const WIDTH: usize, T>(bytes: &[u8], convert: impl Fn([u8; WIDTH]) -> T) -> Vec<T> {
    bytes.as_chunks::<WIDTH>().0.iter().map(|chunk| convert(*chunk)).collect()
}

/// Offsets of the elements of a strided tensor in row-major order.
pub struct Walk<'a> {
    shape: &'a [usize],
    strides: &'a [usize],
    index: Vec<usize>,
    at: usize,
    left: usize,
}

impl<'a> Walk<'a> {
    pub fn new(shape: &'a [usize], strides: &'a [usize]) -> Self {
        Self { shape, strides, index: vec![0; shape.len()], at: 0, left: shape.iter().product() }
    }
}

impl Iterator for Walk<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let current = self.at;
        for axis in (0..self.shape.len()).rev() {
            self.index[axis] += 1;
            self.at += self.strides[axis];
            if self.index[axis] < self.shape[axis] {
                break;
            }
            self.at -= self.strides[axis] * self.shape[axis];
            self.index[axis] = 0;
        }
        Some(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_moves_elements() {
        let made = Constant::of_i32(&[2, 3], &[1, 2, 3, 4, 5, 6]).transposed(&[1, 0]);
        assert_eq!(made, Constant::of_i32(&[3, 2], &[1, 4, 2, 5, 3, 6]));
        let scalar = Constant::of_f32(&[], &[1.5]);
        assert_eq!(scalar.transposed(&[]), scalar);
    }

    #[test]
    fn numbers_survive_both_ways() {
        for dtype in [DType::Float32, DType::Float64, DType::Float16, DType::Int64, DType::Int32, DType::Int8] {
            let made = Constant::of_numbers(dtype, &[3], &[-2.0, 0.0, 7.0]);
            assert_eq!(made.numbers().unwrap(), [-2.0, 0.0, 7.0], "{}", dtype.name());
        }
        assert_eq!(Constant::of_numbers(DType::Bool, &[2], &[0.0, 3.0]).ints().unwrap(), [0, 1]);
    }
}
