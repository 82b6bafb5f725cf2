//! What passes values on, tells about them, and runs functions: `If`, `While` and calls.

use super::Rule;
use super::definition::{Function, Reference};
use super::item::Item;
use super::node::{Node, Output};
use super::scope::Scope;
use super::tensor_list::{Rows, TensorList};
use super::{Graph, MAX_DEPTH};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Dims, Emit, Value};
use std::rc::Rc;

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
    ("While", while_),
    ("StatelessWhile", while_),
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

impl<'a> Graph<'a> {
    /// Translates a function with these arguments and returns its results.
    fn call(
        &self,
        emit: &mut Emit,
        scope: &mut Scope<'_>,
        function: &Function<'a>,
        arguments: &[Item],
    ) -> Result<Vec<Item>> {
        if function.arguments.len() != arguments.len() {
            return Err(error!(
                InvalidModel,
                "a function of {} arguments is given {}",
                function.arguments.len(),
                arguments.len()
            ));
        }
        if self.depth.get() >= MAX_DEPTH {
            return Err(error!(InvalidModel, "functions are nested more than {MAX_DEPTH} deep"));
        }
        self.depth.set(self.depth.get() + 1);
        for (name, argument) in function.arguments.iter().zip(arguments) {
            scope.set(name, vec![argument.clone()]);
        }
        let order = self.order(&function.nodes, &function.results)?;
        self.run(emit, scope, &order)?;
        self.depth.set(self.depth.get() - 1);
        function
            .results
            .iter()
            .map(|result| {
                scope.get(result).ok_or_else(|| {
                    let Reference { node, output } = result;
                    error!(UnsupportedModel, "its function cannot give \"{node}:{output}\"")
                })
            })
            .collect()
    }
}

impl<'a> Node<'a> {
    /// The function that an attribute names.
    fn function(&self, attribute: &str) -> Result<Rc<Function<'a>>> {
        let name = self.definition.function(attribute);
        let found = name.and_then(|name| self.graph.functions.get(name));
        found.cloned().ok_or_else(|| error!(InvalidModel, "there is no function for {attribute}"))
    }

    /// Both functions of a conditional or loop. Those that were raised see the names around them.
    fn two_functions(&self, attributes: [&str; 2]) -> Result<([Rc<Function<'a>>; 2], bool)> {
        match self.definition.raised.as_slice() {
            [first, second] => Ok(([first.clone(), second.clone()], true)),
            _ => Ok(([self.function(attributes[0])?, self.function(attributes[1])?], false)),
        }
    }
}

fn inner_scope<'s>(around: &'s Scope<'s>, raised: bool) -> Scope<'s> {
    if raised { Scope::within(around) } else { Scope::default() }
}

fn call(node: &mut Node<'_>) -> Result<Output> {
    let function = node.function("f")?;
    let arguments = node.inputs.clone();
    Ok(node.graph.call(node.emit, &mut Scope::default(), &function, &arguments)?.into())
}

/// The tensors that an item is made of.
fn flatten(emit: &mut Emit, item: &Item) -> Result<Vec<Value>> {
    Ok(match item {
        Item::Tensor(value) | Item::Blocks { blocks: value, .. } => vec![*value],
        Item::Complex(real, imaginary) => vec![*real, *imaginary],
        Item::List(list) => vec![list.dense(emit)?],
        Item::Resource(_) => Vec::new(),
    })
}

/// An item like `like`, made of other tensors.
fn rebuild(emit: &Emit, like: &Item, values: &mut impl Iterator<Item = Value>) -> Result<Item> {
    let mut next = || values.next().ok_or_else(|| error!(Internal, "a body has too few outputs"));
    Ok(match like {
        Item::Tensor(_) | Item::Blocks { .. } => Item::Tensor(next()?),
        Item::Complex(..) => Item::Complex(next()?, next()?),
        Item::List(list) => {
            let rows = next()?;
            let element = emit.shape(rows).filter(|shape| !shape.is_empty()).map(|shape| shape[1..].to_vec());
            Item::List(TensorList {
                rows: Rows::Dense(rows),
                element: element.or(list.element.clone()),
                ..list.clone()
            })
        }
        Item::Resource(name) => Item::Resource(name.clone()),
    })
}

fn if_(node: &mut Node<'_>) -> Result<Output> {
    let condition = node.input(0)?;
    let ([yes, no], raised) = node.two_functions(["then_branch", "else_branch"])?;
    let arguments = node.inputs[1..].to_vec();
    let (graph, around) = (node.graph, node.scope);
    let emit = &mut *node.emit;
    let condition = emit.cast(condition, DType::Bool);
    let condition = emit.reshape(condition, &[]);
    if let Some(holds) = emit.int_of(condition) {
        let chosen = if holds != 0 { yes } else { no };
        return Ok(graph.call(emit, &mut inner_scope(around, raised), &chosen, &arguments)?.into());
    }
    let branch = |emit: &mut Emit, function: &Function<'_>| {
        let mut items = Vec::new();
        let body = emit.body(|emit| {
            items = graph.call(emit, &mut inner_scope(around, raised), function, &arguments)?;
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

/// How often the types of a loop's variables may be widened until they hold for every pass.
const MAX_PASSES: usize = 6;

fn while_(node: &mut Node<'_>) -> Result<Output> {
    let ([condition, body], raised) = node.two_functions(["cond", "body"])?;
    let (graph, around) = (node.graph, node.scope);
    let mut initial = node.inputs.clone();
    let varies: Vec<bool> =
        (0..initial.len()).map(|at| !is_passed_on(&body, at) && !matches!(initial[at], Item::Resource(_))).collect();
    if body.results.len() != initial.len() || condition.results.len() != 1 {
        return Err(error!(InvalidModel, "the loop's functions do not fit its {} variables", initial.len()));
    }
    let emit = &mut *node.emit;
    let holds = |emit: &mut Emit, items: &[Item]| -> Result<Value> {
        let results = graph.call(emit, &mut inner_scope(around, raised), &condition, items)?;
        let holds = results.first().and_then(Item::tensor);
        let holds = holds.ok_or_else(|| error!(InvalidModel, "the condition is no tensor"))?;
        let holds = emit.cast(holds, DType::Bool);
        Ok(emit.reshape(holds, &[]))
    };
    let mut shapes: Option<Vec<Option<Dims>>> = None;
    for _ in 0..MAX_PASSES {
        let mut results = Vec::new();
        let shapes_in = shapes.clone();
        let attempt = emit.body(|emit| {
            let iteration = emit.body_input("iteration", DType::Int64, Some(Vec::new()));
            let before = emit.body_input("condition", DType::Bool, Some(Vec::new()));
            let mut inputs = vec![iteration, before];
            let mut items = initial.clone();
            let mut at = 0;
            for (item, _) in items.iter_mut().zip(&varies).filter(|(_, varies)| **varies) {
                if let Item::List(TensorList { element: None, .. }) = item {
                    // Its shape is learnt from what the first attempt puts in.
                    continue;
                }
                let values = flatten(emit, item)?;
                let made: Vec<Value> = values
                    .iter()
                    .map(|&value| {
                        let shape = match &shapes_in {
                            Some(shapes) => shapes.get(at).cloned().flatten(),
                            None => emit.shape(value).cloned(),
                        };
                        at += 1;
                        emit.body_input("variable", emit.dtype(value), shape)
                    })
                    .collect();
                inputs.extend(&made);
                *item = rebuild(emit, item, &mut made.into_iter())?;
            }
            results = graph.call(emit, &mut inner_scope(around, raised), &body, &items)?;
            let mut outputs = vec![holds(emit, &results)?];
            for (item, _) in results.iter().zip(&varies).filter(|(_, varies)| **varies) {
                outputs.extend(flatten(emit, item)?);
            }
            Ok((inputs, outputs))
        })?;
        if learn_elements(&mut initial, &results) {
            continue;
        }
        if attempt.inputs.len() != attempt.outputs.len() + 1 {
            return Err(error!(InvalidModel, "the loop's variables change their kind"));
        }
        let mut widened = Vec::new();
        let mut stable = true;
        for (&input, &output) in attempt.inputs[2..].iter().zip(&attempt.outputs[1..]) {
            if emit.dtype(input) != emit.dtype(output) {
                return Err(error!(InvalidModel, "a variable of the loop changes its element type"));
            }
            let (given, made) = (emit.shape(input).cloned(), emit.shape(output).cloned());
            let both = common(given.as_ref(), made.as_ref());
            stable &= both == given;
            widened.push(both);
        }
        if !stable {
            shapes = Some(widened);
            continue;
        }
        let start = holds(emit, &initial)?;
        let mut inputs = vec![Value::ABSENT, start];
        for (item, _) in initial.iter().zip(&varies).filter(|(_, varies)| **varies) {
            inputs.extend(flatten(emit, item)?);
        }
        let count = inputs.len() - 2;
        if count == 0 {
            return Ok(initial.into());
        }
        let declared: Vec<Option<Dims>> = attempt.inputs[2..].iter().map(|&input| emit.shape(input).cloned()).collect();
        let made = emit.op_with_bodies("Loop", &inputs, [], vec![("body", attempt)], count);
        for (&value, shape) in made.iter().zip(&declared) {
            if let Some(shape) = shape {
                emit.assume_shape(value, shape);
            }
        }
        let mut made = made.into_iter();
        for (item, _) in initial.iter_mut().zip(&varies).filter(|(_, varies)| **varies) {
            *item = rebuild(emit, item, &mut made)?;
        }
        return Ok(initial.into());
    }
    Err(error!(UnsupportedModel, "the shapes of the loop's variables cannot be told"))
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
