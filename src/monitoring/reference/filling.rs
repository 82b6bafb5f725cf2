//! A block of rows while it fills.

use super::limits::BLOCK_SIZE;
use super::rows::{Column, Kind, RowBlock, Texts, Values};

pub struct Filling {
    /// Of each column, what it is of, and how many numbers a vector of it has.
    columns: Vec<(Kind, usize)>,
    has_labels: bool,
    block: RowBlock,
    /// Numbers and bytes of text in the block.
    size: usize,
}

impl Filling {
    pub fn new(columns: &[Column], dimensions: &[usize], has_labels: bool) -> Self {
        let columns = columns.iter().zip(dimensions).map(|(column, dimensions)| (column.kind, *dimensions)).collect();
        let mut made = Self { columns, has_labels, block: RowBlock::default(), size: 0 };
        made.block = made.empty();
        made
    }

    fn empty(&self) -> RowBlock {
        RowBlock {
            rows: 0,
            values: self.columns.iter().map(|(kind, dimensions)| Values::of(*kind, *dimensions)).collect(),
            labels: self.has_labels.then(Texts::default),
        }
    }

    #[inline]
    pub fn number(&mut self, column: usize, number: f64) {
        if let Values::Numbers(numbers) = &mut self.block.values[column] {
            numbers.push(number);
            self.size += 1;
        }
    }

    pub fn text(&mut self, column: usize, text: Option<&str>) {
        if let Values::Texts(texts) = &mut self.block.values[column] {
            texts.push(text);
            self.size += 1 + text.map_or(0, str::len);
        }
    }

    /// A number of the vector of this row; those that are not set are missing.
    pub fn element(&mut self, column: usize, at: usize, number: f64) {
        if let Values::Vectors { dimensions, elements } = &mut self.block.values[column] {
            let start = self.block.rows * *dimensions;
            if elements.len() == start {
                elements.resize(start + *dimensions, f64::NAN);
                self.size += *dimensions;
            }
            elements[start + at] = number;
        }
    }

    pub fn label(&mut self, label: Option<&str>) {
        if let Some(labels) = &mut self.block.labels {
            labels.push(label);
            self.size += 1 + label.map_or(0, str::len);
        }
    }

    /// Ends a row that has a value for each column; the block when it is full.
    pub fn end_row(&mut self) -> Option<RowBlock> {
        self.block.rows += 1;
        // A row without columns takes space too.
        self.size += 1;
        (self.size >= BLOCK_SIZE).then(|| self.take())
    }

    /// Ends a row in which columns may have no value, which is missing.
    pub fn end_sparse_row(&mut self) -> Option<RowBlock> {
        let rows = self.block.rows + 1;
        for ((_, dimensions), values) in self.columns.iter().zip(&mut self.block.values) {
            match values {
                Values::Numbers(numbers) if numbers.len() < rows => numbers.push(f64::NAN),
                Values::Texts(texts) if texts.len() < rows => texts.push(None),
                Values::Vectors { elements, .. } if elements.len() < rows * dimensions => {
                    elements.resize(rows * dimensions, f64::NAN);
                }
                _ => continue,
            }
            self.size += dimensions;
        }
        if let Some(labels) = self.block.labels.as_mut().filter(|labels| labels.len() < rows) {
            labels.push(None);
        }
        self.end_row()
    }

    /// What there is.
    pub fn take(&mut self) -> RowBlock {
        self.size = 0;
        let empty = self.empty();
        std::mem::replace(&mut self.block, empty)
    }
}
