//! Whether rows of a model stay apart, decided from its graph.
//!
//! Each value is compared with what it would be if every request ran alone: the same, their values joined along an axis,
//! or something else. An operator keeps rows apart by the rule in its row of [`crate::onnx::operators`]. What follows from values
//! is decided here and nowhere else: a check by running may miss it, for a statistic over all rows or a branch that one of
//! them takes shows only with the right neighbours. What depends on nothing but shapes shows in every run, and may be left to it.

mod call;
mod control;
mod elements;
mod graph;
mod rules;
#[cfg(test)]
mod tests;
mod value;

use crate::onnx::proto::ModelProto;
use crate::signature::{Dim, Signature, ValueInfo, ValueType};
use graph::Walk;
use rules::shortened;
use std::collections::HashMap;
use value::{Rows, Size, Value};

/// What the graph says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Independence {
    /// A row of each output follows from the same row of the inputs.
    Proved,
    /// Nothing speaks against it, but for this reason it is not proved.
    Doubtful(String),
    /// It is not so, for this reason.
    Mixing(String),
}

/// What the graph tells about its rows.
#[derive(Debug)]
pub struct Analysis {
    pub independence: Independence,
    /// By required input: the numbers below which its own must be, where they are indices of a table.
    pub table_rows: Vec<Option<usize>>,
}

pub fn analyse(model: &ModelProto, signature: &Signature) -> Analysis {
    let inputs: Vec<&ValueInfo> = signature.required_inputs().collect();
    let mixing =
        |reason: String| Analysis { independence: Independence::Mixing(reason), table_rows: vec![None; inputs.len()] };
    let Some(graph) = &model.graph else { return mixing("the model has no graph".to_owned()) };
    if inputs.is_empty() {
        return mixing("it has no input of which rows could be put together".to_owned());
    }
    let mut walk = Walk::new(model, inputs.len());
    let mut symbols = HashMap::new();
    for info in &graph.input {
        walk.set(info.name(), Value::same(None));
    }
    for (at, info) in inputs.iter().enumerate() {
        let Some(shape) = rows_of_input(info, &mut symbols) else {
            return mixing(format!("input \"{}\" has no free first dimension", shortened(&info.name)));
        };
        walk.set(&info.name, Value { input: Some(at), ..Value::along(0, shape) });
    }
    walk.main(model, graph);
    let verdicts = graph.output.iter().map(|output| verdict(output.name(), walk.get(output.name())));
    let independence = verdicts.fold(Independence::Proved, Independence::and);
    Analysis { independence, table_rows: walk.table_rows }
}

impl Independence {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Mixing(reason), _) | (_, Self::Mixing(reason)) => Self::Mixing(reason),
            (Self::Doubtful(reason), _) | (_, Self::Doubtful(reason)) => Self::Doubtful(reason),
            (Self::Proved, Self::Proved) => Self::Proved,
        }
    }
}

/// The shape of an input with a free first dimension. Dimensions of one name have one size.
fn rows_of_input(info: &ValueInfo, symbols: &mut HashMap<String, u32>) -> Option<Vec<Size>> {
    let ValueType::Tensor { shape: Some(shape), .. } = &info.value_type else { return None };
    let [Dim::Free(first), rest @ ..] = shape.as_slice() else { return None };
    let mut size = |dim: &Dim| match dim {
        Dim::Fixed(size) => i64::try_from(*size).map_or(Size::UNKNOWN, Size::Known),
        Dim::Free(Some(name)) if first.as_ref() == Some(name) => Size::UNKNOWN,
        Dim::Free(name) => {
            // One without a name is like no other.
            let unnamed = symbols.len().to_string();
            let next = symbols.len() as u32 + 1;
            Size::Symbol(*symbols.entry(name.clone().unwrap_or(unnamed)).or_insert(next))
        }
    };
    Some([Size::Rows(Some(1))].into_iter().chain(rest.iter().map(&mut size)).collect())
}

fn verdict(name: &str, value: Option<&Value>) -> Independence {
    let name = shortened(name);
    let Some(value) = value else { return Independence::Mixing(format!("output \"{name}\" comes from nowhere")) };
    if value.padded_with.is_some() {
        return Independence::Mixing(format!("output \"{name}\" is as long as the longest row"));
    }
    let doubt = || {
        let reason = || format!("how output \"{name}\" follows from the rows is not known");
        Independence::Doubtful(value.doubt.as_deref().map_or_else(reason, str::to_owned))
    };
    match (&value.rows, value.shape.as_deref().and_then(<[Size]>::first)) {
        (Rows::Mixed(reason), _) => Independence::Mixing(reason.to_string()),
        (Rows::Along(_), _) if value.outer.is_some() => {
            Independence::Mixing(format!("output \"{name}\" has the rows in another order"))
        }
        (Rows::Same, _) => Independence::Mixing(format!("output \"{name}\" has no row for each row of the inputs")),
        (Rows::Along(0), Some(Size::Rows(Some(1)) | Size::Rows(None)) | None) | (Rows::Items, _) => match value.doubt {
            Some(_) => doubt(),
            None => Independence::Proved,
        },
        (Rows::Along(_), _) => Independence::Mixing(format!("output \"{name}\" has no row for each row of the inputs")),
        (Rows::Unknown, _) => doubt(),
    }
}
