//! Forms of nodes that ONNX Runtime does not check and that end the process: inputs that are absent although the operator reads them,
//! and attributes that it counts by, divides by or hands to the standard library.

use super::draft::Draft;
use super::handed::Handed;
use crate::error::{Error, Result, error};
use crate::onnx::proto::{AttributeProto, FunctionProto, NodeProto, attribute_type};
use crate::tensor::Tensor;
use std::ops::RangeInclusive;

/// True for a node that [`complete`] changes.
///
/// # Errors
/// `INVALID_MODEL` for a node that has not the form its operator prescribes, in a function also through what a call hands to it;
/// `UNSUPPORTED_MODEL` for one that no form makes safe.
pub fn check(node: &NodeProto, handed: &Handed<'_>) -> Result<bool> {
    if (node.domain(), node.op_type()) == ("com.microsoft", "AttnLSTM") {
        return Err(error!(UnsupportedModel, "node \"{}\": the operator AttnLSTM is not supported", node.name()));
    }
    check_inputs(node)?;
    node.attribute.iter().try_for_each(|attribute| check_attribute(node, attribute, handed))?;
    check_random(node)?;
    check_ngrams(node)?;
    let ends_unnamed = |names: &[String]| names.last().is_some_and(String::is_empty);
    Ok(ends_unnamed(&node.input) || ends_unnamed(&node.output) || names_outputs(node) || node.is("DFT"))
}

/// ONNX Runtime's own forerunner of `LayerNormalization` reads through a null pointer within a function.
///
/// # Errors
/// `UNSUPPORTED_MODEL` for a function that has it.
pub fn check_function(function: &FunctionProto) -> Result<()> {
    const STANDARDIZED: i64 = 17;
    let mut normalizations = function.node.iter().filter(|node| node.is("LayerNormalization"));
    match normalizations.next() {
        Some(node) if super::standard_opset(&function.opset_import) < STANDARDIZED => Err(error!(
            UnsupportedModel,
            "{} in the function \"{}\" needs operator set {STANDARDIZED} or newer",
            name(node),
            function.name()
        )),
        _ => Ok(()),
    }
}

/// Leaves out absent inputs and outputs at the end, and adds what ONNX Runtime does not do without.
pub fn complete(node: &mut NodeProto, draft: &mut Draft) {
    for names in [&mut node.input, &mut node.output] {
        while names.last().is_some_and(String::is_empty) {
            names.pop();
        }
    }
    if node.is("DFT") && draft.opset >= 20 && node.input.len() < 3 {
        node.input.resize(2, String::new());
        node.input.push(draft.tensor(&Tensor::from_elements(&[], &[-2i64])));
    }
    if names_outputs(node) {
        for output in node.output.iter_mut().filter(|output| output.is_empty()) {
            *output = draft.name();
        }
    }
}

/// Operators that write outputs without a name.
fn names_outputs(node: &NodeProto) -> bool {
    (node.is("Loop") || node.is("Split")) && node.output.iter().any(String::is_empty)
}

/// Inputs that are read although they are absent, also where the operator's description calls them optional.
fn check_inputs(node: &NodeProto) -> Result<()> {
    const ALL: &[usize] = &[];
    let read: &[usize] = match (node.domain(), node.op_type()) {
        ("" | "ai.onnx", "Einsum" | "Max" | "Mean" | "Min" | "Sum") | ("com.microsoft", "QLinearConcat") => ALL,
        ("" | "ai.onnx", "DynamicSlice") => &[1, 2],
        ("com.microsoft", "Attention" | "ConvTransposeWithDynamicPads") => &[2],
        ("com.microsoft", "QMoE") => &[3, 6],
        _ => return Ok(()),
    };
    let absent = |at: usize| node.input.get(at).is_none_or(String::is_empty);
    let lacking = if read.is_empty() {
        (0..node.input.len()).find(|&at| absent(at))
    } else {
        read.iter().copied().find(|&at| absent(at))
    };
    match lacking {
        Some(at) => Err(error!(InvalidModel, "{} lacks its input {at}", name(node))),
        None => Ok(()),
    }
}

fn name(node: &NodeProto) -> String {
    format!("{} node \"{}\"", node.op_type(), node.name())
}

/// No tensor has more axes.
const MAX_RANK: i64 = 64;
const COUNT: RangeInclusive<i64> = 1..=i32::MAX as i64;

fn check_attribute(node: &NodeProto, attribute: &AttributeProto, handed: &Handed<'_>) -> Result<()> {
    let range = match (node.op_type(), attribute.name()) {
        ("RotaryEmbedding" | "MRotaryEmbedding", "num_heads") => 0..=*COUNT.end(),
        (_, "num_heads" | "q_num_heads" | "kv_num_heads") => COUNT,
        (_, "axis" | "batch_dims") => -MAX_RANK..=MAX_RANK,
        ("GatherBlockQuantized", "bits") => 1..=64,
        ("RoiAlign", "sampling_ratio") => 0..=64,
        ("CausalConvWithState", "ndim") => 1..=3,
        ("FeatureVectorizer", "inputdimensions") => 0..=*COUNT.end(),
        _ => return Ok(()),
    };
    for value in handed.values(attribute) {
        let own = [value.i()];
        let values = if value.r#type() == attribute_type::INTS { value.ints.as_slice() } else { &own };
        if let Some(value) = values.iter().find(|value| !range.contains(value)) {
            let what = format!("{value} is not within {} and {}", range.start(), range.end());
            return Err(out_of_range(node, attribute.name(), &what));
        }
    }
    Ok(())
}

fn out_of_range(node: &NodeProto, attribute: &str, what: &str) -> Error {
    error!(InvalidModel, "{}: attribute {attribute}: {what}", name(node))
}

/// The standard library ends the process for distributions that there are none of.
fn check_random(node: &NodeProto) -> Result<()> {
    let float = |name: &str, default: f32| node.attribute(name).map_or(default, AttributeProto::f);
    match node.op_type() {
        "RandomNormal" | "RandomNormalLike" => {
            let scale = float("scale", 1.0);
            if !(scale > 0.0 && scale.is_finite()) {
                return Err(out_of_range(node, "scale", &format!("must be above 0, it is {scale}")));
            }
        }
        "RandomUniform" | "RandomUniformLike" => {
            let (low, high) = (float("low", 0.0), float("high", 1.0));
            if !(low <= high && (high - low).is_finite()) {
                return Err(out_of_range(node, "low", &format!("{low} must not be above high, {high}")));
            }
        }
        _ => {}
    }
    Ok(())
}

/// `TfIdfVectorizer` has one index for each n-gram of its pool.
fn check_ngrams(node: &NodeProto) -> Result<()> {
    if node.op_type() != "TfIdfVectorizer" {
        return Ok(());
    }
    let list = |name: &str| node.attribute(name).map_or(&[][..], |attribute| &attribute.ints);
    let strings = node.attribute("pool_strings").map_or(0, |attribute| attribute.strings.len());
    let pool = list("pool_int64s").len().max(strings);
    let starts: Vec<usize> = list("ngram_counts").iter().filter_map(|&start| usize::try_from(start).ok()).collect();
    let ends = starts.iter().skip(1).copied().chain([pool]);
    let count: usize =
        starts.iter().zip(ends).enumerate().map(|(at, (start, end))| end.saturating_sub(*start) / (at + 1)).sum();
    let indexes = list("ngram_indexes");
    if indexes.len() != count || indexes.iter().any(|&index| !(0..=i64::from(i32::MAX)).contains(&index)) {
        let found = indexes.len();
        return Err(out_of_range(node, "ngram_indexes", &format!("{count} are needed from 0 on, there are {found}")));
    }
    Ok(())
}
