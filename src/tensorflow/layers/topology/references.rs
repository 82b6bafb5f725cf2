//! How layers of a functional model refer to each other.

use super::structure::{Argument, Call, Place};
use crate::error::{Result, error};
use crate::tensorflow::layers::config::wrong;
use serde_json::Value as Json;
use std::collections::HashMap;

/// What the names in a functional model stand for. Calls are numbered as the file does, from 0 or 1.
#[derive(Default)]
pub struct References {
    /// Layers by name.
    pub index: HashMap<String, usize>,
}

impl References {
    /// The calls of a layer.
    pub fn calls<'a>(&self, layer: &'a Json) -> Result<Vec<Call<'a>>> {
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
    pub fn listed(&self, json: &Json) -> Result<Vec<Place>> {
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
