//! Bounds on what an engine copies many times while it loads a graph: names, and the number of nodes.

use crate::error::{Result, error};
use crate::onnx::proto::{FunctionProto, GraphProto, ModelProto, NodeProto, ValueInfoProto};

/// Exporters write paths of modules into names, which are a few thousand bytes long at most.
const MAX_NAME_BYTES: usize = 16 << 10;
/// All names together, each as often as it is written.
const MAX_NAMES_BYTES: usize = 256 << 20;
const MAX_NODES: usize = 1 << 20;

/// Checks the names and counts of a model's graph, the graphs within it and its functions.
///
/// # Errors
/// `INVALID_MODEL` for what is beyond the bounds.
pub fn check(model: &ModelProto) -> Result<()> {
    let mut seen = Seen::default();
    seen.name("domain", model.domain())?;
    seen.name("producer name", model.producer_name())?;
    for import in &model.opset_import {
        seen.name("domain", import.domain())?;
    }
    model.graph.iter().try_for_each(|graph| seen.graph(graph))?;
    model.functions.iter().try_for_each(|function| seen.function(function))
}

#[derive(Default)]
struct Seen {
    bytes: usize,
    nodes: usize,
}

impl Seen {
    fn name(&mut self, what: &str, name: &str) -> Result<()> {
        self.bytes = self.bytes.saturating_add(name.len());
        if name.len() > MAX_NAME_BYTES {
            let length = name.len();
            return Err(error!(
                InvalidModel,
                "the name of a {what} is {length} bytes long, the limit is {MAX_NAME_BYTES}"
            ));
        }
        if self.bytes > MAX_NAMES_BYTES {
            return Err(error!(
                InvalidModel,
                "all names of the model are longer than {MAX_NAMES_BYTES} bytes together"
            ));
        }
        Ok(())
    }

    fn names<'a>(&mut self, what: &str, names: impl IntoIterator<Item = &'a String>) -> Result<()> {
        names.into_iter().try_for_each(|name| self.name(what, name))
    }

    fn graph(&mut self, graph: &GraphProto) -> Result<()> {
        self.name("graph", graph.name())?;
        let infos = graph.input.iter().chain(&graph.output).chain(&graph.value_info);
        infos.map(ValueInfoProto::name).try_for_each(|name| self.name("value", name))?;
        for tensor in &graph.initializer {
            self.name("tensor", tensor.name())?;
        }
        graph.node.iter().try_for_each(|node| self.node(node))
    }

    fn function(&mut self, function: &FunctionProto) -> Result<()> {
        self.name("function", function.name())?;
        self.name("domain", function.domain())?;
        self.names("value", function.input.iter().chain(&function.output))?;
        self.names("attribute", &function.attribute)?;
        function.node.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &NodeProto) -> Result<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(error!(InvalidModel, "the model has more than {MAX_NODES} nodes"));
        }
        self.name("node", node.name())?;
        self.name("operator", node.op_type())?;
        self.name("domain", node.domain())?;
        self.names("value", node.input.iter().chain(&node.output))?;
        for attribute in &node.attribute {
            self.name("attribute", attribute.name())?;
            self.name("attribute", attribute.ref_attr_name())?;
            for tensor in attribute.t.iter().chain(&attribute.tensors) {
                self.name("tensor", tensor.name())?;
            }
        }
        node.subgraphs().try_for_each(|graph| self.graph(graph))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn with_node(node: NodeProto) -> ModelProto {
        let graph = GraphProto { node: vec![node], ..GraphProto::default() };
        ModelProto { graph: Some(graph), ..ModelProto::default() }
    }

    fn is_refused(model: &ModelProto) -> bool {
        check(model).is_err_and(|problem| problem.code == ErrorCode::InvalidModel && problem.message.len() < 200)
    }

    #[test]
    fn names_of_real_exports_pass_and_longer_ones_do_not() {
        let relu = |name: String| NodeProto { name: Some(name), ..NodeProto::new("Relu", ["x"], ["y"]) };
        assert_eq!(check(&with_node(relu("n".repeat(8 << 10)))), Ok(()));
        let long = "n".repeat(MAX_NAME_BYTES + 1);
        assert!(is_refused(&with_node(relu(long.clone()))));
        assert!(is_refused(&with_node(NodeProto::new("Relu", [long.as_str()], ["y"]))));
        assert!(is_refused(&with_node(NodeProto::new("Relu", ["x"], [long.as_str()]))));
        assert!(is_refused(&with_node(NodeProto::new(&long, ["x"], ["y"]))));
        let body = GraphProto { node: vec![relu(long.clone())], ..GraphProto::default() };
        assert!(is_refused(&with_node(NodeProto::new("If", ["c"], ["y"]).with("then_branch", body))));
        let function = FunctionProto { node: vec![relu(long)], ..FunctionProto::default() };
        assert!(is_refused(&ModelProto { functions: vec![function], ..ModelProto::default() }));
    }
}
