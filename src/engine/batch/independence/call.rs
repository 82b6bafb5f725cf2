//! A node with what is known of its inputs.

use super::value::{Rows, Size, Value};
use crate::onnx::operators::{ElementRule, Operator, RowRule, ShapeRule};
use crate::onnx::proto::{AttributeProto, NodeProto};
use std::borrow::Cow;
use std::rc::Rc;

/// Why nothing can be told of a node's outputs.
#[derive(Debug)]
pub enum Stop {
    /// A row of them follows from several rows. What the node does, after its name.
    Mixes(Cow<'static, str>),
    /// A row may follow from several rows: this is not known before a run.
    Doubt(Cow<'static, str>),
}

pub type Outcome = Result<Vec<Value>, Stop>;

pub fn mixes<T>(what: impl Into<Cow<'static, str>>) -> Result<T, Stop> {
    Err(Stop::Mixes(what.into()))
}

pub fn doubt<T>(what: impl Into<Cow<'static, str>>) -> Result<T, Stop> {
    Err(Stop::Doubt(what.into()))
}

pub struct Call<'a> {
    pub node: &'a NodeProto,
    /// `None`: nothing is known of it.
    pub operator: Option<&'static Operator>,
    /// `None`: left out.
    pub inputs: Vec<Option<Value>>,
    pub opset: i64,
    /// Of the function that the node is in: what its call says.
    pub bound: Rc<[AttributeProto]>,
}

impl Call<'_> {
    pub fn row_rule(&self) -> RowRule {
        self.operator.map_or(RowRule::Unknown, |row| row.rows)
    }

    pub fn shape_rule(&self) -> ShapeRule {
        self.operator.map_or(ShapeRule::Unknown, |row| row.shape)
    }

    pub fn element_rule(&self) -> ElementRule {
        self.operator.map_or(ElementRule::None, |row| row.elements)
    }

    pub fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        let own = self.node.attribute(name)?;
        match own.ref_attr_name.as_deref().filter(|name| !name.is_empty()) {
            Some(outer) => self.bound.iter().find(|attribute| attribute.name() == outer),
            None => Some(own),
        }
    }

    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, AttributeProto::i)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.int(name, 0) != 0
    }

    pub fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.attribute(name).map(|attribute| attribute.ints.clone())
    }

    pub fn text(&self, name: &str) -> Option<&[u8]> {
        self.attribute(name).and_then(|attribute| attribute.s.as_deref())
    }

    pub fn input(&self, at: usize) -> Option<&Value> {
        self.inputs.get(at).and_then(Option::as_ref)
    }

    /// The input that the operator cannot be without.
    pub fn first(&self) -> Result<&Value, Stop> {
        self.input(0).map_or_else(|| doubt("has no input"), Ok)
    }

    pub fn given(&self) -> impl Iterator<Item = &Value> {
        self.inputs.iter().flatten()
    }

    pub fn shape(&self, at: usize) -> Result<&[Size], Stop> {
        match self.input(at).and_then(|value| value.shape.as_deref()) {
            Some(shape) => Ok(shape),
            None => doubt("takes a value of unknown rank"),
        }
    }

    /// All inputs but those at these places must be the same alone and among others.
    pub fn others_are_same(&self, but: &[usize]) -> Result<(), Stop> {
        let differs = |(at, input): (usize, &Option<Value>)| {
            !but.contains(&at) && input.as_ref().is_some_and(|value| !value.is_same())
        };
        if self.inputs.iter().enumerate().any(differs) {
            return mixes("takes what is one for all rows from the rows");
        }
        Ok(())
    }

    /// Whole numbers from an attribute or, in later operator sets, an input; `None` where neither is given.
    pub fn numbers(&self, attribute: &str, input: usize) -> Result<Option<Vec<i64>>, Stop> {
        if let Some(numbers) = self.ints(attribute) {
            return Ok(Some(numbers));
        }
        match self.input(input) {
            None => Ok(None),
            Some(value) if !value.is_same() => mixes(format!("takes its {attribute} from the rows")),
            Some(value) => match value.integers() {
                Some(numbers) => Ok(Some(numbers)),
                None if value.counts_rows() => mixes(format!("takes its {attribute} from the number of rows")),
                None => doubt(format!("computes its {attribute}")),
            },
        }
    }

    pub fn has_unknown_rows(&self) -> bool {
        self.given().any(|value| value.rows == Rows::Unknown)
    }
}

/// The axis that a number names in a shape of that rank.
pub fn resolve(axis: i64, rank: usize) -> Result<usize, Stop> {
    let rank_signed = rank as i64;
    let resolved = if axis < 0 { axis + rank_signed } else { axis };
    if (0..rank_signed).contains(&resolved) {
        Ok(resolved as usize)
    } else {
        doubt("names an axis that its input lacks")
    }
}
