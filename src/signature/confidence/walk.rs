//! The values of a graph: what makes them, and what reads them.

use crate::onnx::proto::{FunctionProto, GraphProto, ModelProto, NodeProto};
use crate::onnx::{operators, opset};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Values that are looked at around one, at most.
const MAX_NEAR: usize = 32;

/// The nodes of a graph and of those within it. ONNX gives each value a name of its own.
pub struct Walk<'a> {
    /// The node and which of its outputs it is. `None` where two branches use one name.
    makers: HashMap<&'a str, Option<(&'a NodeProto, usize)>>,
    readers: HashMap<&'a str, Vec<&'a NodeProto>>,
    /// Initializers, and what is made of nothing else.
    constants: HashSet<&'a str>,
    functions: Rc<HashMap<(&'a str, &'a str), &'a FunctionProto>>,
    pub opset: i64,
}

impl<'a> Walk<'a> {
    pub fn of_model(model: &'a ModelProto, graph: &'a GraphProto) -> Self {
        let functions = model.functions.iter().map(|function| ((function.domain(), function.name()), function));
        let mut walk = Self::new(Rc::new(functions.collect()), opset::standard(&model.opset_import));
        walk.add_graph(graph);
        walk
    }

    /// The body of a function, whose inputs nothing makes.
    pub fn of_function(&self, function: &'a FunctionProto) -> Self {
        let mut walk = Self::new(Rc::clone(&self.functions), opset::standard(&function.opset_import));
        walk.add_nodes(&function.node);
        walk
    }

    fn new(functions: Rc<HashMap<(&'a str, &'a str), &'a FunctionProto>>, opset: i64) -> Self {
        let (makers, readers, constants) = Default::default();
        Self { makers, readers, constants, functions, opset }
    }

    fn add_graph(&mut self, graph: &'a GraphProto) {
        self.constants.extend(graph.initializer.iter().map(|tensor| tensor.name()));
        self.add_nodes(&graph.node);
    }

    fn add_nodes(&mut self, nodes: &'a [NodeProto]) {
        for node in nodes {
            for (at, name) in node.output.iter().enumerate() {
                self.makers.entry(name).and_modify(|maker| *maker = None).or_insert(Some((node, at)));
            }
            for name in &node.input {
                self.readers.entry(name).or_default().push(node);
            }
            node.subgraphs().for_each(|graph| self.add_graph(graph));
            // Nodes stand behind those that they need.
            let is_constant = !node.input.is_empty()
                && node.subgraphs().next().is_none()
                && node.input.iter().all(|input| input.is_empty() || self.constants.contains(input.as_str()));
            if is_constant || node.is("Constant") {
                self.constants.extend(node.output.iter().map(String::as_str));
            }
        }
    }

    pub fn maker(&self, name: &str) -> Option<(&'a NodeProto, usize)> {
        self.makers.get(name).copied().flatten()
    }

    /// The node, when it is that operator of the standard domain that makes the value.
    pub fn made_by(&self, name: &str, op_type: &str) -> Option<&'a NodeProto> {
        self.maker(name).map(|(node, _)| node).filter(|node| node.is(op_type))
    }

    pub fn function_of(&self, node: &NodeProto) -> Option<&'a FunctionProto> {
        self.functions.get(&(node.domain(), node.op_type())).copied()
    }

    pub fn nodes(&self) -> impl Iterator<Item = &'a NodeProto> {
        self.makers.values().flatten().map(|(node, _)| *node)
    }

    /// The value that this one is but for its shape and element type.
    pub fn origin<'n>(&self, name: &'n str) -> &'n str
    where
        'a: 'n,
    {
        let mut name = name;
        // No way is longer than there are values; in a circle it ends too.
        for _ in 0..self.makers.len() {
            match self.maker(name) {
                Some((node, 0)) if keeps_elements(node) => name = first_input(node),
                _ => break,
            }
        }
        name
    }

    pub fn is_constant(&self, name: &str) -> bool {
        self.constants.contains(name)
    }

    /// Values from which this one comes in few steps, nearest first, itself included; only through nodes that pass.
    pub fn near<'n>(&self, name: &'n str, passes: impl Fn(&NodeProto) -> bool) -> Vec<&'n str>
    where
        'a: 'n,
    {
        let mut found = vec![name];
        let mut next = 0;
        while next < found.len() && found.len() < MAX_NEAR {
            if let Some((node, _)) = self.maker(found[next]).filter(|(node, _)| passes(node)) {
                let inputs = node.input.iter().map(String::as_str).take(MAX_NEAR);
                let new: Vec<&str> = inputs.filter(|name| !found.contains(name)).collect();
                found.extend(new);
            }
            next += 1;
        }
        found
    }

    /// Whether the model multiplies this value with others that it computes from its inputs: weights of an attention or of
    /// experts, and no answer.
    pub fn is_weight(&self, name: &'a str) -> bool {
        let mut same = HashSet::from([name]);
        let mut rest = vec![name];
        let mut products = Vec::new();
        while let Some(name) = rest.pop() {
            for node in self.readers.get(name).into_iter().flatten() {
                if is_product(node) {
                    products.push(*node);
                } else if passes_on(node) {
                    rest.extend(node.output.iter().map(String::as_str).filter(|output| same.insert(output)));
                }
            }
        }
        // Whether another factor depends on an input of the model on a way that does not lead through the value.
        let factors = products.iter().flat_map(|node| &node.input).map(String::as_str);
        let mut seen: HashSet<&str> = factors.filter(|factor| !same.contains(factor)).collect();
        let mut rest: Vec<&str> = seen.iter().copied().collect();
        while let Some(name) = rest.pop() {
            match self.maker(name) {
                _ if name.is_empty() || same.contains(name) || self.is_constant(name) => {}
                Some((node, _)) => {
                    rest.extend(node.input.iter().map(String::as_str).filter(|input| seen.insert(input)));
                }
                None => return true,
            }
        }
        false
    }
}

pub fn first_input(node: &NodeProto) -> &str {
    node.input.first().map_or("", String::as_str)
}

/// Whether the first output has the elements of the first input, in whatever shape and type.
pub fn keeps_elements(node: &NodeProto) -> bool {
    use operators::ElementRule::{Cast, Keep};
    let keeps = operators::operator(node).is_some_and(|row| matches!(row.elements, Keep | Cast));
    keeps || ["Transpose", "Dropout", "QuantizeLinear", "DequantizeLinear"].iter().any(|op_type| node.is(op_type))
}

fn is_product(node: &NodeProto) -> bool {
    ["Mul", "MatMul", "Gemm", "Einsum"].iter().any(|op_type| node.is(op_type)) || node.op_type() == "FusedMatMul"
}

fn passes_on(node: &NodeProto) -> bool {
    keeps_elements(node)
        || ["Slice", "Split", "Gather", "Concat", "Expand", "Tile", "Clip"].iter().any(|op_type| node.is(op_type))
}
