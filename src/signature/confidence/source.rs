//! Which outputs of a model say how sure it is: decided once, from its graph.

use super::kind::{Kind, Kinds, is_classifier};
use super::walk::{Walk, first_input};
use crate::onnx::operators::ML;
use crate::onnx::proto::{GraphProto, ModelProto};
use crate::signature::declared::{Dim, ValueInfo, ValueType};
use crate::signature::probabilities::{Place, Source};
use std::collections::HashSet;

/// A model with more outputs that might tell it has no single confidence.
const MAX_HEADS: usize = 64;
/// Between the classes and a label.
const MAX_STEPS: usize = 16;

struct Head<'a> {
    /// What decides between its classes: the scores before they become probabilities.
    scores: &'a str,
    /// The probabilities, or what they are read from.
    value: &'a str,
    source: Source,
}

/// The sources of a model's confidence, all of which tell the same. None when nothing in the graph is the probability of a
/// class, or several classifications stand side by side.
pub fn sources(model: &ModelProto, graph: &GraphProto, inputs: &[ValueInfo], outputs: &[ValueInfo]) -> Vec<Source> {
    let walk = Walk::of_model(model, graph);
    let labelled: HashSet<&str> = outputs.iter().filter_map(|output| scores_of_label(&walk, output)).collect();
    let is_of_classes = !labelled.is_empty() || walk.nodes().any(is_classifier);
    let mut finder = Finder { walk: &walk, kinds: Kinds::new(&walk), is_of_classes, inputs };
    let mut heads: Vec<Head<'_>> = outputs.iter().filter_map(|output| finder.head(output)).collect();
    heads.extend(finder.columns(outputs));
    if heads.len() > MAX_HEADS {
        return Vec::new();
    }
    heads.retain(|head| !walk.is_weight(head.value));
    let (single, several): (Vec<_>, Vec<_>) = heads.into_iter().partition(|head| head.source.place == Place::Single);
    of_one(if several.is_empty() { single } else { several }, &labelled)
}

/// Those of the one classification that has a label output, or that is the only one.
fn of_one(heads: Vec<Head<'_>>, labelled: &HashSet<&str>) -> Vec<Source> {
    let all: HashSet<&str> = heads.iter().map(|head| head.scores).collect();
    let told: HashSet<&str> = all.intersection(labelled).copied().collect();
    let one = [told, all].into_iter().find(|names| names.len() == 1);
    let is_one = |head: &Head<'_>| one.as_ref().is_some_and(|names| names.contains(head.scores));
    heads.into_iter().filter(is_one).map(|head| head.source).collect()
}

struct Finder<'a, 'w> {
    walk: &'w Walk<'a>,
    kinds: Kinds<'w>,
    /// Whether the model names classes, so that what it divides by its sum are no shares of something else.
    is_of_classes: bool,
    inputs: &'w [ValueInfo],
}

impl<'a: 'w, 'w> Finder<'a, 'w> {
    fn head(&mut self, output: &'w ValueInfo) -> Option<Head<'w>> {
        let value = self.walk.origin(&output.name);
        let (source, place) = match &output.value_type {
            ValueType::Sequence(_) => self.maps(value)?,
            ValueType::Tensor { dtype, shape } if dtype.is_float() => self.numbers(output, value, shape.as_deref())?,
            _ => return None,
        };
        let source_of = Source { place, outputs: vec![output.name.clone()] };
        Some(Head { scores: scores_of(self.walk, source), value: source, source: source_of })
    }

    fn maps(&mut self, value: &'w str) -> Option<(&'w str, Place)> {
        let (node, _) = self.walk.maker(value).filter(|(node, _)| node.domain() == ML && node.op_type() == "ZipMap")?;
        let probabilities = self.walk.origin(first_input(node));
        // What it cannot be told of is made for a class map all the same.
        let is_other = matches!(self.kinds.of(probabilities), Kind::Sigmoid | Kind::LogProbabilities(_));
        (!is_other).then_some((probabilities, Place::Maps))
    }

    fn numbers(&mut self, output: &'w ValueInfo, value: &'w str, shape: Option<&[Dim]>) -> Option<(&'w str, Place)> {
        let (softmax_axis, are_logarithms) = match self.kinds.of(&output.name) {
            Kind::Probabilities(axis) => (axis, false),
            Kind::LogProbabilities(axis) => (axis, true),
            Kind::Shares if self.is_of_classes => (None, false),
            Kind::Sigmoid => return self.is_single(shape).then_some((value, Place::Single)),
            _ => return self.largest(value, shape),
        };
        let axis = self.class_axis(shape, softmax_axis)?;
        Some((value, Place::Classes { axis, are_logarithms, is_softmax: softmax_axis.is_some() }))
    }

    /// The largest of the probabilities of a row, as `ReduceMax` or `TopK` picks it out.
    fn largest(&mut self, value: &str, shape: Option<&[Dim]>) -> Option<(&'w str, Place)> {
        let (node, at) = self.walk.maker(value)?;
        let is_picked = match shape? {
            [] | [_] | [_, Dim::Fixed(1)] => node.is("ReduceMax") || node.is("TopK"),
            [_, _] => node.is("TopK"),
            _ => false,
        };
        let picked = first_input(node);
        // Of one row each, and not of rows that another shape has put together.
        let is_as_made = self.walk.maker(picked).is_none_or(|(node, _)| {
            ["Identity", "Cast"].contains(&node.op_type()) || self.walk.origin(picked) == picked
        });
        let is_of_classes = match self.kinds.of(picked) {
            Kind::Probabilities(_) => true,
            Kind::Shares => self.is_of_classes,
            _ => false,
        };
        (is_picked && at == 0 && is_as_made && is_of_classes).then(|| (self.walk.origin(picked), Place::Largest))
    }

    /// Outputs of one column each that are cut out of the same probabilities.
    fn columns(&mut self, outputs: &'w [ValueInfo]) -> Vec<Head<'w>> {
        let mut heads: Vec<Head<'w>> = Vec::new();
        for output in outputs {
            let Some(value) = self.cut_from(output) else { continue };
            if let Some(head) = heads.iter_mut().find(|head| head.value == value) {
                head.source.outputs.push(output.name.clone());
            } else if heads.len() <= MAX_HEADS {
                let source = Source { place: Place::Columns, outputs: vec![output.name.clone()] };
                heads.push(Head { scores: scores_of(self.walk, value), value, source });
            }
        }
        heads.retain(|head| head.source.outputs.len() > 1);
        heads
    }

    fn cut_from(&mut self, output: &'w ValueInfo) -> Option<&'w str> {
        let ValueType::Tensor { dtype, shape } = &output.value_type else { return None };
        if !dtype.is_float() || !self.is_single(shape.as_deref()) {
            return None;
        }
        let (node, _) = self.walk.maker(self.walk.origin(&output.name))?;
        let cuts = match node.domain() {
            ML => node.op_type() == "ArrayFeatureExtractor",
            _ => node.is("Slice") || node.is("Split") || node.is("Gather"),
        };
        let value = self.walk.origin(first_input(node));
        let is_of_classes = match self.kinds.of(first_input(node)) {
            Kind::Probabilities(_) => true,
            Kind::Shares => self.is_of_classes,
            _ => false,
        };
        (cuts && is_of_classes).then_some(value)
    }

    /// The axis of the classes in an output of that shape: the one behind the rows that is not of size one, so that each row has
    /// one value a class. An axis that has its name from an input is one of positions.
    fn class_axis(&self, shape: Option<&[Dim]>, axis: Option<i64>) -> Option<usize> {
        let Some(dims) = shape else { return matches!(axis, None | Some(1 | -1)).then_some(1) };
        let is_one = |dim: &Dim| *dim == Dim::Fixed(1);
        let first = dims.iter().skip(1).position(|dim| !is_one(dim)).map(|at| at + 1);
        let found = match (axis, dims) {
            (None | Some(0 | -1), [_]) => 0,
            (None, _) => first?,
            (Some(axis), _) if axis < 0 => usize::try_from(axis + dims.len() as i64).ok()?,
            (Some(axis), _) => usize::try_from(axis).ok()?,
        };
        let is_alone = dims.len() == 1 || (found > 0 && first == Some(found));
        let rest_is_one = dims.iter().skip(found + 1).all(|dim| is_one(dim) || matches!(dim, Dim::Free(_)));
        let is_of_classes = match dims.get(found)? {
            Dim::Fixed(classes) => *classes > 1,
            Dim::Free(Some(name)) => dims.len() > 1 && !self.is_named_by_input(name),
            Dim::Free(None) => dims.len() > 1,
        };
        (is_alone && rest_is_one && is_of_classes).then_some(found)
    }

    /// Whether an output of that shape may have one value a row.
    fn is_single(&self, shape: Option<&[Dim]>) -> bool {
        match shape {
            None | Some([] | [Dim::Free(_) | Dim::Fixed(1)]) => true,
            Some([rows]) => self.inputs.iter().any(|input| {
                matches!(&input.value_type, ValueType::Tensor { shape: Some(shape), .. }
                    if shape.len() > 1 && shape.first() == Some(rows))
            }),
            Some([_, rest @ ..]) => rest.iter().all(|dim| match dim {
                Dim::Fixed(size) => *size == 1,
                Dim::Free(Some(name)) => !self.is_named_by_input(name),
                Dim::Free(None) => true,
            }),
        }
    }

    fn is_named_by_input(&self, name: &str) -> bool {
        self.inputs.iter().any(|input| {
            matches!(&input.value_type, ValueType::Tensor { shape: Some(shape), .. }
                if shape.iter().any(|dim| matches!(dim, Dim::Free(Some(own)) if own == name)))
        })
    }
}

/// The scores that decide between classes before they become probabilities.
fn scores_of<'n, 'a: 'n>(walk: &Walk<'a>, name: &'n str) -> &'n str {
    const KEEP_ORDER: [&str; 9] =
        ["Softmax", "LogSoftmax", "Exp", "Log", "LpNormalization", "Normalizer", "Div", "Sub", "Sigmoid"];
    let mut name = walk.origin(name);
    for _ in 0..MAX_STEPS {
        let node = walk.maker(name).map(|(node, _)| node).filter(|node| KEEP_ORDER.contains(&node.op_type()));
        match node.map(first_input).filter(|input| !walk.is_constant(input)) {
            Some(input) => name = walk.origin(input),
            None => break,
        }
    }
    name
}

/// The scores whose largest an output names, as the model's label.
fn scores_of_label<'n, 'a: 'n>(walk: &Walk<'a>, output: &'n ValueInfo) -> Option<&'n str> {
    let ValueType::Tensor { dtype, .. } = &output.value_type else { return None };
    if dtype.is_float() {
        return None;
    }
    let mut name = output.name.as_str();
    for _ in 0..MAX_STEPS {
        name = walk.origin(name);
        let (node, at) = walk.maker(name)?;
        let input = |at: usize| node.input.get(at).map(String::as_str);
        name = match node.op_type() {
            "ArgMax" | "Greater" | "GreaterOrEqual" => return Some(scores_of(walk, first_input(node))),
            "TopK" if at == 1 => return Some(scores_of(walk, first_input(node))),
            _ if is_classifier(node) && at == 0 => return node.output.get(1).map(String::as_str),
            // An index into the names of classes.
            "ArrayFeatureExtractor" | "Gather" if walk.is_constant(first_input(node)) => input(1)?,
            "LabelEncoder" | "CategoryMapper" => input(0)?,
            _ => return None,
        };
    }
    None
}
