//! Rewrites of nodes that would end the process or fail for reasons of the machine, and refusals of those that cannot be mended.
//!
//! - [`empty`]: operators that cannot bear a tensor without elements.
//! - [`integers`]: `Div` and `Mod` of the smallest integer by -1.
//! - [`forms`]: inputs and attributes that ONNX Runtime trusts too much.
//! - [`texts`]: what makes texts from few of them.
//! - [`training`]: operators that keep something from one run for the next.
//! - `StringNormalizer` asks for the locale `en_US` when the model names none, which slim systems lack.

mod draft;
mod element_types;
mod empty;
mod forms;
mod handed;
mod integers;
mod known;
mod texts;
mod training;

use super::text_budget::DOMAIN;
use crate::error::{Result, error};
use crate::onnx::operators::{RowRule, What, operator};
use crate::onnx::opset;
use crate::onnx::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto};
use crate::tensor::DType;
use draft::Draft;
use element_types::Scopes;
use handed::Handed;
use known::Known;
use std::collections::HashMap;
use texts::Copies;

/// The model with such nodes rewritten; `None` when it has none.
///
/// # Errors
/// `INVALID_MODEL` or `UNSUPPORTED_MODEL` for a node that no rewrite makes safe.
pub fn make_safe(model: &ModelProto) -> Result<Option<ModelProto>> {
    let functions = model.functions.iter().flat_map(|function| &function.node);
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    let handed = Handed::of(model);
    let mut care = false;
    for node in nodes.chain(functions) {
        care |= check(node, &handed)?;
    }
    model.functions.iter().try_for_each(forms::check_function)?;
    let has_texts = texts::occur(model);
    if !care && !has_texts {
        return Ok(None);
    }
    let mut model = model.clone();
    let mut rewrite = Rewrite { opset: opset::standard(&model.opset_import), has_texts, ..Rewrite::default() };
    if let Some(graph) = &mut model.graph {
        rewrite.graph(graph)?;
    }
    for function in &mut model.functions {
        rewrite.opset = opset::standard(&function.opset_import);
        rewrite.enter();
        rewrite.in_function = true;
        rewrite.nodes(&mut function.node)?;
        rewrite.leave();
    }
    if !care && !rewrite.bounds_texts {
        return Ok(None);
    }
    if rewrite.bounds_texts {
        let imports = model.functions.iter_mut().map(|function| &mut function.opset_import);
        for imports in imports.chain([&mut model.opset_import]) {
            imports.push(OperatorSetIdProto { domain: Some(DOMAIN.to_owned()), version: Some(1) });
        }
    }
    Ok(Some(model))
}

/// True for a guarded model that needs [`text_budget`](super::text_budget)'s operator.
pub fn counts_texts(model: &ModelProto) -> bool {
    model.opset_import.iter().any(|import| import.domain() == DOMAIN)
}

/// Refuses what must not be loaded, in the node and the graphs within it; true when there is something to rewrite.
fn check(node: &NodeProto, handed: &Handed<'_>) -> Result<bool> {
    training::check(node)?;
    let mut care = forms::check(node, handed)?
        || integers::is_division(node)
        || normalizes_strings(node)
        || !empty::needs(node).is_empty();
    for inner in node.subgraphs().flat_map(|graph| &graph.node) {
        care |= check(inner, handed)?;
    }
    Ok(care)
}

#[derive(Default)]
struct Rewrite {
    opset: i64,
    scopes: Scopes,
    known: Known,
    has_texts: bool,
    /// Something in the model checks how many texts it makes.
    bounds_texts: bool,
    in_function: bool,
    copies: Copies,
    /// What is computed for an input once, by the input's name, in this graph and those around it.
    met: Vec<HashMap<String, String>>,
}

impl Rewrite {
    fn enter(&mut self) {
        self.scopes.enter();
        self.known.enter();
        self.met.push(HashMap::new());
    }

    fn leave(&mut self) {
        self.scopes.leave();
        self.known.leave();
        self.met.pop();
    }

    /// Rewrites a graph and returns the element types of its outputs.
    fn graph(&mut self, graph: &mut GraphProto) -> Result<Vec<Option<DType>>> {
        self.enter();
        self.scopes.declare(graph);
        self.known.declare(graph);
        self.copies.declare(graph);
        self.nodes(&mut graph.node)?;
        let outputs = graph.output.iter().map(|output| self.scopes.get(output.name())).collect();
        self.leave();
        Ok(outputs)
    }

    fn nodes(&mut self, nodes: &mut Vec<NodeProto>) -> Result<()> {
        let mut rewritten = Vec::with_capacity(nodes.len());
        for mut node in std::mem::take(nodes) {
            let mut body_outputs = Vec::new();
            let rows = operator(&node).map_or(RowRule::Unknown, |row| row.rows);
            let repeats = self.has_texts && matches!(rows, RowRule::Loop | RowRule::Scan);
            for attribute in &mut node.attribute {
                if repeats {
                    attribute.g.iter_mut().for_each(texts::name_outputs);
                }
                for graph in attribute.g.iter_mut().chain(&mut attribute.graphs) {
                    body_outputs = self.graph(graph)?;
                }
            }
            self.scopes.infer(&node, &body_outputs);
            self.known.infer(&node);
            self.node(node, &mut rewritten)?;
        }
        *nodes = rewritten;
        Ok(())
    }

    fn node(&mut self, mut node: NodeProto, rewritten: &mut Vec<NodeProto>) -> Result<()> {
        if normalizes_strings(&node) {
            name_locale(&mut node);
        }
        let prefix = node.output.iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
        let mut draft = Draft::new(self.opset, &prefix);
        forms::complete(&mut node, &mut draft);
        if self.has_texts {
            let is_outermost = !self.in_function && self.met.len() == 1;
            self.bounds_texts |= texts::bound(&mut node, &self.scopes, &mut self.copies, is_outermost, &mut draft)?;
        }
        let operands = integers::operand_type(&node, &self.scopes);
        if integers::is_division(&node) && integers::may_trap(operands) {
            integers::divide(&node, operands, &mut draft)?;
        } else {
            let needs = self.unmet(&node);
            if needs.is_empty() {
                draft.nodes.push(node);
            } else {
                self.choose(&node, &needs, &mut draft)?;
            }
        }
        rewritten.append(&mut draft.nodes);
        Ok(())
    }

    /// What the node needs and is not known to have.
    fn unmet(&self, node: &NodeProto) -> Vec<empty::Need> {
        let mut needs = empty::needs(node);
        needs.retain(|need| {
            let name = &node.input[need.input];
            match need.what {
                What::Values | What::Rank(_) | What::SpatialRank | What::Square => true,
                What::ForEachAxis => self.opset < 11 && !self.known.is_fixed(name),
                What::Elements | What::Axes(..) | What::Signal => !self.known.is_filled(name),
            }
        });
        needs
    }

    /// The node where its needs are met, and what stands for it where they are not.
    fn choose(&mut self, node: &NodeProto, needs: &[empty::Need], draft: &mut Draft) -> Result<()> {
        if self.opset < MIN_OPSET {
            let (op_type, name, opset) = (node.op_type(), node.name(), self.opset);
            let reason = format!("{op_type} node \"{name}\" in operator set {opset} may get a tensor without elements");
            return Err(error!(UnsupportedModel, "{reason}; {MIN_OPSET} or newer is needed, or inputs of fixed sizes"));
        }
        let condition = self.all_met(node, needs, draft);
        let mut then = draft.branch();
        let mut inner = node.clone();
        for need in needs {
            let name = &node.input[need.input];
            if !node.input.iter().any(|name| self.known.is_varying(name)) {
                inner.input[need.input] = then.hidden(name);
            }
        }
        let named = |outputs: &[String]| {
            let named = node.output.iter().zip(outputs).filter(|(name, _)| !name.is_empty());
            named.map(|(_, output)| output.clone()).collect::<Vec<String>>()
        };
        let fresh: Vec<String> = node.output.iter().map(|_| then.name()).collect();
        for (output, fresh) in inner.output.iter_mut().zip(&fresh).filter(|(output, _)| !output.is_empty()) {
            output.clone_from(fresh);
        }
        then.nodes.push(inner);
        let mut otherwise = draft.branch();
        let dtype = node.input.first().and_then(|name| self.scopes.get(name));
        let results = empty::results(node, dtype, &mut otherwise)?;
        let outputs: Vec<&str> = node.output.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        draft.choose(&condition, then.into_branch(&named(&fresh)), otherwise.into_branch(&named(&results)), &outputs);
        Ok(())
    }

    fn all_met(&mut self, node: &NodeProto, needs: &[empty::Need], draft: &mut Draft) -> String {
        let mut all: Option<String> = None;
        for need in needs {
            let key = format!("{} {:?}", node.input[need.input], need.what);
            let shared = !matches!(need.what, What::Signal);
            let before = self.met.iter().rev().find_map(|scope| scope.get(&key).cloned()).filter(|_| shared);
            let one = before.unwrap_or_else(|| empty::met(need, node, draft));
            if let Some(scope) = self.met.last_mut() {
                scope.insert(key, one.clone());
            }
            all = Some(match all {
                Some(others) => draft.op("And", &[&others, &one]),
                None => one,
            });
        }
        all.unwrap_or_default()
    }
}

/// `If`, `Cast` and the comparisons are there as they are needed from this operator set on.
const MIN_OPSET: i64 = 7;

fn normalizes_strings(node: &NodeProto) -> bool {
    operator(node).is_some_and(|row| row.rows == RowRule::NormalizeStrings)
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
        assert_eq!(node_count(divide(DType::Float32, 6).unwrap()), 3);
        assert_eq!(node_count(divide(DType::Int32, 7).unwrap()), 16);
        assert_eq!(divide(DType::Int32, 6).unwrap_err().code, ErrorCode::UnsupportedModel);
    }

    fn top_k(shape: &[Option<i64>]) -> Option<ModelProto> {
        let graph = GraphProto {
            node: vec![NodeProto::new("Relu", ["x"], ["a"]), NodeProto::new("TopK", ["a", "k"], ["y", "at"])],
            input: vec![
                ValueInfoProto::tensor("x", DType::Float32, shape),
                ValueInfoProto::tensor("k", DType::Int64, &[Some(1)]),
            ],
            ..GraphProto::default()
        };
        let opset_import = vec![OperatorSetIdProto { domain: None, version: Some(18) }];
        make_safe(&ModelProto { graph: Some(graph), opset_import, ..ModelProto::default() }).unwrap()
    }

    #[test]
    fn what_can_never_be_empty_needs_no_guard() {
        let has_choice =
            |model: Option<ModelProto>| model.unwrap().graph.unwrap().node.iter().any(|node| node.is("If"));
        assert!(has_choice(top_k(&[None, Some(4)])));
        assert!(has_choice(top_k(&[Some(0), Some(4)])));
        assert!(!has_choice(top_k(&[Some(3), Some(4)])));
    }

    #[test]
    fn training_mode_is_refused() {
        let batch_norm =
            |outputs: &[&str]| NodeProto::new("BatchNormalization", ["x", "s", "b", "m", "v"], outputs.iter().copied());
        let refused = |node: NodeProto| {
            let graph = GraphProto { node: vec![node], ..GraphProto::default() };
            make_safe(&ModelProto { graph: Some(graph), ..ModelProto::default() }).is_err_and(|problem| {
                problem.code == ErrorCode::UnsupportedModel && problem.message.contains("model.eval()")
            })
        };
        assert!(!refused(batch_norm(&["y"])));
        assert!(!refused(batch_norm(&["y", "", ""]).with("training_mode", 0i64)));
        assert!(refused(batch_norm(&["y"]).with("training_mode", 1i64)));
        assert!(refused(batch_norm(&["y", "mean", "var", "", ""])), "operator sets before 14");
        let body = GraphProto { node: vec![batch_norm(&["y"]).with("training_mode", 1i64)], ..GraphProto::default() };
        assert!(refused(NodeProto::new("If", ["c"], ["y"]).with("then_branch", body)));
    }

    #[test]
    fn a_model_without_such_nodes_is_left_alone() {
        let graph = GraphProto { node: vec![NodeProto::new("Relu", ["x"], ["y"])], ..GraphProto::default() };
        assert_eq!(make_safe(&ModelProto { graph: Some(graph), ..ModelProto::default() }), Ok(None));
    }
}
