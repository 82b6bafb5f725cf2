//! How a model tells the class that it predicts, read from its graph.

use super::class_output::{ClassOutput, ClassRole, is_label_name};
use super::declared::{ValueInfo, ValueType};
use crate::onnx::operators::{ElementRule, ML, operator};
use crate::onnx::proto::{GraphProto, NodeProto, TensorProto};
use crate::tensor::DType;
use std::collections::{HashMap, HashSet};

/// Nodes between an output and what decides it.
const MAX_STEPS: usize = 32;
/// More names, or longer ones, are not kept in a signature.
const MAX_CLASSES: usize = 1000;
const MAX_NAMES_BYTES: usize = 32 << 10;
/// The outputs of a graph that tell a class.
pub fn class_outputs(graph: &GraphProto, outputs: &[ValueInfo]) -> Vec<ClassOutput> {
    let walk = Walk::new(graph);
    outputs
        .iter()
        .filter_map(|output| {
            let ValueType::Tensor { dtype, .. } = &output.value_type else { return None };
            let found = walk.origin(&output.name);
            let (role, classes) = match found {
                Origin::Classes(role, classes) => (role, classes),
                Origin::Other if is_label_name(&output.name) && is_discrete(*dtype) => (ClassRole::Label, None),
                Origin::Other | Origin::Given => return None,
            };
            Some(ClassOutput { name: output.name.clone(), role, classes: classes.filter(|names| is_short(names)) })
        })
        .collect()
}

fn is_discrete(dtype: DType) -> bool {
    !matches!(dtype, DType::Float32 | DType::Float64 | DType::Float16 | DType::BFloat16)
}

fn is_short(names: &[String]) -> bool {
    names.len() <= MAX_CLASSES && names.iter().map(String::len).sum::<usize>() <= MAX_NAMES_BYTES
}

/// Where the elements of a value come from.
enum Origin {
    Classes(ClassRole, Option<Vec<String>>),
    /// From the caller or from the model itself: no prediction.
    Given,
    Other,
}

struct Walk<'a> {
    makers: HashMap<&'a str, (&'a NodeProto, usize)>,
    constants: HashMap<&'a str, &'a TensorProto>,
    /// Values that weigh others, as attention does.
    weights: HashSet<&'a str>,
}

impl<'a> Walk<'a> {
    fn new(graph: &'a GraphProto) -> Self {
        let mut makers = HashMap::new();
        for node in &graph.node {
            makers.extend(node.output.iter().enumerate().map(|(at, name)| (name.as_str(), (node, at))));
        }
        let mut weights = HashSet::new();
        for node in graph.node.iter().rev() {
            let passes = (keeps(node) || node.is("Dropout") || node.is("Transpose"))
                && node.output.iter().any(|name| weights.contains(name.as_str()));
            if passes || ["MatMul", "Gemm", "Einsum"].iter().any(|name| node.is(name)) {
                weights.extend(node.input.iter().map(String::as_str));
            }
        }
        let constants = graph.initializer.iter().map(|tensor| (tensor.name(), tensor)).collect();
        Self { makers, constants, weights }
    }

    fn origin(&self, output: &'a str) -> Origin {
        // Lists of classes that the walk has come through; the last one found is the first that is applied.
        let mut names: Option<Vec<String>> = None;
        let mut name = output;
        for _ in 0..MAX_STEPS {
            let Some(&(node, at)) = self.makers.get(name) else { return Origin::Given };
            let first = node.input.first().map_or("", String::as_str);
            let second = node.input.get(1).map_or("", String::as_str);
            let is_ml = node.domain() == ML;
            match node.op_type() {
                _ if keeps(node) => name = first,
                "ArgMax" if node.is("ArgMax") => return Origin::Classes(ClassRole::Label, names),
                "Softmax" | "LogSoftmax" if !is_ml && !self.weights.contains(name) => {
                    return Origin::Classes(ClassRole::Scores, None);
                }
                "Normalizer" if is_ml => match self.makers.get(first) {
                    Some((classifier, 1)) if is_classifier(classifier) => name = first,
                    _ => return Origin::Other,
                },
                _ if is_classifier(node) => {
                    let classes = class_labels(node);
                    return match (at, node.op_type()) {
                        (0, _) => Origin::Classes(ClassRole::Label, names.or(classes)),
                        // Its scores are votes or distances, and the label need not have the largest.
                        (_, "SVMClassifier") => Origin::Other,
                        _ => Origin::Classes(ClassRole::Scores, classes),
                    };
                }
                "LabelEncoder" if is_ml => {
                    names = names.or_else(|| encoded_names(node));
                    name = first;
                }
                "ArrayFeatureExtractor" if is_ml => {
                    names = names.or_else(|| texts(self.constants.get(first)?));
                    name = second;
                }
                "Gather" if node.is("Gather") && self.constants.contains_key(first) => {
                    names = names.or_else(|| texts(self.constants.get(first)?));
                    name = second;
                }
                "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" if !is_ml => {
                    return Origin::Classes(ClassRole::Label, None);
                }
                "Constant" => return Origin::Given,
                _ => return Origin::Other,
            }
        }
        Origin::Other
    }
}

/// Whether a node gives the elements of its input in another shape or type.
fn keeps(node: &NodeProto) -> bool {
    operator(node).is_some_and(|row| matches!(row.elements, ElementRule::Keep | ElementRule::Cast))
}

fn is_classifier(node: &NodeProto) -> bool {
    let names = ["TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier"];
    node.domain() == ML && names.contains(&node.op_type())
}

/// The classes that a classifier node lists.
fn class_labels(node: &NodeProto) -> Option<Vec<String>> {
    let texts = ["classlabels_strings", "classlabels_ints", "classlabels_int64s"];
    texts.iter().find_map(|name| attribute_texts(node, name))
}

/// What a label encoder makes of the positions 0, 1, 2 ...
fn encoded_names(node: &NodeProto) -> Option<Vec<String>> {
    let keys = &node.attribute("keys_int64s")?.ints;
    let values = attribute_texts(node, "values_strings").or_else(|| attribute_texts(node, "values_int64s"))?;
    let mut names = vec![None; keys.len()];
    for (key, value) in keys.iter().zip(values) {
        *names.get_mut(usize::try_from(*key).ok()?)? = Some(value);
    }
    names.into_iter().collect()
}

fn attribute_texts(node: &NodeProto, name: &str) -> Option<Vec<String>> {
    let attribute = node.attribute(name)?;
    if attribute.ints.is_empty() {
        let texts: Vec<String> =
            attribute.strings.iter().map(|text| String::from_utf8(text.to_vec()).ok()).collect::<Option<_>>()?;
        return (!texts.is_empty()).then_some(texts);
    }
    Some(attribute.ints.iter().map(i64::to_string).collect())
}

fn texts(tensor: &TensorProto) -> Option<Vec<String>> {
    let dtype = DType::from_code(tensor.data_type())?;
    let found: Vec<String> = match dtype {
        DType::String => {
            tensor.string_data.iter().map(|text| String::from_utf8(text.to_vec()).ok()).collect::<Option<_>>()?
        }
        DType::Int64 if tensor.int64_data.is_empty() => {
            let (integers, _) = tensor.raw_data().as_chunks::<8>();
            integers.iter().map(|bytes| i64::from_le_bytes(*bytes).to_string()).collect()
        }
        DType::Int64 => tensor.int64_data.iter().map(i64::to_string).collect(),
        DType::Int32 if tensor.int32_data.is_empty() => {
            let (integers, _) = tensor.raw_data().as_chunks::<4>();
            integers.iter().map(|bytes| i32::from_le_bytes(*bytes).to_string()).collect()
        }
        DType::Int32 => tensor.int32_data.iter().map(i32::to_string).collect(),
        _ => return None,
    };
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;
    use serde_json::Value as Json;

    fn node(kind: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let domain = crate::onnx::operators::find(ML, kind).map(|_| ML.to_owned());
        NodeProto { domain, ..NodeProto::new(kind, inputs.iter().copied(), outputs.iter().copied()) }
    }

    /// What the output `y` of some nodes tells, as JSON.
    fn told(nodes: Vec<NodeProto>, dtype: DType) -> Json {
        told_of("y", nodes, dtype)
    }

    fn told_of(name: &str, nodes: Vec<NodeProto>, dtype: DType) -> Json {
        let mut strings = TensorProto { name: Some("names".to_owned()), ..TensorProto::default() };
        strings.data_type = Some(8);
        strings.string_data = vec!["a".into(), "b".into()];
        let integers = TensorProto::from_tensor("integers", &Tensor::from_elements(&[2], &[3i64, 7]));
        let graph = GraphProto { node: nodes, initializer: vec![strings, integers], ..GraphProto::default() };
        let output =
            ValueInfo { name: name.to_owned(), value_type: ValueType::Tensor { dtype, shape: None }, optional: false };
        let mut made = serde_json::json!({});
        class_outputs(&graph, &[output]).iter().for_each(|output| output.write(&mut made));
        made
    }

    #[test]
    fn classifiers_tell_their_label_and_scores() {
        let classes = vec!["cat".to_owned(), "dog".to_owned()];
        let trees = |outputs: &[&str]| {
            node("TreeEnsembleClassifier", &["x"], outputs).with("classlabels_strings", classes.clone())
        };
        let json = |role: &str| serde_json::json!({ "role": role, "classes": ["cat", "dog"] });
        assert_eq!(told(vec![trees(&["y", "p"])], DType::String), json("label"));
        assert_eq!(told(vec![trees(&["l", "y"])], DType::Float32), json("scores"));
        let normalized = vec![trees(&["l", "p"]), node("Normalizer", &["p"], &["y"])];
        assert_eq!(told(normalized, DType::Float32), json("scores"));
        let cast = vec![
            node("SVMClassifier", &["x"], &["l", "p"]).with("classlabels_ints", vec![1i64, 2]),
            node("Cast", &["l"], &["c"]),
            node("Reshape", &["c", "s"], &["y"]),
        ];
        assert_eq!(told(cast, DType::Int64), serde_json::json!({ "role": "label", "classes": ["1", "2"] }));
        let votes = vec![node("SVMClassifier", &["x"], &["l", "y"])];
        assert_eq!(told(votes, DType::Float32), serde_json::json!({}));
    }

    #[test]
    fn positions_are_named_by_what_follows_them() {
        let label = |names: &[&str]| serde_json::json!({ "role": "label", "classes": names });
        let best = || node("ArgMax", &["p"], &["best"]);
        assert_eq!(told(vec![node("ArgMax", &["p"], &["y"])], DType::Int64), serde_json::json!({ "role": "label" }));
        let extracted = node("ArrayFeatureExtractor", &["names", "best"], &["y"]);
        assert_eq!(told(vec![best(), extracted], DType::String), label(&["a", "b"]));
        let gathered = node("Gather", &["integers", "best"], &["y"]);
        assert_eq!(told(vec![best(), gathered], DType::Int64), label(&["3", "7"]));
        let encoded = node("LabelEncoder", &["best"], &["y"])
            .with("keys_int64s", vec![1i64, 0])
            .with("values_strings", vec!["b".to_owned(), "a".to_owned()]);
        assert_eq!(told(vec![best(), encoded], DType::String), label(&["a", "b"]));
        let rows = node("Gather", &["x", "best"], &["y"]);
        assert_eq!(told(vec![best(), rows], DType::Float32), serde_json::json!({}));
    }

    #[test]
    fn softmax_tells_scores_unless_it_weighs() {
        let scores = serde_json::json!({ "role": "scores" });
        let softmax = || node("Softmax", &["x"], &["p"]);
        assert_eq!(told(vec![softmax(), node("Flatten", &["p"], &["y"])], DType::Float32), scores);
        assert_eq!(told(vec![node("LogSoftmax", &["x"], &["y"])], DType::Float32), scores);
        let attention = vec![
            softmax(),
            node("Dropout", &["p"], &["d"]),
            node("MatMul", &["d", "v"], &["z"]),
            node("Identity", &["p"], &["y"]),
        ];
        assert_eq!(told(attention, DType::Float32), serde_json::json!({}));
        assert_eq!(told(vec![node("Sigmoid", &["x"], &["y"])], DType::Float32), serde_json::json!({}));
    }

    #[test]
    fn names_count_only_for_what_is_predicted() {
        let sign = |output: &str| vec![node("Sign", &["x"], &[output])];
        let label = serde_json::json!({ "role": "label" });
        for name in ["label", "Output_Label", "predicted-class", "PredictedLabel.output"] {
            assert_eq!(told_of(name, sign(name), DType::Int64), label, "{name}");
        }
        assert_eq!(told_of("id", sign("id"), DType::Int64), serde_json::json!({}));
        assert_eq!(told_of("label", sign("label"), DType::Float32), serde_json::json!({}));
        let given = vec![node("Identity", &["names"], &["class_labels"]), node("Identity", &["x"], &["label"])];
        assert_eq!(told_of("class_labels", given.clone(), DType::String), serde_json::json!({}));
        assert_eq!(told_of("label", given, DType::Int64), serde_json::json!({}));
        assert_eq!(told(vec![node("Greater", &["x", "t"], &["y"])], DType::Bool), label);
    }
}
