//! Layers-models: one rule for each layer of Keras.
//!
//! | context | noun |
//! |---|---|
//! | `topology` | which layers there are, and on what each is called |
//! | `weight_names` | the weights by their many names |
//! | `author` | who wrote the model |
//! | `spelling` | topologies in camelCase |
//! | `keras1` | the names of Keras 1 |
//! | `config` | the fields of a layer's configuration |
//! | [`layer`] | a layer at one of its calls: what a rule reads and writes |
//! | `call` | the calls of a model's layers, one after the other |
//! | the others | rules, by family; each has a table of the classes that it knows |

mod activation;
mod attention;
mod author;
mod call;
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
pub mod refused;
mod reshaping;
mod spelling;
mod topology;
mod weight_names;
mod wrapper;

use super::artifacts::Artifacts;
use super::emit::Emit;
use crate::error::{Result, error};
use author::Keras;
use layer::{Context, Rule, Tensor};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::collections::HashSet;
use topology::{Kind, Model, Spec};
use weight_names::{Scope, WeightIndex};

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

fn rule(spec: &Spec) -> Option<Rule> {
    let tables: &[&[(&str, Rule)]] = if spec.operation { &[operation::RULES] } else { &TABLES };
    tables.iter().flat_map(|table| table.iter()).find(|(known, _)| *known == spec.class).map(|(_, rule)| *rule)
}

/// The classes of layers that can be translated, for the table in the documentation.
pub fn classes() -> impl Iterator<Item = &'static str> {
    TABLES.iter().flat_map(|table| table.iter()).map(|(class, _)| *class)
}

/// The operations of Keras 3 that can be translated.
pub fn operations() -> impl Iterator<Item = &'static str> {
    operation::RULES.iter().map(|(class, _)| *class)
}

/// Translates the topology into a graph whose inputs and outputs have the names of their layers.
///
/// # Errors
/// As [`super::translate`].
pub fn translate(artifacts: &Artifacts) -> Result<Emit> {
    let mut topology = Cow::Borrowed(&artifacts.topology);
    if spelling::has_camel_case(&topology) {
        spelling::spell(topology.to_mut());
    }
    let mut config = match &topology["model_config"] {
        Json::Null => Cow::Borrowed(&*topology),
        Json::String(text) => {
            let mut unpacked = serde_json::from_str(text)
                .map_err(|problem| error!(InvalidModel, "\"model_config\" is not valid JSON: {problem}"))?;
            spelling::spell(&mut unpacked);
            Cow::Owned(unpacked)
        }
        wrapped => Cow::Borrowed(wrapped),
    };
    let version = [&*topology, &*config].into_iter().find_map(|json| json["keras_version"].as_str()).map(str::to_owned);
    if version.as_deref().is_some_and(|version| version.starts_with("1.")) {
        keras1::modernize(config.to_mut())?;
    }
    let author = Keras::of(&config, version.as_deref(), artifacts.generator.as_deref());
    let model = Model::parse(&config)?;
    let mut emit = Emit::new();
    let mut context = Context::new(WeightIndex::new(&artifacts.weights), author, rule);
    context.name_unsupported(&model, "");

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
    let outputs = call::run(&mut emit, &mut context, &model, &Scope::root().model(model.name), "", inputs);
    context.refuse()?;
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
    let left = context.weights.left_over();
    if !left.is_empty() {
        let names = left.iter().take(10).copied().collect::<Vec<_>>().join(", ");
        return Err(error!(InvalidModel, "{} weights belong to no layer: {names}", left.len()));
    }
    Ok(emit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_stands_in_one_table() {
        let mut seen = HashSet::new();
        for class in classes().chain(refused::REFUSED.iter().map(|(class, _)| *class)) {
            assert!(seen.insert(class), "{class} stands there twice");
        }
    }
}
