//! What each kind of operator makes of rows.

mod axes;
mod element_wise;
mod layout;
mod matrices;
mod selection;
mod whole;

use super::call::{Call, Outcome, Stop, doubt, mixes};
use super::elements;
use super::value::{Rows, Size, Value};
use crate::onnx::operators::{ElementRule, RowRule, ShapeRule};
use std::rc::Rc;

/// The outputs of a node without graphs of its own.
pub fn outputs(call: &Call<'_>) -> Vec<Value> {
    let rule = call.row_rule();
    let made = given(call).or_else(|| settled(call, rule)).unwrap_or_else(|| by_rule(call, rule));
    let mut made = made;
    made.resize_with(call.node.output.len(), || Value::with_rows(Rows::Unknown));
    carry(call, &mut made);
    made
}

/// What needs no rule: a mixed input mixes the outputs.
fn given(call: &Call<'_>) -> Option<Vec<Value>> {
    let mixed = call.given().find(|value| matches!(value.rows, Rows::Mixed(_)))?;
    Some(vec![Value::with_rows(mixed.rows.clone()); call.node.output.len()])
}

/// Outputs of what is the same alone and among others are so, too; what follows from the number of rows must be known exactly.
fn settled(call: &Call<'_>, rule: RowRule) -> Option<Vec<Value>> {
    if rule == RowRule::Random || !call.given().all(Value::is_same) {
        return None;
    }
    let counts_rows = call.given().any(Value::counts_rows);
    let takes_sizes =
        rule.takes_sizes() && (rule == RowRule::ConstantOfShape || !call.inputs.first()?.as_ref()?.counts_rows());
    let outcome = apply(call, rule);
    let shape = outcome.as_ref().ok().and_then(|made| made.first()?.shape.clone());
    if let Some(elements) = elements::of_output(call, shape.as_deref()) {
        let shape = shape.map_or_else(|| vec![Size::UNKNOWN], |shape| shape.to_vec());
        return Some(vec![Value { elements: Some(elements.into()), ..Value::same(Some(shape)) }]);
    }
    let unknown = || vec![Value::same(None); call.node.output.len()];
    match outcome {
        Ok(made) if !counts_rows || takes_sizes => Some(made),
        Err(Stop::Doubt(_)) if !counts_rows => Some(unknown()),
        // Where there are no rows none can meet, whatever the rule says of them.
        Err(Stop::Mixes(_)) if !counts_rows => {
            Some(shape_of_places(call).map_or_else(unknown, |shape| vec![Value::same(Some(shape))]))
        }
        Err(stop) if takes_sizes => Some(stopped(call, stop)),
        _ => Some(stopped(call, Stop::Mixes("computes with the number of rows".into()))),
    }
}

fn by_rule(call: &Call<'_>, rule: RowRule) -> Vec<Value> {
    let counts_rows = |(at, value): (usize, &Value)| value.counts_rows() && !(rule.takes_sizes() && at > 0);
    let inputs = call.inputs.iter().enumerate().filter_map(|(at, value)| Some((at, value.as_ref()?)));
    let outcome = if inputs.into_iter().any(counts_rows) {
        mixes("computes with the number of rows")
    } else if call.given().any(|value| value.padded_with.is_some()) && !rule.takes_padding() {
        mixes("computes with what is as long as the longest row")
    } else if !is_one_outer(call) {
        mixes("sets rows against rows in another order")
    } else {
        apply(call, rule)
    };
    match outcome {
        // What is not known of the input stays so, unless the operator mixes whatever it is.
        Ok(_) if call.has_unknown_rows() && rule != RowRule::Shape => {
            vec![Value::with_rows(Rows::Unknown); call.node.output.len()]
        }
        Ok(made) => made,
        Err(stop) => stopped(call, stop),
    }
}

/// Whether all rows are laid out for each of the same places.
fn is_one_outer(call: &Call<'_>) -> bool {
    let mut along = call.given().filter(|value| value.axis().is_some());
    let Some(first) = along.next() else { return true };
    along.all(|value| match (&first.outer, &value.outer) {
        (None, None) => true,
        (Some(one), Some(other)) => one.surely_equals(other),
        _ => false,
    })
}

fn stopped(call: &Call<'_>, stop: Stop) -> Vec<Value> {
    let count = call.node.output.len();
    match stop {
        Stop::Mixes(what) => vec![Value::mixed(&reason(call, &what)); count],
        Stop::Doubt(what) => {
            let doubt: Rc<str> = reason(call, &what).into();
            // Most operators leave rows where they are: the check by running says whether this one does.
            let leading = call.given().all(|value| matches!(value.rows, Rows::Same | Rows::Along(0)));
            let rows = if leading { Rows::Along(0) } else { Rows::Unknown };
            vec![Value { doubt: Some(doubt), ..Value::with_rows(rows) }; count]
        }
    }
}

/// `ReduceMax node "scale" computes over all rows`
pub fn reason(call: &Call<'_>, what: &str) -> String {
    let node = call.node;
    let name = if node.name().is_empty() { node.output.first().map_or("", String::as_str) } else { node.name() };
    format!("{} node \"{}\" {what}", shortened(node.op_type()), shortened(name))
}

/// Names come from the model, and may be of any length.
pub fn shortened(name: &str) -> String {
    const MAX_CHARACTERS: usize = 80;
    let mut short: String = name.chars().take(MAX_CHARACTERS).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}

/// Doubts go on to what follows from them; what is as long as the longest row stays so where it is only laid out.
fn carry(call: &Call<'_>, made: &mut [Value]) {
    let doubt = call.given().find_map(|value| value.doubt.clone());
    let outer = call.given().find_map(|value| value.outer.clone());
    let lays_out = matches!(call.row_rule(), RowRule::Reshape | RowRule::Flatten);
    for value in made.iter_mut() {
        value.doubt = value.doubt.take().or_else(|| doubt.clone());
        if !lays_out {
            value.outer = if value.axis().is_some() { outer.clone() } else { None };
        }
    }
    let (Some(first), Some(output)) = (call.input(0), made.first_mut()) else { return };
    if matches!(call.element_rule(), ElementRule::Keep | ElementRule::Cast | ElementRule::Transpose) {
        output.input = first.input;
        output.padded_with = output.padded_with.take().or_else(|| first.padded_with.clone());
    }
}

fn apply(call: &Call<'_>, rule: RowRule) -> Outcome {
    match rule {
        RowRule::ElementWise => element_wise::broadcast(call),
        RowRule::Keep => element_wise::keep(call),
        RowRule::Quantize => element_wise::quantize(call),
        RowRule::AddAxis => element_wise::add_axis(call),
        RowRule::Reduce => axes::reduce(call),
        RowRule::Position => axes::position(call),
        RowRule::MeanVariance => axes::mean_variance(call),
        RowRule::Softmax => axes::softmax(call),
        RowRule::AlongLast => axes::along(call, call.int("axis", -1)),
        RowRule::Cumulate => axes::cumulate(call),
        RowRule::Dft => axes::dft(call),
        RowRule::Top => axes::top(call),
        RowRule::NormalizeLast => axes::normalize_last(call),
        RowRule::LastTwo => axes::last_two(call),
        RowRule::ReverseSequence => axes::reverse_sequence(call),
        RowRule::MatMul(left, right, of_left) => matrices::matmul(call, left, right, of_left),
        RowRule::Gemm => matrices::gemm(call),
        RowRule::LastAxis => matrices::last_axis(call),
        RowRule::Einsum => matrices::einsum(call),
        RowRule::Transpose => layout::transpose(call),
        RowRule::Reshape => layout::reshape(call),
        RowRule::Flatten => layout::flatten(call),
        RowRule::Squeeze => layout::squeeze(call),
        RowRule::Unsqueeze => layout::unsqueeze(call),
        RowRule::Expand => layout::expand(call),
        RowRule::Tile => layout::tile(call),
        RowRule::ConstantOfShape => layout::constant_of_shape(call),
        RowRule::Concat => layout::concat(call),
        RowRule::Split => layout::split(call),
        RowRule::Slice => selection::slice(call),
        RowRule::Gather => selection::gather(call),
        RowRule::Elements => selection::elements(call),
        RowRule::GatherNd => selection::gather_nd(call),
        RowRule::ScatterNd => selection::scatter_nd(call),
        RowRule::Pad => selection::pad(call),
        RowRule::Resize => selection::resize(call),
        RowRule::OneHot => selection::one_hot(call),
        RowRule::Compress => selection::compress(call),
        RowRule::ExtractFeatures => selection::extract_features(call),
        RowRule::Leading => whole::leading(call),
        RowRule::Convolution => whole::convolution(call),
        RowRule::LeadingKeep => whole::leading_keep(call),
        RowRule::BatchNormalization => whole::batch_normalization(call),
        RowRule::Dropout => whole::dropout(call),
        RowRule::Records(ranks) => whole::records(call, ranks),
        RowRule::ZipMap => whole::zip_map(call),
        RowRule::Recurrent => whole::recurrent(call),
        RowRule::NormalizeStrings => whole::normalize_strings(call),
        RowRule::SplitText => whole::split_text(call),
        RowRule::CountWords => whole::count_words(call),
        RowRule::Shape => shape_of(call),
        RowRule::Size => size_of(call),
        RowRule::Mixes(what) => mixes(what),
        RowRule::Random => mixes("draws random numbers"),
        RowRule::If | RowRule::Loop | RowRule::Scan | RowRule::Graph | RowRule::Unknown => {
            doubt("is of an operator whose rows are not known to stay apart")
        }
    }
}

/// The shape of what exporters number places with.
fn shape_of_places(call: &Call<'_>) -> Option<Vec<Size>> {
    match call.shape_rule() {
        ShapeRule::Range => Some(vec![Size::UNKNOWN]),
        ShapeRule::NonZero => Some(vec![Size::Known(call.first().ok()?.rank()? as i64), Size::UNKNOWN]),
        _ => None,
    }
}

fn shape_of(call: &Call<'_>) -> Outcome {
    let Ok(shape) = call.shape(0) else {
        let doubt = Some(reason(call, "takes a value of unknown rank").into());
        return Ok(vec![Value { doubt, ..Value::same(None) }]);
    };
    let rank = shape.len() as i64;
    let place = |axis: i64| if axis < 0 { axis + rank } else { axis }.clamp(0, rank) as usize;
    let (start, end) = (place(call.int("start", 0)), place(call.int("end", rank)));
    Ok(vec![Value::vector(shape.get(start..end).unwrap_or_default().to_vec())])
}

fn size_of(call: &Call<'_>) -> Outcome {
    Ok(vec![Value::scalar(call.shape(0)?.iter().fold(Size::Known(1), |product, &size| product.times(size)))])
}
