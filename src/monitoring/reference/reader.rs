//! Bytes to blocks of rows, and to who takes them.

use super::csv_rows::CsvRows;
use super::fields::Fields;
use super::json_rows::JsonRows;
use super::parser::{Blocks, Message, Parser, Source, ended};
use super::rows::{Column, RowSink};
use crate::error::{Result, error};
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};

/// Blocks that wait for the sink: it works while the next one is read.
const WAITING_BLOCKS: usize = 2;
/// The mark that may stand in front of UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv {
        delimiter: u8,
    },
    /// A JSON object or list a line.
    Lines,
    /// A JSON list of objects or lists.
    Json,
}

/// What was read.
#[derive(Debug)]
pub struct Summary {
    pub rows: u64,
    pub columns: Vec<Column>,
    pub has_labels: bool,
    /// The first columns of the file that the model does not have.
    pub ignored: Vec<String>,
}

/// Reads a file that comes in pieces. After an error nothing more is to be read.
pub struct Reader<S> {
    source: Source,
    parser: Box<dyn Parser>,
    /// The first bytes, until it shows whether they are a mark.
    start: Option<Vec<u8>>,
    blocks: Blocks,
    taking: Option<JoinHandle<Result<S>>>,
}

impl<S: RowSink> Reader<S> {
    /// # Errors
    /// `INTERNAL` when no thread can be started.
    pub fn new(source: Source, format: Format, mut sink: S) -> Result<Self> {
        let (sender, messages) = sync_channel(WAITING_BLOCKS);
        let take = move || {
            let mut columns = Vec::new();
            for message in messages {
                match message {
                    Message::Columns(given) => columns = given,
                    Message::Rows(block) => sink.take(&columns, &block)?,
                }
            }
            Ok(sink)
        };
        let taking = thread::Builder::new()
            .name("reference".to_owned())
            .spawn(take)
            .map_err(|_| error!(Internal, "a thread that takes rows cannot be started"))?;
        let parser: Box<dyn Parser> = match format {
            Format::Csv { delimiter } => Box::new(CsvRows::new(delimiter)),
            Format::Lines => Box::new(JsonRows::lines()),
            Format::Json => Box::new(JsonRows::list()),
        };
        let blocks = Blocks { sender: Some(sender), rows: 0 };
        Ok(Self { source, parser, start: Some(Vec::new()), blocks, taking: Some(taking) })
    }

    /// # Errors
    /// `INVALID_REQUEST`, `INVALID_JSON` for a file of another form, `SCHEMA_MISMATCH` for columns that do not fit the model,
    /// `INVALID_INPUT` for a value that does not, `TOO_LARGE` for a row that is too long; and those of the sink.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(start) = &mut self.start else { return self.read(bytes) };
        start.extend_from_slice(bytes);
        if start.len() < MARK.len() && MARK.starts_with(start) {
            return Ok(());
        }
        let start = self.start.take().unwrap_or_default();
        self.read(start.strip_prefix(MARK).unwrap_or(&start))
    }

    /// The sink, when all rows are taken.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(mut self) -> Result<(S, Summary)> {
        if let Some(start) = self.start.take() {
            self.read(&start)?;
        }
        let read = self.parser.finish(&self.source, &mut self.blocks);
        let Fields { columns, has_labels, ignored, .. } = self.said(read)?;
        if self.blocks.rows == 0 {
            return Err(error!(InvalidRequest, "there are no rows"));
        }
        let sink = self.end()?;
        Ok((sink, Summary { rows: self.blocks.rows, columns, has_labels, ignored }))
    }

    fn read(&mut self, bytes: &[u8]) -> Result<()> {
        let read = self.parser.push(bytes, &self.source, &mut self.blocks);
        self.said(read)
    }

    /// Where the sink has ended, its own error.
    fn said<T>(&mut self, read: Result<T>) -> Result<T> {
        match read {
            Err(problem) if problem == ended() => Err(self.end().err().unwrap_or(problem)),
            read => read,
        }
    }

    fn end(&mut self) -> Result<S> {
        self.blocks.sender = None;
        let taking = self.taking.take().ok_or_else(ended)?;
        taking.join().unwrap_or_else(|_| Err(ended()))
    }
}
