//! Numbers that stand as raw bytes in a body.

use super::item::{Item, Number};
use crate::tensor::DType;
use std::borrow::Cow;
use std::io;

/// A typed array by its tag: <https://www.rfc-editor.org/rfc/rfc8746#section-2>.
pub fn typed_array(tag: u64, bytes: Cow<'_, [u8]>) -> Result<Item<'_>, String> {
    let (dtype, is_big_endian) = match tag {
        64 | 68 => (DType::UInt8, false),
        65 => (DType::UInt16, true),
        66 => (DType::UInt32, true),
        67 => (DType::UInt64, true),
        69 => (DType::UInt16, false),
        70 => (DType::UInt32, false),
        71 => (DType::UInt64, false),
        72 => (DType::Int8, false),
        73 => (DType::Int16, true),
        74 => (DType::Int32, true),
        75 => (DType::Int64, true),
        77 => (DType::Int16, false),
        78 => (DType::Int32, false),
        79 => (DType::Int64, false),
        80 => (DType::Float16, true),
        81 => (DType::Float32, true),
        82 => (DType::Float64, true),
        84 => (DType::Float16, false),
        85 => (DType::Float32, false),
        86 => (DType::Float64, false),
        _ => return Err(format!("the tag {tag} is not read")),
    };
    let size = dtype.bits() / 8;
    if !bytes.len().is_multiple_of(size) {
        return Err(format!("{} bytes are no whole number of {} elements", bytes.len(), dtype.name()));
    }
    let bytes = if is_big_endian {
        Cow::Owned(bytes.chunks_exact(size).flat_map(|element| element.iter().rev().copied()).collect())
    } else {
        bytes
    };
    Ok(Item::Elements(dtype, bytes))
}

/// Why bytes are no elements of a type.
pub struct Unreadable(String);

impl From<Unreadable> for String {
    fn from(problem: Unreadable) -> Self {
        problem.0
    }
}

impl From<Unreadable> for io::Error {
    fn from(problem: Unreadable) -> Self {
        Self::other(problem.0)
    }
}

/// Gives each element as the item that it would be in a list.
///
/// # Errors
/// What `take` returns, or a sentence when the bytes are no elements of that type.
pub fn each_element<E: From<Unreadable>>(
    dtype: DType,
    bytes: &[u8],
    mut take: impl FnMut(Item<'static>) -> Result<(), E>,
) -> Result<(), E> {
    macro_rules! each {
        ($rust:ty, $number:expr) => {
            bytes
                .chunks_exact(size_of::<$rust>())
                .map(bytemuck::pod_read_unaligned::<$rust>)
                .try_for_each(|element| take(Item::Number($number(element))))
        };
    }
    match dtype {
        DType::Float32 => each!(f32, |value: f32| Number::Float(value.into())),
        DType::Float64 => each!(f64, Number::Float),
        DType::Float16 => each!(half::f16, |value: half::f16| Number::Float(value.to_f64())),
        DType::BFloat16 => each!(half::bf16, |value: half::bf16| Number::Float(value.to_f64())),
        DType::Int8 => each!(i8, |value: i8| Number::from(i64::from(value))),
        DType::Int16 => each!(i16, |value: i16| Number::from(i64::from(value))),
        DType::Int32 => each!(i32, |value: i32| Number::from(i64::from(value))),
        DType::Int64 => each!(i64, Number::from),
        DType::UInt8 => each!(u8, |value: u8| Number::UInt(value.into())),
        DType::UInt16 => each!(u16, |value: u16| Number::UInt(value.into())),
        DType::UInt32 => each!(u32, |value: u32| Number::UInt(value.into())),
        DType::UInt64 => each!(u64, Number::UInt),
        DType::Bool => bytes.iter().try_for_each(|&byte| match byte {
            0 | 1 => take(Item::Bool(byte == 1)),
            other => Err(Unreadable(format!("a boolean is the byte 0 or 1, received {other}")).into()),
        }),
        _ => Err(Unreadable(format!("{} values cannot be given as bytes", dtype.name())).into()),
    }
}
