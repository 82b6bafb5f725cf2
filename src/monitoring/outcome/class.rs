//! Classes, and the ways to spell one.

use crate::monitoring::realised::MAX_NAME_BYTES;
use serde_json::Value as Json;
use std::collections::HashSet;

/// Classes of a model that are told apart: those of its first positions.
const MAX_NAMED: usize = 50;

/// Below this a double stands for one integer only.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// A class as text: 1, 1.0, "1", "1.0" and the map key "1" are the same, and so are true and 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Class(String);

impl Class {
    /// `None` for what is no class, such as 1.5, null or a list.
    pub fn of(value: &Json) -> Option<Self> {
        match value {
            // How outputs write floats that JSON cannot carry.
            Json::String(text) if matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") => None,
            Json::String(text) => Some(Self::named(text)),
            Json::Bool(truth) => Some(Self(u8::from(*truth).to_string())),
            Json::Number(number) if number.is_f64() => {
                let number = number.as_f64()?;
                (number.fract() == 0.0 && number.abs() < MAX_EXACT).then(|| Self((number as i64).to_string()))
            }
            Json::Number(number) => Some(Self(number.to_string())),
            _ => None,
        }
    }

    pub fn named(text: &str) -> Self {
        let plain = match text {
            "true" | "True" | "TRUE" => "1",
            "false" | "False" | "FALSE" | "-0" => "0",
            _ => match text.split_once('.') {
                Some((whole, zeros)) if is_integer(whole) && zeros.bytes().all(|digit| digit == b'0') => whole,
                _ => text,
            },
        };
        Self(plain.to_owned())
    }

    pub fn at(position: usize) -> Self {
        Self(position.to_string())
    }

    pub fn is_integer(&self) -> bool {
        is_integer(&self.0)
    }

    fn position(&self, count: usize) -> Option<usize> {
        self.0.parse().ok().filter(|position| *position < count && self.is_integer())
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// The classes that a model knows, in the order of their positions.
#[derive(Debug, Clone, Default)]
pub struct Classes {
    /// As the model itself names them.
    own: Option<Vec<Class>>,
    /// As people name them.
    labels: Option<Vec<Class>>,
    count: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    At(usize),
    /// The classes are known, and it is none of them.
    Nowhere,
    Unknown,
}

impl Classes {
    /// `count`: of the scores, where a model gives one for each class.
    pub fn new(own: Option<Vec<Class>>, labels: Option<Vec<Class>>, count: Option<usize>) -> Self {
        let count = count.or(own.as_ref().map(Vec::len)).or(labels.as_ref().map(Vec::len));
        let whole = |names: Option<Vec<Class>>| names.filter(|names| Some(names.len()) == count);
        Self { own: whole(own), labels: whole(labels), count }
    }

    pub fn place(&self, class: &Class) -> Place {
        let lists = [&self.own, &self.labels];
        if let Some(at) = lists.into_iter().flatten().find_map(|names| names.iter().position(|name| name == class)) {
            return Place::At(at);
        }
        // Integers are the classes themselves where the model has integers for them.
        let are_integers = self.own.as_ref().is_some_and(|names| names.iter().all(Class::is_integer));
        if class.is_integer() && !are_integers {
            return self.count.and_then(|count| class.position(count)).map_or(Place::Unknown, Place::At);
        }
        let are_names = self.labels.is_some() || (self.own.is_some() && !are_integers);
        let is_none = if class.is_integer() { are_integers } else { are_names };
        if is_none { Place::Nowhere } else { Place::Unknown }
    }

    /// The one name of a class, of all that it may be called by; `None` for one that is not told apart from others: one of the model's
    /// beyond the first, none of the model's, and one whose name is long.
    pub fn name(&self, class: &Class, is_position: bool) -> Option<String> {
        let name = match self.predicted_place(class, is_position) {
            Place::At(at) if at >= MAX_NAMED => return None,
            Place::At(at) => {
                let mut lists = [&self.labels, &self.own].into_iter().flatten().filter(|names| are_distinct(names));
                lists.find_map(|names| names.get(at)).map_or_else(|| at.to_string(), |name| name.0.clone())
            }
            Place::Nowhere => return None,
            Place::Unknown => class.0.clone(),
        };
        Some(name).filter(|name| name.len() <= MAX_NAME_BYTES)
    }

    /// Where a class stands that may be a position.
    pub fn position_of(&self, class: &Class, is_position: bool) -> Option<usize> {
        match self.predicted_place(class, is_position) {
            Place::At(at) => Some(at),
            Place::Nowhere | Place::Unknown => None,
        }
    }

    fn predicted_place(&self, class: &Class, is_position: bool) -> Place {
        match class.position(usize::MAX) {
            Some(position) if is_position => Place::At(position),
            _ => self.place(class),
        }
    }

    /// Whether the predicted class, which may be a position, is the true one; `None` when that is not known.
    pub fn agree(&self, predicted: &Class, is_position: bool, truth: &Class) -> Option<bool> {
        if !is_position && predicted == truth {
            return Some(true);
        }
        match (self.predicted_place(predicted, is_position), self.place(truth)) {
            (Place::At(one), Place::At(other)) => Some(one == other),
            (Place::At(_), Place::Nowhere) => Some(false),
            _ if is_position => None,
            // Two integers, or two names, that differ.
            _ => (predicted.is_integer() == truth.is_integer()).then_some(false),
        }
    }
}

fn are_distinct(names: &[Class]) -> bool {
    names.iter().collect::<HashSet<_>>().len() == names.len()
}
