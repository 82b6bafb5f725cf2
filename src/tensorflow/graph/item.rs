//! What an edge of the graph carries: mostly a tensor.

use super::list::TensorList;
use crate::tensorflow::emit::Value;
use std::rc::Rc;

#[derive(Debug, Clone)]
pub enum Item {
    Tensor(Value),
    /// Real and imaginary parts.
    Complex(Value, Value),
    /// What `SpaceToBatchND` made, and what it made it of. A convolution of the blocks is one of the whole with gaps.
    Blocks {
        blocks: Value,
        whole: Value,
        sizes: Vec<i64>,
    },
    /// A `TensorList`, or the flow of a `TensorArray`, which stands for its elements.
    List(TensorList),
    /// The handle of an array or a table, by the node that made it.
    Resource(Rc<str>),
}

impl Item {
    /// The tensor of real numbers that the item is.
    pub fn tensor(&self) -> Option<Value> {
        match self {
            Self::Tensor(value) | Self::Blocks { blocks: value, .. } => Some(*value),
            _ => None,
        }
    }
}
