//! Nodes that make texts get what they grow by checked before they run: see [`text_budget`](super::super::text_budget).

use super::super::text_budget::{DOMAIN, Growth, OPERATOR};
use super::draft::Draft;
use super::element_types::Scopes;
use crate::error::{Result, error};
use crate::onnx::Attribute;
use crate::onnx::operators::{RowRule, TextRule, operator};
use crate::onnx::proto::{GraphProto, ModelProto, NodeProto, TensorProto, TypeProto, TypeValue, ValueInfoProto};
use crate::tensor::{DType, Tensor};
use std::collections::{HashMap, HashSet};

/// Texts that are at most so long weigh little beside what the allocator counts for each element.
const SHORT: usize = 64;
/// Plain copies that an outermost graph may make of what it is fed with before they are counted.
const FREE_COPIES: u64 = 64;

/// True when a model can have texts at all; most have none.
pub fn occur(model: &ModelProto) -> bool {
    model.graph.iter().any(in_graph) || model.functions.iter().flat_map(|function| &function.node).any(in_node)
}

fn in_graph(graph: &GraphProto) -> bool {
    let typed = |info: &ValueInfoProto| info.r#type.as_ref().is_some_and(in_type);
    let infos = graph.input.iter().chain(&graph.output).chain(&graph.value_info);
    infos.into_iter().any(typed) || graph.initializer.iter().any(is_text) || graph.node.iter().any(in_node)
}

fn in_type(kind: &TypeProto) -> bool {
    match kind.value.as_ref() {
        Some(TypeValue::TensorType(tensor)) => tensor.elem_type() == DType::String.code(),
        Some(TypeValue::SequenceType(sequence)) => sequence.elem_type.as_deref().is_some_and(in_type),
        Some(TypeValue::OptionalType(optional)) => optional.elem_type.as_deref().is_some_and(in_type),
        _ => false,
    }
}

fn is_text(tensor: &TensorProto) -> bool {
    tensor.data_type() == DType::String.code()
}

fn in_node(node: &NodeProto) -> bool {
    let own = node.attribute.iter().any(|attribute| {
        attribute.t.iter().any(is_text)
            || matches!(attribute.name(), "value_string" | "value_strings")
            || attribute.name() == "to" && attribute.i() == i64::from(DType::String.code())
            || is_label(attribute.name()) && (!attribute.strings.is_empty() || attribute.s.is_some())
    });
    own || node.subgraphs().any(in_graph)
}

/// Attributes whose texts are written into results, one for each element.
fn is_label(name: &str) -> bool {
    matches!(
        name,
        "values_strings"
            | "default_string"
            | "cats_strings"
            | "classlabels_strings"
            | "values_tensor"
            | "default_tensor"
    )
}

/// What the copies weigh so far.
#[derive(Default)]
pub struct Copies {
    /// Tensors in the file that hold only short texts.
    short: HashSet<String>,
    weights: HashMap<String, u64>,
    made: u64,
}

/// A text input, and how the node makes texts of it.
struct Source {
    input: usize,
    growth: Growth,
    axis: i64,
    numbers: Vec<Number>,
}

enum Number {
    /// The values of an input.
    Values(usize),
    /// The shape of an input.
    Shape(usize),
}

/// Puts a check before each text input of a node that needs one; true when there is one.
///
/// # Errors
/// `INVALID_MODEL` for texts within the node that are written once for each element and are too long for it.
pub fn bound(
    node: &mut NodeProto,
    scopes: &Scopes,
    copies: &mut Copies,
    is_outermost: bool,
    draft: &mut Draft,
) -> Result<bool> {
    let rule = operator(node).map_or(TextRule::None, |row| row.guarded.texts);
    if rule == TextRule::Tokenize && node.attribute("pad_value").is_some_and(|pad| pad.s().len() > SHORT) {
        let (op_type, name) = (node.op_type(), node.name());
        return Err(error!(InvalidModel, "{op_type} node \"{name}\": pad_value is longer than {SHORT} bytes"));
    }
    let mut bounded = false;
    if let Some(label) = longest_label(node) {
        let text = draft.tensor(&Tensor::from_strings(&[1], vec![label]));
        let source = Source { input: 0, growth: Growth::Elements, axis: 0, numbers: vec![Number::Shape(0)] };
        check(node, &source, Some(text), draft);
        bounded = true;
    }
    // What is handed on may also be a sequence, which has no shape.
    let unknown_is_text = operator(node).is_none_or(|row| row.rows != RowRule::Keep);
    let may_be_text =
        |name: &String| !name.is_empty() && scopes.get(name).map_or(unknown_is_text, |dtype| dtype == DType::String);
    for source in sources(node, rule, copies, is_outermost) {
        let may_grow = |name: &String| may_be_text(name) && !copies.short.contains(name);
        if node.input.get(source.input).is_some_and(may_grow) {
            check(node, &source, None, draft);
            bounded = true;
        }
    }
    Ok(bounded)
}

fn longest_label(node: &NodeProto) -> Option<String> {
    let labels = node.attribute.iter().filter(|attribute| is_label(attribute.name())).flat_map(|attribute| {
        let tensors = attribute.t.iter().flat_map(|tensor| &tensor.string_data);
        attribute.strings.iter().chain(&attribute.s).chain(tensors)
    });
    let longest = labels.max_by_key(|label| label.len()).filter(|label| label.len() > SHORT)?;
    Some("x".repeat(longest.len()))
}

fn sources(node: &NodeProto, rule: TextRule, copies: &mut Copies, is_outermost: bool) -> Vec<Source> {
    use Number::{Shape, Values};
    let source = |input, growth, numbers| Source { input, growth, axis: 0, numbers };
    let axis = |default| node.attribute("axis").map_or(default, |attribute| attribute.i());
    let mut copied = |inputs: Vec<usize>| {
        if is_outermost && copies.are_few(node, &inputs) {
            return Vec::new();
        }
        inputs.into_iter().map(|input| source(input, Growth::Repeat, Vec::new())).collect()
    };
    match rule {
        TextRule::None => Vec::new(),
        TextRule::Copy(inputs) => copied(inputs.to_vec()),
        TextRule::Tokenize => copied(vec![0]),
        TextRule::CopyAll => copied((0..node.input.len()).collect()),
        TextRule::Repeat => vec![source(0, Growth::Repeat, vec![Values(1)])],
        TextRule::Broadcast => vec![source(0, Growth::Broadcast, vec![Values(1)])],
        TextRule::Gather => vec![Source { axis: axis(0), ..source(0, Growth::Gather, vec![Shape(1)]) }],
        TextRule::Features => vec![Source { axis: -1, ..source(0, Growth::Gather, vec![Shape(1)]) }],
        TextRule::Elements => vec![source(0, Growth::Elements, vec![Shape(1)])],
        TextRule::GatherNd => vec![source(0, Growth::GatherNd, vec![Shape(1)])],
        TextRule::OneHot => vec![source(2, Growth::Elements, vec![Shape(0), Values(1)])],
        TextRule::Join => {
            vec![source(0, Growth::Broadcast, vec![Shape(1)]), source(1, Growth::Broadcast, vec![Shape(0)])]
        }
        TextRule::Choose => vec![
            source(1, Growth::Broadcast, vec![Shape(0), Shape(2)]),
            source(2, Growth::Broadcast, vec![Shape(0), Shape(1)]),
        ],
    }
}

impl Copies {
    /// Takes over the tensors of a graph.
    pub fn declare(&mut self, graph: &GraphProto) {
        let overridable: HashSet<&str> = graph.input.iter().map(ValueInfoProto::name).collect();
        let constants = graph.node.iter().filter(|node| node.is("Constant")).filter_map(|node| {
            let tensor = node.attribute("value")?.t.as_ref()?;
            Some((node.output.first()?.as_str(), tensor))
        });
        let initializers = graph.initializer.iter().map(|tensor| (tensor.name(), tensor));
        for (name, tensor) in initializers.filter(|(name, _)| !overridable.contains(name)).chain(constants) {
            if is_text(tensor) && tensor.string_data.iter().all(|text| text.len() <= SHORT) {
                self.short.insert(name.to_owned());
            }
        }
    }

    /// Counts the copies that a node makes of what the graph is fed with.
    fn are_few(&mut self, node: &NodeProto, inputs: &[usize]) -> bool {
        let weight = |name: &String| self.weights.get(name).copied().unwrap_or(1);
        let made = inputs.iter().filter_map(|&input| node.input.get(input)).map(weight).fold(0, u64::saturating_add);
        self.made = self.made.saturating_add(made);
        for output in &node.output {
            self.weights.insert(output.clone(), made);
        }
        self.made <= FREE_COPIES
    }
}

/// The node's input as a reshape of itself to its own shape, which waits for the check and copies nothing.
fn check(node: &mut NodeProto, source: &Source, text: Option<String>, draft: &mut Draft) {
    let name = node.input[source.input].clone();
    let own = draft.op("Shape", &[&name]);
    let text = text.unwrap_or_else(|| name.clone());
    let mut inputs = vec![own, text];
    for number in &source.numbers {
        inputs.push(match *number {
            Number::Shape(input) => draft.op("Shape", &[&node.input[input].clone()]),
            Number::Values(input) => {
                let numbers = draft.cast(&node.input[input].clone(), DType::Int64);
                let list = draft.integers(&[-1]);
                draft.op("Reshape", &[&numbers, &list])
            }
        });
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let attributes =
        vec![("growth", Attribute::String(source.growth.name().to_owned())), ("axis", Attribute::Int(source.axis))];
    let own = draft.op_with(OPERATOR, &inputs, attributes);
    if let Some(made) = draft.nodes.last_mut() {
        made.domain = Some(DOMAIN.to_owned());
    }
    node.input[source.input] = draft.op("Reshape", &[&name, &own]);
}

/// Gives a body outputs of its own where it hands on what it was given: each round of a loop may keep a copy.
pub fn name_outputs(graph: &mut GraphProto) {
    let made: HashSet<&String> = graph.node.iter().flat_map(|node| &node.output).collect();
    let mut copies = Vec::new();
    for (at, output) in graph.output.iter_mut().enumerate() {
        if !made.contains(&output.name().to_owned()) {
            let own = format!("{}/kept/{at}", output.name());
            copies.push(NodeProto::new("Identity", [output.name()], [&own]));
            output.name = Some(own);
        }
    }
    graph.node.extend(copies);
}
