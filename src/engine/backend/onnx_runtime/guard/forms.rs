//! Forms of nodes that ONNX Runtime does not check and that end the process: inputs that are absent although the operator reads them,
//! and attributes that it counts by, divides by or hands to the standard library.

use super::draft::Draft;
use super::handed::Handed;
use crate::error::{Error, Result, error};
use crate::onnx::operators::{Form, MAX_COUNT, Reads, RowRule, operator};
use crate::onnx::opset;
use crate::onnx::proto::{AttributeProto, AttributeType, FunctionProto, NodeProto};
use crate::tensor::Tensor;

/// True for a node that [`complete`] changes.
///
/// # Errors
/// `INVALID_MODEL` for a node that has not the form its operator prescribes, in a function also through what a call hands to it;
/// `UNSUPPORTED_MODEL` for one that no form makes safe.
pub fn check(node: &NodeProto, handed: &Handed<'_>) -> Result<bool> {
    check_inputs(node)?;
    node.attribute.iter().try_for_each(|attribute| check_attribute(node, attribute, handed))?;
    match operator(node).map_or(Form::Any, |row| row.guarded.form) {
        Form::Any => {}
        Form::Refused => {
            let (op_type, name) = (node.op_type(), node.name());
            return Err(error!(UnsupportedModel, "node \"{name}\": the operator {op_type} is not supported"));
        }
        Form::Normal => check_normal(node)?,
        Form::Uniform => check_uniform(node)?,
        Form::NGrams => check_ngrams(node)?,
    }
    let ends_unnamed = |names: &[String]| names.last().is_some_and(String::is_empty);
    Ok(ends_unnamed(&node.input) || ends_unnamed(&node.output) || names_outputs(node) || is_transform(node))
}

/// ONNX Runtime's own forerunner of `LayerNormalization` reads through a null pointer within a function.
///
/// # Errors
/// `UNSUPPORTED_MODEL` for a function that has it.
pub fn check_function(function: &FunctionProto) -> Result<()> {
    const STANDARDIZED: i64 = 17;
    let mut normalizations = function.node.iter().filter(|node| node.is("LayerNormalization"));
    match normalizations.next() {
        Some(node) if opset::standard(&function.opset_import) < STANDARDIZED => Err(error!(
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
    if is_transform(node) && draft.opset >= 20 && node.input.len() < 3 {
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
    operator(node).is_some_and(|row| row.guarded.names_outputs) && node.output.iter().any(String::is_empty)
}

fn is_transform(node: &NodeProto) -> bool {
    operator(node).is_some_and(|row| row.rows == RowRule::Dft)
}

/// Inputs that are read although they are absent.
fn check_inputs(node: &NodeProto) -> Result<()> {
    let absent = |at: &usize| node.input.get(*at).is_none_or(String::is_empty);
    let lacking = match operator(node).map_or(Reads::Given, |row| row.guarded.reads) {
        Reads::Given => None,
        Reads::All => (0..node.input.len()).find(absent),
        Reads::At(places) => places.iter().copied().find(absent),
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

fn check_attribute(node: &NodeProto, attribute: &AttributeProto, handed: &Handed<'_>) -> Result<()> {
    let within = operator(node).map_or(&[][..], |row| row.guarded.within);
    let own = within.iter().find(|(name, ..)| *name == attribute.name());
    let range = match (own, attribute.name()) {
        (Some(&(_, least, most)), _) => least..=most,
        (None, "num_heads" | "q_num_heads" | "kv_num_heads") => 1..=MAX_COUNT,
        (None, "axis" | "batch_dims") => -MAX_RANK..=MAX_RANK,
        (None, _) => return Ok(()),
    };
    for value in handed.values(attribute) {
        let own = [value.i()];
        let values = if value.r#type() == AttributeType::Ints { value.ints.as_slice() } else { &own };
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
fn check_normal(node: &NodeProto) -> Result<()> {
    let scale = float(node, "scale", 1.0);
    if scale > 0.0 && scale.is_finite() {
        return Ok(());
    }
    Err(out_of_range(node, "scale", &format!("must be above 0, it is {scale}")))
}

/// As [`check_normal`].
fn check_uniform(node: &NodeProto) -> Result<()> {
    let (low, high) = (float(node, "low", 0.0), float(node, "high", 1.0));
    if low <= high && (high - low).is_finite() {
        return Ok(());
    }
    Err(out_of_range(node, "low", &format!("{low} must not be above high, {high}")))
}

fn float(node: &NodeProto, name: &str, default: f32) -> f32 {
    node.attribute(name).map_or(default, AttributeProto::f)
}

/// `TfIdfVectorizer` has one index for each n-gram of its pool.
fn check_ngrams(node: &NodeProto) -> Result<()> {
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
