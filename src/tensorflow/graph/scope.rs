//! The values of a graph by the names of their nodes.

use super::definition::Reference;
use super::item::Item;
use std::collections::HashMap;

/// Names of a graph; those that it lacks are looked for in the graph around it.
#[derive(Default)]
pub struct Scope<'a> {
    items: HashMap<String, Vec<Item>>,
    around: Option<&'a Scope<'a>>,
}

impl<'a> Scope<'a> {
    pub fn within(around: &'a Scope<'a>) -> Self {
        Self { items: HashMap::new(), around: Some(around) }
    }

    pub fn get(&self, reference: &Reference) -> Option<Item> {
        match self.items.get(&*reference.node) {
            Some(items) => items.get(reference.output).cloned(),
            None => self.around?.get(reference),
        }
    }

    pub fn set(&mut self, node: &str, items: Vec<Item>) {
        self.items.insert(node.to_owned(), items);
    }

    /// Whether this graph itself has the name.
    pub fn has(&self, node: &str) -> bool {
        self.items.contains_key(node)
    }
}
