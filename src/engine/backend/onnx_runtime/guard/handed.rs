//! What calls of local functions hand to their attributes.

use crate::onnx::proto::{AttributeProto, ModelProto, NodeProto};
use std::collections::{HashMap, HashSet};

/// By the name of the attribute, whatever function it is of: what is refused for one of them is refused for all.
#[derive(Default)]
pub struct Handed<'a>(HashMap<&'a str, Vec<&'a AttributeProto>>);

impl<'a> Handed<'a> {
    pub fn of(model: &'a ModelProto) -> Self {
        let mut handed = Self::default();
        let names: HashSet<&str> = model.functions.iter().map(|function| function.name()).collect();
        let functions = model.functions.iter();
        functions.clone().flat_map(|function| &function.attribute_proto).for_each(|default| handed.add(default));
        let nodes =
            functions.flat_map(|function| &function.node).chain(model.graph.iter().flat_map(|graph| &graph.node));
        if !names.is_empty() {
            nodes.for_each(|node| handed.collect(node, &names));
        }
        handed
    }

    fn collect(&mut self, node: &'a NodeProto, names: &HashSet<&str>) {
        if names.contains(node.op_type()) {
            node.attribute.iter().for_each(|attribute| self.add(attribute));
        }
        node.subgraphs().flat_map(|graph| &graph.node).for_each(|inner| self.collect(inner, names));
    }

    fn add(&mut self, attribute: &'a AttributeProto) {
        self.0.entry(attribute.name()).or_default().push(attribute);
    }

    /// The attribute, or all that may stand for it when it names one of the function that it is in.
    pub fn values<'b>(&'b self, attribute: &'b AttributeProto) -> Vec<&'b AttributeProto> {
        let mut values = Vec::new();
        let mut seen = HashSet::new();
        let mut left = vec![attribute];
        while let Some(attribute) = left.pop() {
            match attribute.ref_attr_name() {
                "" => values.push(attribute),
                outer if seen.insert(outer) => left.extend(self.0.get(outer).into_iter().flatten()),
                _ => {}
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::super::make_safe;
    use super::*;
    use crate::error::ErrorCode;
    use crate::onnx::proto::{FunctionProto, GraphProto};

    fn named(name: &str, outer: &str) -> AttributeProto {
        AttributeProto { ref_attr_name: Some(outer.to_owned()), ..AttributeProto::new(name, 0i64) }
    }

    fn function(name: &str, attribute: &str, node: NodeProto) -> FunctionProto {
        FunctionProto {
            name: Some(name.to_owned()),
            domain: Some("local".to_owned()),
            attribute: vec![attribute.to_owned()],
            node: vec![node],
            ..FunctionProto::default()
        }
    }

    /// A normalization within two functions, whose axis comes from the call of the outer one.
    fn normalized_along(axis: i64) -> ModelProto {
        let mut normalize = NodeProto::new("Softmax", ["x"], ["y"]);
        normalize.attribute.push(named("axis", "inner_axis"));
        let mut inner = NodeProto { domain: Some("local".to_owned()), ..NodeProto::new("Inner", ["x"], ["y"]) };
        inner.attribute.push(named("inner_axis", "outer_axis"));
        let call = NodeProto { domain: Some("local".to_owned()), ..NodeProto::new("Outer", ["x"], ["y"]) };
        let graph = GraphProto { node: vec![call.with("outer_axis", axis)], ..GraphProto::default() };
        ModelProto {
            graph: Some(graph),
            functions: vec![function("Inner", "inner_axis", normalize), function("Outer", "outer_axis", inner)],
            ..ModelProto::default()
        }
    }

    #[test]
    fn what_a_call_hands_on_is_checked() {
        assert_eq!(make_safe(&normalized_along(-1)), Ok(None));
        assert_eq!(make_safe(&normalized_along(1 << 31)).unwrap_err().code, ErrorCode::InvalidModel);
    }

    #[test]
    fn attributes_that_name_each_other_end() {
        let handed = Handed(HashMap::new());
        assert!(handed.values(&named("axis", "axis")).is_empty());
        let circle = named("axis", "axis");
        let handed = Handed(HashMap::from([("axis", vec![&circle])]));
        assert!(handed.values(&circle).is_empty());
    }
}
