//! What each cell of a row is for.

use super::limits::{MAX_IGNORED, shown, too_many_fields};
use super::rows::{Column, Kind};
use super::schema::{Extent, Part, Schema, Value};
use crate::error::{Error, Result, error};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};

/// A cell of the first row, or a key of its object.
pub struct Head {
    pub name: String,
    /// What it holds where that shows: nothing in CSV.
    pub holds: Holds,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    One,
    /// A list of so many.
    List(usize),
    /// As many as there are.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Ignored,
    Label,
    Column(usize),
    /// A number of a vector.
    Element {
        column: usize,
        at: usize,
    },
    /// A list of so many columns from one on.
    Columns {
        first: usize,
        count: usize,
    },
    /// A list that is a vector.
    Vector {
        column: usize,
    },
}

#[derive(Debug, Default)]
pub struct Fields {
    pub columns: Vec<Column>,
    /// Of a vector; 1 for others.
    pub dimensions: Vec<usize>,
    pub slots: Vec<Slot>,
    pub has_labels: bool,
    /// The first ones.
    pub ignored: Vec<String>,
}

/// The column of labels, and whether it was asked for by name.
pub struct Label<'a> {
    pub name: &'a str,
    pub is_asked: bool,
}

impl Fields {
    /// # Errors
    /// `SCHEMA_MISMATCH` for columns that are missing; `INVALID_REQUEST` for one that is given twice, or is of another form.
    pub fn of(heads: &[Head], schema: &Schema, label: &Label<'_>) -> Result<Self> {
        let mut made = Making { schema, fields: Self::default(), names: HashSet::new(), parts: BTreeMap::new() };
        for (at, head) in heads.iter().enumerate() {
            let slot = made.slot(at, head, label)?;
            made.fields.slots.push(slot);
        }
        made.finish(label)
    }
}

/// What was given of a value.
#[derive(Default)]
struct Given {
    /// Columns by position, each with the cell that has it.
    at: BTreeMap<usize, usize>,
    is_whole: bool,
}

struct Making<'a> {
    schema: &'a Schema,
    fields: Fields,
    names: HashSet<String>,
    parts: BTreeMap<usize, Given>,
}

impl Making<'_> {
    fn slot(&mut self, cell: usize, Head { name, holds }: &Head, label: &Label<'_>) -> Result<Slot> {
        let found = self.schema.find(name);
        if name == label.name && (found.is_none() || label.is_asked) {
            if found.is_some() {
                return Err(error!(InvalidRequest, "the column {} of labels is one of the model", shown(name)));
            }
            if std::mem::replace(&mut self.fields.has_labels, true) {
                return Err(twice(name));
            }
            return Ok(Slot::Label);
        }
        let Some((at, part)) = found else {
            if self.fields.ignored.len() < MAX_IGNORED {
                self.fields.ignored.push(name.clone());
            }
            return Ok(Slot::Ignored);
        };
        let value = &self.schema.values[at];
        match part {
            Part::Key(key) => self.column(format!("{}[{key}]", value.base), value.kind).map(Slot::Column),
            Part::At(_) if matches!(holds, Holds::List(_)) => Err(no_list(name)),
            Part::At(position) => {
                if self.parts.entry(at).or_default().at.insert(position, cell).is_some() {
                    return Err(twice(name));
                }
                // Which column it is shows when all are known.
                Ok(Slot::Ignored)
            }
            Part::Whole => self.whole(at, value, name, *holds),
        }
    }

    fn whole(&mut self, at: usize, value: &Value, name: &str, holds: Holds) -> Result<Slot> {
        if std::mem::replace(&mut self.parts.entry(at).or_default().is_whole, true) {
            return Err(twice(name));
        }
        let stated = match value.extent {
            Extent::Columns(count) | Extent::Vector(Some(count)) => Some(count),
            Extent::Free | Extent::Vector(None) => None,
            Extent::Keyed => None,
        };
        let given = match holds {
            Holds::One => Some(1),
            Holds::List(count) => Some(count),
            Holds::Unknown => stated,
        };
        let count = match (given, stated) {
            _ if value.extent == Extent::Keyed => {
                return Err(error!(InvalidRequest, "name the columns of {} as {0}[class]", shown(name)));
            }
            (Some(given), Some(stated)) if given != stated => {
                return Err(error!(
                    SchemaMismatch,
                    "{} has {stated} columns in the model and {given} here; they are {}, ...",
                    shown(name),
                    shown(&value.column(0, stated))
                ));
            }
            (Some(count @ 1..), _) => count,
            _ => return Err(error!(InvalidRequest, "the first row must have {}", shown(name))),
        };
        if matches!(value.extent, Extent::Vector(_)) || count > self.schema.max_columns {
            let column = self.vector(value, count)?;
            return Ok(Slot::Vector { column });
        }
        let first = self.fields.columns.len();
        for at in 0..count {
            self.column(value.column(at, count), value.kind)?;
        }
        Ok(if holds == Holds::One { Slot::Column(first) } else { Slot::Columns { first, count } })
    }

    fn vector(&mut self, value: &Value, dimensions: usize) -> Result<usize> {
        let (Kind::Number(dtype) | Kind::Class(dtype) | Kind::Vector(dtype)) = value.kind else {
            return Err(error!(InvalidRequest, "{} has too many columns of texts", shown(&value.base)));
        };
        let column = self.column(value.base.clone(), Kind::Vector(dtype))?;
        self.fields.dimensions[column] = dimensions;
        Ok(column)
    }

    fn column(&mut self, name: String, kind: Kind) -> Result<usize> {
        if !self.names.insert(name.clone()) {
            return Err(twice(&name));
        }
        if self.fields.columns.len() >= super::limits::MAX_FIELDS {
            return Err(too_many_fields(1));
        }
        self.fields.columns.push(Column { name, kind });
        self.fields.dimensions.push(1);
        Ok(self.fields.columns.len() - 1)
    }

    fn finish(mut self, label: &Label<'_>) -> Result<Fields> {
        let mut missing = Vec::new();
        for (at, value) in self.schema.values.iter().enumerate() {
            let Given { at: given, is_whole } = self.parts.remove(&at).unwrap_or_default();
            if let Some((position, _)) = given.first_key_value().filter(|_| is_whole) {
                return Err(twice(&value.column(*position, usize::MAX)));
            }
            let count = match value.extent {
                Extent::Columns(count) | Extent::Vector(Some(count)) => count,
                _ => given.last_key_value().map_or(1, |(last, _)| last + 1),
            };
            let must_be_whole = value.is_required || value.extent != Extent::Columns(count);
            if !is_whole && (value.is_required || (must_be_whole && !given.is_empty())) {
                let absent = (0..count).filter(|at| !given.contains_key(at));
                missing.extend(absent.take(MAX_IGNORED).map(|at| value.column(at, count)));
            }
            if missing.is_empty() {
                self.place(value, &given, count)?;
            }
        }
        if !missing.is_empty() {
            missing.truncate(MAX_IGNORED);
            return Err(missing_columns(&missing));
        }
        if label.is_asked && !self.fields.has_labels {
            return Err(error!(
                SchemaMismatch,
                "there is no column {}, which is to have the labels",
                shown(label.name)
            ));
        }
        if self.fields.columns.is_empty() {
            return Err(error!(SchemaMismatch, "no column is one of the model"));
        }
        Ok(self.fields)
    }

    /// Gives the cells that have single columns of a value their slots.
    fn place(&mut self, value: &Value, given: &BTreeMap<usize, usize>, count: usize) -> Result<()> {
        if given.is_empty() {
            return Ok(());
        }
        if matches!(value.extent, Extent::Vector(_)) || count > self.schema.max_columns {
            let column = self.vector(value, count)?;
            for (at, cell) in given {
                self.fields.slots[*cell] = Slot::Element { column, at: *at };
            }
            return Ok(());
        }
        for (at, cell) in given {
            let column = self.column(value.column(*at, count), value.kind)?;
            self.fields.slots[*cell] = Slot::Column(column);
        }
        Ok(())
    }
}

fn twice(name: &str) -> Error {
    error!(InvalidRequest, "the column {} is given twice", shown(name))
}

fn no_list(name: &str) -> Error {
    error!(InvalidInput, "row 1, column {}: it is one value, received a list", shown(name))
}

fn missing_columns(missing: &[String]) -> Error {
    let names: Vec<String> = missing.iter().take(10).map(|name| shown(name)).collect();
    let more = if missing.len() > names.len() { ", ..." } else { "" };
    error!(SchemaMismatch, "there is no column {}{more}", names.join(", ")).with_details(json!({ "missing": missing }))
}
