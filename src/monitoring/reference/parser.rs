//! What all formats have in common: what they read by, and where their rows go.

use super::fields::{Fields, Label};
use super::rows::{Column, RowBlock};
use super::schema::Schema;
use crate::error::{Error, Result, error};
use std::sync::mpsc::SyncSender;

/// Reads the bytes of a format. After an error nothing more is to be read.
pub trait Parser: Send {
    /// # Errors
    /// As [`super::Reader::push`].
    fn push(&mut self, bytes: &[u8], source: &Source, blocks: &mut Blocks) -> Result<()>;

    /// Reads what is left when no more bytes come.
    ///
    /// # Errors
    /// As [`super::Reader::push`].
    fn finish(&mut self, source: &Source, blocks: &mut Blocks) -> Result<Fields>;
}

/// What is read.
pub struct Source {
    pub schema: Schema,
    /// The name of the column of labels; one called `label` when none is given.
    pub label: Option<String>,
}

impl Source {
    pub fn label(&self) -> Label<'_> {
        Label { name: self.label.as_deref().unwrap_or("label"), is_asked: self.label.is_some() }
    }
}

/// The way to the sink.
pub struct Blocks {
    pub sender: Option<SyncSender<Message>>,
    pub rows: u64,
}

pub enum Message {
    Columns(Vec<Column>),
    Rows(RowBlock),
}

/// Says that the sink has ended; why, it says itself.
pub fn ended() -> Error {
    error!(Internal, "rows of a reference are not taken any more")
}

impl Blocks {
    pub fn begin(&mut self, columns: &[Column]) -> Result<()> {
        self.pass(Message::Columns(columns.to_vec()))
    }

    pub fn send(&mut self, block: RowBlock) -> Result<()> {
        self.rows += block.rows as u64;
        if block.rows == 0 { Ok(()) } else { self.pass(Message::Rows(block)) }
    }

    fn pass(&self, message: Message) -> Result<()> {
        self.sender.as_ref().and_then(|sender| sender.send(message).ok()).ok_or_else(ended)
    }
}
