//! Operations whose outputs have as many elements as the values say: chosen boxes, places, distinct and largest elements.

use super::Rule;
use super::node::{Node, Output};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::numeric;

pub const RULES: &[(&str, Rule)] = &[
    ("NonMaxSuppressionV2", |node| Ok(suppress(node, false)?.indices.into())),
    ("NonMaxSuppressionV3", |node| Ok(suppress(node, true)?.indices.into())),
    ("NonMaxSuppressionV4", suppress_padded),
    ("NonMaxSuppressionV5", suppress_scored),
    ("Where", where_),
    ("TopKV2", top_k),
    ("Unique", unique),
    ("UniqueV2", unique),
    ("ListDiff", list_diff),
    ("LowerBound", |node| bound(node, "Less")),
    ("UpperBound", |node| bound(node, "LessOrEqual")),
];

struct Suppressed {
    /// int32, the best first.
    indices: Value,
    /// How many there are.
    count: Value,
}

fn suppress(node: &mut Node<'_>, with_score: bool) -> Result<Suppressed> {
    let [boxes, scores, most, overlap] = [node.input(0)?, node.input(1)?, node.input(2)?, node.input(3)?];
    let least = if with_score { Some(node.input(4)?) } else { None };
    let emit = &mut *node.emit;
    let (boxes, scores) = (emit.unsqueeze(boxes, &[0]), emit.unsqueeze(scores, &[0, 1]));
    let (most, overlap) = (emit.cast(most, DType::Int64), emit.reshape(overlap, &[1]));
    let most = emit.reshape(most, &[1]);
    let least = least.map_or(Value::ABSENT, |least| emit.reshape(least, &[1]));
    let chosen = emit.op("NonMaxSuppression", &[boxes, scores, most, overlap, least]);
    // Rows of batch, class and box.
    let indices = emit.slice(chosen, 1, 2, 3);
    let indices = emit.squeeze(indices, &[1]);
    let count = emit.shape_of(indices);
    Ok(Suppressed { indices: emit.cast(indices, DType::Int32), count })
}

/// Boxes as their lower and upper corners, and how large they are.
struct Boxes {
    low: Value,
    high: Value,
    area: Value,
}

impl Boxes {
    fn of(emit: &mut Emit, boxes: Value) -> Self {
        let (one, other) = (emit.slice(boxes, 1, 0, 2), emit.slice(boxes, 1, 2, 4));
        let (low, high) = (emit.op("Min", &[one, other]), emit.op("Max", &[one, other]));
        let sides = emit.sub(high, low);
        Self { low, high, area: emit.reduce("ReduceProd", sides, Some(&[1]), false) }
    }

    /// Which part of both each box has in common with the one at a place.
    fn overlap(&self, emit: &mut Emit, place: Value) -> Value {
        let [low, high, area] = [self.low, self.high, self.area].map(|part| emit.gather(part, place, 0));
        let (low, high) = (emit.op("Max", &[low, self.low]), emit.op("Min", &[high, self.high]));
        let sides = emit.sub(high, low);
        let sides = emit.op("Relu", &[sides]);
        let common = emit.reduce("ReduceProd", sides, Some(&[1]), false);
        let both = emit.add(area, self.area);
        let whole = emit.sub(both, common);
        numeric::div_no_nan(emit, common, whole)
    }
}

/// Chooses the best box again and again; each lowers the scores of the others by how much they overlap. Gives the scores that
/// the chosen had then too.
fn suppress_softly(node: &mut Node<'_>, sigma: f32) -> Result<(Suppressed, Value)> {
    let [boxes, scores, most, overlap, least] =
        [node.input(0)?, node.input(1)?, node.input(2)?, node.input(3)?, node.input(4)?];
    let emit = &mut *node.emit;
    let boxes = Boxes::of(emit, boxes);
    let [overlap, least] = [overlap, least].map(|limit| emit.reshape(limit, &[]));
    let most = emit.cast(most, DType::Int64);
    let most = emit.reshape(most, &[]);
    let (gone, slope) = (emit.float(f32::NEG_INFINITY), emit.float(-0.5 / sigma));
    let holds = |emit: &mut Emit, scores: Value| {
        let best = emit.reduce("ReduceMax", scores, Some(&[0]), false);
        emit.op("Greater", &[best, least])
    };
    // Without a box there is none that is best.
    let none = emit.floats(&[f32::NEG_INFINITY]);
    let shown = emit.concat(&[scores, none], 0);
    let start = holds(emit, shown);
    let known = emit.shape(scores).cloned();
    let body = emit.body(|emit| {
        let iteration = emit.body_input("iteration", DType::Int64, Some(Vec::new()));
        let before = emit.body_input("condition", DType::Bool, Some(Vec::new()));
        let scores = emit.body_input("scores", DType::Float32, known.or(Some(vec![None])));
        let place = emit.op_with("ArgMax", &[scores], [("axis", 0.into()), ("keepdims", 1.into())]);
        let score = emit.gather(scores, place, 0);
        let shared = boxes.overlap(emit, place);
        let square = emit.mul(shared, shared);
        let power = emit.mul(square, slope);
        let weight = emit.op("Exp", &[power]);
        let zero = emit.float(0.0);
        let beyond = emit.op("Greater", &[shared, overlap]);
        let weight = emit.select(beyond, zero, weight);
        let lowered = emit.mul(scores, weight);
        let was_gone = emit.op("Equal", &[scores, gone]);
        let lowered = emit.select(was_gone, gone, lowered);
        let shape = emit.shape_of(scores);
        let count = emit.squeeze(shape, &[0]);
        let (from, step) = (emit.int64(0), emit.int64(1));
        let places = emit.op("Range", &[from, count, step]);
        let itself = emit.op("Equal", &[places, place]);
        let left = emit.select(itself, gone, lowered);
        let goes_on = holds(emit, left);
        let (place, score) = (emit.squeeze(place, &[0]), emit.squeeze(score, &[0]));
        Ok((vec![iteration, before, scores], vec![goes_on, left, place, score]))
    })?;
    let made = emit.op_with_bodies("Loop", &[most, start, scores], [], vec![("body", body)], 3);
    emit.assume_shape(made[1], &[None]);
    emit.assume_shape(made[2], &[None]);
    let count = emit.shape_of(made[1]);
    Ok((Suppressed { indices: emit.cast(made[1], DType::Int32), count }, made[2]))
}

/// Fills a list with zeros up to as many elements as an input says.
fn fill_up(emit: &mut Emit, list: Value, count: Value, most: Value) -> Value {
    let most = emit.cast(most, DType::Int64);
    let most = emit.reshape(most, &[1]);
    let missing = emit.sub(most, count);
    let before = emit.int64s(&[0]);
    let pads = emit.concat(&[before, missing], 0);
    let filled = emit.op("Pad", &[list, pads]);
    if let Some(size) = emit.int_of(most) {
        emit.assume_shape(filled, &[Some(size)]);
    }
    filled
}

fn scalar_count(emit: &mut Emit, count: Value) -> Value {
    let count = emit.squeeze(count, &[0]);
    emit.cast(count, DType::Int32)
}

fn suppress_padded(node: &mut Node<'_>) -> Result<Output> {
    let Suppressed { mut indices, count } = suppress(node, true)?;
    if node.definition.flag("pad_to_max_output_size") {
        let most = node.input(2)?;
        indices = fill_up(node.emit, indices, count, most);
    }
    let valid = scalar_count(node.emit, count);
    Ok(vec![indices, valid].into())
}

fn suppress_scored(node: &mut Node<'_>) -> Result<Output> {
    let sigma = node.input(5)?;
    let sigma = node.emit.constant_of(sigma).and_then(|sigma| sigma.numbers()).filter(|sigma| sigma.len() == 1);
    let Some(sigma) = sigma.map(|sigma| sigma[0]).filter(|sigma| *sigma >= 0.0) else {
        return Err(error!(UnsupportedModel, "its soft_nms_sigma is computed at run time, or negative"));
    };
    let (scores, most) = (node.input(1)?, node.input(2)?);
    let (Suppressed { mut indices, count }, mut chosen) = if sigma > 0.0 {
        suppress_softly(node, sigma as f32)?
    } else {
        let suppressed = suppress(node, true)?;
        let chosen = node.emit.gather(scores, suppressed.indices, 0);
        (suppressed, chosen)
    };
    let emit = &mut *node.emit;
    if node.definition.flag("pad_to_max_output_size") {
        indices = fill_up(emit, indices, count, most);
        chosen = fill_up(emit, chosen, count, most);
    }
    let valid = scalar_count(emit, count);
    Ok(vec![indices, chosen, valid].into())
}

/// The places of all elements that are not zero, one row for each.
fn where_(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let emit = &mut *node.emit;
    let places = emit.op("NonZero", &[x]);
    let rows = emit.op_with("Transpose", &[places], [("perm", vec![1i64, 0].into())]);
    Ok(emit.cast(rows, DType::Int32).into())
}

fn top_k(node: &mut Node<'_>) -> Result<Output> {
    let (x, k) = (node.input(0)?, node.input(1)?);
    let emit = &mut *node.emit;
    let k = emit.cast(k, DType::Int64);
    let k = emit.reshape(k, &[1]);
    let both = emit.op_n("TopK", &[x, k], [("axis", (-1).into())], 2);
    let indices = emit.cast(both[1], DType::Int32);
    Ok(vec![both[0], indices].into())
}

/// The distinct elements in the order of their first places, and for each element which of them it is.
fn unique(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let axis = match node.optional_input(1) {
        Some(_) => node.constant_ints(1, "the axis")?.first().copied(),
        None => None,
    };
    let dtype = node.dtype(0)?;
    let rank = node.rank(0)?;
    let axis = axis.unwrap_or(0);
    let emit = &mut *node.emit;
    // ONNX Runtime has no `Unique` of int32.
    let wide = if dtype == DType::Int32 { emit.cast(x, DType::Int64) } else { x };
    let made = emit.op_n("Unique", &[wide], [("axis", axis.into()), ("sorted", 0.into())], 3);
    let mut shape = emit.shape(x).cloned().unwrap_or_default();
    if let Some(size) = shape.get_mut(super::node::wrap_axis(axis, rank)?) {
        *size = None;
    }
    emit.assume_shape(made[0], &shape);
    emit.assume_dtype(made[2], DType::Int64);
    emit.assume_shape(made[2], &[None]);
    let (distinct, which) = (emit.cast(made[0], dtype), emit.cast(made[2], DType::Int32));
    Ok(vec![distinct, which].into())
}

/// The elements of the first list that the second lacks, and their places.
fn list_diff(node: &mut Node<'_>) -> Result<Output> {
    let (x, y) = (node.input(0)?, node.input(1)?);
    let emit = &mut *node.emit;
    let (columns, rows) = (emit.unsqueeze(x, &[1]), emit.unsqueeze(y, &[0]));
    let equal = emit.op("Equal", &[columns, rows]);
    let equal = emit.cast(equal, DType::Int32);
    let found = emit.reduce("ReduceSum", equal, Some(&[1]), false);
    let zero = emit.scalar_like(found, 0.0);
    let lacking = emit.op("Equal", &[found, zero]);
    let places = emit.op("NonZero", &[lacking]);
    let places = emit.squeeze(places, &[0]);
    let elements = emit.gather(x, places, 0);
    let places = emit.cast(places, DType::Int32);
    Ok(vec![elements, places].into())
}

/// For each value how many elements of its sorted row are below it, or not above.
fn bound(node: &mut Node<'_>, comparison: &'static str) -> Result<Output> {
    let (sorted, values) = (node.input(0)?, node.input(1)?);
    let emit = &mut *node.emit;
    let (sorted, values) = (emit.unsqueeze(sorted, &[1]), emit.unsqueeze(values, &[2]));
    let below = emit.op(comparison, &[sorted, values]);
    let below = emit.cast(below, DType::Int32);
    Ok(emit.reduce("ReduceSum", below, Some(&[2]), false).into())
}
