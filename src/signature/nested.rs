//! Nested lists of a request, read to the elements of a tensor.

use super::elements::FromItem;
use crate::format::{Encoded, Item, Items};
use crate::tensor::{DType, Tensor};

/// Nested lists while they are read.
pub struct Nested<T> {
    elements: Vec<T>,
    /// The size of each depth, once its first list has ended.
    shape: Vec<Option<usize>>,
    /// The depth of the elements, once one has been seen.
    rank: Option<usize>,
}

/// More than any tensor has.
const MAX_RANK: usize = 64;

impl<T> Default for Nested<T> {
    fn default() -> Self {
        Self { elements: Vec::new(), shape: Vec::new(), rank: None }
    }
}

impl<T: FromItem> Nested<T> {
    /// Reads a value that stands at that depth.
    pub fn read(&mut self, encoded: &Encoded, depth: usize) -> Result<(), String> {
        let mut items = encoded.items();
        // How many values each list that is open has so far.
        let mut counts: Vec<usize> = Vec::new();
        loop {
            let depth = depth + counts.len();
            if let Some(count) = counts.last_mut() {
                *count += self.numbers(&mut items, depth)?;
            }
            match items.item()? {
                Item::List => {
                    self.begin_list(depth)?;
                    counts.push(0);
                    continue;
                }
                Item::End => {
                    let len = counts.pop().unwrap_or(0);
                    self.end_list(depth - 1, len)?;
                }
                Item::Map => return Err("an object stands where a value is expected".to_owned()),
                Item::Elements(dtype, bytes) => self.list_of(depth, dtype, &bytes)?,
                Item::Bytes(bytes) => self.list_of(depth, T::DTYPE, &bytes)?,
                item => self.push(depth, T::from_item(&item))?,
            }
            match counts.last_mut() {
                Some(count) => *count += 1,
                None => return Ok(()),
            }
        }
    }

    /// Reads the numbers that come next in a list and gives how many they are.
    fn numbers(&mut self, items: &mut Items<'_>, depth: usize) -> Result<usize, String> {
        let before = self.elements.len();
        while let Some(number) = items.number()? {
            if self.elements.len() == before {
                self.begin_element(depth)?;
            }
            match T::of_number(number) {
                Ok(element) => self.elements.push(element),
                Err(problem) => return Err(self.at_value(problem)),
            }
        }
        Ok(self.elements.len() - before)
    }

    fn push(&mut self, depth: usize, element: Result<T, String>) -> Result<(), String> {
        self.begin_element(depth)?;
        match element {
            Ok(element) => self.elements.push(element),
            Err(problem) => return Err(self.at_value(problem)),
        }
        Ok(())
    }

    fn list_of(&mut self, depth: usize, dtype: DType, bytes: &[u8]) -> Result<(), String> {
        let size = dtype.bits() / 8;
        if size == 0 || !bytes.len().is_multiple_of(size) {
            return Err(format!("{} bytes are no list of {} elements", bytes.len(), dtype.name()));
        }
        let len = bytes.len() / size;
        self.begin_list(depth)?;
        if len > 0 {
            self.begin_element(depth + 1)?;
        }
        T::extend(&mut self.elements, dtype, bytes).map_err(|problem| self.at_value(problem))?;
        self.end_list(depth, len)
    }

    fn at_value(&self, problem: String) -> String {
        format!("value {}: {problem}", self.elements.len())
    }

    fn begin_element(&mut self, depth: usize) -> Result<(), String> {
        if *self.rank.get_or_insert(depth) != depth || self.shape.len() > depth {
            return Err("the nested lists are ragged: a value stands where a list is expected".to_owned());
        }
        Ok(())
    }

    pub fn begin_list(&mut self, depth: usize) -> Result<(), String> {
        if self.rank.is_some_and(|rank| rank <= depth) {
            return Err("the nested lists are ragged: a list stands where a value is expected".to_owned());
        }
        if depth == MAX_RANK {
            return Err(format!("lists are nested deeper than {MAX_RANK}"));
        }
        if self.shape.len() == depth {
            self.shape.push(None);
        }
        Ok(())
    }

    pub fn end_list(&mut self, depth: usize, len: usize) -> Result<(), String> {
        match *self.shape[depth].get_or_insert(len) {
            expected if expected == len => Ok(()),
            expected => Err(format!(
                "the nested lists are ragged: a list of {len} stands beside a list of {expected} at depth {depth}"
            )),
        }
    }

    pub fn into_tensor(self) -> Result<Tensor, String> {
        let shape: Vec<usize> = self.shape.into_iter().map(|size| size.unwrap_or(0)).collect();
        T::tensor(shape, self.elements)
    }
}
