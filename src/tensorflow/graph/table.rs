//! What the tables of a graph hold: constants, with which the initializer of the model, a graph of its own, fills them once.

use super::definition::{self, Definition};
use crate::error::{Error, Result, error};
use crate::tensorflow::artifacts::Artifacts;
use crate::tensorflow::constant::Constant;
use std::collections::HashMap;
use std::rc::Rc;

#[derive(Debug, Clone)]
pub struct Table {
    pub keys: Constant,
    pub values: Constant,
}

/// The tables by the names of the nodes that stand for them in the graph: those that make them, and inputs that are given them.
///
/// # Errors
/// `INVALID_MODEL` for an initializer that is no graph, and for tables with other counts of keys than of values.
pub fn tables<'a>(artifacts: &'a Artifacts, nodes: &[Definition<'a>]) -> Result<HashMap<Rc<str>, Table>> {
    let initializer = definition::nodes(&artifacts.initializer["node"], &[])?;
    let [initial, own] = [&initializer[..], nodes].map(by_name);
    let mut tables = HashMap::new();
    // A name of the one graph means nothing in the other.
    for all in [&initial, &own] {
        for filling in all.values().filter(|node| is_filling(node.op)) {
            let [table, keys, values] = filling.inputs.as_slice() else { continue };
            let contents = [keys, values].map(|input| constant(artifacts, origin(all, &input.node)));
            let [Some(keys), Some(values)] = contents else { continue };
            let (keys, values) = (keys?, values?);
            if keys.len() != values.len() {
                let (keys, values) = (keys.len(), values.len());
                return Err(error!(InvalidModel, "node \"{}\" has {keys} keys for {values} values", filling.name));
            }
            if let Some(maker) = origin(all, &table.node) {
                tables.insert(maker.name.clone(), Table { keys, values });
            }
        }
    }
    // Inputs of the graph are given what the initializer makes under the same number.
    for info in artifacts.signature["inputs"].as_object().into_iter().flatten().map(|(_, info)| info) {
        let number = &info["resourceId"];
        let outputs = artifacts.initializer_signature["outputs"].as_object().into_iter().flatten();
        let given = outputs.map(|(_, made)| made).find(|made| !number.is_null() && made["resourceId"] == *number);
        let names =
            [Some(info), given].map(|info| Some(definition::reference(info?["name"].as_str()?, &HashMap::new()).node));
        if let [Some(input), Some(output)] = names
            && let Some(table) = origin(&initial, &output).and_then(|maker| tables.get(&maker.name)).cloned()
        {
            tables.insert(input, table);
        }
    }
    Ok(tables)
}

fn by_name<'n, 'a>(nodes: &'n [Definition<'a>]) -> HashMap<&'n str, &'n Definition<'a>> {
    nodes.iter().map(|node| (&*node.name, node)).collect()
}

fn is_filling(op: &str) -> bool {
    op.starts_with("InitializeTable") || op.starts_with("LookupTableImport")
}

/// The node that makes what a node passes on.
fn origin<'n, 'a>(nodes: &HashMap<&str, &'n Definition<'a>>, name: &str) -> Option<&'n Definition<'a>> {
    let mut node = *nodes.get(name)?;
    for _ in 0..nodes.len() {
        match node.inputs.first() {
            Some(before) if matches!(node.op, "Identity" | "EnsureShape") => node = *nodes.get(&*before.node)?,
            _ => return Some(node),
        }
    }
    None
}

fn constant(artifacts: &Artifacts, node: Option<&Definition<'_>>) -> Option<Result<Constant>> {
    let node = node.filter(|node| node.op == "Const")?;
    Some(match artifacts.weights.get(&*node.name) {
        Some(weight) => Ok(weight.clone()),
        None => node.value().unwrap_or_else(|| Err(no_value(&node.name))),
    })
}

fn no_value(name: &str) -> Error {
    error!(InvalidModel, "the weights have no tensor \"{name}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    #[test]
    fn an_origin_is_found_behind_what_passes_it_on() {
        let json: Json = json!([
            {"name": "t", "op": "HashTableV2"}, {"name": "a", "op": "Identity", "input": ["t", "^x"]},
            {"name": "b", "op": "Identity", "input": ["a"]}, {"name": "c", "op": "Identity", "input": ["c"]},
        ]);
        let nodes = definition::nodes(&json, &[]).unwrap();
        let all = nodes.iter().map(|node| (&*node.name, node)).collect();
        assert_eq!(&*origin(&all, "b").unwrap().name, "t");
        assert!(origin(&all, "c").is_none());
        assert!(origin(&all, "nobody").is_none());
    }
}
