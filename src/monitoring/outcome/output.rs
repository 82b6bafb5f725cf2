//! The outputs of a prediction, and what the model declares of them.

use super::cells::Cells;
use super::deviation::{difference, number};
use crate::signature::is_label_name;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// What a record says of an output.
#[derive(Debug, Deserialize)]
pub struct Declared {
    name: String,
    dtype: Option<String>,
    shape: Option<Vec<Json>>,
    r#type: Option<String>,
    role: Option<String>,
    classes: Option<Vec<String>>,
}

impl Declared {
    /// Whether a model with this output predicts classes, also where the output is not asked for.
    pub fn tells_class(&self) -> bool {
        self.role.is_some() || self.r#type.as_ref().is_some_and(|kind| kind.contains("map("))
    }
}

#[derive(Deserialize)]
struct Outputs {
    outputs: Vec<Declared>,
}

/// What is not described as this release describes outputs is as if it were not described.
pub fn declared(text: &str) -> Vec<Declared> {
    serde_json::from_str::<Outputs>(text).map(|described| described.outputs).unwrap_or_default()
}

/// An output of a prediction.
#[derive(Debug)]
pub struct Output<'a> {
    pub name: &'a str,
    pub value: &'a Json,
    declared: Option<&'a Declared>,
}

pub fn outputs_of<'a>(values: &'a Map<String, Json>, declared: &'a [Declared]) -> Vec<Output<'a>> {
    values
        .iter()
        .map(|(name, value)| Output { name, value, declared: declared.iter().find(|output| output.name == *name) })
        .collect()
}

impl<'a> Output<'a> {
    /// The predicted class itself. Without a description, or one of an earlier release, its name has to tell.
    pub fn is_label(&self) -> bool {
        match self.declared.and_then(|declared| declared.role.as_deref()) {
            Some(role) => role == "label",
            None => is_label_name(self.name) && !self.is_float(),
        }
    }

    pub fn is_scores(&self) -> bool {
        self.declared.is_some_and(|declared| declared.role.as_deref() == Some("scores"))
    }

    /// Texts or booleans, which are equal or not, whatever they stand for.
    pub fn is_text_or_bool(&self) -> bool {
        match self.dtype() {
            Some(dtype) => matches!(dtype, "string" | "bool"),
            None => self.are_all(|cell| cell.is_string() || cell.is_boolean()),
        }
    }

    /// A regression's numbers, by what the model declares.
    pub fn is_numeric(&self) -> bool {
        self.dtype().is_some_and(|dtype| !matches!(dtype, "string" | "bool")) && !self.is_label() && !self.is_scores()
    }

    pub fn is_float(&self) -> bool {
        match self.dtype() {
            Some(dtype) => dtype.contains("float"),
            None => self.are_all(Json::is_f64),
        }
    }

    pub fn is_class_maps(&self) -> bool {
        self.are_all(Json::is_object)
    }

    /// How many dimensions it is declared with.
    pub fn rank(&self) -> Option<usize> {
        self.declared?.shape.as_ref().map(Vec::len)
    }

    pub fn classes(&self) -> Option<&'a [String]> {
        self.declared?.classes.as_deref()
    }

    fn dtype(&self) -> Option<&str> {
        self.declared?.dtype.as_deref()
    }

    fn are_all(&self, is_right: impl Fn(&Json) -> bool) -> bool {
        Cells::of(self.value).is_some_and(|found| !found.cells.is_empty() && found.cells.into_iter().all(is_right))
    }

    /// Each true number, and by how much the predicted one is off; `None` when the outcome has other numbers, or as many in another shape.
    pub fn errors(&self, truth: &Json) -> Option<Vec<(f64, f64)>> {
        if !self.is_numeric() {
            return None;
        }
        let (predicted, truths) = (Cells::of(self.value)?, Cells::of(truth)?);
        if predicted.squeezed() != truths.squeezed() {
            return None;
        }
        let pairs = predicted.cells.into_iter().zip(truths.cells);
        pairs.map(|(predicted, truth)| Some((number(truth)?, difference(predicted, truth)?))).collect()
    }
}
