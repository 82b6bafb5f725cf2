//! Nested lists as cells in a row.

use serde_json::Value as Json;

/// The cells of a value and its shape.
#[derive(Debug)]
pub struct Cells<'a> {
    pub shape: Vec<usize>,
    pub cells: Vec<&'a Json>,
}

impl<'a> Cells<'a> {
    /// Of nested lists of equal length, or of a bare value; `None` for ragged ones.
    pub fn of(value: &'a Json) -> Option<Self> {
        let mut shape = Vec::new();
        let mut inner = value;
        while let Json::Array(rows) = inner {
            shape.push(rows.len());
            let Some(first) = rows.first() else { break };
            inner = first;
        }
        let mut cells = Vec::new();
        collect(value, &shape, &mut cells)?;
        Some(Self { shape, cells })
    }

    /// The shape without sizes of one, which are columns, batches of one row and places of one pixel.
    pub fn squeezed(&self) -> Vec<usize> {
        self.shape.iter().copied().filter(|size| *size != 1).collect()
    }
}

fn collect<'a>(value: &'a Json, shape: &[usize], cells: &mut Vec<&'a Json>) -> Option<()> {
    match (value, shape.split_first()) {
        (Json::Array(rows), Some((size, rest))) if rows.len() == *size => {
            rows.iter().try_for_each(|row| collect(row, rest, cells))
        }
        (Json::Array(_), _) | (_, Some(_)) => None,
        (cell, None) => {
            cells.push(cell);
            Some(())
        }
    }
}
