//! Rows of columns, and who takes them.

use crate::error::Result;
use crate::tensor::DType;

/// What a column holds, as the signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers of a type, as the model gets them: 0.1 is the nearest float32 where the input is one.
    Number(DType),
    /// Whole numbers that are names of classes.
    Class(DType),
    Text,
    Vector(DType),
}

/// A column, by the name that it has in profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// Some rows, column by column.
#[derive(Debug, Default)]
pub struct RowBlock {
    pub rows: usize,
    /// One for each column, with a value for each row.
    pub values: Vec<Values>,
    /// The label of each row as it stands in the file, when it has a column of labels.
    pub labels: Option<Texts>,
}

#[derive(Debug)]
pub enum Values {
    /// NaN is missing.
    Numbers(Vec<f64>),
    Texts(Texts),
    /// Row by row. A vector with a NaN is missing.
    Vectors {
        dimensions: usize,
        elements: Vec<f64>,
    },
}

/// Texts, some of them missing.
#[derive(Debug, Default)]
pub struct Texts {
    bytes: String,
    /// Where each ends in `bytes`, and whether it is there.
    ends: Vec<(usize, bool)>,
}

/// Who takes rows, in the order of the file.
///
/// Value `row` of column `at` is `block.values[at]` at `row`; its label is `block.labels.get(row)`.
pub trait RowSink: Send + 'static {
    /// `columns` are the same each time.
    ///
    /// # Errors
    /// Whatever ends the reading; the caller of [`super::Reader`] gets it.
    fn take(&mut self, columns: &[Column], block: &RowBlock) -> Result<()>;
}

impl<A: RowSink, B: RowSink> RowSink for (A, B) {
    fn take(&mut self, columns: &[Column], block: &RowBlock) -> Result<()> {
        self.0.take(columns, block)?;
        self.1.take(columns, block)
    }
}

impl<S: RowSink> RowSink for Option<S> {
    fn take(&mut self, columns: &[Column], block: &RowBlock) -> Result<()> {
        self.as_mut().map_or(Ok(()), |sink| sink.take(columns, block))
    }
}

impl Texts {
    pub fn push(&mut self, text: Option<&str>) {
        self.bytes.push_str(text.unwrap_or_default());
        self.ends.push((self.bytes.len(), text.is_some()));
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Of all texts together.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// `None` for one that is missing.
    pub fn get(&self, at: usize) -> Option<&str> {
        let (end, is_given) = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1].0 };
        is_given.then(|| &self.bytes[start..end])
    }

    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|at| self.get(at))
    }
}

impl Values {
    pub fn of(kind: Kind, dimensions: usize) -> Self {
        match kind {
            Kind::Number(_) | Kind::Class(_) => Self::Numbers(Vec::new()),
            Kind::Text => Self::Texts(Texts::default()),
            Kind::Vector(_) => Self::Vectors { dimensions, elements: Vec::new() },
        }
    }

    /// Numbers, or bytes of text.
    pub fn size(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.bytes() + texts.len(),
            Self::Vectors { elements, .. } => elements.len(),
        }
    }
}
