//! Whether rows of a model may be run together: a check with made-up rows, because a free leading dimension need not be a
//! batch.

use super::rows;
use crate::signature::{Dim, Signature, ValueInfo, ValueType};
use crate::tensor::{Bytes, DType, Tensor, TensorData, Value};
use half::{bf16, f16};

/// Sizes tried for the free dimensions behind the leading one: some models need room, such as for a kernel.
const FREE_SIZES: [usize; 2] = [8, 64];
/// Inputs larger than this are not made up.
const MAX_ELEMENTS: usize = 1 << 22;
/// Kernels for different sizes round differently.
const TOLERANCE: f64 = 1e-4;

/// Gives the outputs for named inputs.
pub type Runner<'a> = &'a dyn Fn(&[(String, Value)]) -> Option<Vec<Value>>;

/// True when every input and output has a free leading dimension, and a row gives the same alone, before and after another.
pub fn is_batchable(signature: &Signature, run: Runner<'_>) -> bool {
    let inputs: Vec<&ValueInfo> = signature.required_inputs().collect();
    let leading = |info: &&ValueInfo| matches!(&info.value_type, ValueType::Tensor { shape: Some(shape), .. } if matches!(shape.first(), Some(Dim::Free(_))));
    if inputs.is_empty() || !inputs.iter().all(leading) {
        return false;
    }
    FREE_SIZES.iter().any(|&size| rows_are_independent(&inputs, size, run).unwrap_or(false))
}

/// Runs the first row that the model takes.
pub fn run_one(signature: &Signature, run: Runner<'_>) {
    let row = |size| signature.required_inputs().map(|info| made_up(info, size, 1)).collect::<Option<Vec<_>>>();
    FREE_SIZES.iter().filter_map(|&size| row(size)).find_map(|inputs| run(&inputs));
}

/// `None` when the model does not run with rows of this kind.
fn rows_are_independent(inputs: &[&ValueInfo], free: usize, run: Runner<'_>) -> Option<bool> {
    let row = |seed| inputs.iter().map(|info| made_up(info, free, seed)).collect::<Option<Vec<_>>>();
    let (one, other) = (row(1)?, row(2)?);
    let alone_one = run(&one)?;
    let alone_other = run(&other)?;
    if same(&alone_one, &alone_other) {
        // Outputs that say nothing about their row prove nothing.
        return Some(false);
    }
    for (first, second, alone_first, alone_second) in
        [(&one, &other, &alone_one, &alone_other), (&other, &one, &alone_other, &alone_one)]
    {
        let Some(together) = run(&join(first, second)) else { return Some(false) };
        for ((value, first), second) in together.into_iter().zip(alone_first).zip(alone_second) {
            let Some(parts) = rows::split(value, &[1, 1]) else { return Some(false) };
            if !close(&parts[0], first) || !close(&parts[1], second) {
                return Some(false);
            }
        }
    }
    Some(true)
}

fn join(first: &[(String, Value)], second: &[(String, Value)]) -> Vec<(String, Value)> {
    let tensors = first.iter().zip(second).filter_map(|((name, one), (_, other))| {
        Some((name.clone(), rows::join(&[one.as_tensor()?, other.as_tensor()?]).into()))
    });
    tensors.collect()
}

/// One row of numbers that differ from element to element and from seed to seed; whole numbers are small, so that they can
/// be indices.
fn made_up(info: &ValueInfo, free: usize, seed: usize) -> Option<(String, Value)> {
    let ValueType::Tensor { dtype, shape: Some(shape) } = &info.value_type else { return None };
    let sizes: Vec<usize> = shape
        .iter()
        .enumerate()
        .map(|(axis, dim)| match dim {
            Dim::Fixed(size) => *size,
            Dim::Free(_) if axis == 0 => 1,
            Dim::Free(_) => free,
        })
        .collect();
    let count = crate::tensor::element_count(&sizes).filter(|&count| count <= MAX_ELEMENTS)?;
    let float = |at: usize| ((at * 37 + seed * 61) % 101) as f64 / 101.0 * 2.0 - 1.0;
    let integer = |at: usize| (at * 3 + seed) % 4;
    macro_rules! filled {
        ($number:expr) => {
            Tensor::from_elements(&sizes, &(0..count).map($number).collect::<Vec<_>>())
        };
    }
    let tensor = match dtype {
        DType::Float32 => filled!(|at| float(at) as f32),
        DType::Float64 => filled!(float),
        DType::Float16 => filled!(|at| f16::from_f64(float(at))),
        DType::BFloat16 => filled!(|at| bf16::from_f64(float(at))),
        DType::Int64 => filled!(|at| integer(at) as i64),
        DType::Int32 => filled!(|at| integer(at) as i32),
        DType::Int16 => filled!(|at| integer(at) as i16),
        DType::Int8 => filled!(|at| integer(at) as i8),
        DType::UInt64 => filled!(|at| integer(at) as u64),
        DType::UInt32 => filled!(|at| integer(at) as u32),
        DType::UInt16 => filled!(|at| integer(at) as u16),
        DType::UInt8 => filled!(|at| integer(at) as u8),
        DType::Bool => {
            let bytes: Vec<u8> = (0..count).map(|at| (integer(at) % 2) as u8).collect();
            Tensor { dtype: DType::Bool, shape: sizes.clone(), data: TensorData::Bytes(Bytes::copy_from(&bytes)) }
        }
        DType::String => {
            let words = ["good", "bad", "a", "the"];
            Tensor::from_strings(&sizes, (0..count).map(|at| words[integer(at)].to_owned()).collect())
        }
        _ => return None,
    };
    Some((info.name.clone(), tensor.into()))
}

fn same(some: &[Value], others: &[Value]) -> bool {
    some.iter().zip(others).all(|(one, other)| one == other)
}

fn close(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Tensor(one), Value::Tensor(other)) => close_tensors(one, other),
        (Value::Sequence(one), Value::Sequence(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| close(one, other))
        }
        (Value::Map { keys, values }, Value::Map { keys: other_keys, values: other_values }) => {
            keys == other_keys && close_tensors(values, other_values)
        }
        (one, other) => one == other,
    }
}

fn close_tensors(one: &Tensor, other: &Tensor) -> bool {
    if one.dtype != other.dtype || one.shape != other.shape {
        return false;
    }
    let numbers = |tensor: &Tensor| -> Option<Vec<f64>> {
        let made = match tensor.dtype {
            DType::Float32 => tensor.elements::<f32>()?.iter().map(|&number| f64::from(number)).collect(),
            DType::Float64 => tensor.elements::<f64>()?.to_vec(),
            DType::Float16 => tensor.elements::<f16>()?.iter().map(|&number| f64::from(number)).collect(),
            DType::BFloat16 => tensor.elements::<bf16>()?.iter().map(|&number| f64::from(number)).collect(),
            _ => return None,
        };
        Some(made)
    };
    match (numbers(one), numbers(other)) {
        (Some(one), Some(other)) => {
            let largest = one.iter().map(|number| number.abs()).filter(|size| size.is_finite()).fold(0.0, f64::max);
            let tolerance = TOLERANCE * largest.max(1e-6);
            one.iter().zip(&other).all(|(one, other)| {
                one == other || (one.is_nan() && other.is_nan()) || (one - other).abs() <= tolerance
            })
        }
        _ => one == other,
    }
}
