//! Rewrites of nodes that would end the process or fail for reasons of the machine.
//!
//! - Integer `Div` of the smallest number by -1 is a trap of the processor (SIGFPE) that no error handling catches. Each
//!   `Div` that may be of integers gets a divisor that is never -1; the result is the wrapped negation, as in NumPy.
//! - `StringNormalizer` asks for the locale `en_US` when the model names none, which slim systems lack.

mod element_types;

use crate::error::{Result, error};
use crate::onnx::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto};
use crate::onnx::{self};
use crate::tensor::{DType, Tensor};
use element_types::Scopes;

/// The model with such nodes rewritten; `None` when it has none.
///
/// # Errors
/// `UNSUPPORTED_MODEL` for a division whose type cannot be known in an operator set too old for the rewrite.
pub fn make_safe(model: &ModelProto) -> Result<Option<ModelProto>> {
    let functions = model.functions.iter().flat_map(|function| &function.node);
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    if !nodes.chain(functions).any(needs_care) {
        return Ok(None);
    }
    let mut model = model.clone();
    let mut rewrite = Rewrite { opset: standard_opset(&model.opset_import), scopes: Scopes::default(), made: 0 };
    if let Some(graph) = &mut model.graph {
        rewrite.graph(graph)?;
    }
    for function in &mut model.functions {
        rewrite.opset = standard_opset(&function.opset_import);
        rewrite.scopes.enter();
        rewrite.nodes(&mut function.node)?;
        rewrite.scopes.leave();
    }
    Ok(Some(model))
}

fn needs_care(node: &NodeProto) -> bool {
    node.is("Div") || node.is("StringNormalizer") || node.subgraphs().any(|graph| graph.node.iter().any(needs_care))
}

fn standard_opset(imports: &[OperatorSetIdProto]) -> i64 {
    imports.iter().find(|import| matches!(import.domain(), "" | "ai.onnx")).map_or(0, OperatorSetIdProto::version)
}

/// `Where` and `Less` of every numeric type are there from this operator set on.
const MIN_OPSET: i64 = 9;

struct Rewrite {
    opset: i64,
    scopes: Scopes,
    made: usize,
}

impl Rewrite {
    /// Rewrites a graph and returns the element types of its outputs.
    fn graph(&mut self, graph: &mut GraphProto) -> Result<Vec<Option<DType>>> {
        self.scopes.enter();
        self.scopes.declare(graph);
        self.nodes(&mut graph.node)?;
        let outputs = graph.output.iter().map(|output| self.scopes.get(output.name())).collect();
        self.scopes.leave();
        Ok(outputs)
    }

    fn nodes(&mut self, nodes: &mut Vec<NodeProto>) -> Result<()> {
        let mut rewritten = Vec::with_capacity(nodes.len());
        for mut node in std::mem::take(nodes) {
            let mut body_outputs = Vec::new();
            for attribute in &mut node.attribute {
                for graph in attribute.g.iter_mut().chain(&mut attribute.graphs) {
                    body_outputs = self.graph(graph)?;
                }
            }
            self.scopes.infer(&node, &body_outputs);
            if node.is("StringNormalizer") {
                name_locale(&mut node);
                rewritten.push(node);
            } else if node.is("Div") && self.may_be_integer(&node) {
                self.divide(&node, &mut rewritten)?;
            } else {
                rewritten.push(node);
            }
        }
        *nodes = rewritten;
        Ok(())
    }

    /// All operands and the result of a division have one type, so one known operand tells it. Narrower integers are
    /// divided as int32, where their smallest number by -1 is no trap, and ONNX Runtime lacks `Where` for them.
    fn may_be_integer(&self, node: &NodeProto) -> bool {
        let known = node.input.iter().chain(&node.output).find_map(|name| self.scopes.get(name));
        known.is_none_or(|dtype| matches!(dtype, DType::Int32 | DType::Int64))
    }

    /// `a / b` as `b == -1 ? (a / (b * b)) * b : a / b`. It is right for every numeric type, and `b * b` is 1 where it counts.
    /// The comparison is made in float64 and also holds for NaN, where both branches give NaN.
    fn divide(&mut self, node: &NodeProto, rewritten: &mut Vec<NodeProto>) -> Result<()> {
        let ([a, b], [output]) = (node.input.as_slice(), node.output.as_slice()) else {
            return Err(error!(InvalidModel, "Div node \"{}\" must have two inputs and one output", node.name()));
        };
        if self.opset < MIN_OPSET {
            return Err(error!(
                UnsupportedModel,
                "Div node \"{}\" divides integers in operator set {}; {MIN_OPSET} or newer is needed",
                node.name(),
                self.opset
            ));
        }
        let [minus_one, wide, less, greater, other, negative, square, divisor, quotient, product] =
            [(); 10].map(|()| {
                self.made += 1;
                format!("{output}/safe_division/{}", self.made)
            });
        let constant = onnx::proto::TensorProto::from_tensor("", &Tensor::from_elements(&[], &[-1.0f64]));
        rewritten.extend([
            NodeProto::new("Constant", [""; 0], [&minus_one]).with("value", constant),
            NodeProto::new("Cast", [b], [&wide]).with("to", i64::from(DType::Float64.code())),
            NodeProto::new("Less", [&wide, &minus_one], [&less]),
            NodeProto::new("Greater", [&wide, &minus_one], [&greater]),
            NodeProto::new("Or", [&less, &greater], [&other]),
            NodeProto::new("Not", [&other], [&negative]),
            NodeProto::new("Mul", [b, b], [&square]),
            NodeProto::new("Where", [&negative, &square, b], [&divisor]),
            NodeProto::new("Div", [a, &divisor], [&quotient]),
            NodeProto::new("Mul", [&quotient, b], [&product]),
            NodeProto::new("Where", [&negative, &product, &quotient], [output]),
        ]);
        Ok(())
    }
}

/// `C.UTF-8` exists wherever there is glibc and lower-cases all of Unicode.
fn name_locale(node: &mut NodeProto) {
    if cfg!(target_os = "linux") {
        node.attribute.retain(|attribute| attribute.name() != "locale");
        node.attribute.push(AttributeProto::new("locale", "C.UTF-8"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::onnx::proto::ValueInfoProto;

    fn divide(dtype: DType, opset: i64) -> Result<Option<ModelProto>> {
        let input = |name: &str| ValueInfoProto::tensor(name, dtype, &[None]);
        let graph = GraphProto {
            node: vec![
                NodeProto::new("Identity", ["a"], ["a1"]),
                NodeProto::new("Identity", ["b"], ["b1"]),
                NodeProto::new("Div", ["a1", "b1"], ["y"]),
            ],
            input: vec![input("a"), input("b")],
            ..GraphProto::default()
        };
        make_safe(&ModelProto {
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto { domain: None, version: Some(opset) }],
            ..ModelProto::default()
        })
    }

    fn node_count(model: Option<ModelProto>) -> usize {
        model.and_then(|model| model.graph).map_or(0, |graph| graph.node.len())
    }

    #[test]
    fn integer_divisions_are_rewritten_and_float_divisions_are_not() {
        assert_eq!(node_count(divide(DType::Int64, 18).unwrap()), 13);
        assert_eq!(node_count(divide(DType::Float32, 18).unwrap()), 3);
        assert_eq!(divide(DType::Int32, 7).unwrap_err().code, ErrorCode::UnsupportedModel);
    }

    #[test]
    fn a_model_without_such_nodes_is_left_alone() {
        let graph = GraphProto { node: vec![NodeProto::new("Relu", ["x"], ["y"])], ..GraphProto::default() };
        assert_eq!(make_safe(&ModelProto { graph: Some(graph), ..ModelProto::default() }), Ok(None));
    }
}
