//! Operators that compute along some axes: rows stay apart when theirs is none of these.

use super::super::call::{Call, Outcome, Stop, doubt, mixes, resolve};
use super::super::value::{Size, Value};
use super::element_wise::join;

pub fn reduce(call: &Call<'_>) -> Outcome {
    let axes = match call.numbers("axes", 1) {
        // All axes or some: an input of unknown rank that is reduced by all is not told from others here.
        Err(stop) if call.first()?.axis().is_some() => return Err(stop),
        other => other?.filter(|axes| !axes.is_empty()),
    };
    if axes.is_none() && call.flag("noop_with_empty_axes") {
        return super::element_wise::keep(call);
    }
    reduce_axes(call, axes.as_deref(), call.int("keepdims", 1) != 0)
}

/// `ArgMax` and `ArgMin`.
pub fn position(call: &Call<'_>) -> Outcome {
    reduce_axes(call, Some(&[call.int("axis", 0)]), call.int("keepdims", 1) != 0)
}

/// `MeanVarianceNormalization`
pub fn mean_variance(call: &Call<'_>) -> Outcome {
    let axes = call.ints("axes").unwrap_or_else(|| vec![0, 2, 3]);
    reduce_axes(call, Some(&axes), true)?;
    super::element_wise::keep(call)
}

fn reduce_axes(call: &Call<'_>, axes: Option<&[i64]>, keeps: bool) -> Outcome {
    call.others_are_same(&[0])?;
    let rows = call.first()?.axis();
    let Some(axes) = axes else {
        if rows.is_some() || call.has_unknown_rows() {
            return mixes("computes over all rows");
        }
        let rank = if keeps { call.shape(0)?.len() } else { 0 };
        return Ok(vec![Value::same(Some(vec![Size::Known(1); rank]))]);
    };
    let shape = call.shape(0)?;
    let axes = axes.iter().map(|&axis| resolve(axis, shape.len())).collect::<Result<Vec<_>, _>>()?;
    if rows.is_some_and(|rows| axes.contains(&rows)) {
        return mixes("computes over the rows");
    }
    let kept = |at: usize| keeps || !axes.contains(&at);
    let left = shape.iter().enumerate().filter(|(at, _)| kept(*at));
    let reduced = left.map(|(at, &size)| if axes.contains(&at) { Size::Known(1) } else { size }).collect();
    let axis = rows.map(|rows| (0..rows).filter(|&at| kept(at)).count());
    Ok(vec![Value::of(axis, reduced)])
}

/// `Softmax`, `LogSoftmax`, `Hardmax`: until operator set 12 over all axes from one on.
pub fn softmax(call: &Call<'_>) -> Outcome {
    if call.opset < 13 { from_axis_on(call, call.int("axis", 1)) } else { along(call, call.int("axis", -1)) }
}

/// Each output has the shape of the first input, and is computed along one axis.
pub fn along(call: &Call<'_>, axis: i64) -> Outcome {
    call.others_are_same(&[0])?;
    let shape = call.shape(0)?;
    if call.first()?.axis() == Some(resolve(axis, shape.len())?) {
        return mixes("computes along the rows");
    }
    super::element_wise::keep(call)
}

/// `CumSum`: the axis is an input.
pub fn cumulate(call: &Call<'_>) -> Outcome {
    match call.numbers("axis", 1)?.as_deref() {
        Some([axis]) => along(call, *axis),
        _ => doubt("computes its axis"),
    }
}

/// `DFT`: the length along the axis may change, and the last axis too.
pub fn dft(call: &Call<'_>) -> Outcome {
    let axis = if call.opset < 20 {
        call.int("axis", 1)
    } else {
        call.numbers("axis", 2)?.and_then(|axes| axes.first().copied()).unwrap_or(-2)
    };
    let transformed = along(call, axis)?;
    let (at, mut shape) = (resolve(axis, call.shape(0)?.len())?, call.shape(0)?.to_vec());
    shape[at] = Size::UNKNOWN;
    if let Some(last) = shape.last_mut().filter(|size| size.is_same()) {
        *last = Size::UNKNOWN;
    }
    Ok(transformed.iter().map(|value| Value::of(value.axis(), shape.clone())).collect())
}

/// `TopK`: values and indices.
pub fn top(call: &Call<'_>) -> Outcome {
    let axis = call.int("axis", -1);
    let mut outputs = along(call, axis)?;
    let mut shape = call.shape(0)?.to_vec();
    let at = resolve(axis, shape.len())?;
    let count = call.numbers("k", 1).ok().flatten().and_then(|count| count.first().copied());
    shape[at] = count.map_or(Size::UNKNOWN, Size::Known);
    outputs.iter_mut().for_each(|output| *output = Value::of(output.axis(), shape.clone()));
    Ok(outputs)
}

/// `LayerNormalization` and what is like it: over the last axes, scaled by operands that are broadcast.
pub fn normalize_last(call: &Call<'_>) -> Outcome {
    let operands: Vec<&Value> = call.given().collect();
    let joined = join(&operands)?;
    let rank = joined.rank().unwrap_or(0);
    let first = resolve(call.int("axis", -1), rank)?;
    if joined.axis().is_some_and(|rows| rows >= first) {
        return mixes("normalizes over the rows");
    }
    let statistics = |shape: &[Size]| {
        let size = |(at, size): (usize, &Size)| if at < first { *size } else { Size::Known(1) };
        shape.iter().enumerate().map(size).collect()
    };
    let shape = joined.shape.clone().unwrap_or_default();
    let output = |at| if at == 0 { joined.clone() } else { Value::of(joined.axis(), statistics(&shape)) };
    // The sum of `SkipLayerNormalization` has the common shape.
    let last = call.node.output.len().saturating_sub(1);
    Ok((0..=last).map(|at| if at == 3 { joined.clone() } else { output(at) }).collect())
}

fn from_axis_on(call: &Call<'_>, axis: i64) -> Outcome {
    call.others_are_same(&[0])?;
    let first = resolve(axis, call.shape(0)?.len())?;
    if call.first()?.axis().is_some_and(|rows| rows >= first) {
        return mixes("computes along the rows");
    }
    super::element_wise::keep(call)
}

/// The last two axes are those of a matrix that is computed with as a whole.
pub fn last_two(call: &Call<'_>) -> Outcome {
    let rank = call.shape(0)?.len();
    from_axis_on(call, rank.saturating_sub(2) as i64)
}

/// `ReverseSequence`: each row has a length of its own.
pub fn reverse_sequence(call: &Call<'_>) -> Outcome {
    let data = call.first()?;
    let batch = resolve(call.int("batch_axis", 1), call.shape(0)?.len())?;
    let lengths = call.input(1).and_then(Value::axis);
    match data.axis() {
        Some(rows) if rows == batch && lengths == Some(0) => super::element_wise::keep(call),
        None if lengths.is_none() => super::element_wise::keep(call),
        _ => Err(Stop::Mixes("reverses along the rows".into())),
    }
}
