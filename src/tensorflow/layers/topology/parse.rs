//! Reads the topology of all versions of Keras, of Sequential and Functional models.

use super::input::{input_shape, input_type, shape_of};
use super::references::References;
use super::structure::{Argument, Call, Kind, Model, Place, Spec};
use crate::error::{Error, Result, error};
use crate::tensor::DType;
use crate::tensorflow::layers::config::Config;
use serde_json::Value as Json;
use std::collections::HashMap;

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
        let is_three = list.iter().any(|layer| layer["inbound_nodes"][0]["args"].is_array());
        let numbering = CallNumbers::new(&calls, &outputs, is_three);
        let outputs =
            outputs.iter().map(|place| numbering.resolve(&layers, place, true)).collect::<Result<Vec<_>>>()?;
        let resolve = |call: Call<'a>| call.map(&mut |place| numbering.resolve(&layers, place, false));
        let calls = calls.into_iter().map(|calls| calls.into_iter().map(resolve).collect::<Result<Vec<_>>>());
        let calls = calls.collect::<Result<Vec<_>>>()?;
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
            return Err(error!(InvalidModel, "the input \"{}\" is not an input layer", layers[*other].name));
        }
        Ok(Self { name, layers, inputs, outputs })
    }
}

/// From the numbers that files give calls to places in the list of a layer's calls.
struct CallNumbers {
    is_three: bool,
    /// The least number of a call of each layer.
    first: HashMap<usize, usize>,
    counts: Vec<usize>,
}

impl CallNumbers {
    fn new(calls: &[Vec<Call<'_>>], outputs: &[Place], is_three: bool) -> Self {
        let mut first: HashMap<usize, usize> = HashMap::new();
        for place in calls.iter().flatten().flat_map(Call::tensors).chain(outputs) {
            let least = first.entry(place.layer).or_insert(place.call);
            *least = place.call.min(*least);
        }
        Self { is_three, first, counts: calls.iter().map(Vec::len).collect() }
    }

    fn resolve(&self, layers: &[Spec<'_>], place: &Place, is_output: bool) -> Result<Place> {
        let layer = &layers[place.layer];
        // Keras 2 counts the making of a model as its first call; Keras 3 does so among the outputs.
        let before = match layer.kind {
            Kind::Input { .. } => place.call,
            Kind::Layer => 0,
            Kind::Model(_) if self.is_three => usize::from(is_output && layer.class != "Sequential"),
            Kind::Model(_) => self.first.get(&place.layer).copied().unwrap_or(0),
        };
        let call = place.call.saturating_sub(before);
        if !matches!(layer.kind, Kind::Input { .. }) && call >= self.counts[place.layer] {
            return Err(error!(InvalidModel, "the layer \"{}\" is not called {} times", layer.name, call + 1));
        }
        Ok(Place { call, ..*place })
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
