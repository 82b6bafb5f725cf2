//! Loops.

use super::Rule;
use super::definition::Function;
use super::functions::{flatten, inner_scope, rebuild};
use super::item::Item;
use super::list::TensorList;
use super::node::{Graph, Node, Output};
use super::scope::Scope;
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Body, Dims, Emit, Value};
use std::rc::Rc;

pub const RULES: &[(&str, Rule)] = &[("While", while_), ("StatelessWhile", while_)];

/// How often the types of a loop's variables may be widened until they hold for every pass.
const MAX_PASSES: usize = 6;

fn while_(node: &mut Node<'_>) -> Result<Output> {
    let ([condition, body], functionalized) = node.two_functions(["cond", "body"])?;
    let mut initial = node.inputs.clone();
    let varies: Vec<bool> =
        (0..initial.len()).map(|at| !is_passed_on(&body, at) && !matches!(initial[at], Item::Resource(_))).collect();
    if body.results.len() != initial.len() || condition.results.len() != 1 {
        return Err(error!(InvalidModel, "the loop's functions do not fit its {} variables", initial.len()));
    }
    let functions = Loop { graph: node.graph, around: node.scope, functionalized, condition, body, varies };
    let emit = &mut *node.emit;
    let mut shapes: Option<Vec<Option<Dims>>> = None;
    for _ in 0..MAX_PASSES {
        let (attempt, results) = functions.attempt(emit, &initial, shapes.as_deref())?;
        if learn_elements(&mut initial, &results) {
            continue;
        }
        match widened(emit, &attempt)? {
            Some(wider) => shapes = Some(wider),
            None => return functions.finish(emit, initial, attempt),
        }
    }
    Err(error!(UnsupportedModel, "the shapes of the loop's variables is not known"))
}

struct Loop<'a> {
    graph: &'a Graph<'a>,
    around: &'a Scope<'a>,
    /// Its functions see the names around them.
    functionalized: bool,
    condition: Rc<Function<'a>>,
    body: Rc<Function<'a>>,
    /// Which variables change from pass to pass.
    varies: Vec<bool>,
}

impl Loop<'_> {
    /// Whether there is another pass.
    fn holds(&self, emit: &mut Emit, items: &[Item]) -> Result<Value> {
        let mut scope = inner_scope(self.around, self.functionalized);
        let results = self.graph.call(emit, &mut scope, &self.condition, items)?;
        let holds = results.first().and_then(Item::tensor);
        let holds = holds.ok_or_else(|| error!(InvalidModel, "the condition is no tensor"))?;
        let holds = emit.cast(holds, DType::Bool);
        Ok(emit.reshape(holds, &[]))
    }

    /// The body when its variables have these shapes, those of the initial values where none are given; and its results.
    fn attempt(&self, emit: &mut Emit, initial: &[Item], shapes: Option<&[Option<Dims>]>) -> Result<(Body, Vec<Item>)> {
        let mut results = Vec::new();
        let body = emit.body(|emit| {
            let iteration = emit.body_input("iteration", DType::Int64, Some(Vec::new()));
            let before = emit.body_input("condition", DType::Bool, Some(Vec::new()));
            let mut inputs = vec![iteration, before];
            let mut items = initial.to_vec();
            let mut at = 0;
            for (item, _) in items.iter_mut().zip(&self.varies).filter(|(_, varies)| **varies) {
                if let Item::List(TensorList { element: None, .. }) = item {
                    // Its shape is learnt from what the first attempt puts in.
                    continue;
                }
                let mut made = Vec::new();
                for value in flatten(emit, item)? {
                    let shape = match shapes {
                        Some(shapes) => shapes.get(at).cloned().flatten(),
                        None => emit.shape(value).cloned(),
                    };
                    at += 1;
                    made.push(emit.body_input("variable", emit.dtype(value), shape));
                }
                inputs.extend(&made);
                *item = rebuild(emit, item, &mut made.into_iter())?;
            }
            let mut scope = inner_scope(self.around, self.functionalized);
            results = self.graph.call(emit, &mut scope, &self.body, &items)?;
            let mut outputs = vec![self.holds(emit, &results)?];
            outputs.extend(self.values(emit, &results)?);
            Ok((inputs, outputs))
        })?;
        Ok((body, results))
    }

    /// The tensors of the variables that change.
    fn values(&self, emit: &mut Emit, items: &[Item]) -> Result<Vec<Value>> {
        let mut values = Vec::new();
        for (item, _) in items.iter().zip(&self.varies).filter(|(_, varies)| **varies) {
            values.extend(flatten(emit, item)?);
        }
        Ok(values)
    }

    /// The loop with a body whose shapes hold for every pass.
    fn finish(&self, emit: &mut Emit, mut items: Vec<Item>, body: Body) -> Result<Output> {
        let start = self.holds(emit, &items)?;
        let mut inputs = vec![Value::ABSENT, start];
        inputs.extend(self.values(emit, &items)?);
        let count = inputs.len() - 2;
        if count == 0 {
            return Ok(items.into());
        }
        let declared: Vec<Option<Dims>> = body.inputs[2..].iter().map(|&input| emit.shape(input).cloned()).collect();
        let made = emit.op_with_bodies("Loop", &inputs, [], vec![("body", body)], count);
        for (&value, shape) in made.iter().zip(&declared) {
            if let Some(shape) = shape {
                emit.assume_shape(value, shape);
            }
        }
        let mut made = made.into_iter();
        for (item, _) in items.iter_mut().zip(&self.varies).filter(|(_, varies)| **varies) {
            *item = rebuild(emit, item, &mut made)?;
        }
        Ok(items.into())
    }
}

/// The shapes that variables have before and after a pass of the body. `None` when these are the same.
fn widened(emit: &Emit, body: &Body) -> Result<Option<Vec<Option<Dims>>>> {
    if body.inputs.len() != body.outputs.len() + 1 {
        return Err(error!(InvalidModel, "the loop's variables change their kind"));
    }
    let mut wider = Vec::new();
    let mut is_stable = true;
    for (&input, &output) in body.inputs[2..].iter().zip(&body.outputs[1..]) {
        if emit.dtype(input) != emit.dtype(output) {
            return Err(error!(InvalidModel, "a variable of the loop changes its element type"));
        }
        let (given, made) = (emit.shape(input), emit.shape(output));
        let both = common(given, made);
        is_stable &= both.as_ref() == given;
        wider.push(both);
    }
    Ok((!is_stable).then_some(wider))
}

/// Whether a function gives an argument back as it is.
fn is_passed_on(function: &Function<'_>, at: usize) -> bool {
    let (Some(result), Some(argument)) = (function.results.get(at), function.arguments.get(at)) else { return false };
    let mut name = &result.node;
    for _ in 0..function.nodes.len() {
        match function.nodes.iter().find(|node| node.name == *name) {
            Some(node) if node.op == "Identity" && node.inputs.len() == 1 => name = &node.inputs[0].node,
            _ => break,
        }
    }
    name == argument && result.output == 0
}

/// Takes over the shapes of lists' elements that were not known before the loop; tells whether there were any.
fn learn_elements(initial: &mut [Item], results: &[Item]) -> bool {
    let mut learnt = false;
    for pair in initial.iter_mut().zip(results) {
        if let (Item::List(before), Item::List(after)) = pair
            && before.element.is_none()
            && after.element.is_some()
        {
            before.element.clone_from(&after.element);
            learnt = true;
        }
    }
    learnt
}

/// What two shapes have in common.
fn common(a: Option<&Dims>, b: Option<&Dims>) -> Option<Dims> {
    let (a, b) = (a?, b?);
    (a.len() == b.len()).then(|| a.iter().zip(b).map(|(a, b)| if a == b { *a } else { None }).collect())
}
