//! Graph-models: one rule for each operation of TensorFlow.
//!
//! A rule is a function that reads the attributes and inputs of a [`Node`] and emits ONNX operations. It stands in the
//! `RULES` of its group under the name of the operation, and that is all that a new operation needs.

mod arithmetic;
mod control;
mod convolution;
mod creation;
mod definition;
mod functionalize;
mod functions;
mod hash_table;
mod image;
mod item;
mod list;
mod logical;
mod loops;
mod math;
mod matrices;
mod node;
mod normalization;
mod reduction;
mod scope;
mod slice_join;
mod spectral;
mod strided_slice;
mod suppression;
mod table;
mod tensor_list;
mod transformation;
mod value;

pub(super) use node::Rule;

use super::artifacts::Artifacts;
use super::emit::Emit;
use crate::error::{Error, ErrorCode, Result, error};
use definition::{Definition, Reference};
use item::Item;
use node::{Graph, MAX_DEPTH, Node};
use scope::Scope;
use serde_json::{Value as Json, json};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

const GROUPS: &[&[(&str, Rule)]] = &[
    arithmetic::RULES,
    control::RULES,
    convolution::RULES,
    creation::RULES,
    hash_table::RULES,
    image::RULES,
    logical::RULES,
    loops::RULES,
    math::RULES,
    matrices::RULES,
    normalization::RULES,
    reduction::RULES,
    slice_join::RULES,
    spectral::RULES,
    suppression::RULES,
    tensor_list::RULES,
    transformation::RULES,
];

/// The operations that can be translated.
pub fn operations() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|group| group.iter().map(|(name, _)| *name))
}

fn rules() -> HashMap<&'static str, Rule> {
    GROUPS.iter().flat_map(|group| group.iter().copied()).collect()
}

/// Nodes that a model may have, counting those of a function once for each use.
const MAX_NODES: usize = 100_000;
/// Values that their translation may have.
const MAX_VALUES: usize = 4_000_000;

/// Translates the graph.
///
/// # Errors
/// As [`super::translate`].
pub fn translate(artifacts: &Artifacts) -> Result<Emit> {
    let nodes = functionalize::functionalize(definition::nodes(&artifacts.topology["node"], &[])?)?;
    let graph = Graph {
        rules: rules(),
        functions: definition::functions(&artifacts.topology["library"])?,
        weights: &artifacts.weights,
        tables: table::tables(artifacts, &nodes)?,
        left: Cell::new(MAX_NODES),
        depth: Cell::new(0),
        refusals: RefCell::default(),
    };
    let outputs = outputs(&artifacts.signature, &nodes);
    if outputs.is_empty() {
        return Err(error!(InvalidModel, "the graph has no outputs"));
    }
    let wanted: Vec<Reference> = outputs.iter().map(|(_, reference)| reference.clone()).collect();
    let order = graph.order(&nodes, &wanted)?;
    graph.check_operations(&order)?;
    let mut emit = Emit::new();
    let mut scope = Scope::default();
    declare_inputs(&mut emit, &mut scope, &artifacts.signature, &nodes, &order)?;
    graph.run(&mut emit, &mut scope, &order)?;
    if let Some(refusal) = graph.refusal() {
        return Err(refusal);
    }
    for (name, reference) in &outputs {
        match scope.get(reference).and_then(|item| item.tensor()) {
            Some(value) => emit.output(name, value),
            None => return Err(error!(UnsupportedModel, "the output \"{name}\" is no tensor")),
        }
    }
    Ok(emit)
}

impl<'a> Graph<'a> {
    /// The nodes that the wanted values need, each after those that it needs itself.
    fn order<'n>(&self, nodes: &'n [Definition<'a>], wanted: &[Reference]) -> Result<Vec<&'n Definition<'a>>> {
        let by_name: HashMap<&str, &'n Definition<'a>> = nodes.iter().map(|node| (&*node.name, node)).collect();
        let mut order = Vec::new();
        let mut done: HashMap<Rc<str>, bool> = HashMap::new();
        let mut stack: Vec<(Rc<str>, bool)> = wanted.iter().rev().map(|wanted| (wanted.node.clone(), false)).collect();
        while let Some((name, needs_done)) = stack.pop() {
            let Some(&node) = by_name.get(&*name) else { continue };
            if needs_done {
                done.insert(name, true);
                order.push(node);
                continue;
            }
            match done.get(&name) {
                Some(true) => continue,
                Some(false) => return Err(error!(InvalidModel, "node \"{name}\" depends on itself")),
                None => {}
            }
            done.insert(name.clone(), false);
            stack.push((name, true));
            for need in node.needs().into_iter().rev() {
                match done.get(&need.node) {
                    Some(true) => {}
                    Some(false) => return Err(error!(InvalidModel, "node \"{}\" depends on itself", need.node)),
                    None => stack.push((need.node, false)),
                }
            }
        }
        Ok(order)
    }

    /// Refuses a model for all the operations that have no rule, before anything is translated.
    fn check_operations(&self, order: &[&Definition<'a>]) -> Result<()> {
        let mut seen = HashSet::new();
        self.look_for_unknown(order, &mut seen, 0)?;
        self.refusal().map_or(Ok(()), Err)
    }

    fn look_for_unknown(&self, nodes: &[&Definition<'a>], seen: &mut HashSet<&'a str>, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(error!(InvalidModel, "functions are nested more than {MAX_DEPTH} deep"));
        }
        for node in nodes {
            if !self.rules.contains_key(node.op) && node.op != "Placeholder" {
                self.refuse(&format!("operation {}", node.op), &node.name);
            }
            for function in &node.functions {
                self.look_for_unknown(&self.order(&function.nodes, &function.results)?, seen, depth + 1)?;
            }
            for attribute in ["cond", "body", "then_branch", "else_branch", "f"] {
                if let Some(name) = node.function(attribute)
                    && let Some(function) = self.functions.get(name)
                    && seen.insert(name)
                {
                    self.look_for_unknown(&self.order(&function.nodes, &function.results)?, seen, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn refuse(&self, reason: &str, node: &str) {
        self.refusals.borrow_mut().entry(reason.to_owned()).or_default().push(node.to_owned());
    }

    /// The refusal of everything that was refused so far.
    fn refusal(&self) -> Option<Error> {
        let refusals = self.refusals.borrow();
        if refusals.is_empty() {
            return None;
        }
        let line = |(reason, nodes): (&String, &Vec<String>)| match nodes.as_slice() {
            [only] => format!("{reason} (node \"{only}\")"),
            [first, others @ ..] => format!("{reason} (node \"{first}\" and {} more)", others.len()),
            [] => reason.clone(),
        };
        let list = refusals.iter().map(line).collect::<Vec<_>>().join("; ");
        let details = refusals.iter().map(|(reason, nodes)| json!({ "reason": reason, "nodes": nodes }));
        let details = json!({ "unsupported": details.collect::<Vec<_>>() });
        Some(error!(UnsupportedModel, "the model cannot be translated: {list}").with_details(details))
    }

    /// Translates nodes in their order. Nodes that are refused are collected, and so nothing that depends on them is tried.
    fn run(&self, emit: &mut Emit, scope: &mut Scope<'_>, order: &[&Definition<'a>]) -> Result<()> {
        for definition in order {
            if scope.has(&definition.name) {
                continue;
            }
            match self.left.get().checked_sub(1) {
                Some(left) if emit.size_so_far() <= MAX_VALUES => self.left.set(left),
                _ => return Err(error!(UnsupportedModel, "the model has more than {MAX_NODES} nodes")),
            }
            let inputs = definition.inputs.iter().map(|reference| scope.get(reference)).collect::<Option<Vec<_>>>();
            let Some(inputs) = inputs else {
                if self.refusals.borrow().is_empty() {
                    return Err(missing_input(definition, scope));
                }
                continue;
            };
            let Some(rule) = self.rules.get(definition.op) else {
                return Err(error!(
                    InvalidModel,
                    "node \"{}\": the model does not declare this input", definition.name
                ));
            };
            emit.at(&definition.name);
            let outcome = rule(&mut Node { emit: &mut *emit, definition, inputs, graph: self, scope });
            match outcome {
                Ok(output) => scope.set(&definition.name, output.0),
                Err(problem) if problem.code == ErrorCode::UnsupportedModel => {
                    self.refuse(&format!("{}: {}", definition.op, problem.message), &definition.name);
                }
                Err(problem) => {
                    let message = format!("node \"{}\" ({}): {}", definition.name, definition.op, problem.message);
                    return Err(Error { message, ..problem });
                }
            }
        }
        Ok(())
    }
}

fn missing_input(node: &Definition<'_>, scope: &Scope<'_>) -> Error {
    let missing = node.inputs.iter().find(|reference| scope.get(reference).is_none());
    let (name, output) = missing.map_or(("", 0), |reference| (&*reference.node, reference.output));
    error!(InvalidModel, "node \"{}\" ({}) uses \"{name}:{output}\", which does not exist", node.name, node.op)
}

/// The name by which callers know a tensor: the signature's key, or the node's name where the converter lost the key and
/// wrote the tensor's name instead.
fn public_name<'a>(key: &'a str, tensor: &str) -> &'a str {
    if key == tensor { key.strip_suffix(":0").unwrap_or(key) } else { key }
}

/// The outputs by name, in the signature's order; without a signature the nodes that no other node uses.
fn outputs(signature: &Json, nodes: &[Definition<'_>]) -> Vec<(String, Reference)> {
    if let Some(outputs) = signature["outputs"].as_object().filter(|outputs| !outputs.is_empty()) {
        let named = outputs.iter().map(|(key, info)| {
            let tensor = info["name"].as_str().unwrap_or(key);
            (public_name(key, tensor).to_owned(), definition::reference(tensor, &HashMap::new()))
        });
        return named.collect();
    }
    let used: HashSet<Rc<str>> = nodes.iter().flat_map(|node| node.needs()).map(|reference| reference.node).collect();
    let last =
        nodes.iter().filter(|node| !used.contains(&node.name) && !matches!(node.op, "Const" | "NoOp" | "Placeholder"));
    last.map(|node| (node.name.to_string(), Reference::first(&node.name))).collect()
}

/// Declares the model's inputs: those of the signature in its order, then placeholders that it does not name.
fn declare_inputs(
    emit: &mut Emit,
    scope: &mut Scope<'_>,
    signature: &Json,
    nodes: &[Definition<'_>],
    order: &[&Definition<'_>],
) -> Result<()> {
    let placeholders: HashMap<&str, &Definition<'_>> = nodes
        .iter()
        .filter(|node| matches!(node.op, "Placeholder" | "PlaceholderWithDefault"))
        .map(|node| (&*node.name, node))
        .collect();
    for (key, info) in signature["inputs"].as_object().into_iter().flatten() {
        let tensor = info["name"].as_str().unwrap_or(key);
        let node = definition::reference(tensor, &HashMap::new()).node;
        if let Some(definition) = placeholders.get(&*node)
            && !scope.has(&node)
        {
            declare_input(emit, scope, public_name(key, tensor), definition)?;
        }
    }
    for definition in order {
        if definition.op == "Placeholder" && !scope.has(&definition.name) {
            declare_input(emit, scope, &definition.name, definition)?;
        }
    }
    Ok(())
}

fn declare_input(emit: &mut Emit, scope: &mut Scope<'_>, name: &str, node: &Definition<'_>) -> Result<()> {
    let item = match node.dtype("dtype") {
        Some(dtype) => Item::Tensor(emit.input(name, dtype, node.shape("shape").flatten())),
        None if node.attributes["dtype"]["type"] == "DT_RESOURCE" => Item::Resource(node.name.clone()),
        None => {
            return Err(error!(UnsupportedModel, "input \"{name}\" is of type {}", node.attributes["dtype"]["type"]));
        }
    };
    scope.set(&node.name, vec![item]);
    Ok(())
}
