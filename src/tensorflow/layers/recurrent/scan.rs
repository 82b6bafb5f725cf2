//! Running any cell step by step.

use super::pass::{Pass, Steps};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Dims, Emit, Value};

/// Runs `step` from `initial` states over `x`, `[time, batch, ...]`. It is given a step of `x` and the states, of which the
/// first is what comes out.
///
/// # Errors
/// Those of `step`.
pub fn run(
    emit: &mut Emit,
    steps: &Steps,
    x: Value,
    mut initial: Vec<Value>,
    step: impl FnOnce(&mut Emit, Value, &[Value]) -> Result<Vec<Value>>,
) -> Result<Pass> {
    let count = initial.len();
    let rank = emit.rank(initial[0]).ok_or_else(|| error!(UnsupportedModel, "the rank of its state is not known"))?;
    let mut scanned = vec![x];
    if let Some(mask) = steps.mask {
        // What came out before is a state too.
        let zero = emit.float(0.0);
        let nothing = emit.mul(initial[0], zero);
        initial.push(nothing);
        let mask = emit.cast(mask, DType::Bool);
        let mask = emit.transpose(mask, &[1, 0]);
        let axes: Vec<i64> = (2..=rank as i64).collect();
        scanned.push(emit.unsqueeze(mask, &axes));
    }
    let inside = |emit: &Emit, value: Value| emit.shape(value).map(|shape| shape[1..].to_vec());
    let state_shapes: Vec<Option<Dims>> = initial.iter().map(|&state| emit.shape(state).cloned()).collect();
    let body = emit.body(|emit| {
        let states: Vec<Value> =
            state_shapes.into_iter().map(|shape| emit.body_input("state", DType::Float32, shape)).collect();
        let given: Vec<Value> = scanned
            .iter()
            .map(|&value| {
                let (dtype, shape) = (emit.dtype(value), inside(emit, value));
                emit.body_input("step", dtype, shape)
            })
            .collect();
        let mut made = step(emit, given[0], &states[..count])?;
        let mut shown = made[0];
        if let Some(&mask) = given.get(1) {
            let before = states[count];
            let otherwise = if steps.zero_masked { emit.float(0.0) } else { before };
            shown = emit.op("Where", &[mask, made[0], otherwise]);
            for (made, &state) in made.iter_mut().zip(&states) {
                *made = emit.op("Where", &[mask, *made, state]);
            }
            made.push(shown);
        }
        made.push(shown);
        Ok((states.into_iter().chain(given).collect(), made))
    })?;
    let inputs: Vec<Value> = initial.iter().chain(&scanned).copied().collect();
    let direction = vec![i64::from(steps.backwards)];
    let attributes = [
        ("num_scan_inputs", (scanned.len() as i64).into()),
        ("scan_input_directions", vec![direction[0]; scanned.len()].into()),
        ("scan_output_directions", direction.into()),
    ];
    let made = emit.op_with_bodies("Scan", &inputs, attributes, vec![("body", body)], initial.len() + 1);
    let last = if steps.mask.is_some() { made[count] } else { made[0] };
    Ok(Pass { sequence: made[initial.len()], last, states: made[..count].to_vec() })
}
