//! What is known of each operator, one row each. Whoever asks about operators by name asks here; one that has no row is one that
//! nothing is known of.
//!
//! The rules that a row names are enums: those who compute by them match on all kinds, so that a new kind is missing nowhere.

mod elements;
mod guarded;
mod microsoft;
mod ml;
mod operator;
mod rows;
mod shapes;
mod standard;
mod types;

use super::proto::{GraphProto, ModelProto, NodeProto};
pub use elements::ElementRule;
pub use guarded::{Empty, Form, Guarded, MAX_COUNT, Reads, TextRule, Training, What, When};
pub use operator::{MICROSOFT, ML, Operator, STANDARD, Sizes};
pub use rows::RowRule;
pub use shapes::ShapeRule;
use std::collections::HashMap;
use std::sync::LazyLock;
pub use types::{ElementType, TypeRule};

/// All rows, by domain and name.
pub fn operators() -> impl Iterator<Item = &'static Operator> {
    [standard::OPERATORS, ml::OPERATORS, microsoft::OPERATORS].into_iter().flatten()
}

/// The row of a node's operator.
pub fn operator(node: &NodeProto) -> Option<&'static Operator> {
    find(if node.domain() == "ai.onnx" { STANDARD } else { node.domain() }, node.op_type())
}

/// The row of an operator of a domain.
pub fn find(domain: &str, name: &str) -> Option<&'static Operator> {
    static ROWS: LazyLock<HashMap<(&str, &str), &Operator>> =
        LazyLock::new(|| operators().map(|row| ((row.domain, row.name), row)).collect());
    ROWS.get(&(domain, name)).copied()
}

/// Whether a model has an operator of a kind, also in functions and in graphs within nodes.
pub fn occurs(model: &ModelProto, is_meant: fn(&Operator) -> bool) -> bool {
    fn among<'a>(mut nodes: impl Iterator<Item = &'a NodeProto>, is_meant: fn(&Operator) -> bool) -> bool {
        let within = |graph: &GraphProto| among(graph.node.iter(), is_meant);
        nodes.any(|node| operator(node).is_some_and(is_meant) || node.subgraphs().any(within))
    }
    let functions = model.functions.iter().flat_map(|function| &function.node);
    among(model.graph.iter().flat_map(|graph| &graph.node).chain(functions), is_meant)
}

#[cfg(test)]
mod tests;
