//! Rows of a CSV file.

use super::cell::number_of_text;
use super::fields::{Fields, Head, Holds, Label, Slot};
use super::filling::Filling;
use super::limits::{MAX_FIELDS, MAX_ROW_BYTES, shown, too_long, too_many_fields};
use super::parser::{Blocks, Parser, Source};
use super::rows::Kind;
use super::schema::Schema;
use crate::error::{Error, Result, error};
use crate::tensor::DType;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

const FIRST_BYTES: usize = 4 << 10;
const FIRST_FIELDS: usize = 128;

pub struct CsvRows {
    parser: Reader,
    record: Record,
    /// Where the record so far ends in `record`.
    filled: (usize, usize),
    /// Whether the record has begun.
    is_within: bool,
    table: Option<Table>,
    /// That are read, without the header.
    rows: u64,
}

/// The cells of a row one behind the other, and their ends.
struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

struct Table {
    fields: Fields,
    names: Vec<String>,
    filling: Filling,
}

impl CsvRows {
    pub fn new(delimiter: u8) -> Self {
        Self {
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            record: Record { bytes: vec![0; FIRST_BYTES], ends: vec![0; FIRST_FIELDS] },
            filled: (0, 0),
            is_within: false,
            table: None,
            rows: 0,
        }
    }

    /// The row that is being read; 0 is the header.
    fn place(&self) -> u64 {
        if self.table.is_some() { self.rows + 1 } else { 0 }
    }

    fn place_name(&self) -> String {
        if self.table.is_some() { format!("row {}", self.rows + 1) } else { "the header".to_owned() }
    }

    fn end_record(&mut self, source: &Source, blocks: &mut Blocks) -> Result<()> {
        self.is_within = false;
        let (_, count) = std::mem::take(&mut self.filled);
        let Some(table) = &mut self.table else {
            self.table = Some(Table::of(&self.record, count, &source.schema, &source.label())?);
            if let Some(table) = &self.table {
                blocks.begin(&table.fields.columns)?;
            }
            return Ok(());
        };
        self.rows += 1;
        if let Some(block) = table.add(&self.record, count, self.rows)? {
            blocks.send(block)?;
        }
        Ok(())
    }
}

impl Parser for CsvRows {
    fn push(&mut self, mut input: &[u8], source: &Source, blocks: &mut Blocks) -> Result<()> {
        while !input.is_empty() {
            let (bytes, ends) = self.filled;
            let (result, read, written, ended) =
                self.parser.read_record(input, &mut self.record.bytes[bytes..], &mut self.record.ends[ends..]);
            self.is_within |= input[..read].iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
            self.filled = (bytes + written, ends + ended);
            input = &input[read..];
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    grow(&mut self.record.bytes, MAX_ROW_BYTES).ok_or_else(|| too_long(self.place()))?;
                }
                ReadRecordResult::OutputEndsFull => {
                    grow(&mut self.record.ends, MAX_FIELDS).ok_or_else(|| too_many_fields(self.place()))?;
                }
                ReadRecordResult::Record => self.end_record(source, blocks)?,
                ReadRecordResult::End => return Ok(()),
            }
        }
        Ok(())
    }

    fn finish(&mut self, source: &Source, blocks: &mut Blocks) -> Result<Fields> {
        if self.is_within {
            // The last line may have no end. Within quotes it has none now either.
            self.push(b"\n", source, blocks)?;
        }
        if self.is_within {
            return Err(error!(InvalidRequest, "{} has a quote that is never closed", self.place_name()));
        }
        let Some(mut table) = self.table.take() else {
            return Err(error!(InvalidRequest, "the file is empty: its first line must name the columns"));
        };
        blocks.send(table.filling.take())?;
        Ok(table.fields)
    }
}

/// Twice as long. `None` at the limit.
fn grow<T: Clone + Default>(list: &mut Vec<T>, most: usize) -> Option<()> {
    let len = (list.len() * 2).min(most);
    (len > list.len()).then(|| list.resize(len, T::default()))
}

impl Record {
    fn cells(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends[..count].iter().map(move |end| &self.bytes[std::mem::replace(&mut start, *end)..*end])
    }
}

impl Table {
    fn of(record: &Record, count: usize, schema: &Schema, label: &Label<'_>) -> Result<Self> {
        let names = record.cells(count).map(|cell| {
            std::str::from_utf8(cell)
                .map(|name| name.trim_ascii().to_owned())
                .map_err(|_| error!(InvalidRequest, "the header is no UTF-8"))
        });
        let names: Vec<String> = names.collect::<Result<_>>()?;
        let heads: Vec<Head> = names.iter().map(|name| Head { name: name.clone(), holds: Holds::One }).collect();
        let fields = Fields::of(&heads, schema, label)?;
        let filling = Filling::new(&fields.columns, &fields.dimensions, fields.has_labels);
        Ok(Self { fields, names, filling })
    }

    #[inline]
    fn add(&mut self, record: &Record, count: usize, row: u64) -> Result<Option<super::rows::RowBlock>> {
        if count != self.names.len() {
            let names = self.names.len();
            return Err(error!(InvalidRequest, "row {row} has {count} cells, the header has {names}"));
        }
        let slots = self.fields.slots.iter().enumerate();
        for ((at, slot), cell) in slots.zip(record.cells(count)) {
            let column = match *slot {
                Slot::Ignored => continue,
                Slot::Label => {
                    let label = text_of(cell).ok_or_else(|| no_text(row, &self.names[at]))?;
                    self.filling.label(label);
                    continue;
                }
                Slot::Column(column) | Slot::Columns { first: column, .. } => column,
                Slot::Element { column, .. } | Slot::Vector { column } => column,
            };
            match self.fields.columns[column].kind {
                Kind::Text => {
                    let text = text_of(cell).ok_or_else(|| no_text(row, &self.names[at]))?;
                    self.filling.text(column, text);
                }
                Kind::Number(dtype) | Kind::Class(dtype) => {
                    let number =
                        number_of_text(dtype, cell).ok_or_else(|| no_number(row, &self.names[at], cell, dtype))?;
                    self.filling.number(column, number);
                }
                Kind::Vector(dtype) => {
                    let number =
                        number_of_text(dtype, cell).ok_or_else(|| no_number(row, &self.names[at], cell, dtype))?;
                    let place = if let Slot::Element { at, .. } = slot { *at } else { 0 };
                    self.filling.element(column, place, number);
                }
            }
        }
        Ok(self.filling.end_row())
    }
}

/// An empty cell is missing. The outer `None` is no text.
fn text_of(cell: &[u8]) -> Option<Option<&str>> {
    if cell.is_empty() {
        return Some(None);
    }
    std::str::from_utf8(cell).ok().map(Some)
}

fn no_text(row: u64, column: &str) -> Error {
    error!(InvalidInput, "row {row}, column {}: it is no UTF-8", shown(column))
}

fn no_number(row: u64, column: &str, cell: &[u8], dtype: DType) -> Error {
    let text = shown(&String::from_utf8_lossy(&cell[..cell.len().min(1024)]));
    error!(InvalidInput, "row {row}, column {}: {text} is no {}", shown(column), dtype.name())
}
