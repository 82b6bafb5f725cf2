//! The control flow of TensorFlow 1 as functions: `Switch` and `Merge` become `If`; the frames of `Enter`, `Exit` and
//! `NextIteration` become `While`.

use super::definition::{Definition, Function, Reference};
use crate::error::{Result, error};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

/// Each loop and condition is looked for in the whole graph, and compared with the others: a bound on that work.
const MAX_STEPS: usize = 200_000_000;
/// How far identities, or values that only enter a loop, are followed.
const MAX_CHAIN: usize = 1000;

static NO_ATTRIBUTES: Json = Json::Null;

type Substitution = HashMap<Reference, Reference>;

/// The graph without `Enter`, `Switch` and so on, as far as they follow the patterns that TensorFlow makes. What does not
/// is left, and refused later when it is needed.
///
/// # Errors
/// `UNSUPPORTED_MODEL` for too many loops or conditions.
pub fn functionalize(mut nodes: Vec<Definition<'_>>) -> Result<Vec<Definition<'_>>> {
    if !nodes.iter().any(|node| matches!(node.op, "Enter" | "RefEnter" | "Switch" | "Merge")) {
        return Ok(nodes);
    }
    enter_constants(&mut nodes);
    let mut frames = frames(&nodes);
    check_effort(frames.len(), nodes.len())?;
    // A loop within another has fewer members than that.
    while !frames.is_empty() {
        let sizes = frames.iter().map(|frame| frame.members(&nodes).len());
        let (at, _) = sizes.enumerate().min_by_key(|(_, size)| *size).unwrap_or_default();
        nodes = frames.swap_remove(at).functionalize(nodes)?;
    }
    functionalize_conditions(nodes, &mut [])
}

fn check_effort(constructs: usize, nodes: usize) -> Result<()> {
    if constructs.saturating_mul(constructs).saturating_mul(nodes) > MAX_STEPS {
        return Err(error!(UnsupportedModel, "{constructs} loops or conditions among {nodes} nodes are too many"));
    }
    Ok(())
}

fn substitute(nodes: &mut [Definition<'_>], by: &Substitution) {
    for node in nodes {
        node.inputs.iter_mut().for_each(|input| replace(input, by));
        for function in &mut node.functions {
            let function = Rc::make_mut(function);
            substitute(&mut function.nodes, by);
            function.results.iter_mut().for_each(|result| replace(result, by));
        }
    }
}

fn replace(reference: &mut Reference, by: &Substitution) {
    // A replacement may be replaced itself; a broken graph may have circles of them.
    for _ in 0..by.len().min(MAX_CHAIN) {
        match by.get(reference) {
            Some(other) => *reference = other.clone(),
            None => return,
        }
    }
}

/// What enters a loop and never changes is what it was outside.
fn enter_constants(nodes: &mut [Definition<'_>]) {
    let varying: HashSet<Rc<str>> = nodes
        .iter()
        .filter(|node| node.op == "Merge")
        .flat_map(|merge| merge.inputs.iter().map(|input| input.node.clone()))
        .collect();
    let by = nodes
        .iter()
        .filter(|node| node.op == "Enter" && !varying.contains(&node.name))
        .filter_map(|enter| Some((Reference::first(&enter.name), enter.inputs.first()?.clone())))
        .collect();
    substitute(nodes, &by);
}

/// A value that changes with each pass of a loop.
struct Variable {
    initial: Reference,
    merge: Rc<str>,
    next: Reference,
}

/// One loop.
struct Frame {
    variables: Vec<Variable>,
}

fn frames(nodes: &[Definition<'_>]) -> Vec<Frame> {
    let by_name: HashMap<&str, &Definition<'_>> = nodes.iter().map(|node| (&*node.name, node)).collect();
    let mut frames: BTreeMap<String, Frame> = BTreeMap::new();
    for merge in nodes.iter().filter(|node| node.op == "Merge") {
        let [enter, next] = &merge.inputs[..] else { continue };
        let (Some(enter), Some(next)) = (by_name.get(&*enter.node), by_name.get(&*next.node)) else { continue };
        if let ("Enter", "NextIteration", [initial, ..], [next, ..]) =
            (enter.op, next.op, &enter.inputs[..], &next.inputs[..])
        {
            let name = enter.attributes["frame_name"].to_string();
            let variable = Variable { initial: initial.clone(), merge: merge.name.clone(), next: next.clone() };
            frames.entry(name).or_insert(Frame { variables: Vec::new() }).variables.push(variable);
        }
    }
    frames.into_values().collect()
}

impl Frame {
    /// The names of the nodes within the loop: all that come after its merges and not after its exits.
    fn members(&self, nodes: &[Definition<'_>]) -> HashSet<Rc<str>> {
        let mut consumers: HashMap<Rc<str>, Vec<usize>> = HashMap::new();
        for (at, node) in nodes.iter().enumerate() {
            for need in node.needs() {
                consumers.entry(need.node).or_default().push(at);
            }
        }
        let mut members: HashSet<Rc<str>> = self.variables.iter().map(|variable| variable.merge.clone()).collect();
        let mut open: Vec<Rc<str>> = members.iter().cloned().collect();
        while let Some(name) = open.pop() {
            for &at in consumers.get(&name).map_or(&[][..], Vec::as_slice) {
                let node = &nodes[at];
                if node.op != "Exit" && members.insert(node.name.clone()) {
                    open.push(node.name.clone());
                }
            }
        }
        members
    }

    /// The graph with the loop as one node.
    fn functionalize<'a>(self, nodes: Vec<Definition<'a>>) -> Result<Vec<Definition<'a>>> {
        let members = self.members(&nodes);
        let places: HashMap<Rc<str>, usize> =
            self.variables.iter().enumerate().map(|(at, variable)| (variable.merge.clone(), at)).collect();
        let name: Rc<str> = format!("{}/While", self.variables[0].merge).into();
        let (mut within, mut exits) = (Substitution::new(), Substitution::new());
        let mut condition = None;
        for node in nodes.iter().filter(|node| members.contains(&node.name)) {
            match (node.op, node.inputs.as_slice()) {
                ("Switch", [data, ..]) if places.contains_key(&data.node) => {
                    within.insert(Reference { node: node.name.clone(), output: 1 }, data.clone());
                }
                ("LoopCond", [holds]) => condition = Some(holds.clone()),
                _ => {}
            }
        }
        let condition = condition.ok_or_else(|| error!(InvalidModel, "the loop of \"{name}\" has no condition"))?;
        let by_name: HashMap<&str, &Definition<'_>> = nodes.iter().map(|node| (&*node.name, node)).collect();
        for exit in nodes.iter().filter(|node| node.op == "Exit") {
            let switch = exit.inputs.first().and_then(|input| by_name.get(&*input.node));
            let place = switch.and_then(|switch| places.get(&switch.inputs.first()?.node));
            if let Some(&place) = place {
                exits.insert(Reference::first(&exit.name), Reference { node: name.clone(), output: place });
            }
        }
        let arguments: Vec<Rc<str>> = self.variables.iter().map(|variable| variable.merge.clone()).collect();
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for node in nodes {
            if members.contains(&node.name) {
                if !matches!(node.op, "NextIteration" | "LoopCond") && !places.contains_key(&node.name) {
                    inside.push(node);
                }
            } else if !exits.contains_key(&Reference::first(&node.name)) {
                outside.push(node);
            }
        }
        substitute(&mut inside, &within);
        let function = |mut results: Vec<Reference>| -> Result<Rc<Function<'a>>> {
            results.iter_mut().for_each(|result| replace(result, &within));
            let nodes = functionalize_conditions(inside.clone(), &mut results)?;
            let nodes = needed(nodes, &results);
            Ok(Rc::new(Function { arguments: arguments.clone(), nodes, results }))
        };
        let functions = vec![
            function(vec![condition])?,
            function(self.variables.iter().map(|variable| variable.next.clone()).collect())?,
        ];
        outside.push(Definition {
            name,
            op: "While",
            inputs: self.variables.into_iter().map(|variable| variable.initial).collect(),
            controls: Vec::new(),
            attributes: &NO_ATTRIBUTES,
            functions,
        });
        substitute(&mut outside, &exits);
        Ok(outside)
    }
}

/// The nodes that the results need.
fn needed<'a>(nodes: Vec<Definition<'a>>, results: &[Reference]) -> Vec<Definition<'a>> {
    let by_name: HashMap<&str, &Definition<'_>> = nodes.iter().map(|node| (&*node.name, node)).collect();
    let kept = ancestors(&by_name, results, |_| true);
    nodes.into_iter().filter(|node| kept.contains(&node.name)).collect()
}

/// The names of the nodes that some values come from. Those for which `pass` does not hold are not entered.
fn ancestors(
    by_name: &HashMap<&str, &Definition<'_>>,
    from: &[Reference],
    pass: impl Fn(&Definition<'_>) -> bool,
) -> HashSet<Rc<str>> {
    let mut found = HashSet::new();
    let mut open: Vec<Rc<str>> = from.iter().map(|reference| reference.node.clone()).collect();
    while let Some(name) = open.pop() {
        if let Some(node) = by_name.get(&*name)
            && pass(node)
            && found.insert(name)
        {
            open.extend(node.needs().into_iter().map(|need| need.node));
        }
    }
    found
}

/// The graph with its conditions as single nodes; `results` name the same values afterwards.
fn functionalize_conditions<'a>(
    mut nodes: Vec<Definition<'a>>,
    results: &mut [Reference],
) -> Result<Vec<Definition<'a>>> {
    let merges = nodes.iter().filter(|node| node.op == "Merge").count();
    check_effort(merges, nodes.len())?;
    for round in 0..merges {
        let by_name: HashMap<&str, &Definition<'_>> = nodes.iter().map(|node| (&*node.name, node)).collect();
        let Some(group) = next_group(&nodes, &by_name) else { break };
        let name: Rc<str> = format!("{}/If/{round}", group.merges[0].name).into();
        let branch = |which: usize| -> Rc<Function<'a>> {
            let ends: Vec<Reference> = group.merges.iter().map(|merge| merge.ends[which].clone()).collect();
            Rc::new(group.branch(&nodes, &by_name, ends))
        };
        let functions = vec![branch(1), branch(0)];
        let by: Substitution = group
            .merges
            .iter()
            .enumerate()
            .map(|(at, merge)| (Reference::first(&merge.name), Reference { node: name.clone(), output: at }))
            .collect();
        let node = Definition {
            name,
            op: "If",
            inputs: vec![group.predicate],
            controls: Vec::new(),
            attributes: &NO_ATTRIBUTES,
            functions,
        };
        nodes.retain(|node| !by.contains_key(&Reference::first(&node.name)));
        nodes.push(node);
        substitute(&mut nodes, &by);
        results.iter_mut().for_each(|result| replace(result, &by));
    }
    Ok(nodes)
}

struct Merge {
    name: Rc<str>,
    /// What arrives when the predicate does not hold, and when it does.
    ends: [Reference; 2],
}

/// Merges of one predicate that do not depend on each other.
struct Group {
    predicate: Reference,
    merges: Vec<Merge>,
}

/// Merges that depend on no other merge.
fn next_group(nodes: &[Definition<'_>], by_name: &HashMap<&str, &Definition<'_>>) -> Option<Group> {
    let mut group: Option<Group> = None;
    for merge in nodes.iter().filter(|node| node.op == "Merge") {
        let above = ancestors(by_name, &merge.inputs, |_| true);
        if above.iter().any(|name| by_name.get(&**name).is_some_and(|node| node.op == "Merge")) {
            continue;
        }
        let [first, second] = &merge.inputs[..] else { continue };
        let sides = [side(by_name, first), side(by_name, second)];
        let (predicate, holds) = match sides {
            [Some((predicate, holds)), Some((other, otherwise))] if predicate == other && holds != otherwise => {
                (predicate, holds)
            }
            [Some((predicate, holds)), None] => (predicate, holds),
            [None, Some((predicate, holds))] => (predicate, !holds),
            _ => continue,
        };
        let ends = if holds { [second.clone(), first.clone()] } else { [first.clone(), second.clone()] };
        let merge = Merge { name: merge.name.clone(), ends };
        match &mut group {
            None => group = Some(Group { predicate, merges: vec![merge] }),
            Some(group) if group.predicate == predicate => group.merges.push(merge),
            Some(_) => {}
        }
    }
    group
}

/// On which side of which predicate a value is computed.
fn side(by_name: &HashMap<&str, &Definition<'_>>, value: &Reference) -> Option<(Reference, bool)> {
    nearest_switch(by_name, value, false).or_else(|| nearest_switch(by_name, value, true))
}

fn nearest_switch(
    by_name: &HashMap<&str, &Definition<'_>>,
    value: &Reference,
    controls: bool,
) -> Option<(Reference, bool)> {
    let mut seen = HashSet::new();
    let mut open = std::collections::VecDeque::from([value.clone()]);
    while let Some(reference) = open.pop_front() {
        let Some(node) = by_name.get(&*reference.node) else { continue };
        if node.op == "Switch" {
            return Some((origin(by_name, node.inputs.get(1)?), reference.output == 1));
        }
        if seen.insert(reference.node) {
            open.extend(node.needs());
            if controls {
                open.extend(node.controls.iter().map(|control| Reference::first(control)));
            }
        }
    }
    None
}

/// The value that identities only pass on.
fn origin(by_name: &HashMap<&str, &Definition<'_>>, value: &Reference) -> Reference {
    let mut value = value.clone();
    for _ in 0..MAX_CHAIN {
        match by_name.get(&*value.node) {
            Some(node) if node.op == "Identity" && !node.inputs.is_empty() => value = node.inputs[0].clone(),
            _ => break,
        }
    }
    value
}

impl Group {
    /// One branch. What does not come from a switch of the predicate stays outside.
    fn branch<'a>(
        &self,
        nodes: &[Definition<'a>],
        by_name: &HashMap<&str, &Definition<'_>>,
        mut ends: Vec<Reference>,
    ) -> Function<'a> {
        let is_switch = |node: &Definition<'_>| {
            node.op == "Switch" && node.inputs.get(1).is_some_and(|input| origin(by_name, input) == self.predicate)
        };
        let visited = ancestors(by_name, &ends, |node| !is_switch(node));
        let mut by = Substitution::new();
        let mut dependent: HashSet<Rc<str>> = HashSet::new();
        for switch in nodes.iter().filter(|node| is_switch(node)) {
            dependent.insert(switch.name.clone());
            for output in 0..2 {
                by.insert(Reference { node: switch.name.clone(), output }, switch.inputs[0].clone());
            }
        }
        // Nodes of the branch that come after a switch, found by following consumers.
        let mut consumers: HashMap<Rc<str>, Vec<&Definition<'a>>> = HashMap::new();
        for node in nodes.iter().filter(|node| visited.contains(&node.name)) {
            for need in node.needs() {
                consumers.entry(need.node).or_default().push(node);
            }
        }
        let mut open: Vec<Rc<str>> = dependent.iter().cloned().collect();
        let mut inside: HashSet<Rc<str>> = HashSet::new();
        while let Some(name) = open.pop() {
            for node in consumers.get(&name).map_or(&[][..], Vec::as_slice) {
                if inside.insert(node.name.clone()) {
                    open.push(node.name.clone());
                }
            }
        }
        let mut kept: Vec<Definition<'a>> = nodes.iter().filter(|node| inside.contains(&node.name)).cloned().collect();
        substitute(&mut kept, &by);
        ends.iter_mut().for_each(|end| replace(end, &by));
        Function { arguments: Vec::new(), nodes: kept, results: ends }
    }
}
