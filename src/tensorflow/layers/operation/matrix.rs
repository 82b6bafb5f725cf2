//! Matrices: their parts, and further products.

use super::operands::{alike, pair, wrapped_axis};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::layers::topology::Argument;
use serde_json::Value as Json;

/// What is on one side of a diagonal.
pub fn triangle(layer: &mut Layer<'_, '_>, upper: bool) -> Result<Vec<Value>> {
    let x = layer.raw();
    let dtype = layer.emit.dtype(x);
    let offset = layer.field_int(&["k"], 0)?;
    let offset = layer.emit.int64(offset);
    // ONNX Runtime has no `Trilu` of int32.
    let wide = if dtype == DType::Int32 { layer.emit.cast(x, DType::Int64) } else { x };
    let made = layer.emit.op_with("Trilu", &[wide, offset], [("upper", i64::from(upper).into())]);
    Ok(vec![layer.emit.cast(made, dtype)])
}

/// The elements of a diagonal of two axes, which become the last one.
fn diagonal_of(layer: &mut Layer<'_, '_>, x: Value) -> Result<Value> {
    let rank = layer.rank(x)?;
    let offset = layer.field_int(&["offset"], 0)?;
    let (first, second) = (layer.field_int(&["axis1"], 0)?, layer.field_int(&["axis2"], 1)?);
    let (first, second) = (wrapped_axis(first, rank)?, wrapped_axis(second, rank)?);
    let sizes = [first, second].map(|axis| layer.emit.size(x, axis as i64));
    let [Some(rows), Some(columns)] = sizes else {
        return Err(error!(UnsupportedModel, "the size of the matrix is not known"));
    };
    if first == second || rows.saturating_mul(columns) > MAX_ELEMENTS {
        return Err(error!(InvalidModel, "a matrix of two axes and at most {MAX_ELEMENTS} elements is expected"));
    }
    let order: Vec<usize> = (0..rank).filter(|&axis| axis != first && axis != second).chain([first, second]).collect();
    let emit = &mut *layer.emit;
    let behind = emit.transpose(x, &order);
    let shape = emit.shape_of(behind);
    let outer = emit.slice(shape, 0, 0, rank as i64 - 2);
    let all = emit.int64s(&[rows * columns]);
    let flat = emit.concat(&[outer, all], 0);
    let flat = emit.reshape_to(behind, flat);
    let places: Vec<i64> = (0..rows)
        .filter(|row| (0..columns).contains(&row.saturating_add(offset)))
        .map(|row| row * columns + row + offset)
        .collect();
    let places = emit.int64s(&places);
    Ok(emit.gather(flat, places, -1))
}

const MAX_ELEMENTS: i64 = 1 << 24;

pub fn diagonal(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    Ok(vec![diagonal_of(layer, x)?])
}

pub fn trace(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let elements = diagonal_of(layer, x)?;
    Ok(vec![layer.emit.reduce("ReduceSum", elements, Some(&[-1]), false)])
}

/// A product by an equation of letters.
fn by_letters(layer: &mut Layer<'_, '_>, a: Value, b: Value, equation: String) -> Result<Vec<Value>> {
    let (a, b) = (layer.float(a)?, layer.float(b)?);
    Ok(vec![layer.emit.op_with("Einsum", &[a, b], [("equation", equation.into())])])
}

/// So many letters, from a first one on.
fn letters(first: u8, count: usize) -> Result<Vec<char>> {
    if count > 12 {
        return Err(error!(UnsupportedModel, "tensors of more than 12 axes are not multiplied"));
    }
    Ok((first..).take(count).map(char::from).collect())
}

fn text(letters: &[char]) -> String {
    letters.iter().collect()
}

/// Sums over the last axis of the first, and an axis of the second counted from its end.
pub fn dot(layer: &mut Layer<'_, '_>, from_end: usize) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    let ranks = (layer.rank(pair[0])?, layer.rank(pair[1])?);
    if ranks.0 == 0 || ranks.1 == 0 {
        return Ok(vec![layer.emit.mul(pair[0], pair[1])]);
    }
    if from_end == 2 && ranks.1 <= 2 {
        return Ok(vec![layer.emit.op("MatMul", &pair)]);
    }
    let (a, mut b) = (letters(b'a', ranks.0)?, letters(b'n', ranks.1)?);
    let summed = ranks.1 - from_end.min(ranks.1);
    b[summed] = a[ranks.0 - 1];
    let rest: Vec<char> =
        a[..ranks.0 - 1].iter().chain(b.iter().filter(|&&letter| letter != a[ranks.0 - 1])).copied().collect();
    by_letters(layer, pair[0], pair[1], format!("{},{}->{}", text(&a), text(&b), text(&rest)))
}

/// Sums over so many axes between both, or over pairs of axes.
pub fn tensor_dot(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    let ranks = (layer.rank(pair[0])?, layer.rank(pair[1])?);
    let given = layer.field(&["axes"]);
    let lists = match &given {
        Some(Argument::Plain(Json::Array(lists))) if lists.len() == 2 => {
            let list = |json: &Json| match json {
                Json::Array(axes) => axes.iter().map(Json::as_i64).collect::<Option<Vec<_>>>(),
                json => json.as_i64().map(|axis| vec![axis]),
            };
            Some((list(&lists[0]), list(&lists[1])))
        }
        _ => None,
    };
    let (from, to): (Vec<i64>, Vec<i64>) = match lists {
        Some((Some(from), Some(to))) if from.len() == to.len() => (from, to),
        Some(_) => return Err(error!(InvalidModel, "\"axes\" should be two lists of axes")),
        None => {
            let count = layer.field_int(&["axes"], 2)?;
            ((ranks.0 as i64 - count..ranks.0 as i64).collect(), (0..count).collect())
        }
    };
    let (a, mut b) = (letters(b'a', ranks.0)?, letters(b'n', ranks.1)?);
    let mut summed = Vec::new();
    for (from, to) in from.into_iter().zip(to) {
        let letter = a[wrapped_axis(from, ranks.0)?];
        b[wrapped_axis(to, ranks.1)?] = letter;
        summed.push(letter);
    }
    let rest: Vec<char> = a.iter().chain(&b).filter(|letter| !summed.contains(letter)).copied().collect();
    by_letters(layer, pair[0], pair[1], format!("{},{}->{}", text(&a), text(&b), text(&rest)))
}

/// Each element of one with each of the other.
pub fn outer(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    let (column, row) = (layer.emit.reshape(pair[0], &[-1, 1]), layer.emit.reshape(pair[1], &[1, -1]));
    Ok(vec![layer.emit.mul(column, row)])
}

/// The sum of the products of all elements.
pub fn flat_dot(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    let (a, b) = (layer.emit.reshape(pair[0], &[-1]), layer.emit.reshape(pair[1], &[-1]));
    let products = layer.emit.mul(a, b);
    Ok(vec![layer.emit.reduce("ReduceSum", products, None, false)])
}

/// The vectors at right angles to pairs of vectors of three numbers along the last axis.
pub fn cross(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    let shared = layer.config.ints("axis")?.and_then(|axes| axes.first().copied());
    for field in ["axisa", "axisb", "axisc"] {
        let axis = shared.unwrap_or(layer.field_int(&[field], -1)?);
        if axis != -1 && axis != layer.rank(pair[0])? as i64 - 1 {
            return Err(error!(UnsupportedModel, "\"{field}\" should be the last axis"));
        }
    }
    if pair.iter().any(|&value| layer.emit.size(value, -1) != Some(3)) {
        return Err(error!(UnsupportedModel, "vectors of three numbers are expected"));
    }
    let emit = &mut *layer.emit;
    let turned = |emit: &mut Emit, x: Value, order: [i64; 3]| {
        let order = emit.int64s(&order);
        emit.gather(x, order, -1)
    };
    let (a, b) = (turned(emit, pair[0], [1, 2, 0]), turned(emit, pair[1], [2, 0, 1]));
    let first = emit.mul(a, b);
    let (a, b) = (turned(emit, pair[0], [2, 0, 1]), turned(emit, pair[1], [1, 2, 0]));
    let second = emit.mul(a, b);
    Ok(vec![emit.sub(first, second)])
}

/// The first of several choices whose condition holds, element by element.
pub fn select_first(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let lists = [layer.operand(0, &["condlist"])?, layer.operand(1, &["choicelist"])?];
    let [Argument::List(conditions), Argument::List(choices)] = lists else {
        return Err(error!(InvalidModel, "a list of conditions and one of choices are expected"));
    };
    if conditions.len() != choices.len() {
        return Err(error!(InvalidModel, "as many choices as conditions are expected"));
    }
    let zero = Json::from(0);
    let default = layer.operand(2, &["default"]).ok().filter(|given| !given.is_nothing());
    let operands: Vec<_> = choices.into_iter().chain([default.unwrap_or(Argument::Plain(&zero))]).collect();
    let mut values = alike(layer, &operands)?;
    let mut made = values.pop().ok_or_else(|| error!(InvalidModel, "it has no choices"))?;
    for (condition, value) in conditions.iter().zip(values).rev() {
        let condition = alike(layer, std::slice::from_ref(condition))?[0];
        let condition = layer.emit.cast(condition, DType::Bool);
        made = layer.emit.select(condition, value, made);
    }
    Ok(vec![made])
}
