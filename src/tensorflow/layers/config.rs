//! Reading the configuration of a layer.

use crate::error::{Error, Result, error};
use serde_json::Value as Json;

/// The `config` object of a layer. A field that is null counts as absent.
#[derive(Debug, Clone, Copy)]
pub struct Config<'a>(pub &'a Json);

impl<'a> Config<'a> {
    /// The field as it stands; null when it is absent.
    pub fn json(self, field: &str) -> &'a Json {
        unwrapped(&self.0[field])
    }

    pub fn has(self, field: &str) -> bool {
        !self.json(field).is_null()
    }

    pub fn text(self, field: &str, default: &'a str) -> Result<&'a str> {
        match self.json(field) {
            Json::Null => Ok(default),
            json => json.as_str().ok_or_else(|| wrong(field, "a text", json)),
        }
    }

    pub fn flag(self, field: &str, default: bool) -> Result<bool> {
        match self.json(field) {
            Json::Null => Ok(default),
            json => json.as_bool().ok_or_else(|| wrong(field, "true or false", json)),
        }
    }

    pub fn number(self, field: &str, default: f64) -> Result<f64> {
        match self.json(field) {
            Json::Null => Ok(default),
            json => json.as_f64().ok_or_else(|| wrong(field, "a number", json)),
        }
    }

    pub fn int(self, field: &str, default: i64) -> Result<i64> {
        match self.json(field) {
            Json::Null => Ok(default),
            json => int(json).ok_or_else(|| wrong(field, "an integer", json)),
        }
    }

    /// A list of integers, or one integer; `None` when the field is absent.
    pub fn ints(self, field: &str) -> Result<Option<Vec<i64>>> {
        match self.json(field) {
            Json::Null => Ok(None),
            json => ints(json).map(Some).ok_or_else(|| wrong(field, "integers", json)),
        }
    }

    /// One positive integer for each spatial axis; a single one stands for all.
    pub fn sizes(self, field: &str, axes: usize, default: i64) -> Result<Vec<i64>> {
        let sizes = match self.ints(field)? {
            None => vec![default; axes],
            Some(sizes) if sizes.len() == 1 => vec![sizes[0]; axes],
            Some(sizes) => sizes,
        };
        if sizes.len() == axes && sizes.iter().all(|&size| size > 0) {
            return Ok(sizes);
        }
        Err(wrong(field, &format!("{axes} positive integers"), self.json(field)))
    }

    /// How much is added or cut before and after each spatial axis: `n`, `[n, m]` or `[[before, after], ...]`.
    pub fn borders(self, field: &str, axes: usize, default: i64) -> Result<Vec<(i64, i64)>> {
        let json = self.json(field);
        let pair = |json: &Json| match ints(json)?.as_slice() {
            &[before, after] => Some((before, after)),
            _ => None,
        };
        let borders = match json {
            Json::Null => Some(vec![(default, default); axes]),
            Json::Array(items) if axes > 1 => items
                .iter()
                .map(|item| int(item).map(|both| (both, both)).or_else(|| pair(item)))
                .collect::<Option<Vec<_>>>(),
            Json::Array(items) if items.len() == 1 => pair(&items[0]).map(|pair| vec![pair]),
            Json::Array(_) => pair(json).map(|pair| vec![pair]),
            json => int(json).map(|all| vec![(all, all); axes]),
        };
        borders
            .filter(|borders| borders.len() == axes && borders.iter().all(|&(before, after)| before >= 0 && after >= 0))
            .ok_or_else(|| wrong(field, "a border for each axis", json))
    }

    pub fn is_channels_first(self) -> Result<bool> {
        match self.text("data_format", "channels_last")? {
            "channels_last" => Ok(false),
            "channels_first" => Ok(true),
            _ => Err(wrong("data_format", "channels_last or channels_first", self.json("data_format"))),
        }
    }
}

/// What Keras wrapped to write it: tuples, and numbers that were arrays.
pub fn unwrapped(json: &Json) -> &Json {
    match json.as_object() {
        Some(fields) if fields.get("class_name").is_some_and(|class| class == "__tuple__") => &json["items"],
        Some(fields) if fields.contains_key("type") && fields.contains_key("value") => &json["value"],
        _ => json,
    }
}

/// The error for a field that is not what it should be.
pub fn wrong(field: &str, expected: &str, received: &Json) -> Error {
    let mut text = received.to_string();
    if text.len() > 80 {
        let end = (0..=80).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
    error!(InvalidModel, "\"{field}\" should be {expected}, not {text}")
}

/// Python writes some integers as `2.0`.
fn int(json: &Json) -> Option<i64> {
    json.as_i64().or_else(|| {
        json.as_f64().filter(|number| number.trunc() == *number && number.abs() < 9e15).map(|number| number as i64)
    })
}

fn ints(json: &Json) -> Option<Vec<i64>> {
    match unwrapped(json) {
        Json::Array(items) => items.iter().map(int).collect(),
        json => int(json).map(|only| vec![only]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn borders_have_three_forms() {
        let json = json!({"a": 2, "b": [1, 3], "c": [[1, 2], [3, 4]]});
        let config = Config(&json);
        assert_eq!(config.borders("a", 2, 1).unwrap(), [(2, 2), (2, 2)]);
        assert_eq!(config.borders("b", 2, 1).unwrap(), [(1, 1), (3, 3)]);
        assert_eq!(config.borders("b", 1, 1).unwrap(), [(1, 3)]);
        assert_eq!(config.borders("c", 2, 1).unwrap(), [(1, 2), (3, 4)]);
        assert!(config.borders("c", 3, 1).is_err());
    }

    #[test]
    fn what_keras_wraps_is_unwrapped() {
        let pair = json!({"class_name": "__tuple__", "items": [1, 2]});
        let json = json!({"a": pair, "b": [pair, pair], "c": {"type": "ndarray", "value": 6.0}});
        let config = Config(&json);
        assert_eq!(config.sizes("a", 2, 1).unwrap(), [1, 2]);
        assert_eq!(config.borders("b", 2, 1).unwrap(), [(1, 2), (1, 2)]);
        assert_eq!(config.number("c", 0.0).unwrap(), 6.0);
    }

    #[test]
    fn a_single_size_stands_for_every_axis() {
        let json = json!({"a": 2, "b": [1, 3.0], "c": [0, 1], "d": null});
        let config = Config(&json);
        assert_eq!(config.sizes("a", 2, 1).unwrap(), [2, 2]);
        assert_eq!(config.sizes("b", 2, 1).unwrap(), [1, 3]);
        assert_eq!(config.sizes("d", 2, 1).unwrap(), [1, 1]);
        assert!(config.sizes("c", 2, 1).is_err());
        assert!(config.sizes("b", 3, 1).is_err());
    }
}
