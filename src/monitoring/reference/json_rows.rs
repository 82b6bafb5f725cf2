//! Rows that are JSON objects or lists: of a list, or one a line.

use super::cell::number_of;
use super::elements::ListElements;
use super::fields::{Fields, Head, Holds, Slot};
use super::filling::Filling;
use super::limits::{MAX_FIELDS, MAX_IGNORED, MAX_ROW_BYTES, shown, too_long, too_many_fields};
use super::parser::{Blocks, Parser, Source};
use super::rows::Kind;
use super::schema::{Extent, Schema};
use crate::error::{Error, Result, error};
use crate::tensor::DType;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::fmt;

/// How the text of a row is found.
enum Cutter {
    /// The line so far.
    Lines(Vec<u8>),
    List(ListElements),
}

pub struct JsonRows {
    cutter: Cutter,
    table: Option<Table>,
    rows: u64,
}

struct Table {
    fields: Fields,
    /// The slots of keys; of rows that are lists their names.
    slots: HashMap<String, usize>,
    names: Vec<String>,
    is_list: bool,
    filling: Filling,
    /// Which cells the row has.
    seen: Vec<u64>,
}

enum Row {
    Object(Vec<(String, Json)>),
    List(Vec<Json>),
}

impl JsonRows {
    pub fn lines() -> Self {
        Self { cutter: Cutter::Lines(Vec::new()), table: None, rows: 0 }
    }

    pub fn list() -> Self {
        Self { cutter: Cutter::List(ListElements::default()), table: None, rows: 0 }
    }
}

impl Parser for JsonRows {
    fn push(&mut self, bytes: &[u8], source: &Source, blocks: &mut Blocks) -> Result<()> {
        let Self { cutter, table, rows } = self;
        let mut add = |text: &[u8]| add_row(table, rows, text, source, blocks);
        match cutter {
            Cutter::List(elements) => elements.push(bytes, add),
            Cutter::Lines(line) => {
                let mut pieces = bytes.split(|byte| *byte == b'\n');
                let last = pieces.next_back().unwrap_or_default();
                let mut ended = 0;
                for piece in pieces {
                    ended += 1;
                    extend(line, piece, ended)?;
                    add(line)?;
                    line.clear();
                }
                extend(line, last, ended + 1)
            }
        }
    }

    fn finish(&mut self, source: &Source, blocks: &mut Blocks) -> Result<Fields> {
        let Self { cutter, table, rows } = self;
        match cutter {
            Cutter::Lines(line) => add_row(table, rows, line, source, blocks)?,
            Cutter::List(elements) => elements.finish()?,
        }
        let Some(mut table) = self.table.take() else {
            return Err(error!(InvalidRequest, "there are no rows"));
        };
        blocks.send(table.filling.take())?;
        Ok(table.fields)
    }
}

fn extend(line: &mut Vec<u8>, bytes: &[u8], row: u64) -> Result<()> {
    if line.len() + bytes.len() > MAX_ROW_BYTES {
        return Err(too_long(row));
    }
    line.extend_from_slice(bytes);
    Ok(())
}

fn add_row(table: &mut Option<Table>, rows: &mut u64, text: &[u8], source: &Source, blocks: &mut Blocks) -> Result<()> {
    if text.trim_ascii().is_empty() {
        return Ok(());
    }
    *rows += 1;
    let row: Row = serde_json::from_slice(text)
        .map_err(|problem| error!(InvalidJson, "row {rows} is no JSON object or list: {problem}"))?;
    if table.is_none() {
        let made = Table::of(&row, source)?;
        blocks.begin(&made.fields.columns)?;
        *table = Some(made);
    }
    let Some(table) = table else { return Ok(()) };
    if let Some(block) = table.add(row, *rows, &source.schema)? {
        blocks.send(block)?;
    }
    Ok(())
}

impl Table {
    fn of(row: &Row, source: &Source) -> Result<Self> {
        let heads: Vec<Head> = match row {
            Row::Object(entries) => {
                entries.iter().map(|(name, value)| Head { name: name.clone(), holds: holds(value) }).collect()
            }
            Row::List(_) => columns_in_order(&source.schema)?,
        };
        if heads.len() > MAX_FIELDS {
            return Err(too_many_fields(1));
        }
        let fields = Fields::of(&heads, &source.schema, &source.label())?;
        let filling = Filling::new(&fields.columns, &fields.dimensions, fields.has_labels);
        let names: Vec<String> = heads.into_iter().map(|head| head.name).collect();
        let slots = names.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
        let seen = vec![0; names.len()];
        Ok(Self { fields, slots, names, is_list: matches!(row, Row::List(_)), filling, seen })
    }

    fn add(&mut self, row: Row, number: u64, schema: &Schema) -> Result<Option<super::rows::RowBlock>> {
        match row {
            Row::List(cells) if self.is_list => {
                if cells.len() != self.names.len() {
                    let (given, columns) = (cells.len(), self.names.len());
                    return Err(error!(
                        InvalidInput,
                        "row {number} has {given} values, the model has {columns} columns"
                    ));
                }
                for (at, cell) in cells.iter().enumerate() {
                    self.set(at, cell, number)?;
                }
            }
            Row::Object(entries) if !self.is_list => {
                for (name, cell) in &entries {
                    let Some(at) = self.slots.get(name).copied() else {
                        self.ignore(name, number, schema)?;
                        continue;
                    };
                    if std::mem::replace(&mut self.seen[at], number) == number {
                        return Err(error!(InvalidJson, "row {number} has the field {} twice", shown(name)));
                    }
                    self.set(at, cell, number)?;
                }
            }
            _ => return Err(error!(InvalidInput, "row {number} is no {}, as the first row is", self.form())),
        }
        Ok(self.filling.end_sparse_row())
    }

    fn form(&self) -> &'static str {
        if self.is_list { "list" } else { "object" }
    }

    /// A key that the first row does not have.
    fn ignore(&mut self, name: &str, row: u64, schema: &Schema) -> Result<()> {
        if schema.find(name).is_some() {
            return Err(error!(
                InvalidInput,
                "row {row} has the column {}, which the first row has not; null is a value that is missing",
                shown(name)
            ));
        }
        if self.fields.ignored.len() < MAX_IGNORED && !self.fields.ignored.iter().any(|known| known == name) {
            self.fields.ignored.push(name.to_owned());
        }
        Ok(())
    }

    fn set(&mut self, at: usize, cell: &Json, row: u64) -> Result<()> {
        let Self { fields, filling, names, .. } = self;
        let refuse = |expected: &str| unfit(row, &names[at], cell, expected);
        match fields.slots[at] {
            Slot::Ignored => Ok(()),
            Slot::Label => match cell {
                Json::Null => {
                    filling.label(None);
                    Ok(())
                }
                Json::String(text) => {
                    filling.label(Some(text));
                    Ok(())
                }
                Json::Number(_) | Json::Bool(_) => {
                    filling.label(Some(&cell.to_string()));
                    Ok(())
                }
                _ => Err(refuse("label")),
            },
            Slot::Column(column) => set_one(filling, fields.columns[column].kind, column, cell, &refuse),
            Slot::Element { column, at } => match fields.columns[column].kind {
                Kind::Vector(dtype) => {
                    filling.element(column, at, number_in(dtype, cell).ok_or_else(|| refuse(dtype.name()))?);
                    Ok(())
                }
                _ => Err(refuse("vector")),
            },
            Slot::Columns { first, count } => {
                // Missing as a whole: the end of the row sees to it.
                if cell.is_null() {
                    return Ok(());
                }
                let list = cell.as_array().filter(|list| list.len() == count);
                let list = list.ok_or_else(|| refuse(&format!("list of {count}")))?;
                let mut columns = list.iter().enumerate();
                columns.try_for_each(|(at, cell)| {
                    set_one(filling, fields.columns[first + at].kind, first + at, cell, &refuse)
                })
            }
            Slot::Vector { column } => {
                if cell.is_null() {
                    return Ok(());
                }
                let Kind::Vector(dtype) = fields.columns[column].kind else { return Err(refuse("vector")) };
                let mut next = 0;
                let dimensions = fields.dimensions[column];
                let ok = each_number(cell, &mut |cell| {
                    let number = number_in(dtype, cell).filter(|_| next < dimensions)?;
                    filling.element(column, next, number);
                    next += 1;
                    Some(())
                });
                let is_whole = ok.is_some() && next == dimensions;
                if is_whole { Ok(()) } else { Err(refuse(&format!("list of {dimensions} {}", dtype.name()))) }
            }
        }
    }
}

fn set_one(
    filling: &mut Filling,
    kind: Kind,
    column: usize,
    cell: &Json,
    refuse: &dyn Fn(&str) -> Error,
) -> Result<()> {
    match kind {
        Kind::Text => match cell {
            Json::String(text) => filling.text(column, Some(text)),
            Json::Null => filling.text(column, None),
            _ => return Err(refuse("text")),
        },
        Kind::Number(dtype) | Kind::Class(dtype) | Kind::Vector(dtype) => {
            filling.number(column, number_in(dtype, cell).ok_or_else(|| refuse(dtype.name()))?);
        }
    }
    Ok(())
}

/// NaN for null, and for what writers of JSON write instead of it.
fn number_in(dtype: DType, cell: &Json) -> Option<f64> {
    match cell {
        Json::Null => Some(f64::NAN),
        Json::Number(number) => number_of(dtype, number.as_f64()?),
        Json::Bool(value) if dtype == DType::Bool => Some(f64::from(u8::from(*value))),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => number_of(dtype, f64::INFINITY),
            "-Infinity" => number_of(dtype, f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// The elements of a list of lists, row by row.
fn each_number(cell: &Json, take: &mut dyn FnMut(&Json) -> Option<()>) -> Option<()> {
    match cell {
        Json::Array(list) => list.iter().try_for_each(|cell| match cell {
            Json::Array(_) => each_number(cell, take),
            _ => take(cell),
        }),
        _ => None,
    }
}

fn holds(cell: &Json) -> Holds {
    let mut count = 0;
    match cell {
        Json::Null => Holds::Unknown,
        Json::Array(_) => {
            each_number(cell, &mut |_| {
                count += 1;
                Some(())
            });
            Holds::List(count)
        }
        _ => Holds::One,
    }
}

/// What the values of a row that is a list are of.
fn columns_in_order(schema: &Schema) -> Result<Vec<Head>> {
    let mut heads = Vec::new();
    for value in schema.values.iter().filter(|value| value.is_required) {
        let Extent::Columns(count) = value.extent else {
            return Err(error!(
                InvalidRequest,
                "rows must be objects: how many columns {} has is not fixed",
                shown(&value.base)
            ));
        };
        heads.extend((0..count).map(|at| Head { name: value.column(at, count), holds: Holds::Unknown }));
    }
    Ok(heads)
}

fn unfit(row: u64, column: &str, cell: &Json, expected: &str) -> Error {
    let received = match cell {
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
        Json::String(text) => shown(text),
        other => other.to_string(),
    };
    error!(InvalidInput, "row {row}, column {}: {received} is no {expected}", shown(column))
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Row, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Row::Object(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Row, A::Error> {
        let mut cells = Vec::new();
        while let Some(cell) = list.next_element()? {
            cells.push(cell);
        }
        Ok(Row::List(cells))
    }
}
