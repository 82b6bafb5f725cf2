//! Embeddings, and the masks that leave out padding.

use super::layer::{Layer, Rule};
use crate::error::Result;
use crate::tensor::DType;
use crate::tensorflow::emit::Value;

pub const RULES: &[(&str, Rule)] = &[("Embedding", embedding), ("Masking", masking)];

/// A row of the table for each index; index 0 may stand for nothing.
fn embedding(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let table = layer.weight("embeddings", 2)?;
    let table = layer.emit.constant(table);
    let indices = match layer.emit.dtype(x) {
        DType::Int32 | DType::Int64 => x,
        _ => layer.emit.cast(x, DType::Int32),
    };
    layer.mask = None;
    if layer.config.flag("mask_zero", false)? {
        let zero = layer.emit.scalar_like(indices, 0.0);
        let padding = layer.emit.op("Equal", &[indices, zero]);
        layer.mask = Some(layer.emit.op("Not", &[padding]));
    }
    Ok(vec![layer.emit.gather(table, indices, 0)])
}

/// Steps that have the value everywhere do not count, and become zero.
fn masking(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let value = layer.config.number("mask_value", 0.0)? as f32;
    let value = layer.emit.float(value);
    let equal = layer.emit.op("Equal", &[x, value]);
    let different = layer.emit.op("Not", &[equal]);
    let different = layer.emit.cast(different, DType::Float32);
    let counts = layer.emit.reduce("ReduceMax", different, Some(&[-1]), true);
    let mask = layer.emit.squeeze(counts, &[-1]);
    layer.mask = Some(layer.emit.cast(mask, DType::Bool));
    Ok(vec![layer.emit.mul(x, counts)])
}
