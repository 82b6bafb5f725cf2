//! Layers around another layer.

use super::layer::{Layer, Rule, Tensor};
use super::topology::Spec;
use super::weight_names::Scope;
use crate::error::{Result, error};
use crate::tensorflow::emit::Value;

pub const RULES: &[(&str, Rule)] = &[("TimeDistributed", time_distributed), ("SpectralNormalization", transparent)];

/// Where the weights of the wrapped layer are: Keras 3 has its name in theirs.
fn inner_scope(layer: &Layer<'_, '_>, spec: &Spec<'_>) -> Scope {
    layer.scope.part(&[&format!("{}/", spec.name), ""], "layer")
}

/// The layer, as it is after training.
fn transparent(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let spec = Spec::parse(layer.config.json("layer"))?;
    let scope = inner_scope(layer, &spec);
    let made = layer.call_within(&spec, &scope, &layer.inputs.clone())?;
    let Layer { context, scope, .. } = layer;
    context.weights.skip(scope, "kernel");
    context.weights.skip(scope, "vector_u");
    context.weights.skip(scope, "sn_u");
    layer.mask = made.first().and_then(|made| made.mask);
    Ok(made.into_iter().map(|made| made.value).collect())
}

/// The layer on each step of time by itself: the steps become part of the batch.
fn time_distributed(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let spec = Spec::parse(layer.config.json("layer"))?;
    let x = layer.raw();
    let rank = layer.rank(x)?;
    if rank < 2 {
        return Err(error!(InvalidModel, "an input with time is expected"));
    }
    let scope = inner_scope(layer, &spec);
    let known = layer.emit.shape(x).cloned();
    let shape = layer.emit.shape_of(x);
    let leading = layer.emit.slice(shape, 0, 0, 2);
    let inside = layer.emit.slice(shape, 0, 2, i64::MAX);
    let free = layer.emit.int64s(&[-1]);
    let flat = layer.emit.concat(&[free, inside], 0);
    let flat = layer.emit.reshape_to(x, flat);
    if let Some(known) = &known {
        let inside: Vec<Option<i64>> = [None].into_iter().chain(known[2..].iter().copied()).collect();
        layer.emit.assume_shape(flat, &inside);
    }
    let made = layer.call_within(&spec, &scope, &[Tensor { value: flat, mask: None }])?;
    layer.mask = layer.inputs[0].mask;
    let mut outputs = Vec::new();
    for made in made {
        let shape = layer.emit.shape_of(made.value);
        let inside = layer.emit.slice(shape, 0, 1, i64::MAX);
        let whole = layer.emit.concat(&[leading, inside], 0);
        let output = layer.emit.reshape_to(made.value, whole);
        if let (Some(before), Some(after)) = (&known, layer.emit.shape(made.value).cloned()) {
            let shape: Vec<Option<i64>> = before[..2].iter().copied().chain(after.into_iter().skip(1)).collect();
            layer.emit.assume_shape(output, &shape);
        }
        outputs.push(output);
    }
    Ok(outputs)
}
