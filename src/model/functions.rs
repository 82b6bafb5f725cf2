//! Local functions: how much a model is once they are inlined, which engines do when they load it.

use crate::error::{Result, error};
use crate::onnx::proto::{FunctionProto, ModelProto, NodeProto};
use std::collections::HashMap;

/// Functions and graphs within each other. ONNX Runtime takes 100.
const MAX_DEPTH: usize = 64;
/// Nodes that functions become, each counted for every call; inlining them takes more than linear time.
const MAX_NODES: u64 = 1 << 15;

/// Domain, name and overload.
type Key<'a> = (&'a str, &'a str, &'a str);

/// Refuses a model whose functions go too deep or become too much.
///
/// # Errors
/// `INVALID_MODEL` for functions that call themselves, are nested deeper than [`MAX_DEPTH`], or stand for more than [`MAX_NODES`]
/// nodes.
pub fn check(model: &ModelProto) -> Result<()> {
    let mut expansion = Expansion { functions: HashMap::new() };
    for function in &model.functions {
        if expansion.functions.insert(key(function), State::New(function)).is_some() {
            return Err(error!(InvalidModel, "the model has two functions \"{}\"", function.name()));
        }
    }
    let size = expansion.nodes(model.graph.iter().flat_map(|graph| &graph.node), 0)?;
    // What nothing calls is no part of the size, but it is read all the same.
    for function in &model.functions {
        expansion.nodes(function.node.iter(), 0)?;
    }
    if size.inlined > MAX_NODES {
        return Err(error!(
            InvalidModel,
            "the model's functions expand to {} nodes, counted at every call; the limit is {MAX_NODES}",
            if size.inlined == u64::MAX { "more than can be counted".to_owned() } else { size.inlined.to_string() }
        ));
    }
    Ok(())
}

fn key(function: &FunctionProto) -> Key<'_> {
    (domain(function.domain()), function.name(), function.overload())
}

fn domain(name: &str) -> &str {
    if name == "ai.onnx" { "" } else { name }
}

/// How large nodes are.
#[derive(Clone, Copy, Default)]
struct Size {
    /// The nodes that are written there and call no function.
    own: u64,
    /// Those that functions become.
    inlined: u64,
    /// Functions and graphs within each other.
    depth: usize,
}

enum State<'a> {
    New(&'a FunctionProto),
    UnderWay,
    Known(Size),
}

struct Expansion<'a> {
    functions: HashMap<Key<'a>, State<'a>>,
}

impl<'a> Expansion<'a> {
    /// `depth` is how deep the nodes lie. Every function is looked at once, so this takes linear time, and it goes no deeper
    /// than what is allowed.
    fn nodes(&mut self, nodes: impl Iterator<Item = &'a NodeProto>, depth: usize) -> Result<Size> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let mut size = Size::default();
        for node in nodes {
            for graph in node.subgraphs() {
                size.add(self.nodes(graph.node.iter(), depth + 1)?);
            }
            match self.function(node, depth)? {
                Some(function) => {
                    size.add(Size { own: 0, inlined: function.own.saturating_add(function.inlined), ..function });
                }
                None => size.own = size.own.saturating_add(1),
            }
        }
        // A function that is known already may lie deeper here than where it was met first.
        if depth + size.depth > MAX_DEPTH { Err(too_deep()) } else { Ok(size) }
    }

    /// The size of the function that a node calls.
    fn function(&mut self, node: &'a NodeProto, depth: usize) -> Result<Option<Size>> {
        let called = (domain(node.domain()), node.op_type(), node.overload());
        let Some((&key, state)) = self.functions.get_key_value(&called) else { return Ok(None) };
        let function = match state {
            State::Known(size) => return Ok(Some(*size)),
            State::UnderWay => {
                return Err(error!(InvalidModel, "the function \"{}\" calls itself", node.op_type()));
            }
            State::New(function) => *function,
        };
        self.functions.insert(key, State::UnderWay);
        let size = self.nodes(function.node.iter(), depth + 1)?;
        self.functions.insert(key, State::Known(size));
        Ok(Some(size))
    }
}

impl Size {
    fn add(&mut self, inner: Self) {
        self.own = self.own.saturating_add(inner.own);
        self.inlined = self.inlined.saturating_add(inner.inlined);
        self.depth = self.depth.max(inner.depth + 1);
    }
}

fn too_deep() -> crate::error::Error {
    error!(InvalidModel, "the model's functions and graphs are nested more than {MAX_DEPTH} deep")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::onnx::proto::GraphProto;

    fn call(name: &str) -> NodeProto {
        NodeProto { domain: Some("local".to_owned()), ..NodeProto::new(name, ["x"], ["y"]) }
    }

    fn function(name: &str, node: Vec<NodeProto>) -> FunctionProto {
        FunctionProto {
            name: Some(name.to_owned()),
            domain: Some("local".to_owned()),
            node,
            ..FunctionProto::default()
        }
    }

    fn refusal(nodes: Vec<NodeProto>, functions: Vec<FunctionProto>) -> Option<String> {
        let graph = GraphProto { node: nodes, ..GraphProto::default() };
        let model = ModelProto { graph: Some(graph), functions, ..ModelProto::default() };
        check(&model).err().map(|Error { message, .. }| message)
    }

    /// Each function calls the next one so many times; the last has one node of its own.
    fn chain(length: usize, calls: usize) -> Vec<FunctionProto> {
        let last = function(&length.to_string(), vec![NodeProto::new("Neg", ["x"], ["y"])]);
        let others = (1..length).map(|at| function(&at.to_string(), vec![call(&(at + 1).to_string()); calls]));
        others.chain([last]).collect()
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(refusal(vec![call("1")], chain(MAX_DEPTH, 1)), None);
        for length in [MAX_DEPTH + 1, 1000, 100_000] {
            assert!(refusal(vec![call("1")], chain(length, 1)).unwrap().contains("64 deep"), "{length}");
            let mut backwards = chain(length, 1);
            backwards.reverse();
            assert!(refusal(vec![call("1")], backwards).unwrap().contains("64 deep"), "{length}");
        }
        let mut within = call("1");
        for _ in 0..10 {
            let graph = GraphProto { node: vec![within], ..GraphProto::default() };
            within = NodeProto::new("If", ["x"], ["y"]).with("then_branch", graph);
        }
        assert_eq!(refusal(vec![within.clone()], chain(MAX_DEPTH - 10, 1)), None);
        assert!(refusal(vec![within], chain(MAX_DEPTH - 9, 1)).unwrap().contains("64 deep"));
    }

    #[test]
    fn the_inlined_size_is_bounded() {
        assert_eq!(refusal(vec![call("1")], chain(15, 2)), None);
        for length in [17, 40, 64] {
            assert!(refusal(vec![call("1")], chain(length, 2)).unwrap().contains("the limit is 32768"), "{length}");
        }
        assert!(refusal(vec![call("1")], chain(64, 40)).unwrap().contains("more than can be counted"));
        let body = function("1", vec![NodeProto::new("Neg", ["x"], ["y"]); 1 << 14]);
        assert!(refusal(vec![call("1"); 3], vec![body.clone()]).is_some());
        assert_eq!(refusal(vec![NodeProto::new("Neg", ["x"], ["y"]); 100_000], vec![body]), None);
    }

    #[test]
    fn circles_are_refused_called_or_not() {
        assert_eq!(
            refusal(vec![call("f")], vec![function("f", vec![call("f")])]).unwrap(),
            "the function \"f\" calls itself"
        );
        let circle = vec![function("f", vec![call("g")]), function("g", vec![call("f")])];
        assert!(refusal(vec![call("f")], circle.clone()).unwrap().contains("calls itself"));
        assert!(refusal(Vec::new(), circle).unwrap().contains("calls itself"));
    }
}
