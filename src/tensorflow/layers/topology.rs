//! The topology of a layers-model: which layers there are, and on what each is called. All versions of Keras, Sequential
//! and Functional, end as the same structure.

use super::config::{Config, unwrapped, wrong};
use crate::error::{Error, Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::Dims;
use serde_json::Value as Json;
use std::collections::HashMap;

/// A graph of layers.
#[derive(Debug)]
pub struct Model<'a> {
    pub name: &'a str,
    pub layers: Vec<Spec<'a>>,
    /// Indices of the input layers.
    pub inputs: Vec<usize>,
    pub outputs: Vec<Place>,
}

/// A layer, which may be called several times.
#[derive(Debug)]
pub struct Spec<'a> {
    pub name: String,
    pub class: &'a str,
    /// It is an operation of Keras 3, not a layer of the same class.
    pub operation: bool,
    pub config: Config<'a>,
    pub kind: Kind<'a>,
    /// On what the layer is called, each time.
    pub calls: Vec<Call<'a>>,
}

#[derive(Debug)]
pub enum Kind<'a> {
    Input { shape: Option<Dims>, dtype: DType },
    Model(Model<'a>),
    Layer,
}

/// One output of one call of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    pub layer: usize,
    pub call: usize,
    pub tensor: usize,
}

/// What is given to a layer: a tensor `T`, a structure of arguments, or a plain value.
#[derive(Debug, Clone)]
pub enum Argument<'a, T> {
    Tensor(T),
    List(Vec<Argument<'a, T>>),
    Plain(&'a Json),
}

#[derive(Debug)]
pub struct Call<'a, T = Place> {
    pub arguments: Vec<Argument<'a, T>>,
    pub named: Vec<(&'a str, Argument<'a, T>)>,
}

impl<'a, T> Argument<'a, T> {
    /// The tensors in it, in order.
    pub fn tensors<'t>(&'t self, found: &mut Vec<&'t T>) {
        match self {
            Self::Tensor(tensor) => found.push(tensor),
            Self::List(items) => items.iter().for_each(|item| item.tensors(found)),
            Self::Plain(_) => {}
        }
    }

    /// The same with other tensors.
    pub fn map<U>(&self, change: &mut impl FnMut(&T) -> Result<U>) -> Result<Argument<'a, U>> {
        Ok(match self {
            Self::Tensor(tensor) => Argument::Tensor(change(tensor)?),
            Self::List(items) => Argument::List(items.iter().map(|item| item.map(change)).collect::<Result<_>>()?),
            Self::Plain(json) => Argument::Plain(json),
        })
    }
}

impl<'a, T> Call<'a, T> {
    pub fn map<U>(&self, change: &mut impl FnMut(&T) -> Result<U>) -> Result<Call<'a, U>> {
        let arguments = self.arguments.iter().map(|argument| argument.map(change)).collect::<Result<_>>()?;
        let named = self.named.iter().map(|(name, argument)| Ok((*name, argument.map(change)?)));
        Ok(Call { arguments, named: named.collect::<Result<_>>()? })
    }

    /// All tensors, those with names last.
    pub fn tensors(&self) -> Vec<&T> {
        let mut found = Vec::new();
        self.arguments
            .iter()
            .chain(self.named.iter().map(|(_, argument)| argument))
            .for_each(|argument| argument.tensors(&mut found));
        found
    }
}

/// The classes that are graphs of layers.
fn is_model(class: &str) -> bool {
    matches!(class, "Model" | "Functional" | "Sequential" | "Container" | "Network")
}

impl<'a> Model<'a> {
    /// Reads `{class_name, config}`.
    ///
    /// # Errors
    /// `INVALID_MODEL` for what is no topology, `UNSUPPORTED_MODEL` for classes of models that cannot be translated.
    pub fn parse(json: &'a Json) -> Result<Self> {
        let class = json["class_name"].as_str();
        let class = class.ok_or_else(|| error!(InvalidModel, "the topology has no \"class_name\""))?;
        let config = &json["config"];
        match class {
            "Sequential" => Self::sequential(config),
            class if is_model(class) => Self::functional(config),
            class => Err(error!(UnsupportedModel, "a model of class \"{class}\" is not supported")),
        }
    }

    fn sequential(config: &'a Json) -> Result<Self> {
        let name = config["name"].as_str().unwrap_or("sequential");
        let list = if config.is_array() { config } else { &config["layers"] };
        let list = list.as_array().ok_or_else(|| error!(InvalidModel, "the model \"{name}\" has no \"layers\""))?;
        let mut layers = list.iter().map(Spec::parse).collect::<Result<Vec<_>>>()?;
        let Some(first) = layers.first() else {
            return Err(error!(InvalidModel, "the model \"{name}\" has no layers"));
        };
        if !matches!(first.kind, Kind::Input { .. }) {
            let input = first.own_input(config)?;
            layers.insert(0, input);
        }
        if layers.iter().skip(1).any(|layer| matches!(layer.kind, Kind::Input { .. })) {
            return Err(error!(InvalidModel, "the model \"{name}\" has an input layer among the others"));
        }
        let last = layers.len() - 1;
        for (at, layer) in layers.iter_mut().enumerate().skip(1) {
            let before = Argument::Tensor(Place { layer: at - 1, call: 0, tensor: 0 });
            layer.calls = vec![Call { arguments: vec![before], named: Vec::new() }];
        }
        Ok(Self { name, layers, inputs: vec![0], outputs: vec![Place { layer: last, call: 0, tensor: 0 }] })
    }

    fn functional(config: &'a Json) -> Result<Self> {
        let name = config["name"].as_str().unwrap_or("model");
        let list = config["layers"].as_array();
        let list = list.ok_or_else(|| error!(InvalidModel, "the model \"{name}\" has no \"layers\""))?;
        let mut layers = list.iter().map(Spec::parse).collect::<Result<Vec<_>>>()?;
        let mut references = References::default();
        for (at, layer) in layers.iter().enumerate() {
            if references.index.insert(layer.name.clone(), at).is_some() {
                return Err(error!(InvalidModel, "the model \"{name}\" has two layers \"{}\"", layer.name));
            }
        }
        let calls = list.iter().map(|json| references.calls(json)).collect::<Result<Vec<_>>>()?;
        let inputs = references.listed(&config["input_layers"])?;
        let outputs = references.listed(&config["output_layers"])?;
        if outputs.is_empty() {
            return Err(error!(InvalidModel, "the model \"{name}\" has no \"output_layers\""));
        }

        // Keras 3 has its calls as objects.
        let three = list.iter().any(|layer| layer["inbound_nodes"][0]["args"].is_array());
        let all = calls.iter().flatten().flat_map(Call::tensors).chain(&outputs);
        let mut first_call: HashMap<usize, usize> = HashMap::new();
        for place in all {
            let first = first_call.entry(place.layer).or_insert(place.call);
            *first = place.call.min(*first);
        }
        let counts: Vec<usize> = calls.iter().map(Vec::len).collect();
        let resolve = |place: &Place, is_output: bool| {
            let layer = &layers[place.layer];
            // Keras 2 counts the making of a model as its first call; Keras 3 does so among the outputs.
            let before = match layer.kind {
                Kind::Input { .. } => place.call,
                Kind::Layer => 0,
                Kind::Model(_) if three => usize::from(is_output && layer.class != "Sequential"),
                Kind::Model(_) => first_call.get(&place.layer).copied().unwrap_or(0),
            };
            let call = place.call.saturating_sub(before);
            if !matches!(layer.kind, Kind::Input { .. }) && call >= counts[place.layer] {
                return Err(error!(InvalidModel, "the layer \"{}\" is not called {} times", layer.name, call + 1));
            }
            Ok(Place { call, ..*place })
        };
        let outputs = outputs.iter().map(|place| resolve(place, true)).collect::<Result<Vec<_>>>()?;
        let calls = calls
            .iter()
            .map(|calls| {
                calls.iter().map(|call| call.map(&mut |place| resolve(place, false))).collect::<Result<Vec<_>>>()
            })
            .collect::<Result<Vec<_>>>()?;
        for (layer, calls) in layers.iter_mut().zip(calls) {
            layer.calls = calls;
        }

        let is_input = |at: &usize| matches!(layers[*at].kind, Kind::Input { .. });
        let inputs: Vec<usize> = if inputs.is_empty() {
            (0..layers.len()).filter(is_input).collect()
        } else {
            inputs.iter().map(|place| place.layer).collect()
        };
        if let Some(other) = inputs.iter().find(|at| !is_input(at)) {
            return Err(error!(InvalidModel, "the input \"{}\" is no input layer", layers[*other].name));
        }
        Ok(Self { name, layers, inputs, outputs })
    }
}

/// What the names in a functional model stand for. Calls are numbered as the file does, from 0 or 1.
#[derive(Default)]
struct References {
    index: HashMap<String, usize>,
}

impl References {
    /// The calls of a layer.
    fn calls<'a>(&self, layer: &'a Json) -> Result<Vec<Call<'a>>> {
        match &layer["inbound_nodes"] {
            Json::Null => Ok(Vec::new()),
            Json::Array(nodes) => nodes.iter().map(|node| self.call(node)).collect(),
            other => Err(wrong("inbound_nodes", "a list", other)),
        }
    }

    fn call<'a>(&self, node: &'a Json) -> Result<Call<'a>> {
        if let Some(arguments) = node["args"].as_array() {
            let arguments = arguments.iter().map(|json| self.argument(json)).collect::<Result<_>>()?;
            return Ok(Call { arguments, named: self.named(&node["kwargs"])? });
        }
        let (argument, named) = match self.argument(node)? {
            tensor @ Argument::Tensor(_) => (tensor, &node[3]),
            Argument::List(mut items) if items.len() == 1 => (items.remove(0), &node[0][3]),
            list @ Argument::List(_) => (list, &node[0][3]),
            constant @ Argument::Plain(_) if node[0] == "_CONSTANT_VALUE" => (constant, &node[3]),
            Argument::Plain(other) => return Err(wrong("inbound_nodes", "lists of [layer, call, output]", other)),
        };
        Ok(Call { arguments: vec![argument], named: self.named(named)? })
    }

    fn named<'a>(&self, json: &'a Json) -> Result<Vec<(&'a str, Argument<'a, Place>)>> {
        let Json::Object(fields) = json else { return Ok(Vec::new()) };
        fields.iter().map(|(name, json)| Ok((name.as_str(), self.argument(json)?))).collect()
    }

    /// `["layer", call, output, ...]`, `{"class_name": "__keras_tensor__", ...}`, a list of these, or a plain value.
    fn argument<'a>(&self, json: &'a Json) -> Result<Argument<'a, Place>> {
        match json {
            Json::Array(items) => match items.as_slice() {
                [Json::String(constant), Json::Number(_), value, ..] if constant == "_CONSTANT_VALUE" => {
                    Ok(Argument::Plain(value))
                }
                [Json::String(_), Json::Number(_), Json::Number(_), ..] => self.place(items).map(Argument::Tensor),
                items => Ok(Argument::List(items.iter().map(|item| self.argument(item)).collect::<Result<_>>()?)),
            },
            Json::Object(fields) => match fields.get("class_name").and_then(Json::as_str) {
                Some("__keras_tensor__") => {
                    let history = &json["config"]["keras_history"];
                    let history =
                        history.as_array().ok_or_else(|| wrong("keras_history", "[layer, call, output]", history))?;
                    self.place(history).map(Argument::Tensor)
                }
                Some("__tuple__" | "__list__") => self.argument(&json["items"]),
                _ => Ok(Argument::Plain(json)),
            },
            plain => Ok(Argument::Plain(plain)),
        }
    }

    fn place(&self, items: &[Json]) -> Result<Place> {
        let number = |at: usize| items.get(at).and_then(Json::as_u64).and_then(|number| usize::try_from(number).ok());
        let name = items.first().and_then(Json::as_str);
        match (name, number(1), number(2)) {
            (Some(name), Some(call), Some(tensor)) => match self.index.get(name) {
                Some(&layer) => Ok(Place { layer, call, tensor }),
                None => Err(error!(InvalidModel, "the topology refers to a layer \"{name}\" that it does not have")),
            },
            _ => Err(error!(InvalidModel, "[layer, call, output] expected in the topology")),
        }
    }

    /// `input_layers` or `output_layers`: one place, a list of them, or an object of them, which counts in the order of
    /// its keys.
    fn listed(&self, json: &Json) -> Result<Vec<Place>> {
        let argument = match json {
            Json::Null => return Ok(Vec::new()),
            Json::Object(fields) if !fields.contains_key("class_name") => {
                let mut fields: Vec<(&String, &Json)> = fields.iter().collect();
                fields.sort_by_key(|(name, _)| *name);
                let items = fields.into_iter().map(|(_, json)| self.argument(json)).collect::<Result<_>>()?;
                Argument::List(items)
            }
            json => self.argument(json)?,
        };
        let mut found = Vec::new();
        argument.tensors(&mut found);
        Ok(found.into_iter().copied().collect())
    }
}

impl<'a> Spec<'a> {
    /// Reads `{class_name, config}`, without its calls.
    ///
    /// # Errors
    /// `INVALID_MODEL` for what is no layer.
    pub fn parse(json: &'a Json) -> Result<Self> {
        let class = json["class_name"].as_str();
        let class = class.ok_or_else(|| error!(InvalidModel, "a layer has no \"class_name\""))?;
        let config = Config(&json["config"]);
        let name = json["name"].as_str().or_else(|| config.json("name").as_str()).unwrap_or(class);
        let at = |problem: Error| Error { message: format!("layer \"{name}\": {}", problem.message), ..problem };
        let kind = match class {
            "InputLayer" => {
                Kind::Input { shape: input_shape(config).map_err(at)?, dtype: input_type(config).map_err(at)? }
            }
            class if is_model(class) => Kind::Model(Model::parse(json)?),
            _ => Kind::Layer,
        };
        let module = json["module"].as_str().unwrap_or_default();
        let operation = module.contains(".ops.") || module.ends_with(".ops");
        Ok(Self { name: name.to_owned(), class, operation, config, kind, calls: Vec::new() })
    }

    /// The input of a Sequential model whose first layer this is.
    fn own_input(&self, sequential: &'a Json) -> Result<Self> {
        let (shape, dtype) = match &self.kind {
            Kind::Model(model) => match model.inputs.as_slice() {
                [only] => match &model.layers[*only].kind {
                    Kind::Input { shape, dtype } => (shape.clone(), *dtype),
                    _ => (None, DType::Float32),
                },
                _ => (None, DType::Float32),
            },
            _ => (input_shape(self.config)?, input_type(self.config)?),
        };
        let shape = match shape {
            Some(shape) => Some(shape),
            None => shape_of(&sequential["build_input_shape"])?,
        };
        Ok(Self {
            name: format!("{}_input", self.name),
            class: "InputLayer",
            operation: false,
            config: self.config,
            kind: Kind::Input { shape, dtype },
            calls: Vec::new(),
        })
    }
}

fn input_shape(config: Config) -> Result<Option<Dims>> {
    for field in ["batch_shape", "batch_input_shape"] {
        if let Some(shape) = shape_of(config.json(field))? {
            return Ok(Some(shape));
        }
    }
    let without_batch = match shape_of(config.json("input_shape"))? {
        Some(shape) => Some(shape),
        None if config.has("input_dim") && !config.has("output_dim") => Some(vec![Some(config.int("input_dim", 1)?)]),
        None if config.has("input_length") => Some(vec![Some(config.int("input_length", 1)?)]),
        None => None,
    };
    Ok(without_batch.map(|shape| [None].into_iter().chain(shape).collect()))
}

fn shape_of(json: &Json) -> Result<Option<Dims>> {
    let json = unwrapped(json);
    if json.is_null() {
        return Ok(None);
    }
    let shape = json.as_array().and_then(|sizes| {
        let size = |size: &Json| match size {
            Json::Null => Some(None),
            size => size.as_i64().map(|size| Some(size).filter(|&size| size >= 0)),
        };
        sizes.iter().map(size).collect::<Option<Dims>>()
    });
    shape.map(Some).ok_or_else(|| wrong("shape", "a list of sizes", json))
}

fn input_type(config: Config) -> Result<DType> {
    let json = config.json("dtype");
    let name = json.as_str().or_else(|| json["config"]["name"].as_str()).unwrap_or("float32");
    match name {
        "int32" | "int64" | "uint8" | "bool" | "string" | "float64" | "int8" => {
            DType::from_name(name).ok_or_else(|| wrong("dtype", "an element type", json))
        }
        "int16" | "uint16" => Ok(DType::Int32),
        // Half precision is a way to compute, not to be given values.
        "float32" | "float16" | "bfloat16" | "mixed_float16" | "mixed_bfloat16" => Ok(DType::Float32),
        _ => Err(wrong("dtype", "an element type", json)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::json;

    fn places(model: &Model, layer: usize) -> Vec<Vec<Place>> {
        model.layers[layer].calls.iter().map(|call| call.tensors().into_iter().copied().collect()).collect()
    }

    fn place(layer: usize, call: usize, tensor: usize) -> Place {
        Place { layer, call, tensor }
    }

    #[test]
    fn keras_2_and_keras_3_are_the_same() {
        let layer = |name: &str, nodes: Json| json!({"class_name": "Add", "name": name, "config": {"name": name}, "inbound_nodes": nodes});
        let input = json!({"class_name": "InputLayer", "name": "x", "config": {"name": "x", "batch_shape": [null, 2]}, "inbound_nodes": []});
        let tensor = json!({"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}});
        let old = layer("y", json!([[["x", 0, 0, {"mask": null}], ["x", 0, 0, {}]]]));
        let new = layer("y", json!([{"args": [[tensor, tensor]], "kwargs": {"mask": null}}]));
        for y in [old, new] {
            let json = json!({"class_name": "Functional", "config": {"layers": [input, y], "input_layers": ["x", 0, 0], "output_layers": [["y", 0, 0]]}});
            let model = Model::parse(&json).unwrap();
            assert_eq!(places(&model, 1), [[place(0, 0, 0), place(0, 0, 0)]]);
            assert_eq!(model.layers[1].calls[0].named[0].0, "mask");
            assert_eq!(model.inputs, [0]);
            assert_eq!(model.outputs, [place(1, 0, 0)]);
        }
    }

    #[test]
    fn a_model_within_may_count_calls_from_one() {
        let inner = json!({"class_name": "Sequential", "name": "inner", "config": {"name": "inner", "layers": [
            {"class_name": "Dense", "config": {"name": "d", "batch_input_shape": [null, 2]}}]},
            "inbound_nodes": [[["x", 0, 0, {}]], [["inner", 1, 0, {}]]]});
        let input = json!({"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [null, 2]}, "inbound_nodes": []});
        let json = json!({"class_name": "Model", "config": {"layers": [input, inner], "input_layers": [["x", 0, 0]], "output_layers": [["inner", 2, 0]]}});
        let model = Model::parse(&json).unwrap();
        assert_eq!(model.outputs, [place(1, 1, 0)]);
        assert_eq!(places(&model, 1), [[place(0, 0, 0)], [place(1, 0, 0)]]);
    }

    #[test]
    fn the_first_layer_of_a_sequential_model_has_the_shape() {
        let json = json!({"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"name": "d", "batch_input_shape": [null, 4]}}]});
        let model = Model::parse(&json).unwrap();
        assert_eq!(model.layers[0].name, "d_input");
        assert!(matches!(&model.layers[0].kind, Kind::Input { shape: Some(shape), .. } if *shape == [None, Some(4)]));
    }

    #[test]
    fn broken_topologies_are_refused() {
        let functional = |layers: Json, outputs: Json| json!({"class_name": "Model", "config": {"layers": layers, "output_layers": outputs}});
        let add = |nodes: Json| json!({"class_name": "Add", "config": {"name": "a"}, "inbound_nodes": nodes});
        for json in [
            json!({}),
            json!({"class_name": "Sequential", "config": {}}),
            json!({"class_name": "Sequential", "config": []}),
            functional(json!([]), json!([])),
            functional(json!([add(json!([]))]), json!([["a", 0, 0]])),
            functional(json!([add(json!([[["b", 0, 0]]]))]), json!([["a", 0, 0]])),
            functional(json!([add(json!([[["a", -1, 0]]]))]), json!([["a", 0, 0]])),
            functional(json!([add(json!(7))]), json!([["a", 0, 0]])),
            functional(json!([add(json!([])), add(json!([]))]), json!([["a", 0, 0]])),
        ] {
            assert_eq!(Model::parse(&json).unwrap_err().code, ErrorCode::InvalidModel, "{json}");
        }
    }
}
