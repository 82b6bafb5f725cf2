//! Layers-models: one rule for each layer of Keras.
//!
//! | room | noun |
//! |---|---|
//! | `topology` | which layers there are, and on what each is called |
//! | `shelf` | the weights by their many names |
//! | `keras1` | the names of Keras 1 |
//! | `config` | the fields of a layer's configuration |
//! | [`layer`] | a layer at one of its calls: what a rule reads and writes |
//! | the others | rules, by family; each has a table of the classes that it knows |

mod activation;
mod attention;
mod config;
mod convolution;
mod core;
mod embedding;
mod keras1;
mod layer;
mod merge;
mod normalization;
mod operation;
mod pooling;
mod preprocessing;
mod recurrent;
mod reshaping;
mod shelf;
mod topology;
mod wrapper;

use super::artifacts::Artifacts;
use super::emit::Emit;
use crate::error::{Result, error};
use layer::{Keras, Layer, Room, Rule, Tensor};
use serde_json::Value as Json;
use shelf::{Scope, Shelf};
use std::collections::{HashMap, HashSet};
use topology::{Kind, Model, Spec};

const TABLES: [&[(&str, Rule)]; 13] = [
    core::RULES,
    activation::RULES,
    convolution::RULES,
    pooling::RULES,
    normalization::RULES,
    merge::RULES,
    reshaping::RULES,
    recurrent::RULES,
    embedding::RULES,
    attention::RULES,
    preprocessing::RULES,
    wrapper::RULES,
    operation::WRAPPED,
];

/// Layers that are known and refused, and why.
pub const REFUSED: &[(&str, &str)] = &[
    ("Lambda", "its Python code is not in the file"),
    ("StringLookup", "strings are not computed with"),
    ("IntegerLookup", "its vocabulary is not in the file"),
    ("TextVectorization", "strings are not computed with"),
    ("Hashing", "its hash has no ONNX operator"),
    ("HashedCrossing", "its hash has no ONNX operator"),
    ("STFTSpectrogram", "complex numbers are not computed with"),
    ("MelSpectrogram", "complex numbers are not computed with"),
    ("DenseFeatures", "its feature columns are not in the file"),
    ("LocallyConnected1D", "TensorFlow.js cannot load it and Keras 3 has removed it"),
    ("LocallyConnected2D", "TensorFlow.js cannot load it and Keras 3 has removed it"),
];

fn rule(spec: &Spec) -> Option<Rule> {
    let tables: &[&[(&str, Rule)]] = if spec.operation { &[operation::RULES] } else { &TABLES };
    tables.iter().flat_map(|table| table.iter()).find(|(known, _)| *known == spec.class).map(|(_, rule)| *rule)
}

/// The classes of layers that can be translated, for the table in the documentation.
pub fn classes() -> impl Iterator<Item = &'static str> {
    TABLES.iter().flat_map(|table| table.iter()).map(|(class, _)| *class)
}

/// Translates the topology into a graph whose inputs and outputs have the names of their layers.
///
/// # Errors
/// As [`super::translate`].
pub fn translate(artifacts: &Artifacts) -> Result<Emit> {
    let unpacked: Json;
    let modern: Json;
    let mut topology = match &artifacts.topology["model_config"] {
        Json::Null => &artifacts.topology,
        Json::String(text) => {
            unpacked = serde_json::from_str(text)
                .map_err(|problem| error!(InvalidModel, "\"model_config\" is not valid JSON: {problem}"))?;
            &unpacked
        }
        wrapped => wrapped,
    };
    let version = [&artifacts.topology, topology].into_iter().find_map(|json| json["keras_version"].as_str());
    if version.is_some_and(|version| version.starts_with("1.")) {
        let mut copy = topology.clone();
        keras1::modernize(&mut copy)?;
        modern = copy;
        topology = &modern;
    }
    let model = Model::parse(topology)?;
    let mut emit = Emit::new();
    let mut room = Room::new(Shelf::new(&artifacts.weights), Keras::of(version));
    room.name_unsupported(&model, "");

    let mut names = HashSet::new();
    let mut inputs = Vec::new();
    for &at in &model.inputs {
        let spec = &model.layers[at];
        let Kind::Input { shape, dtype } = &spec.kind else { continue };
        if shape.is_none() {
            return Err(error!(UnsupportedModel, "the input \"{}\" has no shape", spec.name));
        }
        names.insert(spec.name.clone());
        inputs.push(Some(Tensor { value: emit.input(&spec.name, *dtype, shape.clone()), mask: None }));
    }
    let outputs = run(&mut emit, &mut room, &model, &Scope::root().model(model.name), "", inputs);
    room.refuse()?;
    let outputs = outputs?;
    for (place, output) in model.outputs.iter().zip(outputs) {
        let layer = &model.layers[place.layer].name;
        let mut name = layer.clone();
        let mut count = 0;
        while !names.insert(name.clone()) {
            count += 1;
            name = format!("{layer}_{count}");
        }
        if let Some(output) = output {
            emit.output(&name, output.value);
        }
    }
    let left = room.shelf.left_over();
    if !left.is_empty() {
        let names = left.iter().take(10).copied().collect::<Vec<_>>().join(", ");
        return Err(error!(InvalidModel, "{} weights belong to no layer: {names}", left.len()));
    }
    Ok(emit)
}

/// Calls the layers of a model, each when its inputs are there. An output is `None` where a layer was refused before it.
fn run<'a>(
    emit: &mut Emit,
    room: &mut Room<'a>,
    model: &Model<'a>,
    scope: &Scope,
    path: &str,
    inputs: Vec<Option<Tensor>>,
) -> Result<Vec<Option<Tensor>>> {
    if inputs.len() != model.inputs.len() {
        return Err(error!(
            InvalidModel,
            "the model \"{}\" has {} inputs and is given {}",
            model.name,
            model.inputs.len(),
            inputs.len()
        ));
    }
    let scopes = scopes(model, scope);
    let mut made: HashMap<(usize, usize), Vec<Option<Tensor>>> =
        model.inputs.iter().zip(inputs).map(|(&layer, input)| ((layer, 0), vec![input])).collect();
    for (layer, call) in order(model, made.keys().copied().collect())? {
        let spec = &model.layers[layer];
        let mut lacking = false;
        let given = spec.calls[call].map(&mut |place| {
            let outputs = &made[&(place.layer, place.call)];
            let Some(output) = outputs.get(place.tensor) else {
                return Err(error!(
                    InvalidModel,
                    "the layer \"{}\" has no output {}", model.layers[place.layer].name, place.tensor
                ));
            };
            lacking |= output.is_none();
            Ok(output.unwrap_or(Tensor::NOTHING))
        })?;
        let outputs = if lacking {
            vec![None; MAX_OUTPUTS]
        } else {
            let path = if path.is_empty() { spec.name.clone() } else { format!("{path}/{}", spec.name) };
            Layer::call(emit, room, spec, &scopes[layer], &path, given)?
        };
        made.insert((layer, call), outputs);
    }
    model
        .outputs
        .iter()
        .map(|place| {
            let output = made.get(&(place.layer, place.call)).and_then(|outputs| outputs.get(place.tensor));
            output.copied().ok_or_else(|| {
                error!(InvalidModel, "the layer \"{}\" has no output {}", model.layers[place.layer].name, place.tensor)
            })
        })
        .collect()
}

/// What a layer that was refused is taken to give.
const MAX_OUTPUTS: usize = 64;

/// The calls in an order in which each follows those that it needs; `made` are there from the start.
fn order(model: &Model, mut made: HashSet<(usize, usize)>) -> Result<Vec<(usize, usize)>> {
    let mut waiting: HashMap<(usize, usize), usize> = HashMap::new();
    let mut followers: HashMap<(usize, usize), Vec<(usize, usize)>> = HashMap::new();
    let mut ready = std::collections::VecDeque::new();
    for (layer, spec) in model.layers.iter().enumerate() {
        for (call, given) in spec.calls.iter().enumerate() {
            let needed: HashSet<(usize, usize)> = given
                .tensors()
                .into_iter()
                .map(|place| (place.layer, place.call))
                .filter(|key| !made.contains(key))
                .collect();
            if needed.is_empty() {
                ready.push_back((layer, call));
            }
            waiting.insert((layer, call), needed.len());
            for key in needed {
                followers.entry(key).or_default().push((layer, call));
            }
        }
    }
    let mut sorted = Vec::with_capacity(waiting.len());
    while let Some(key) = ready.pop_front() {
        sorted.push(key);
        made.insert(key);
        for follower in followers.remove(&key).unwrap_or_default() {
            let left = waiting.entry(follower).or_insert(1);
            *left -= 1;
            if *left == 0 {
                ready.push_back(follower);
            }
        }
    }
    if sorted.len() < waiting.len() {
        let stuck = waiting.into_keys().filter(|key| !made.contains(key)).min().unwrap_or_default();
        return Err(error!(
            InvalidModel,
            "the layer \"{}\" waits for its own output or for an input that the model does not have",
            model.layers[stuck.0].name
        ));
    }
    Ok(sorted)
}

/// Where the weights of each layer are.
fn scopes(model: &Model, scope: &Scope) -> Vec<Scope> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let layers = model.layers.iter().map(|spec| {
        let count = counts.entry(spec.class).or_insert(0);
        *count += 1;
        scope.layer(&spec.name, spec.class, *count - 1)
    });
    layers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_stands_in_one_table() {
        let mut seen = HashSet::new();
        for class in classes().chain(REFUSED.iter().map(|(class, _)| *class)) {
            assert!(seen.insert(class), "{class} stands there twice");
        }
    }
}
