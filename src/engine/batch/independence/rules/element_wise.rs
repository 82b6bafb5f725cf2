//! Operators that compute each element by itself, operands broadcast.

use super::super::call::{Call, Outcome, Stop, doubt, mixes, resolve};
use super::super::value::{Rows, Size, Value};

/// One output of the common shape of all inputs.
pub fn broadcast(call: &Call<'_>) -> Outcome {
    let operands: Vec<&Value> = call.given().collect();
    Ok(vec![join(&operands)?])
}

/// The value that has an element for each place of the common shape.
pub fn join(operands: &[&Value]) -> Result<Value, Stop> {
    let Some(rank) = operands.iter().try_fold(0, |most, operand| Some(operand.rank()?.max(most))) else {
        return doubt("takes a value of unknown rank");
    };
    let place = |operand: &Value, axis: usize| rank - operand.rank().unwrap_or(rank) + axis;
    let mut axis = None;
    for operand in operands {
        let Rows::Along(own) = operand.rows else { continue };
        let at = place(operand, own);
        if axis.is_some_and(|axis| axis != at) {
            return mixes("sets rows against rows");
        }
        axis = Some(at);
    }
    let mut shape = vec![Size::Known(1); rank];
    for operand in operands {
        for (own, &size) in operand.shape.iter().flat_map(|shape| shape.iter()).enumerate() {
            let at = place(operand, own);
            if axis == Some(at) && operand.is_same() && size != Size::Known(1) {
                return match size {
                    Size::Known(_) => mixes("sets rows against what has its own number of rows"),
                    _ => doubt("sets rows against a value of unknown shape"),
                };
            }
            shape[at] = match (shape[at], size) {
                (Size::Known(1), other) | (other, Size::Known(1)) => other,
                (Size::Known(known), other) | (other, Size::Known(known)) if other.is_same() => Size::Known(known),
                (one, other) => one.or(other),
            };
        }
    }
    Ok(Value::of(axis, shape))
}

/// `QuantizeLinear` and `DequantizeLinear`: the scale is one for all, for each place along an axis, or for each block.
pub fn quantize(call: &Call<'_>) -> Outcome {
    let data = call.first()?;
    call.others_are_same(&[0])?;
    let scale = call.shape(1)?;
    let Some(rows) = data.axis() else { return Ok(vec![Value::same(data.shape.as_ref().map(|shape| shape.to_vec()))]) };
    let shape = call.shape(0)?;
    let for_each_row = match scale {
        [] | [Size::Known(1)] => false,
        [_] => resolve(call.int("axis", 1), shape.len())? == rows,
        _ => scale.get(rows) != Some(&Size::Known(1)),
    };
    if for_each_row {
        return mixes("has scales of its own for each row");
    }
    Ok(vec![Value::of(Some(rows), shape.to_vec())])
}

/// One more axis at the end.
pub fn add_axis(call: &Call<'_>) -> Outcome {
    call.others_are_same(&[0])?;
    let mut shape = call.shape(0)?.to_vec();
    shape.push(Size::UNKNOWN);
    Ok(vec![Value::of(call.first()?.axis(), shape)])
}

/// Every output is as the first input.
pub fn keep(call: &Call<'_>) -> Outcome {
    let first = call.first()?.clone();
    Ok(vec![first; call.node.output.len()])
}
