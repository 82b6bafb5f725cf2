//! The elements of tensors as numbers.

use crate::tensor::{DType, Element, Tensor};
use half::{bf16, f16};
use std::ops::Range;

/// Appends a range of the elements. False, and nothing is appended, for types that are no plain numbers: strings, complex numbers and
/// those of less than a byte or with 8 bits for a float.
pub fn extend_numbers(tensor: &Tensor, range: Range<usize>, numbers: &mut Vec<f64>) -> bool {
    match tensor.dtype {
        DType::Float32 => extend::<f32>(tensor, range, numbers, f64::from),
        DType::Float64 => extend::<f64>(tensor, range, numbers, |value| value),
        DType::Float16 => extend::<f16>(tensor, range, numbers, f64::from),
        DType::BFloat16 => extend::<bf16>(tensor, range, numbers, f64::from),
        DType::Int8 => extend::<i8>(tensor, range, numbers, f64::from),
        DType::Int16 => extend::<i16>(tensor, range, numbers, f64::from),
        DType::Int32 => extend::<i32>(tensor, range, numbers, f64::from),
        DType::Int64 => extend::<i64>(tensor, range, numbers, |value| value as f64),
        DType::UInt8 => extend::<u8>(tensor, range, numbers, f64::from),
        DType::UInt16 => extend::<u16>(tensor, range, numbers, f64::from),
        DType::UInt32 => extend::<u32>(tensor, range, numbers, f64::from),
        DType::UInt64 => extend::<u64>(tensor, range, numbers, |value| value as f64),
        DType::Bool => tensor.bytes().is_some_and(|bytes| {
            numbers.extend(bytes[range].iter().map(|byte| f64::from(u8::from(*byte != 0))));
            true
        }),
        _ => false,
    }
}

/// Whether [`extend_numbers`] knows the type.
pub fn has_numbers(tensor: &Tensor) -> bool {
    extend_numbers(tensor, 0..0, &mut Vec::new())
}

fn extend<T: Element>(tensor: &Tensor, range: Range<usize>, numbers: &mut Vec<f64>, number: fn(T) -> f64) -> bool {
    tensor.elements::<T>().is_some_and(|elements| {
        numbers.extend(elements[range].iter().map(|element| number(*element)));
        true
    })
}
