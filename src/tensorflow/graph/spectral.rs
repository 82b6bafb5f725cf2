//! Fourier transforms of the last axis.

use super::Rule;
use super::item::Item;
use super::node::{Node, Output};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};

pub const RULES: &[(&str, Rule)] = &[
    ("FFT", |node| complex(node, false)),
    ("IFFT", |node| complex(node, true)),
    ("RFFT", real),
    ("IRFFT", real_inverse),
];

/// `DFT` of a tensor whose last axis holds real and imaginary parts, along the axis before.
fn transform(emit: &mut Emit, x: Value, length: Value, inverse: bool, onesided: bool) -> Value {
    let axis = emit.int64(-2);
    let attributes = [("inverse", i64::from(inverse).into()), ("onesided", i64::from(onesided).into())];
    let made = emit.op_with("DFT", &[x, length, axis], attributes);
    if let Some(mut shape) = emit.shape(x).cloned() {
        let rank = shape.len();
        let size = if length == Value::ABSENT { shape[rank - 2] } else { emit.int_of(length) };
        shape[rank - 2] = size.map(|size| if onesided { size / 2 + 1 } else { size });
        shape[rank - 1] = Some(2);
        emit.assume_shape(made, &shape);
    }
    made
}

fn parts(emit: &mut Emit, x: Value) -> Item {
    let [real, imaginary] = [0, 1].map(|part| {
        let part = emit.int64(part);
        emit.gather(x, part, -1)
    });
    Item::Complex(real, imaginary)
}

fn joined(emit: &mut Emit, (real, imaginary): (Value, Value)) -> Value {
    let (real, imaginary) = (emit.unsqueeze(real, &[-1]), emit.unsqueeze(imaginary, &[-1]));
    emit.concat(&[real, imaginary], -1)
}

fn complex(node: &mut Node<'_>, inverse: bool) -> Result<Output> {
    let both = node.complex(0)?;
    let emit = &mut *node.emit;
    let x = joined(emit, both);
    let made = transform(emit, x, Value::ABSENT, inverse, false);
    Ok(parts(emit, made).into())
}

fn real(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let length = node.constant_int(1, "fft_length")?;
    let emit = &mut *node.emit;
    let x = emit.cast(x, DType::Float32);
    let x = emit.unsqueeze(x, &[-1]);
    let length = emit.int64(length);
    let made = transform(emit, x, length, false, true);
    Ok(parts(emit, made).into())
}

/// The other half of the spectrum of a real signal mirrors the first half, conjugated.
fn real_inverse(node: &mut Node<'_>) -> Result<Output> {
    let (real, imaginary) = node.complex(0)?;
    let length = node.constant_int(1, "fft_length")?;
    let known = node.emit.size(real, -1);
    if length < 2 || known != Some(length / 2 + 1) {
        return Err(error!(UnsupportedModel, "a spectrum of {known:?} for fft_length {length} is not supported"));
    }
    let emit = &mut *node.emit;
    let mirrored = [real, imaginary].map(|half| {
        let inner = emit.slice(half, -1, 1, length - length / 2);
        emit.slice_by(inner, -1, -1, i64::MIN, -1)
    });
    let conjugated = emit.op("Neg", &[mirrored[1]]);
    let real = emit.concat(&[real, mirrored[0]], -1);
    let imaginary = emit.concat(&[imaginary, conjugated], -1);
    let x = joined(emit, (real, imaginary));
    let made = transform(emit, x, Value::ABSENT, true, false);
    let first = emit.int64(0);
    Ok(emit.gather(made, first, -1).into())
}
