//! The graph as the file has it: nodes, their attributes and functions.

use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::Dims;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::rc::Rc;

/// One output of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    pub node: Rc<str>,
    pub output: usize,
}

impl Reference {
    pub fn first(node: &str) -> Self {
        Self { node: node.into(), output: 0 }
    }
}

/// A node. Its attributes stay in the file's JSON.
#[derive(Debug, Clone)]
pub struct Definition<'a> {
    pub name: Rc<str>,
    pub op: &'a str,
    pub inputs: Vec<Reference>,
    /// Nodes that must run before; it matters only to tell the branches of a v1 condition.
    pub controls: Vec<Rc<str>>,
    pub attributes: &'a Json,
    /// The functions of a node that was made of v1 control flow: condition and body, or then and else.
    pub functions: Vec<Rc<Function<'a>>>,
}

/// A graph that others run. Names that are not its own are those of the graph around it.
#[derive(Debug, Clone)]
pub struct Function<'a> {
    pub arguments: Vec<Rc<str>>,
    pub nodes: Vec<Definition<'a>>,
    pub results: Vec<Reference>,
}

impl<'a> Definition<'a> {
    /// Every value that the node needs: its inputs and what its functions take from around them.
    pub fn needs(&self) -> Vec<Reference> {
        let captured = self.functions.iter().flat_map(|function| function.captured());
        self.inputs.iter().cloned().chain(captured).collect()
    }

    fn attribute(&self, name: &str) -> Option<&'a Json> {
        self.attributes.get(name)
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        int(self.attribute(name)?.get("i")?)
    }

    pub fn float(&self, name: &str) -> Option<f64> {
        match self.attribute(name)?.get("f")? {
            Json::String(text) => text.parse().ok(),
            number => number.as_f64(),
        }
    }

    pub fn flag(&self, name: &str) -> bool {
        self.attribute(name).and_then(|value| value.get("b")) == Some(&Json::Bool(true))
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.attribute(name)?.get("s").and_then(text)
    }

    /// The list of that attribute; one that is there but empty may have lost its elements' kind.
    pub fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.list(name, "i")?.iter().map(int).collect()
    }

    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        self.list(name, "s")?.iter().map(text).collect()
    }

    fn list(&self, name: &str, kind: &str) -> Option<&'a [Json]> {
        let list = self.attribute(name)?.get("list")?;
        Some(list.get(kind).and_then(Json::as_array).map_or(&[], Vec::as_slice))
    }

    /// The element type; `None` when there is none, or it is no tensor's.
    pub fn dtype(&self, name: &str) -> Option<DType> {
        dtype(self.attribute(name)?.get("type")?)
    }

    /// The shape; the outer `None` is no shape, the inner one an unknown rank.
    pub fn shape(&self, name: &str) -> Option<Option<Dims>> {
        Some(shape(self.attribute(name)?.get("shape")?))
    }

    /// The name of a function.
    pub fn function(&self, name: &str) -> Option<&'a str> {
        self.attribute(name)?.get("func")?.get("name")?.as_str()
    }
}

impl Function<'_> {
    /// What the function uses and does not make itself.
    pub fn captured(&self) -> Vec<Reference> {
        let own: std::collections::HashSet<&Rc<str>> =
            self.arguments.iter().chain(self.nodes.iter().map(|node| &node.name)).collect();
        let needed = self.nodes.iter().flat_map(Definition::needs).chain(self.results.iter().cloned());
        needed.filter(|reference| !own.contains(&reference.node)).collect()
    }
}

fn int(json: &Json) -> Option<i64> {
    match json {
        Json::String(text) => text.parse().ok(),
        number => number.as_i64(),
    }
}

/// Texts are base64, or lists of bytes.
fn text(json: &Json) -> Option<String> {
    let bytes = match json {
        Json::String(text) => BASE64.decode(text).ok()?,
        Json::Array(bytes) => bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect::<Option<Vec<_>>>()?,
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

/// TensorFlow.js has float32, int32, bool and string; wider and narrower numbers become the one or the other.
fn dtype(json: &Json) -> Option<DType> {
    let code = match json {
        Json::Number(code) => code.as_u64()?,
        Json::String(name) => match name.as_str() {
            "DT_FLOAT" | "DT_DOUBLE" | "DT_HALF" | "DT_BFLOAT16" => 1,
            "DT_INT32" | "DT_INT64" | "DT_INT16" | "DT_INT8" | "DT_UINT8" | "DT_UINT16" | "DT_UINT32" | "DT_UINT64"
            | "DT_QINT8" | "DT_QUINT8" | "DT_QINT32" => 3,
            "DT_STRING" => 7,
            "DT_BOOL" => 10,
            _ => return None,
        },
        _ => return None,
    };
    Some(match code {
        1 | 2 | 14 | 19 => DType::Float32,
        3..=6 | 9 | 11..=13 | 17 | 22 | 23 => DType::Int32,
        7 => DType::String,
        10 => DType::Bool,
        _ => return None,
    })
}

fn shape(json: &Json) -> Option<Dims> {
    if json.get("unknownRank") == Some(&Json::Bool(true)) {
        return None;
    }
    let Some(sizes) = json.get("dim").and_then(Json::as_array) else { return Some(Vec::new()) };
    // A dimension of size 0 is written without its size.
    Some(sizes.iter().map(|dim| dim.get("size").map_or(Some(0), int).filter(|&size| size >= 0)).collect())
}

/// Reads nodes; `arguments` are the names of a function's inputs.
///
/// # Errors
/// `INVALID_MODEL` for nodes without names or operations, of which two have one name, or that use what does not exist.
pub fn nodes<'a>(list: &'a Json, arguments: &[Rc<str>]) -> Result<Vec<Definition<'a>>> {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    let mut operations = HashMap::new();
    for node in list {
        let (Some(name), Some(op)) = (node["name"].as_str(), node["op"].as_str()) else {
            return Err(error!(InvalidModel, "the graph has a node without a name or an operation"));
        };
        if operations.insert(name, op).is_some() || arguments.iter().any(|argument| **argument == *name) {
            return Err(error!(InvalidModel, "the graph has two nodes \"{name}\""));
        }
    }
    list.iter().map(|node| definition(node, &operations)).collect()
}

fn definition<'a>(node: &'a Json, operations: &HashMap<&str, &str>) -> Result<Definition<'a>> {
    let name = node["name"].as_str().unwrap_or_default();
    let (mut inputs, mut controls) = (Vec::new(), Vec::new());
    for input in node["input"].as_array().map_or(&[][..], Vec::as_slice) {
        let input =
            input.as_str().ok_or_else(|| error!(InvalidModel, "node \"{name}\" has an input that is no name"))?;
        match input.strip_prefix('^') {
            Some(control) => controls.push(control.into()),
            None => inputs.push(reference(input, operations)),
        }
    }
    Ok(Definition {
        name: name.into(),
        op: node["op"].as_str().unwrap_or_default(),
        inputs,
        controls,
        attributes: &node["attr"],
        functions: Vec::new(),
    })
}

/// Reads `node`, `node:1` or, within functions, `node:values:0`.
pub fn reference(text: &str, operations: &HashMap<&str, &str>) -> Reference {
    let mut parts = text.split(':');
    let node = parts.next().unwrap_or_default();
    let output = match (parts.next(), parts.next()) {
        (Some(argument), Some(index)) => {
            let op = operations.get(node).copied().unwrap_or_default();
            first_output(op, argument) + index.parse().unwrap_or(0)
        }
        (Some(index), None) => index.parse().unwrap_or(0),
        _ => 0,
    };
    Reference { node: node.into(), output }
}

/// Where the outputs of a name start among those of an operation that names several.
fn first_output(op: &str, name: &str) -> usize {
    let names: &[&str] = match op {
        "Switch" => &["output_false", "output_true"],
        "Merge" => &["output", "value_index"],
        "TopKV2" => &["values", "indices"],
        "Unique" | "UniqueV2" => &["y", "idx"],
        "ListDiff" => &["out", "idx"],
        "MaxPoolWithArgmax" => &["output", "argmax"],
        "NonMaxSuppressionV4" => &["selected_indices", "valid_outputs"],
        "NonMaxSuppressionV5" => &["selected_indices", "selected_scores", "valid_outputs"],
        "TensorArrayV3" => &["handle", "flow"],
        "TensorListPopBack" => &["output_handle", "tensor"],
        "FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3" => {
            &["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2", "reserve_space_3"]
        }
        _ => &[],
    };
    names.iter().position(|known| *known == name).unwrap_or(0)
}

/// Reads the library.
///
/// # Errors
/// As [`nodes`].
pub fn functions<'a>(library: &'a Json) -> Result<HashMap<&'a str, Rc<Function<'a>>>> {
    let list = library["function"].as_array().map_or(&[][..], Vec::as_slice);
    let names = |list: &'a Json| -> Vec<&'a str> {
        list.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(|argument| argument["name"].as_str()).collect()
    };
    list.iter()
        .map(|function| {
            let signature = &function["signature"];
            let name = signature["name"].as_str().ok_or_else(|| error!(InvalidModel, "a function has no name"))?;
            let arguments: Vec<Rc<str>> = names(&signature["inputArg"]).into_iter().map(Rc::from).collect();
            let nodes = nodes(&function["nodeDef"], &arguments)?;
            let operations = nodes.iter().map(|node| (&*node.name, node.op)).collect();
            let results = names(&signature["outputArg"])
                .into_iter()
                .map(|result| {
                    let text = function["ret"][result].as_str();
                    let text =
                        text.ok_or_else(|| error!(InvalidModel, "function \"{name}\" does not return \"{result}\""))?;
                    Ok(reference(text, &operations))
                })
                .collect::<Result<_>>()?;
            Ok((name, Rc::new(Function { arguments, nodes, results })))
        })
        .collect()
}
