//! What passes values on, tells about them, and runs functions: `If` and calls.

use super::Rule;
use super::definition::Function;
use super::functions::{flatten, inner_scope, rebuild};
use super::item::Item;
use super::node::{Node, Output};
use super::scope::Scope;
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};

pub const RULES: &[(&str, Rule)] = &[
    ("Identity", identity),
    ("IdentityN", identity),
    // One that the signature names is an input, and never comes here.
    ("PlaceholderWithDefault", identity),
    ("StopGradient", identity),
    ("Snapshot", identity),
    ("Print", first),
    ("NoOp", |_| Ok(Vec::<Item>::new().into())),
    ("Shape", shapes),
    ("ShapeN", shapes),
    ("Rank", rank),
    ("Size", size),
    ("FakeQuantWithMinMaxVars", fake_quantize),
    ("If", if_),
    ("StatelessIf", if_),
    ("PartitionedCall", call),
    ("StatefulPartitionedCall", call),
];

fn identity(node: &mut Node<'_>) -> Result<Output> {
    Ok(std::mem::take(&mut node.inputs).into())
}

fn first(node: &mut Node<'_>) -> Result<Output> {
    Ok(node.input(0)?.into())
}

fn shapes(node: &mut Node<'_>) -> Result<Output> {
    let inputs = node.all_inputs()?;
    let emit = &mut *node.emit;
    let shapes = inputs.into_iter().map(|input| {
        let shape = emit.shape_of(input);
        emit.cast(shape, DType::Int32)
    });
    Ok(shapes.collect::<Vec<_>>().into())
}

fn rank(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let shape = node.emit.shape_of(x);
    let rank = node.emit.op("Size", &[shape]);
    Ok(node.emit.cast(rank, DType::Int32).into())
}

fn size(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let size = node.emit.op("Size", &[x]);
    Ok(node.emit.cast(size, DType::Int32).into())
}

/// Rounds to as many steps as the bits can tell apart, of which one is exactly zero.
fn fake_quantize(node: &mut Node<'_>) -> Result<Output> {
    let [x, low, high] = [node.input(0)?, node.input(1)?, node.input(2)?];
    let bits = node.definition.int("num_bits").unwrap_or(8).clamp(2, 16);
    let lowest = if node.definition.flag("narrow_range") { 1.0 } else { 0.0 };
    let highest = f64::from((1i32 << bits) - 1);
    let emit = &mut *node.emit;
    let (first, last) = (emit.float(lowest), emit.float(highest as f32));
    let steps = emit.float(highest as f32 - lowest);
    let range = emit.sub(high, low);
    let step = emit.div(range, steps);
    let offset = emit.div(low, step);
    let zero = emit.sub(first, offset);
    let zero = emit.op("Round", &[zero]);
    let zero = emit.op("Clip", &[zero, first, last]);
    let (below, above) = (emit.sub(first, zero), emit.sub(last, zero));
    let (low, high) = (emit.mul(below, step), emit.mul(above, step));
    let clipped = emit.op("Max", &[x, low]);
    let clipped = emit.op("Min", &[clipped, high]);
    let moved = emit.sub(clipped, low);
    let moved = emit.div(moved, step);
    let half = emit.float(0.5);
    let rounded = emit.add(moved, half);
    let rounded = emit.op("Floor", &[rounded]);
    let scaled = emit.mul(rounded, step);
    Ok(emit.add(scaled, low).into())
}

fn call(node: &mut Node<'_>) -> Result<Output> {
    let function = node.function("f")?;
    let arguments = node.inputs.clone();
    Ok(node.graph.call(node.emit, &mut Scope::default(), &function, &arguments)?.into())
}

fn if_(node: &mut Node<'_>) -> Result<Output> {
    let condition = node.input(0)?;
    let ([yes, no], functionalized) = node.two_functions(["then_branch", "else_branch"])?;
    let arguments = node.inputs[1..].to_vec();
    let (graph, around) = (node.graph, node.scope);
    let emit = &mut *node.emit;
    let condition = emit.cast(condition, DType::Bool);
    let condition = emit.reshape(condition, &[]);
    if let Some(holds) = emit.int_of(condition) {
        let chosen = if holds != 0 { yes } else { no };
        return Ok(graph.call(emit, &mut inner_scope(around, functionalized), &chosen, &arguments)?.into());
    }
    let branch = |emit: &mut Emit, function: &Function<'_>| {
        let mut items = Vec::new();
        let body = emit.body(|emit| {
            items = graph.call(emit, &mut inner_scope(around, functionalized), function, &arguments)?;
            let values = items.iter().map(|item| flatten(emit, item)).collect::<Result<Vec<_>>>()?.concat();
            Ok((Vec::new(), values))
        })?;
        Ok((body, items))
    };
    let (then_body, items) = branch(emit, &yes)?;
    let (else_body, _) = branch(emit, &no)?;
    let types = |outputs: &[Value]| outputs.iter().map(|&output| emit.dtype(output)).collect::<Vec<_>>();
    if types(&then_body.outputs) != types(&else_body.outputs) {
        return Err(error!(InvalidModel, "the two branches give different element types"));
    }
    let count = then_body.outputs.len();
    if count == 0 {
        return Ok(items.into());
    }
    let bodies = vec![("then_branch", then_body), ("else_branch", else_body)];
    let mut made = emit.op_with_bodies("If", &[condition], [], bodies, count).into_iter();
    items.iter().map(|item| rebuild(emit, item, &mut made)).collect::<Result<Vec<_>>>().map(Output::from)
}
