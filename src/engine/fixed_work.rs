//! Whether a model's work is fixed by the shapes of its inputs: then runs of equal shapes take about equally long, whatever
//! values they are fed.
//!
//! It is proven, not assumed: every operator must have a row in the table, and where its sizes come from values, these must be
//! the model's own or computed from nothing but shapes.

use crate::onnx::operators::{RowRule, Sizes, operator};
use crate::onnx::proto::{GraphProto, ModelProto, NodeProto, TensorProto};
use crate::onnx::tree_ensemble;
use std::collections::HashSet;

/// A text of the model that values choose may be copied for each element.
const MAX_TEXT_BYTES: usize = 1024;
/// How many decisions a tree may take more for one row than for another.
const MAX_TREE_DEPTH: usize = 64;

pub fn is_fixed_by_shapes(model: &ModelProto) -> bool {
    // A function may have the name of any operator.
    model.functions.is_empty() && model.graph.as_ref().is_some_and(graph_is_fixed)
}

/// Initializers that a caller may replace count with their own values; whoever gives others is not covered.
fn graph_is_fixed(graph: &GraphProto) -> bool {
    let dense = graph.initializer.iter();
    let sparse = graph.sparse_initializer.iter().filter_map(|sparse| sparse.values.as_ref());
    let mut known: HashSet<&str> = dense.clone().chain(sparse).map(TensorProto::name).chain([""]).collect();
    dense.clone().all(has_short_texts)
        && graph.node.iter().all(|node| {
            let fixed = node_is_fixed(node, &known);
            // What a random number is drawn for is not known, also where all its inputs are.
            let rows = operator(node).map_or(RowRule::Unknown, |row| row.rows);
            let from_known = || node.input.iter().all(|input| known.contains(input.as_str()));
            if matches!(rows, RowRule::Shape | RowRule::Size) || (rows != RowRule::Dropout && from_known()) {
                known.extend(node.output.iter().map(String::as_str));
            }
            fixed
        })
}

/// `known`: the values that are the same for all inputs of the same shapes.
fn node_is_fixed(node: &NodeProto, known: &HashSet<&str>) -> bool {
    let sizes_are_known = match operator(node).map(|row| row.sizes) {
        Some(Sizes::Shapes) => true,
        Some(Sizes::Inputs(places)) => {
            places.iter().filter_map(|&at| node.input.get(at)).all(|input| known.contains(input.as_str()))
        }
        Some(Sizes::Values) | None => false,
    };
    sizes_are_known
        && node.subgraphs().next().is_none()
        && node.attribute.iter().all(|attribute| {
            attribute.s.iter().chain(&attribute.strings).all(|text| text.len() <= MAX_TEXT_BYTES)
                && attribute.t.iter().chain(&attribute.tensors).all(has_short_texts)
        })
        && tree_ensemble::depth(node).is_none_or(|depth| depth <= MAX_TREE_DEPTH)
}

fn has_short_texts(tensor: &TensorProto) -> bool {
    tensor.string_data.iter().all(|text| text.len() <= MAX_TEXT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::Attribute;
    use crate::onnx::operators::{ML, STANDARD, operators};
    use crate::onnx::proto::{FunctionProto, ValueInfoProto};
    use crate::tensor::{DType, Tensor};

    fn model(nodes: Vec<NodeProto>) -> ModelProto {
        let input = |name| ValueInfoProto::tensor(name, DType::Float32, &[None]);
        let initializer = |name| TensorProto::from_tensor(name, &Tensor::from_elements(&[1], &[1i64]));
        let graph = GraphProto {
            node: nodes,
            input: vec![input("x")],
            initializer: vec![initializer("constant")],
            ..GraphProto::default()
        };
        ModelProto { graph: Some(graph), ..ModelProto::default() }
    }

    fn is_fixed(nodes: Vec<NodeProto>) -> bool {
        is_fixed_by_shapes(&model(nodes))
    }

    fn in_domain(domain: &str, node: NodeProto) -> NodeProto {
        NodeProto { domain: Some(domain.to_owned()), ..node }
    }

    #[test]
    fn every_operator_is_fixed_exactly_as_its_row_says() {
        for row in operators() {
            let with = |of: &dyn Fn(usize) -> &'static str| {
                is_fixed(vec![in_domain(row.domain, NodeProto::new(row.name, (0..8).map(of), ["y"]))])
            };
            let name = row.name;
            match row.sizes {
                Sizes::Shapes => assert!(with(&|_| "x"), "{name}"),
                Sizes::Values => assert!(!with(&|_| "constant"), "{name}"),
                Sizes::Inputs(places) => {
                    assert!(with(&|at| if places.contains(&at) { "constant" } else { "x" }), "{name}");
                    for place in places {
                        assert!(!with(&|at| if at == *place { "x" } else { "constant" }), "{name} {place}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_has_no_row_is_not_fixed() {
        for (domain, name) in
            [(STANDARD, "Unheard"), ("a.b", "Relu"), ("ai.onnx.preview.training", "Adam"), (ML, "Relu")]
        {
            assert!(!is_fixed(vec![in_domain(domain, NodeProto::new(name, ["x"], ["y"]))]), "{domain} {name}");
        }
        let relu = || NodeProto::new("Relu", ["x"], ["y"]);
        assert!(is_fixed(vec![relu()]));
        let with_function = ModelProto { functions: vec![FunctionProto::default()], ..model(vec![relu()]) };
        assert!(!is_fixed_by_shapes(&with_function), "a function could be called Relu");
        assert!(!is_fixed(vec![relu().with("body", GraphProto::default())]));
    }

    #[test]
    fn sizes_that_are_computed_from_shapes_alone_are_known() {
        let chain = |first: NodeProto| {
            is_fixed(vec![
                first,
                NodeProto::new("Concat", ["size", "constant"], ["sizes"]),
                NodeProto::new("HannWindow", ["sizes"], ["y"]),
            ])
        };
        assert!(chain(NodeProto::new("Shape", ["x"], ["size"])));
        assert!(chain(NodeProto::new("Constant", [""; 0], ["size"])));
        assert!(!chain(NodeProto::new("Identity", ["x"], ["size"])));
        assert!(!chain(NodeProto::new("Dropout", ["constant"], ["size"])));
    }

    #[test]
    fn long_texts_and_deep_trees_are_not_fixed() {
        let text = |length: usize| "x".repeat(length);
        let encoder = |length| {
            let texts = Attribute::Strings(vec![text(length)]);
            is_fixed(vec![in_domain(ML, NodeProto::new("LabelEncoder", ["x"], ["y"]).with("values_strings", texts))])
        };
        assert!(encoder(MAX_TEXT_BYTES) && !encoder(MAX_TEXT_BYTES + 1));
        let constant = |length| {
            let tensor = TensorProto::from_tensor("", &Tensor::from_strings(&[1], vec![text(length)]));
            is_fixed(vec![NodeProto::new("Constant", [""; 0], ["y"]).with("value", tensor)])
        };
        assert!(constant(MAX_TEXT_BYTES) && !constant(MAX_TEXT_BYTES + 1));
        let tree = |depth: usize| {
            let node = NodeProto::new("TreeEnsembleRegressor", ["x"], ["y"]);
            is_fixed(vec![in_domain(ML, tree_ensemble::tests::chain(node, depth))])
        };
        assert!(tree(MAX_TREE_DEPTH) && !tree(MAX_TREE_DEPTH + 1));
    }
}
