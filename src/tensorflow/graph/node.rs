//! The node that a rule translates, and the graph around it.

use super::definition::{Definition, Function};
use super::item::Item;
use super::list::TensorList;
use super::scope::Scope;
use super::table::Table;
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::weights::Weights;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Functions within functions.
pub const MAX_DEPTH: usize = 32;

/// Translates one node.
pub type Rule = fn(&mut Node<'_>) -> Result<Output>;

/// What is the same for all nodes of a model.
pub struct Graph<'a> {
    pub rules: HashMap<&'static str, Rule>,
    pub functions: HashMap<&'a str, Rc<Function<'a>>>,
    pub weights: &'a Weights,
    /// The tables by the nodes that stand for them.
    pub tables: HashMap<Rc<str>, Table>,
    /// How many nodes may still be translated.
    pub left: Cell<usize>,
    /// Functions that are under way.
    pub depth: Cell<usize>,
    /// Nodes that are refused, by reason.
    pub refusals: RefCell<BTreeMap<String, Vec<String>>>,
}

pub struct Node<'a> {
    pub emit: &'a mut Emit,
    pub definition: &'a Definition<'a>,
    pub inputs: Vec<Item>,
    pub graph: &'a Graph<'a>,
    pub scope: &'a Scope<'a>,
}

/// The outputs of a node.
pub struct Output(pub Vec<Item>);

impl From<Value> for Output {
    fn from(value: Value) -> Self {
        Self(vec![Item::Tensor(value)])
    }
}

impl From<Item> for Output {
    fn from(item: Item) -> Self {
        Self(vec![item])
    }
}

impl From<Vec<Value>> for Output {
    fn from(values: Vec<Value>) -> Self {
        Self(values.into_iter().map(Item::Tensor).collect())
    }
}

impl From<Vec<Item>> for Output {
    fn from(items: Vec<Item>) -> Self {
        Self(items)
    }
}

impl Node<'_> {
    /// The input at that place, which must be a tensor.
    pub fn input(&self, at: usize) -> Result<Value> {
        let item = self.inputs.get(at).ok_or_else(|| error!(InvalidModel, "input {at} is missing"))?;
        item.tensor().ok_or_else(|| error!(UnsupportedModel, "input {at} is not a tensor of real numbers"))
    }

    pub fn optional_input(&self, at: usize) -> Option<Value> {
        self.inputs.get(at)?.tensor()
    }

    /// All inputs, which must be tensors.
    pub fn all_inputs(&self) -> Result<Vec<Value>> {
        (0..self.inputs.len()).map(|at| self.input(at)).collect()
    }

    pub fn list(&self, at: usize) -> Result<TensorList> {
        match self.inputs.get(at) {
            Some(Item::List(list)) => Ok(list.clone()),
            Some(_) => Err(error!(InvalidModel, "input {at} is not a list")),
            None => Err(error!(InvalidModel, "input {at} is missing")),
        }
    }

    pub fn complex(&self, at: usize) -> Result<(Value, Value)> {
        match self.inputs.get(at) {
            Some(Item::Complex(real, imaginary)) => Ok((*real, *imaginary)),
            _ => Err(error!(InvalidModel, "input {at} must be complex")),
        }
    }

    /// The integers of an input that must be known when the model is translated.
    pub fn constant_ints(&self, at: usize, what: &str) -> Result<Vec<i64>> {
        let value = self.input(at)?;
        self.emit.ints_of(value).ok_or_else(|| error!(UnsupportedModel, "{what} is computed at run time"))
    }

    pub fn constant_int(&self, at: usize, what: &str) -> Result<i64> {
        match self.constant_ints(at, what)?.as_slice() {
            [only] => Ok(*only),
            several => Err(error!(InvalidModel, "{what} must be one number, not {}", several.len())),
        }
    }

    /// The rank of an input.
    pub fn rank(&self, at: usize) -> Result<usize> {
        let value = self.input(at)?;
        self.emit.rank(value).ok_or_else(|| error!(UnsupportedModel, "the rank of input {at} is not known"))
    }

    /// The axis that an input gives, counted from the start.
    pub fn constant_axis(&self, at: usize, rank: usize) -> Result<usize> {
        wrap_axis(self.constant_int(at, "the axis")?, rank)
    }

    pub fn dtype(&self, at: usize) -> Result<DType> {
        Ok(self.emit.dtype(self.input(at)?))
    }

    /// The constant that the weights hold under the node's name, or that the node has itself.
    pub fn weight(&self) -> Result<Constant> {
        let name: &Rc<str> = &self.definition.name;
        match self.graph.weights.get(&**name) {
            Some(weight) => Ok(weight.clone()),
            None => self
                .definition
                .value()
                .unwrap_or_else(|| Err(error!(InvalidModel, "the weights have no tensor of this name"))),
        }
    }
}

/// The axis counted from the start.
///
/// # Errors
/// `INVALID_MODEL` when there is no such axis.
pub fn wrap_axis(axis: i64, rank: usize) -> Result<usize> {
    let wrapped = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    usize::try_from(wrapped)
        .ok()
        .filter(|&axis| axis < rank)
        .ok_or_else(|| error!(InvalidModel, "a tensor of rank {rank} has no axis {axis}"))
}
