//! Products: rows stay apart when they are not summed over.

use super::super::call::{Call, Outcome, Stop, doubt, mixes};
use super::super::value::{Rows, Size, Value};
use super::element_wise::join;

/// The operands of a product at these places; what else there is must be one for all rows.
pub fn matmul(call: &Call<'_>, left: usize, right: usize, of_left: &[usize]) -> Outcome {
    call.others_are_same(&[left, right])?;
    let (Some(a), Some(b)) = (call.input(left), call.input(right)) else { return doubt("lacks an operand") };
    // Scales and zero points of the left operand may be one for each row.
    let is_one = |value: &Value| matches!(value.shape.as_deref(), Some([] | [Size::Known(1)]));
    if of_left.iter().any(|&at| call.input(at).is_some_and(|value| !is_one(value))) {
        return doubt("has scales of its own for each row");
    }
    let transposed = |value: &Value, name: &str| if call.flag(name) { swap_last(value) } else { Ok(value.clone()) };
    if call.flag("transBatchA") || call.flag("transBatchB") {
        return doubt("moves its batch axes");
    }
    Ok(vec![product(&transposed(a, "transA")?, &transposed(b, "transB")?)?])
}

fn swap_last(value: &Value) -> Result<Value, Stop> {
    let Some(mut shape) = value.shape.as_ref().map(|shape| shape.to_vec()) else {
        return doubt("takes a value of unknown rank");
    };
    let rank = shape.len();
    if rank < 2 {
        return Ok(value.clone());
    }
    shape.swap(rank - 1, rank - 2);
    let axis = value.axis().map(|axis| match rank - axis {
        1 => rank - 2,
        2 => rank - 1,
        _ => axis,
    });
    Ok(Value::of(axis, shape))
}

fn product(a: &Value, b: &Value) -> Result<Value, Stop> {
    let (Some(of_a), Some(of_b)) = (a.shape.as_deref(), b.shape.as_deref()) else {
        return doubt("takes a value of unknown rank");
    };
    if of_a.is_empty() || of_b.is_empty() {
        return doubt("multiplies a scalar");
    }
    let summed_of_b = of_b.len().saturating_sub(2);
    if a.axis() == Some(of_a.len() - 1) || b.axis() == Some(summed_of_b) {
        return mixes("sums over the rows");
    }
    // The axes in front of the matrices are broadcast, and a matrix' own axis is one of the result.
    let row_of_a = (of_a.len() >= 2).then(|| of_a.len() - 2);
    let column_of_b = (of_b.len() >= 2).then(|| of_b.len() - 1);
    let front = |value: &Value, shape: &[Size]| {
        let front = shape[..shape.len().saturating_sub(2)].to_vec();
        let axis = value.axis().filter(|&axis| axis < front.len());
        Value::of(axis, front)
    };
    let (front_a, front_b) = (front(a, of_a), front(b, of_b));
    let joined = join(&[&front_a, &front_b])?;
    let mut shape = joined.shape.as_deref().unwrap_or_default().to_vec();
    let mut axes: Vec<usize> = joined.axis().into_iter().collect();
    if let Some(row) = row_of_a {
        axes.extend((a.axis() == Some(row)).then_some(shape.len()));
        shape.push(of_a[row]);
    }
    if let Some(column) = column_of_b {
        axes.extend((b.axis() == Some(column)).then_some(shape.len()));
        shape.push(of_b[column]);
    }
    match axes.as_slice() {
        [] if matches!(a.rows, Rows::Same) && matches!(b.rows, Rows::Same) => Ok(Value::same(Some(shape))),
        [axis] => Ok(Value::along(*axis, shape)),
        _ => mixes("multiplies rows with rows"),
    }
}

pub fn gemm(call: &Call<'_>) -> Outcome {
    let (Some(a), Some(b)) = (call.input(0), call.input(1)) else { return doubt("lacks an operand") };
    let oriented = |value: &Value, name: &str| if call.flag(name) { swap_last(value) } else { Ok(value.clone()) };
    let made = product(&oriented(a, "transA")?, &oriented(b, "transB")?)?;
    match call.input(2) {
        Some(added) => Ok(vec![join(&[&made, added])?]),
        None => Ok(vec![made]),
    }
}

/// A product with packed weights: the last axis is summed over.
pub fn last_axis(call: &Call<'_>) -> Outcome {
    call.others_are_same(&[0])?;
    let mut shape = call.shape(0)?.to_vec();
    let axis = call.first()?.axis();
    if axis.is_some_and(|axis| axis + 1 == shape.len()) {
        return mixes("sums over the rows");
    }
    if let Some(last) = shape.last_mut() {
        *last = Size::UNKNOWN;
    }
    Ok(vec![Value::of(axis, shape)])
}

pub fn einsum(call: &Call<'_>) -> Outcome {
    let equation: String = String::from_utf8_lossy(call.text("equation").unwrap_or_default()).replace(' ', "");
    let Some((operands, result)) = equation.split_once("->") else { return doubt("has an equation without a result") };
    if equation.contains('.') {
        return doubt("has an equation with an ellipsis");
    }
    let mut row = None;
    for (value, letters) in call.given().zip(operands.split(',')) {
        let Some(axis) = value.axis() else { continue };
        let letter = letters.chars().nth(axis);
        if letter.is_none()
            || row.is_some_and(|row| Some(row) != letter)
            || letters.matches(letter.unwrap_or(' ')).count() > 1
        {
            return mixes("sets rows against rows");
        }
        row = letter;
    }
    let Some(row) = row else { return Ok(vec![Value::same(Some(vec![Size::UNKNOWN; result.chars().count()]))]) };
    let others = call.given().zip(operands.split(',')).any(|(value, letters)| value.is_same() && letters.contains(row));
    match result.chars().position(|letter| letter == row) {
        Some(axis) if !others => Ok(vec![Value::along(axis, vec![Size::UNKNOWN; result.chars().count()])]),
        Some(_) => mixes("sets rows against what has its own number of rows"),
        None => mixes("sums over the rows"),
    }
}
