//! The columns that a model's profile may have, by its signature.

use super::cell::is_number;
use super::limits::MAX_FIELDS;
use super::rows::Kind;
use crate::error::Result;
use crate::monitoring::profile::{Names, Side};
use crate::signature::{Described, described};
use crate::tensor::{DType, MapKeys};
use serde_json::Value as Json;
use std::collections::HashMap;

/// What is known of the inputs and outputs of a version.
#[derive(Debug)]
pub struct Schema {
    pub values: Vec<Value>,
    pub max_columns: usize,
    /// Columns with names of their own, and whole inputs and outputs.
    by_name: HashMap<String, (usize, Part)>,
    single_input: Option<usize>,
}

/// An input or output.
#[derive(Debug)]
pub struct Value {
    /// The name of a column that is all of it.
    pub base: String,
    pub kind: Kind,
    pub extent: Extent,
    /// Of its columns, when they have names.
    names: Option<Vec<String>>,
    pub is_required: bool,
}

/// How many numbers or texts a row of it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Columns(usize),
    /// Any number of columns.
    Free,
    /// One vector, of so many numbers where that is fixed.
    Vector(Option<usize>),
    /// A number for each of any keys.
    Keyed,
}

/// What of a value a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Whole,
    At(usize),
    Key(String),
}

impl Schema {
    /// Of the JSON texts `inputSchema` and `outputSchema` of a model's record. A tensor with more than `max_columns` is a vector.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for other texts.
    pub fn parse(inputs: &str, outputs: &str, max_columns: usize) -> Result<Self> {
        let (inputs, outputs) = (described(inputs)?, described(outputs)?);
        let single_input = (inputs.len() == 1).then_some(0);
        let features = inputs.into_iter().map(|stated| (Side::Feature, stated));
        let all = features.chain(outputs.into_iter().map(|stated| (Side::Output, stated)));
        let values: Vec<Value> = all.filter_map(|(side, stated)| Value::of(side, stated, max_columns)).collect();
        let mut by_name = HashMap::new();
        for (at, value) in values.iter().enumerate() {
            for (column, name) in value.names.iter().flatten().enumerate() {
                by_name.insert(name.clone(), (at, Part::At(column)));
            }
        }
        for (at, value) in values.iter().enumerate() {
            by_name.entry(value.base.clone()).or_insert((at, Part::Whole));
        }
        Ok(Self { values, max_columns, by_name, single_input })
    }

    /// What a name of the file means: `age`, `x`, `x[3]`, `output.p[cat]`; `3` where the model has one input.
    pub fn find(&self, name: &str) -> Option<(usize, Part)> {
        if let Some((value, part)) = self.by_name.get(name) {
            return Some((*value, part.clone()));
        }
        let within = |(at, value): (usize, &Value)| {
            let part = name.strip_prefix(&value.base)?.strip_prefix('[')?.strip_suffix(']')?;
            Some((at, value.part(part)?))
        };
        if name.ends_with(']') {
            return self.values.iter().enumerate().find_map(within);
        }
        let single = self.single_input.and_then(|at| Some((at, self.values.get(at)?)))?;
        let is_index = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        if is_index { Some((single.0, single.1.part(name)?)) } else { None }
    }
}

impl Value {
    /// `None` for one of a type that profiles leave out.
    fn of(side: Side, stated: Described, max_columns: usize) -> Option<Self> {
        let base = side.name(&stated.name);
        let is_required = side == Side::Feature && !stated.optional;
        if let Some(type_name) = &stated.type_name {
            let dtype =
                type_name.rsplit_once("tensor(").and_then(|(_, rest)| rest.split_once(')')).map(|(name, _)| name);
            let dtype = DType::from_name(dtype?).filter(|dtype| is_number(*dtype))?;
            let is_map = type_name.contains("map(");
            let kind = Kind::Number(dtype);
            return is_map.then_some(Self { base, kind, extent: Extent::Keyed, names: None, is_required: false });
        }
        let dtype = DType::from_name(stated.dtype.as_deref()?)?;
        let is_class = stated.role.as_deref() == Some("label");
        let extent = extent_of(stated.shape.as_deref(), max_columns);
        let kind = match (dtype, extent) {
            (DType::String, Extent::Columns(_) | Extent::Free) => Kind::Text,
            _ if !is_number(dtype) => return None,
            (_, Extent::Vector(_)) => Kind::Vector(dtype),
            _ if is_class => Kind::Class(dtype),
            _ => Kind::Number(dtype),
        };
        let names = match extent {
            Extent::Columns(count) => Some(names_of(side, &stated, count)),
            Extent::Free => stated.columns.filter(|_| side == Side::Feature),
            Extent::Vector(_) | Extent::Keyed => None,
        };
        Some(Self { base, kind, extent, names, is_required })
    }

    fn part(&self, text: &str) -> Option<Part> {
        if self.extent == Extent::Keyed {
            return Some(Part::Key(text.to_owned()));
        }
        let is_plain = text == "0" || !text.starts_with('0');
        let at: usize = text.parse().ok().filter(|_| is_plain && text.bytes().all(|byte| byte.is_ascii_digit()))?;
        let count = match self.extent {
            Extent::Columns(count) | Extent::Vector(Some(count)) => count,
            _ => MAX_FIELDS,
        };
        (at < count).then_some(Part::At(at))
    }

    /// The name of a column when it has so many.
    pub fn column(&self, at: usize, count: usize) -> String {
        match &self.names {
            Some(names) if names.len() == count => names[at].clone(),
            _ if count == 1 => self.base.clone(),
            _ => format!("{}[{at}]", self.base),
        }
    }
}

fn names_of(side: Side, stated: &Described, count: usize) -> Vec<String> {
    let given = stated.columns.as_ref().filter(|names| side == Side::Feature && names.len() == count);
    if let Some(names) = given {
        return names.iter().map(|name| side.name(name)).collect();
    }
    let has_scores = stated.role.as_deref() == Some("scores");
    let names = match stated.classes.as_ref().filter(|classes| has_scores && classes.len() == count) {
        _ if count == 1 => Names::Whole,
        Some(classes) => Names::Keyed(MapKeys::Strings(classes.clone())),
        None => Names::Indexed(count),
    };
    (0..count).map(|at| names.column(side, &stated.name, at)).collect()
}

/// As predictions are laid out: the leading dimension is that of the rows, unless it is the only one and fixed.
fn extent_of(shape: Option<&[Json]>, max_columns: usize) -> Extent {
    let size = |dim: &Json| dim.as_u64().map(|size| size as usize);
    let row = match shape {
        None => return Extent::Free,
        Some([only]) => match size(only) {
            Some(size) if size > 1 => return columns(size, max_columns),
            _ => return Extent::Columns(1),
        },
        Some([]) => return Extent::Columns(1),
        Some([_, row @ ..]) => row,
    };
    match row {
        [only] => size(only).map_or(Extent::Free, |count| columns(count, max_columns)),
        more => Extent::Vector(more.iter().map(size).try_fold(1usize, |all, size| all.checked_mul(size?))),
    }
}

fn columns(count: usize, max_columns: usize) -> Extent {
    if (1..=max_columns).contains(&count) { Extent::Columns(count) } else { Extent::Vector(Some(count)) }
}
