//! Comparisons, logic and choice.

use super::Rule;
use super::node::{Node, Output};
use crate::error::Result;

pub const RULES: &[(&str, Rule)] = &[
    ("Equal", |node| binary(node, "Equal")),
    ("NotEqual", not_equal),
    ("Greater", |node| binary(node, "Greater")),
    ("GreaterEqual", |node| binary(node, "GreaterOrEqual")),
    ("Less", |node| binary(node, "Less")),
    ("LessEqual", |node| binary(node, "LessOrEqual")),
    ("LogicalAnd", |node| binary(node, "And")),
    ("LogicalOr", |node| binary(node, "Or")),
    ("LogicalNot", not),
    ("BitwiseAnd", |node| binary(node, "BitwiseAnd")),
    ("Select", select),
    ("SelectV2", select_v2),
];

fn binary(node: &mut Node<'_>, op_type: &'static str) -> Result<Output> {
    let inputs = [node.input(0)?, node.input(1)?];
    Ok(node.emit.op(op_type, &inputs).into())
}

fn not_equal(node: &mut Node<'_>) -> Result<Output> {
    let inputs = [node.input(0)?, node.input(1)?];
    let equal = node.emit.op("Equal", &inputs);
    Ok(node.emit.op("Not", &[equal]).into())
}

fn not(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    Ok(node.emit.op("Not", &[x]).into())
}

/// A condition of rank 1 chooses whole rows.
fn select(node: &mut Node<'_>) -> Result<Output> {
    let (mut condition, yes, no) = (node.input(0)?, node.input(1)?, node.input(2)?);
    if node.emit.rank(condition) == Some(1) {
        let inner: Vec<i64> = (1..node.rank(1)? as i64).collect();
        condition = node.emit.unsqueeze(condition, &inner);
    }
    Ok(node.emit.select(condition, yes, no).into())
}

fn select_v2(node: &mut Node<'_>) -> Result<Output> {
    let (condition, yes, no) = (node.input(0)?, node.input(1)?, node.input(2)?);
    Ok(node.emit.select(condition, yes, no).into())
}
