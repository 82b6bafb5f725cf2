//! Numbers that wait for their profile.

use super::names::{Names, Side};
use super::sink::ColumnSink;
use std::collections::HashMap;

/// The rows of an input or output, one behind the other.
#[derive(Debug)]
pub struct Block {
    side: Side,
    name: String,
    names: Names,
    /// Whether the numbers are classes.
    is_label: bool,
    pub numbers: Vec<f64>,
}

#[derive(Debug, Default)]
pub struct Pending {
    pub rows: u64,
    blocks: Vec<Block>,
}

impl Block {
    pub fn new(side: Side, name: &str, names: Names, is_label: bool) -> Self {
        Self { side, name: name.to_owned(), names, is_label, numbers: Vec::new() }
    }

    fn fold(&self, given: &HashMap<String, Vec<String>>, sink: &mut impl ColumnSink) {
        let count = self.names.count();
        let given = match self.side {
            Side::Feature => given.get(&self.name).filter(|given| given.len() == count),
            Side::Output => None,
        };
        let mut column = Vec::with_capacity(self.numbers.len() / count.max(1));
        for at in 0..count {
            let name =
                given.map_or_else(|| self.names.column(self.side, &self.name, at), |given| self.side.name(&given[at]));
            column.clear();
            column.extend(self.numbers.iter().skip(at).step_by(count));
            if self.is_label {
                sink.add_classes(&name, &column);
            } else {
                sink.add_numbers(&name, &column);
            }
        }
    }
}

impl Pending {
    /// The block of an input or output, most often at the same place as last time; a new one where there is none of these columns.
    pub fn block(
        &mut self,
        at: usize,
        side: Side,
        name: &str,
        is_same: impl Fn(&Names) -> bool,
        new: impl FnOnce() -> Block,
    ) -> &mut Block {
        let fits = |block: &Block| block.side == side && block.name == name && is_same(&block.names);
        let at = match self.blocks.get(at) {
            Some(block) if fits(block) => at,
            _ => self.blocks.iter().position(fits).unwrap_or_else(|| {
                self.blocks.push(new());
                self.blocks.len() - 1
            }),
        };
        &mut self.blocks[at]
    }

    pub fn numbers(&self) -> usize {
        self.blocks.iter().map(|block| block.numbers.len()).sum()
    }

    /// Hands all on. `names` are those of the columns of inputs that have names.
    pub fn fold(&self, names: &HashMap<String, Vec<String>>, sink: &mut impl ColumnSink) {
        sink.add_rows(self.rows);
        self.blocks.iter().for_each(|block| block.fold(names, sink));
    }
}
