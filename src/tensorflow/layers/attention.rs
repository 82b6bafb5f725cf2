//! Attention: each query's mean of the values, weighted by how well their keys fit it.

use super::layer::{Layer, Rule, Tensor};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};

pub const RULES: &[(&str, Rule)] = &[
    ("Attention", attention),
    ("AdditiveAttention", additive),
    ("MultiHeadAttention", multi_head),
    ("GroupQueryAttention", grouped),
];

/// Query, value and key, which are given in a row or by name.
fn roles(layer: &Layer<'_, '_>) -> Result<(Tensor, Tensor, Option<Tensor>)> {
    let role = |at: usize, name: &str| layer.inputs.get(at).copied().or_else(|| layer.named_tensor(name));
    match (role(0, "query"), role(1, "value")) {
        (Some(query), Some(value)) => Ok((query, value, role(2, "key"))),
        _ => Err(error!(InvalidModel, "a query and a value are expected")),
    }
}

fn attention(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let (query, value, key) = roles(layer)?;
    let (q, k) = (layer.float(query.value)?, layer.float(key.unwrap_or(value).value)?);
    let scale = if layer.config.flag("use_scale", false)? { Some(layer.weight("scale", 0)?) } else { None };
    let scale = scale.map(|scale| layer.emit.constant(scale));
    let scores = match layer.config.text("score_mode", "dot")? {
        "dot" => {
            let rank = layer.rank(k)?;
            let order: Vec<usize> = (0..rank.saturating_sub(2)).chain([rank - 1, rank.saturating_sub(2)]).collect();
            let k = layer.emit.transpose(k, &order);
            let scores = layer.emit.op("MatMul", &[q, k]);
            scale.map_or(scores, |scale| layer.emit.mul(scores, scale))
        }
        "concat" => {
            let weight = layer.weight("concat_score_weight", 0)?;
            let weight = layer.emit.constant(weight);
            let sum = pairs(layer.emit, q, k);
            let sum = scale.map_or(sum, |scale| layer.emit.mul(sum, scale));
            let tanh = layer.emit.op("Tanh", &[sum]);
            let scores = layer.emit.reduce("ReduceSum", tanh, Some(&[-1]), false);
            layer.emit.mul(scores, weight)
        }
        other => return Err(error!(InvalidModel, "the \"score_mode\" \"{other}\" is not known")),
    };
    weigh(layer, scores, query, value)
}

fn additive(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let (query, value, key) = roles(layer)?;
    let (q, k) = (layer.float(query.value)?, layer.float(key.unwrap_or(value).value)?);
    let sum = pairs(layer.emit, q, k);
    let mut tanh = layer.emit.op("Tanh", &[sum]);
    if layer.config.flag("use_scale", true)? {
        let scale = layer.weight("scale", 1)?;
        let scale = layer.emit.constant(scale);
        tanh = layer.emit.mul(tanh, scale);
    }
    let scores = layer.emit.reduce("ReduceSum", tanh, Some(&[-1]), false);
    weigh(layer, scores, query, value)
}

/// The sum of each query with each key, `[batch, queries, keys, features]`.
fn pairs(emit: &mut Emit, query: Value, key: Value) -> Value {
    let query = emit.unsqueeze(query, &[-2]);
    let key = emit.unsqueeze(key, &[-3]);
    emit.add(query, key)
}

/// The values by their scores, with the masks of both.
fn weigh(layer: &mut Layer<'_, '_>, scores: Value, query: Tensor, value: Tensor) -> Result<Vec<Value>> {
    let values = layer.float(value.value)?;
    let mut masks = Vec::new();
    if let Some(mask) = value.mask {
        masks.push(layer.emit.unsqueeze(mask, &[-2]));
    }
    if layer.config.flag("causal", false)? || layer.named_flag("use_causal_mask") {
        masks.push(causal(layer.emit, scores));
    }
    let weights = masked_softmax(layer.emit, scores, masks);
    let mut made = layer.emit.op("MatMul", &[weights, values]);
    layer.mask = query.mask;
    if let Some(mask) = query.mask {
        let kept = layer.emit.cast(mask, DType::Float32);
        let kept = layer.emit.unsqueeze(kept, &[-1]);
        made = layer.emit.mul(made, kept);
    }
    let scores = layer.named_flag("return_attention_scores");
    Ok(if scores { vec![made, weights] } else { vec![made] })
}

/// The softmax over keys of those that no mask takes out.
fn masked_softmax(emit: &mut Emit, scores: Value, masks: Vec<Value>) -> Value {
    let mask = masks.into_iter().reduce(|a, b| emit.op("And", &[a, b]));
    let scores = match mask {
        Some(mask) => {
            let far = emit.float(1e9);
            let lowered = emit.sub(scores, far);
            emit.op("Where", &[mask, scores, lowered])
        }
        None => scores,
    };
    emit.op_with("Softmax", &[scores], [("axis", (-1).into())])
}

/// Bools `[queries, keys]`: no key is later than its query.
fn causal(emit: &mut Emit, scores: Value) -> Value {
    let shape = emit.shape_of(scores);
    let last = emit.slice(shape, 0, -2, i64::MAX);
    let one = emit.int64(1);
    let ones = emit.op("Expand", &[one, last]);
    let lower = emit.op_with("Trilu", &[ones], [("upper", 0.into())]);
    emit.cast(lower, DType::Bool)
}

/// Bools `[queries, keys]`: no key is `width` or more steps away from its query.
fn near(emit: &mut Emit, scores: Value, width: i64) -> Value {
    let shape = emit.shape_of(scores);
    let last = emit.slice(shape, 0, -2, i64::MAX);
    let one = emit.int64(1);
    let ones = emit.op("Expand", &[one, last]);
    let (above, below) = (emit.int64(width.saturating_sub(1)), emit.int64(width.saturating_sub(1).saturating_neg()));
    let lower = emit.op_with("Trilu", &[ones, above], [("upper", 0.into())]);
    let band = emit.op_with("Trilu", &[lower, below], [("upper", 1.into())]);
    emit.cast(band, DType::Bool)
}

fn multi_head(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let heads = layer.config.int("num_heads", 1)?;
    let size = layer.config.int("key_dim", 1)?;
    heads_attend(layer, heads, heads, size)
}

/// Several queries share a key and a value.
fn grouped(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let heads = layer.config.int("num_query_heads", 1)?;
    let shared = layer.config.int("num_key_value_heads", 1)?;
    let size = layer.config.int("head_dim", 1)?;
    heads_attend(layer, heads, shared, size)
}

fn heads_attend(layer: &mut Layer<'_, '_>, heads: i64, shared: i64, size: i64) -> Result<Vec<Value>> {
    let (query, value, key) = roles(layer)?;
    let source = [query.value, key.unwrap_or(value).value, value.value];
    for input in source {
        if layer.rank(input)? != 3 {
            return Err(error!(UnsupportedModel, "attention over more than one axis is not supported"));
        }
    }
    if layer.config.ints("attention_axes")?.is_some_and(|axes| axes != [1] && axes != [-2]) {
        return Err(error!(UnsupportedModel, "attention over other axes than the first is not supported"));
    }
    if layer.config.ints("output_shape")?.is_some_and(|shape| shape.len() != 1) {
        return Err(error!(UnsupportedModel, "an output of several axes is not supported"));
    }
    if heads < 1 || shared < 1 || size < 1 || heads % shared != 0 {
        return Err(error!(InvalidModel, "{heads} heads of {size} over {shared} keys are not valid"));
    }
    let q = project(layer, source[0], "query", heads, &[0, 2, 1, 3])?;
    let k = project(layer, source[1], "key", shared, &[0, 2, 1, 3])?;
    let v = project(layer, source[2], "value", shared, &[0, 2, 1, 3])?;
    let gate = if layer.config.flag("use_gate", false)? {
        Some(project(layer, source[0], "gate", heads, &[0, 2, 1, 3])?)
    } else {
        None
    };
    let (k, v) = (repeated(layer.emit, k, shared, heads), repeated(layer.emit, v, shared, heads));
    let scale = layer.emit.float(1.0 / (size as f32).sqrt());
    let q = layer.emit.mul(q, scale);
    let k = layer.emit.transpose(k, &[0, 1, 3, 2]);
    let scores = layer.emit.op("MatMul", &[q, k]);
    let masks = head_masks(layer, scores, query, value, key)?;
    let weights = masked_softmax(layer.emit, scores, masks);
    let mut context = layer.emit.op("MatMul", &[weights, v]);
    if let Some(gate) = gate {
        let gate = layer.emit.op("Sigmoid", &[gate]);
        context = layer.emit.mul(context, gate);
    }
    let made = join(layer, context)?;
    layer.mask = query.mask;
    let scores = layer.named_flag("return_attention_scores");
    Ok(if scores { vec![made, weights] } else { vec![made] })
}

/// `[batch, time, features]` times the kernel `[features, heads, size]`, as `[batch, heads, time, size]`.
fn project(layer: &mut Layer<'_, '_>, x: Value, name: &str, heads: i64, order: &[usize]) -> Result<Value> {
    let mut scope = layer.scope.part(&[&format!("{name}/")], &format!("{name}_dense"));
    let kernel = layer.context.weights.take(&mut scope, "kernel", 3)?;
    let &[features, count, size] = kernel.shape.as_slice() else {
        return Err(error!(InvalidModel, "its kernel has three axes"));
    };
    if count as i64 != heads || layer.emit.size(x, 2).is_some_and(|found| found != features as i64) {
        return Err(error!(InvalidModel, "the kernel {:?} of its {name} does not fit {heads} heads", kernel.shape));
    }
    let kernel = layer.emit.constant(kernel.reshaped(&[features, count * size]));
    let x = layer.float(x)?;
    let mut made = layer.emit.op("MatMul", &[x, kernel]);
    if layer.config.flag("use_bias", true)? {
        let bias = layer.context.weights.take(&mut scope, "bias", 2)?;
        if bias.len() != count * size {
            return Err(error!(InvalidModel, "the bias {:?} of its {name} does not fit {heads} heads", bias.shape));
        }
        let bias = layer.emit.constant(bias.reshaped(&[count * size]));
        made = layer.emit.add(made, bias);
    }
    let made = layer.emit.reshape(made, &[0, -1, heads, size as i64]);
    Ok(layer.emit.transpose(made, order))
}

/// Each of `shared` heads as often as `heads` need it.
fn repeated(emit: &mut Emit, x: Value, shared: i64, heads: i64) -> Value {
    if shared == heads {
        return x;
    }
    let size = emit.size(x, 3).unwrap_or(-1);
    let each = emit.unsqueeze(x, &[2]);
    let shape = emit.int64s(&[1, 1, heads / shared, 1, 1]);
    let each = emit.op("Expand", &[each, shape]);
    emit.reshape(each, &[0, heads, -1, size])
}

/// Masks over `[batch, heads, queries, keys]`.
fn head_masks(
    layer: &mut Layer<'_, '_>,
    scores: Value,
    query: Tensor,
    value: Tensor,
    key: Option<Tensor>,
) -> Result<Vec<Value>> {
    let mut masks = Vec::new();
    let own = |layer: &Layer<'_, '_>, name: &str, tensor: Option<Tensor>| {
        layer.named_tensor(name).map(|mask| mask.value).or(tensor.and_then(|tensor| tensor.mask))
    };
    if let Some(mask) = own(layer, "query_mask", Some(query)) {
        masks.push(layer.emit.unsqueeze(mask, &[1, 3]));
    }
    for mask in [own(layer, "value_mask", Some(value)), own(layer, "key_mask", key)].into_iter().flatten() {
        masks.push(layer.emit.unsqueeze(mask, &[1, 2]));
    }
    if let Some(mask) = layer.named_tensor("attention_mask") {
        let mask = layer.emit.cast(mask.value, DType::Bool);
        masks.push(match layer.rank(mask)? {
            3 => layer.emit.unsqueeze(mask, &[1]),
            _ => mask,
        });
    }
    if layer.named_flag("use_causal_mask") {
        masks.push(causal(layer.emit, scores));
    }
    if layer.config.has("sliding_window") {
        let width = layer.config.int("sliding_window", 1)?;
        masks.push(near(layer.emit, scores, width));
    }
    Ok(masks)
}

/// `[batch, heads, time, size]` times the kernel `[heads, size, features]`, summed over heads.
fn join(layer: &mut Layer<'_, '_>, context: Value) -> Result<Value> {
    let mut scope = layer.scope.part(&["attention_output/"], "output_dense");
    let kernel = layer.context.weights.take(&mut scope, "kernel", 3)?;
    let &[heads, size, features] = kernel.shape.as_slice() else {
        return Err(error!(InvalidModel, "its kernel has three axes"));
    };
    let rows = layer.emit.transpose(context, &[0, 2, 1, 3]);
    let rows = layer.emit.reshape(rows, &[0, -1, (heads * size) as i64]);
    let kernel = layer.emit.constant(kernel.reshaped(&[heads * size, features]));
    let made = layer.emit.op("MatMul", &[rows, kernel]);
    if !layer.config.flag("use_bias", true)? {
        return Ok(made);
    }
    let bias = layer.context.weights.take(&mut scope, "bias", 1)?;
    if bias.shape != [features] {
        return Err(error!(InvalidModel, "the bias {:?} of its output does not fit", bias.shape));
    }
    let bias = layer.emit.constant(bias);
    Ok(layer.emit.add(made, bias))
}
