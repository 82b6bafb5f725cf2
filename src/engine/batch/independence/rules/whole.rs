//! Operators that treat their first axis as a batch, or a whole record of it as one.

use super::super::call::{Call, Outcome, mixes};
use super::super::value::{Rows, Size, Value};
use crate::onnx::operators::ShapeRule;

/// Convolutions, pools and norms: an item of the first axis is an image or a signal, and so is one of every output.
pub fn leading(call: &Call<'_>) -> Outcome {
    for value in call.given() {
        match value.axis() {
            None | Some(0) => {}
            Some(_) => return mixes("computes along the rows"),
        }
    }
    let rows = call.given().any(|value| value.axis().is_some());
    if rows && call.first()?.is_same() {
        return mixes("takes its weights from the rows");
    }
    let mut shape = call.shape(0)?.to_vec();
    shape.iter_mut().skip(1).for_each(|size| *size = Size::UNKNOWN);
    if let Some(Size::Known(channels)) = call.input(1).and_then(|weights| weights.shape.as_deref()?.first().copied())
        && call.shape_rule() == ShapeRule::Convolution
        && let Some(size) = shape.get_mut(1)
    {
        *size = Size::Known(channels);
    }
    let output = |at: usize| match at {
        // Indices of a MaxPool are counted over the whole tensor.
        1.. if rows => Value::mixed("it counts places over all rows"),
        _ => Value::of(rows.then_some(0), shape.clone()),
    };
    Ok((0..call.node.output.len()).map(output).collect())
}

/// Weights must be one for all rows, too.
pub fn convolution(call: &Call<'_>) -> Outcome {
    call.others_are_same(&[0])?;
    leading(call)
}

/// Like its input, an item of the first axis for itself.
pub fn leading_keep(call: &Call<'_>) -> Outcome {
    call.others_are_same(&[0])?;
    if call.first()?.axis().is_some_and(|rows| rows > 0) {
        return mixes("computes along the rows");
    }
    super::element_wise::keep(call)
}

pub fn batch_normalization(call: &Call<'_>) -> Outcome {
    if call.flag("training_mode") || (call.opset < 7 && !call.flag("is_test")) {
        return mixes("normalizes by its batch, as in training");
    }
    leading_keep(call)
}

pub fn dropout(call: &Call<'_>) -> Outcome {
    let trains = match call.input(2) {
        None => call.opset < 7 && !call.flag("is_test"),
        Some(mode) => mode.integers().as_deref() != Some(&[0]),
    };
    if trains { mixes("drops elements at random") } else { super::element_wise::keep(call) }
}

/// Records of features: a row of a matrix is one. A vector would be one record.
pub fn records(call: &Call<'_>, ranks: &[usize]) -> Outcome {
    for at in 0..call.inputs.len() {
        let Some(value) = call.input(at) else { continue };
        let Some(rows) = value.axis() else {
            if call.given().any(|other| other.axis().is_some()) {
                return mixes("puts rows beside what has its own number of rows");
            }
            continue;
        };
        if rows != 0 || call.shape(at)?.len() != 2 {
            return mixes("takes the rows for the features of one record");
        }
    }
    let rows = call.given().any(|value| value.axis().is_some());
    let first = call.shape(0)?.first().copied().unwrap_or(Size::UNKNOWN);
    let output = |&rank: &usize| {
        let mut shape = vec![Size::UNKNOWN; rank];
        shape[0] = first;
        Value::of(rows.then_some(0), shape)
    };
    Ok(ranks.iter().map(output).collect())
}

/// `ZipMap`: a sequence with a map for each row.
pub fn zip_map(call: &Call<'_>) -> Outcome {
    match (call.first()?.axis(), call.shape(0)?.len()) {
        (None, _) => Ok(vec![Value::same(None)]),
        (Some(0), 2) => Ok(vec![Value::with_rows(Rows::Items)]),
        _ => mixes("takes the rows for the features of one record"),
    }
}

/// `RNN`, `LSTM`, `GRU`: the batch is the second axis, or with `layout` the first.
pub fn recurrent(call: &Call<'_>) -> Outcome {
    let by_row = call.int("layout", 0) == 1;
    let (of_data, of_state) = if by_row { (0, 0) } else { (1, 1) };
    let expected = |at: usize| match at {
        0 => Some(of_data),
        4 => Some(0),
        5 | 6 => Some(of_state),
        _ => None,
    };
    let rows = call.first()?.axis().is_some();
    for (at, value) in call.inputs.iter().enumerate() {
        let Some(value) = value else { continue };
        match (value.axis(), expected(at)) {
            (None, None) => {}
            (None, Some(_)) if !rows => {}
            (Some(axis), Some(expected)) if axis == expected && rows => {}
            _ => return mixes("takes the rows for another axis than its batch"),
        }
    }
    let output = |at: usize| {
        let (rank, axis) = match (at, by_row) {
            (0, false) => (4, 2),
            (0, true) => (4, 0),
            (_, false) => (3, 1),
            (_, true) => (3, 0),
        };
        let mut shape = vec![Size::UNKNOWN; rank];
        let directions = if call.text("direction") == Some(b"bidirectional") { 2 } else { 1 };
        shape[match (at, by_row) {
            (0, false) | (_, true) => 1,
            (_, false) => 0,
        }] = Size::Known(directions);
        if at == 0 && !by_row {
            shape[0] = call.shape(0).ok().and_then(|shape| shape.first().copied()).unwrap_or(Size::UNKNOWN);
        }
        if at == 0 && by_row {
            shape[1] = Size::UNKNOWN;
            shape[2] = Size::Known(directions);
        }
        if let Some(hidden) = call.attribute("hidden_size") {
            shape[rank - 1] = Size::Known(hidden.i());
        }
        if rows {
            shape[axis] = call.shape(0).ok().and_then(|shape| shape.get(of_data).copied()).unwrap_or(Size::Rows(None));
            Value::along(axis, shape)
        } else {
            Value::same(Some(shape))
        }
    };
    Ok((0..call.node.output.len()).map(output).collect())
}

/// `StringNormalizer` leaves out stop words, and takes a vector or one row.
pub fn normalize_strings(call: &Call<'_>) -> Outcome {
    let stops = call.attribute("stopwords").is_some_and(|words| !words.strings.is_empty());
    match (call.first()?.axis(), call.shape(0)?.len()) {
        (None, _) => Ok(vec![Value::same(None)]),
        (Some(0), 1) if !stops => super::element_wise::keep(call),
        (Some(_), 1) => mixes("leaves out stop words, and their rows with them"),
        _ => mixes("takes one row at a time"),
    }
}

/// `StringSplit` and `Tokenizer`: words along a new last axis, as many as the longest text has.
pub fn split_text(call: &Call<'_>) -> Outcome {
    let filler = call.text("pad_value").unwrap_or_default();
    let shape = call.shape(0)?.to_vec();
    let axis = call.first()?.axis();
    let mut longer = shape.clone();
    longer.push(Size::UNKNOWN);
    let mut words = Value::of(axis, longer);
    words.padded_with = axis.is_some().then(|| String::from_utf8_lossy(filler).into());
    Ok(if call.node.output.len() > 1 { vec![words, Value::of(axis, shape)] } else { vec![words] })
}

/// `TfIdfVectorizer` counts what it knows, so that a filler which it does not know counts for nothing.
pub fn count_words(call: &Call<'_>) -> Outcome {
    let value = call.first()?;
    let shape = call.shape(0)?;
    let Some(rows) = value.axis() else { return Ok(vec![Value::same(None)]) };
    if (rows, shape.len()) != (0, 2) {
        return mixes("takes the rows for the words of one text");
    }
    if let Some(filler) = &value.padded_with {
        let known = call
            .attribute("pool_strings")
            .is_some_and(|pool| pool.strings.iter().any(|word| word == filler.as_bytes()));
        if known {
            return mixes("counts what fills up short texts");
        }
    }
    Ok(vec![Value::along(0, vec![shape[0], Size::UNKNOWN])])
}
