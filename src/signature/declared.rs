//! What a model declares of its inputs and outputs.

use super::class_output::ClassOutput;
use super::probabilities::Source;
use crate::error::{Result, error};
use crate::tensor::DType;
use serde_json::{Value as Json, json};

/// One dimension of a declared shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    Fixed(usize),
    /// Any size; a name ties dimensions of different inputs and outputs together.
    Free(Option<String>),
}

/// The type of an input or output.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueType {
    Tensor {
        dtype: DType,
        /// `None` when the model does not say.
        shape: Option<Vec<Dim>>,
    },
    Sequence(Box<ValueType>),
    Map {
        key: DType,
        value: Box<ValueType>,
    },
    Optional(Box<ValueType>),
    /// The model does not say.
    Unknown,
}

/// A named input or output.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueInfo {
    pub name: String,
    pub value_type: ValueType,
    /// An input that has a default value in the model, or is of type `optional`.
    pub optional: bool,
}

/// The inputs and outputs of a model, in its own order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Signature {
    pub inputs: Vec<ValueInfo>,
    pub outputs: Vec<ValueInfo>,
    /// The outputs that tell how sure the model is, the best first.
    pub confidence: Vec<Source>,
    /// Whether the model may leave rows out by their values: those of stop words.
    pub drops_rows: bool,
    /// The outputs that tell a class.
    pub class_outputs: Vec<ClassOutput>,
}

impl Signature {
    pub fn input(&self, name: &str) -> Option<&ValueInfo> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// Gives outputs their public names; the map holds the graph's names by those.
    pub fn rename_outputs(&mut self, graph_names: &std::collections::HashMap<String, String>) {
        for (public, name) in graph_names {
            let outputs = self.outputs.iter_mut().map(|output| &mut output.name);
            let roles = self.class_outputs.iter_mut().map(|output| &mut output.name);
            outputs.chain(roles).filter(|own| *own == name).for_each(|own| own.clone_from(public));
            self.confidence.iter_mut().for_each(|source| source.rename(name, public));
        }
    }

    /// The outputs that a caller asks for; all when none are named.
    ///
    /// # Errors
    /// `INVALID_INPUT` for a name that the model does not have or that is named twice.
    pub fn select_outputs(&self, wanted: &[String]) -> Result<Vec<String>> {
        let known = |name: &String| self.outputs.iter().any(|output| output.name == *name);
        let names: Vec<&str> = self.outputs.iter().map(|output| output.name.as_str()).collect();
        if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
            return Err(error!(
                InvalidInput,
                "the model has no output \"{unknown}\"; its outputs are {}",
                names.join(", ")
            )
            .with_details(json!({ "outputs": names })));
        }
        if let Some(twice) = wanted.iter().enumerate().find(|(at, name)| wanted[..*at].contains(name)) {
            return Err(error!(InvalidInput, "the output \"{}\" is asked for twice", twice.1));
        }
        Ok(if wanted.is_empty() { names.into_iter().map(str::to_owned).collect() } else { wanted.to_vec() })
    }

    /// The inputs that a caller must give.
    pub fn required_inputs(&self) -> impl Iterator<Item = &ValueInfo> {
        self.inputs.iter().filter(|input| !input.optional)
    }

    /// `{"inputs": [{name, dtype, shape}]}`; see [`Self::outputs_json`] for the fields.
    pub fn inputs_json(&self) -> Json {
        json!({ "inputs": self.inputs.iter().map(ValueInfo::to_json).collect::<Vec<_>>() })
    }

    /// `{"outputs": [{name, dtype, shape}]}`. In a shape a number is a fixed size, a string a named free dimension and -1
    /// an unnamed one; `shape` is null when the model does not say. Other kinds have `type` instead, such as
    /// `seq(map(int64,tensor(float32)))`. `role` is `label` for an output that is the predicted class, `scores` for one that has
    /// a number for each class, the largest for the predicted one; `classes` are the names that the graph has for them.
    pub fn outputs_json(&self) -> Json {
        let described = |output: &ValueInfo| {
            let mut made = output.to_json();
            let told = self.class_outputs.iter().find(|told| told.name == output.name);
            told.inspect(|told| told.write(&mut made));
            made
        };
        json!({ "outputs": self.outputs.iter().map(described).collect::<Vec<_>>() })
    }
}

impl ValueInfo {
    fn to_json(&self) -> Json {
        let mut made = match &self.value_type {
            ValueType::Tensor { dtype, shape } => json!({
                "name": self.name,
                "dtype": dtype.name(),
                "shape": shape.as_ref().map(|dims| dims.iter().map(Dim::to_json).collect::<Vec<_>>()),
            }),
            other => json!({ "name": self.name, "type": other.to_string() }),
        };
        if self.optional {
            made["optional"] = Json::Bool(true);
        }
        made
    }
}

impl Dim {
    fn to_json(&self) -> Json {
        match self {
            Self::Fixed(size) => json!(size),
            Self::Free(Some(name)) => json!(name),
            Self::Free(None) => json!(-1),
        }
    }
}

impl std::fmt::Display for Dim {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(size) => write!(formatter, "{size}"),
            Self::Free(Some(name)) => formatter.write_str(name),
            Self::Free(None) => formatter.write_str("?"),
        }
    }
}

impl std::fmt::Display for ValueType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tensor { dtype, shape: None } => write!(formatter, "tensor({})", dtype.name()),
            Self::Tensor { dtype, shape: Some(dims) } => {
                write!(formatter, "{}[", dtype.name())?;
                for (at, dim) in dims.iter().enumerate() {
                    write!(formatter, "{}{dim}", if at == 0 { "" } else { "," })?;
                }
                formatter.write_str("]")
            }
            Self::Sequence(element) => write!(formatter, "seq({element})"),
            Self::Map { key, value } => write!(formatter, "map({},{value})", key.name()),
            Self::Optional(element) => write!(formatter, "optional({element})"),
            Self::Unknown => formatter.write_str("unknown"),
        }
    }
}
