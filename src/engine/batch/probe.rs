//! What the graph leaves open about the rows of a model, checked by running synthetic rows alone and together.
//!
//! Where the graph proves that rows stay apart, two rows see to it that the engine does as the graph says. Where it does not,
//! rows that differ in all respects must give the same alone as in every company; this is no proof, and so what the graph shows
//! to mix is never batched, whatever such a check says.

use super::independence::{Analysis, Independence};
use super::rows;
use super::synthetic::{self, KINDS, LOOKS, Look};
use crate::error::ErrorCode;
use crate::signature::Signature;
use crate::tensor::{DType, Tensor, Value};
use half::{bf16, f16};

/// Gives the outputs for named inputs.
pub type Runner<'a> = &'a dyn Fn(&[(String, Value)]) -> Result<Vec<Value>, ErrorCode>;

type Row = Vec<(String, Value)>;
type Alone = Vec<Value>;

/// # Errors
/// Why rows may not run together.
pub fn check(signature: &Signature, analysis: &Analysis, run: Runner<'_>) -> Result<(), String> {
    let looks: &[Look] = match &analysis.independence {
        Independence::Mixing(reason) => return Err(reason.clone()),
        Independence::Proved => &LOOKS[..2],
        Independence::Doubtful(_) => &LOOKS,
    };
    // The first kind of row that the model takes decides.
    let Some(alone) = KINDS.iter().find_map(|&kind| {
        looks
            .iter()
            .map(|&look| synthetic::row(signature, &analysis.table_rows, kind, look))
            .map(|row| row.and_then(|row| run(&row).ok().map(|outputs| (row, outputs))))
            .collect::<Option<Vec<(Row, Alone)>>>()
    }) else {
        return Err("no synthetic rows run, by which it could be checked".to_owned());
    };
    let failed = match &analysis.independence {
        Independence::Doubtful(reason) => {
            tell_apart(&alone).and_then(|()| all_orders(&alone, run)).map_err(|what| (what, Some(reason)))
        }
        // A proof needs no check that takes long.
        _ => all_orders(&alone, run).or_else(|what| if what == TOO_LONG { Ok(()) } else { Err((what, None)) }),
    };
    failed.map_err(|(what, doubt)| doubt.map_or_else(|| what.to_owned(), |doubt| format!("{doubt}, and {what}")))
}

/// Runs the first row that the model takes.
pub fn run_one(signature: &Signature, analysis: &Analysis, run: Runner<'_>) {
    let row = |kind| synthetic::row(signature, &analysis.table_rows, kind, LOOKS[0]);
    KINDS.iter().filter_map(|&kind| row(kind)).find_map(|row| run(&row).ok());
}

/// Outputs that say nothing about their row prove nothing.
fn tell_apart(alone: &[(Row, Alone)]) -> Result<(), &'static str> {
    let differs = |pair: &[(Row, Alone)]| pair[0].1 != pair[1].1;
    if alone.windows(2).any(differs) { Ok(()) } else { Err("all synthetic rows give the same") }
}

const TOO_LONG: &str = "synthetic rows took too long together";

fn all_orders(alone: &[(Row, Alone)], run: Runner<'_>) -> Result<(), &'static str> {
    let forward: Vec<&(Row, Alone)> = alone.iter().collect();
    let backward: Vec<&(Row, Alone)> = alone.iter().rev().collect();
    same_together(&forward, run)?;
    same_together(&backward, run)?;
    if alone.len() > 2 {
        same_together(&backward[..2], run)?;
        same_together(&forward[..2], run)?;
    }
    Ok(())
}

fn same_together(group: &[&(Row, Alone)], run: Runner<'_>) -> Result<(), &'static str> {
    const DIFFERS: &str = "a synthetic row gave another answer among others than alone";
    let joined = |at: usize| {
        let parts = group.iter().map(|(row, _)| row[at].1.as_tensor()).collect::<Option<Vec<&Tensor>>>()?;
        Some((group[0].0[at].0.clone(), rows::join(&parts).into()))
    };
    let inputs = (0..group[0].0.len()).map(joined).collect::<Option<Row>>().ok_or("an input has no rows")?;
    let together = match run(&inputs) {
        Ok(together) => together,
        Err(ErrorCode::DeadlineExceeded) => return Err(TOO_LONG),
        Err(_) => return Err("synthetic rows did not run together"),
    };
    for (at, value) in together.into_iter().enumerate() {
        let parts =
            rows::split(value, &vec![1; group.len()]).ok_or("an output has no row for each row of the inputs")?;
        if !parts.iter().zip(group).all(|(part, (_, alone))| alone.get(at).is_some_and(|alone| close(alone, part))) {
            return Err(DIFFERS);
        }
    }
    Ok(())
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

/// How far an element may be from what it is alone, as a part of itself: kernels for other numbers of rows round in another
/// order. Float64 is often computed with narrower weights.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::Float64 => 1e-6,
        DType::Float32 => 1e-4,
        DType::Float16 => 1e-2,
        _ => 6e-2,
    }
}

/// An element near zero carries the rounding of what cancelled out: it counts as this part of the row's largest.
const LEAST_PART: f64 = 1e-2;

fn close_tensors(one: &Tensor, other: &Tensor) -> bool {
    if one.dtype != other.dtype || one.shape != other.shape {
        return false;
    }
    let (Some(ones), Some(others)) = (numbers(one), numbers(other)) else { return one == other };
    let largest = ones.iter().map(|number| number.abs()).filter(|size| size.is_finite()).fold(0.0, f64::max);
    let tolerance = tolerance(one.dtype);
    let least = (largest * LEAST_PART).max(f64::from(f32::MIN_POSITIVE));
    ones.iter().zip(&others).all(|(one, other)| {
        let size = one.abs().max(other.abs()).max(least);
        let near = one.is_finite() && other.is_finite() && (one - other).abs() <= tolerance * size;
        one == other || (one.is_nan() && other.is_nan()) || near
    })
}

fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    Some(match tensor.dtype {
        DType::Float32 => tensor.elements::<f32>()?.iter().map(|&number| f64::from(number)).collect(),
        DType::Float64 => tensor.elements::<f64>()?.to_vec(),
        DType::Float16 => tensor.elements::<f16>()?.iter().map(|&number| f64::from(number)).collect(),
        DType::BFloat16 => tensor.elements::<bf16>()?.iter().map(|&number| f64::from(number)).collect(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_compared_one_by_one_as_precisely_as_their_type_is() {
        let single = |numbers: &[f32]| Tensor::from_elements(&[1, numbers.len()], numbers);
        assert!(close_tensors(&single(&[1e4, 1.0]), &single(&[1e4 + 0.1, 1.005])));
        assert!(!close_tensors(&single(&[1e4, 900.0]), &single(&[1e4, 901.0])));
        assert!(!close_tensors(&single(&[1.0]), &single(&[1.001])));
        let half = |number: f32| Tensor::from_elements(&[1, 1], &[f16::from_f32(number)]);
        assert!(close_tensors(&half(1.0), &half(1.005)));
        let double = |number: f64| Tensor::from_elements(&[1, 1], &[number]);
        assert!(!close_tensors(&double(1.0), &double(1.000_01)));
        assert!(close_tensors(&single(&[f32::NAN]), &single(&[f32::NAN])));
        assert!(!close_tensors(&single(&[f32::INFINITY]), &single(&[1.0])));
    }
}
