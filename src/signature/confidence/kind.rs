//! What the elements of a value are, by the operators that make it.

use super::walk::{Walk, first_input, keeps_elements};
use crate::onnx::operators::ML;
use crate::onnx::proto::NodeProto;
use std::collections::HashMap;

/// Nodes that are followed back from an output; behind them nothing is known.
const MAX_DEPTH: usize = 64;
/// From this operator set on Softmax is along one axis; before, over all axes from it on.
const SOFTMAX_ALONG_ONE_AXIS: i64 = 13;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Unknown,
    Constant,
    /// They sum up to one along this axis; `None` when the axis is not known.
    Probabilities(Option<i64>),
    /// Their logarithms.
    LogProbabilities(Option<i64>),
    /// Numbers divided by their sum: the probabilities of a classifier, but also shares of anything else.
    Shares,
    /// Each for itself is a probability.
    Sigmoid,
}

impl Kind {
    /// In another shape.
    fn reshaped(self) -> Self {
        match self {
            Self::Probabilities(_) => Self::Probabilities(None),
            Self::LogProbabilities(_) => Self::LogProbabilities(None),
            other => other,
        }
    }

    /// Sums and means, whose weights are taken to sum up to one.
    fn mixed(kinds: impl IntoIterator<Item = Self>) -> Self {
        let mix = |one: Self, other: Self| match (one, other) {
            (Self::Constant, other) | (other, Self::Constant) => other,
            (Self::Probabilities(_), Self::Probabilities(_)) => Self::Probabilities(None),
            (Self::Probabilities(_) | Self::Shares, Self::Probabilities(_) | Self::Shares) => Self::Shares,
            _ => Self::Unknown,
        };
        match kinds.into_iter().fold(Self::Constant, mix).reshaped() {
            kind @ (Self::Probabilities(_) | Self::Shares | Self::Constant) => kind,
            _ => Self::Unknown,
        }
    }
}

/// Finds the kinds of the values of a graph.
pub struct Kinds<'a> {
    walk: &'a Walk<'a>,
    /// Of the inputs of a function, and of what was found.
    known: HashMap<String, Kind>,
}

impl<'a> Kinds<'a> {
    pub fn new(walk: &'a Walk<'a>) -> Self {
        Self { walk, known: HashMap::new() }
    }

    pub fn of(&mut self, name: &str) -> Kind {
        self.within(name, MAX_DEPTH)
    }

    fn within(&mut self, name: &str, depth: usize) -> Kind {
        if let Some(&kind) = self.known.get(name) {
            return kind;
        }
        let kind = if self.walk.is_constant(name) {
            Kind::Constant
        } else {
            match self.walk.maker(name) {
                // What is not known yet stands for a value that a circle leads back to.
                Some((node, at)) if depth > 0 => {
                    self.known.insert(name.to_owned(), Kind::Unknown);
                    self.made(node, at, depth - 1)
                }
                _ => Kind::Unknown,
            }
        };
        self.known.insert(name.to_owned(), kind);
        kind
    }

    fn input(&mut self, node: &NodeProto, at: usize, depth: usize) -> Kind {
        node.input.get(at).map_or(Kind::Unknown, |name| self.within(name, depth))
    }

    fn made(&mut self, node: &'a NodeProto, at: usize, depth: usize) -> Kind {
        match node.domain() {
            ML => return self.made_by_ml(node, at, depth),
            "" | "ai.onnx" => {}
            _ => return self.made_by_function(node, at, depth),
        }
        match node.op_type() {
            "Identity" | "Cast" | "Dropout" | "Clip" | "QuantizeLinear" | "DequantizeLinear" => {
                self.input(node, 0, depth)
            }
            _ if keeps_elements(node) => self.input(node, 0, depth).reshaped(),
            "Softmax" => Kind::Probabilities(softmax_axis(node, self.walk.opset)),
            "LogSoftmax" => Kind::LogProbabilities(softmax_axis(node, self.walk.opset)),
            "Sigmoid" | "HardSigmoid" => Kind::Sigmoid,
            "Exp" => match self.input(node, 0, depth) {
                Kind::LogProbabilities(axis) => Kind::Probabilities(axis),
                _ => Kind::Unknown,
            },
            "Log" => match self.input(node, 0, depth) {
                Kind::Probabilities(axis) => Kind::LogProbabilities(axis),
                _ => Kind::Unknown,
            },
            "Add" | "Sum" | "Mean" => self.mixed(&node.input, depth),
            "Where" => self.mixed(node.input.get(1..).unwrap_or_default(), depth),
            "ReduceMean" => Kind::mixed([self.input(node, 0, depth)]),
            "Mul" => match (self.input(node, 0, depth), self.input(node, 1, depth)) {
                (kind, Kind::Constant) | (Kind::Constant, kind) => Kind::mixed([kind]),
                _ => Kind::Unknown,
            },
            "Sub" => self.difference(node, depth),
            "Div" => self.quotient(node, depth),
            "Reciprocal" if self.is_one_and_exp(first_input(node)) => Kind::Sigmoid,
            "Concat" => self.complements(node, depth),
            "LpNormalization" if integer(node, "p", 2) == 1 => self.normalized(node, depth),
            "If" => self.branches(node, at, depth),
            _ => self.made_by_function(node, at, depth),
        }
    }

    fn mixed(&mut self, names: &[String], depth: usize) -> Kind {
        let kinds: Vec<Kind> = names.iter().map(|name| self.within(name, depth)).collect();
        Kind::mixed(kinds)
    }

    fn normalized(&mut self, node: &NodeProto, depth: usize) -> Kind {
        match self.input(node, 0, depth).reshaped() {
            kind @ Kind::Probabilities(_) => kind,
            _ => Kind::Shares,
        }
    }

    /// The other one of two probabilities; logits less the logarithm of the sum of their exponentials.
    fn difference(&mut self, node: &NodeProto, depth: usize) -> Kind {
        let [left, right] = node.input.as_slice() else { return Kind::Unknown };
        if self.walk.is_constant(left) && self.within(right, depth) == Kind::Sigmoid {
            return Kind::Sigmoid;
        }
        let sums = self.sums_in(right);
        let is_logarithm = |sum: &&NodeProto| {
            let summed = first_input(sum);
            if sum.is("ReduceLogSumExp") {
                return summed == left;
            }
            // The largest logit may have been taken from all before.
            let logits = self.walk.made_by(summed, "Exp").map(first_input);
            let before = logits.and_then(|logits| self.walk.made_by(logits, "Sub")).map(first_input);
            logits == Some(left.as_str()) || before == Some(left.as_str())
        };
        if sums.iter().any(is_logarithm) { Kind::LogProbabilities(None) } else { Kind::Unknown }
    }

    fn quotient(&mut self, node: &NodeProto, depth: usize) -> Kind {
        let [left, right] = node.input.as_slice() else { return Kind::Unknown };
        if self.walk.is_constant(left) {
            return if self.is_one_and_exp(right) { Kind::Sigmoid } else { Kind::Unknown };
        }
        if self.walk.is_constant(right) {
            return Kind::mixed([self.within(left, depth)]);
        }
        // Where the sum may be zero, something is added to both.
        let added =
            |node: &NodeProto| keeps_elements(node) || ["Add", "Where", "Max", "Clip"].contains(&node.op_type());
        let parts = self.walk.near(left, added);
        if !self.sums_in(right).iter().any(|sum| parts.contains(&first_input(sum))) {
            return Kind::Unknown;
        }
        let maker = self.walk.maker(self.walk.origin(left)).map(|(node, _)| node);
        // A softmax, or the votes of trees, as which older converters write a forest that classifies.
        let is_of_classes = maker
            .is_some_and(|node| node.is("Exp") || (node.domain() == ML && node.op_type() == "TreeEnsembleRegressor"));
        if is_of_classes { Kind::Probabilities(None) } else { Kind::Shares }
    }

    /// The sums from which a value comes in few steps.
    fn sums_in(&self, name: &str) -> Vec<&'a NodeProto> {
        let is_sum = |node: &NodeProto| ["ReduceSum", "ReduceL1", "ReduceLogSumExp"].contains(&node.op_type());
        let near = self.walk.near(name, |node| !is_sum(node));
        near.iter().filter_map(|name| self.walk.maker(name)).map(|(node, _)| node).filter(|node| is_sum(node)).collect()
    }

    /// 1 + exp(x)
    fn is_one_and_exp(&self, name: &str) -> bool {
        let Some(sum) = self.walk.made_by(name, "Add") else { return false };
        let [one, other] = sum.input.as_slice() else { return false };
        let is = |constant: &str, exp: &str| {
            self.walk.is_constant(constant) && self.walk.made_by(self.walk.origin(exp), "Exp").is_some()
        };
        is(one, other) || is(other, one)
    }

    /// 1 - p and p side by side.
    fn complements(&mut self, node: &NodeProto, depth: usize) -> Kind {
        let [one, other] = node.input.as_slice() else { return Kind::Unknown };
        let is_rest = |rest: &str, of: &str| {
            let rest = self.walk.made_by(self.walk.origin(rest), "Sub").map(|node| node.input.as_slice());
            matches!(rest, Some([constant, p]) if self.walk.is_constant(constant)
                && self.walk.origin(p) == self.walk.origin(of))
        };
        if !is_rest(one, other) && !is_rest(other, one) {
            return Kind::Unknown;
        }
        let kinds = [self.within(one, depth), self.within(other, depth)];
        if kinds.contains(&Kind::Sigmoid) { Kind::Probabilities(None) } else { Kind::Shares }
    }

    fn branches(&mut self, node: &'a NodeProto, at: usize, depth: usize) -> Kind {
        let outputs: Vec<&str> =
            node.subgraphs().map(|graph| graph.output.get(at).map_or("", |output| output.name())).collect();
        let kinds: Vec<Kind> = outputs.into_iter().map(|output| self.within(output, depth)).collect();
        match kinds.as_slice() {
            [first, rest @ ..] if rest.iter().all(|kind| kind == first) => *first,
            _ => Kind::Unknown,
        }
    }

    fn made_by_function(&mut self, node: &'a NodeProto, at: usize, depth: usize) -> Kind {
        let Some(function) = self.walk.function_of(node) else { return Kind::Unknown };
        let Some(output) = function.output.get(at) else { return Kind::Unknown };
        let inputs = function.input.iter().enumerate();
        let known = inputs.map(|(at, name)| (name.clone(), self.input(node, at, depth))).collect();
        let walk = self.walk.of_function(function);
        let depth = depth.min(MAX_DEPTH / 4);
        // What the call says of attributes is not followed, so that no axis is known.
        Kinds { walk: &walk, known }.within(output, depth.saturating_sub(1)).reshaped()
    }

    fn made_by_ml(&mut self, node: &NodeProto, at: usize, depth: usize) -> Kind {
        match (node.op_type(), at) {
            ("Normalizer", 0) if text(node, "norm", "MAX") == "L1" => self.normalized(node, depth),
            ("TreeEnsembleRegressor" | "LinearRegressor" | "SVMRegressor", 0) => match text(node, POST, "NONE") {
                "LOGISTIC" => Kind::Sigmoid,
                "SOFTMAX" => Kind::Probabilities(None),
                _ => Kind::Unknown,
            },
            ("Scaler", 0) => Kind::mixed([self.input(node, 0, depth)]),
            (_, 1) if is_classifier(node) => classifier_kind(node),
            _ => Kind::Unknown,
        }
    }
}

const POST: &str = "post_transform";

/// Whether its outputs are a label and a score for each class.
pub fn is_classifier(node: &NodeProto) -> bool {
    node.domain() == ML && ["TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier"].contains(&node.op_type())
}

/// What the scores of a classifier are.
fn classifier_kind(node: &NodeProto) -> Kind {
    let is_binary = ["classlabels_int64s", "classlabels_ints", "classlabels_strings"]
        .iter()
        .any(|name| node.attribute(name).is_some_and(|labels| labels.ints.len() == 2 || labels.strings.len() == 2));
    // Leaves with shares of classes: those of decision trees and random forests. Others have margins there.
    let has_shares = || match node.attribute("class_weights") {
        Some(weights) => weights.floats.iter().all(|weight| (0.0..=1.001).contains(weight)),
        None => node.attribute("class_weights_as_tensor").is_some(),
    };
    match (node.op_type(), text(node, POST, "NONE")) {
        (_, "SOFTMAX" | "SOFTMAX_ZERO") => Kind::Probabilities(None),
        (_, "LOGISTIC") if is_binary => Kind::Probabilities(None),
        (_, "LOGISTIC") => Kind::Sigmoid,
        ("TreeEnsembleClassifier", "NONE") if has_shares() => Kind::Probabilities(None),
        ("SVMClassifier", "NONE") if node.attribute("prob_a").is_some_and(|given| !given.floats.is_empty()) => {
            Kind::Probabilities(None)
        }
        _ => Kind::Unknown,
    }
}

/// The axis of a softmax; `None` where it is over all axes from one on.
fn softmax_axis(node: &NodeProto, opset: i64) -> Option<i64> {
    if opset >= SOFTMAX_ALONG_ONE_AXIS {
        return Some(integer(node, "axis", -1));
    }
    Some(integer(node, "axis", 1)).filter(|&axis| axis <= 0)
}

fn integer(node: &NodeProto, name: &str, default: i64) -> i64 {
    node.attribute(name).map_or(default, |attribute| attribute.i())
}

fn text<'n>(node: &'n NodeProto, name: &str, default: &'n str) -> &'n str {
    node.attribute(name).map_or(default, |attribute| std::str::from_utf8(attribute.s()).unwrap_or(default))
}
