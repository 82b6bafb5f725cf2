//! What a model takes and gives, and the conversion of values by it.

mod confidence;
mod encoded_input;
mod fit;
mod labels;
mod output;
mod schema;
mod tensor_input;

pub use confidence::{Confidence, confidence};
pub use encoded_input::{Inputs, input_for, inputs_from};
pub use labels::class_names;
pub use output::{Output, Outputs};
pub use schema::check_schema;
pub use tensor_input::{FittedTensor, tensor_input};

use crate::error::{Result, error};
use crate::onnx::proto::{self, DimensionValue, TypeValue};
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
    /// Names of single-valued outputs that a sigmoid made: a binary classifier's probability.
    pub sigmoid_outputs: Vec<String>,
}

impl Signature {
    /// Reads the signature of an ONNX graph. Initializers that are also inputs become optional inputs.
    ///
    /// # Errors
    /// `INVALID_MODEL` for a name that is missing, has a NUL or is given twice, an element type that ONNX does not have, or a graph
    /// without outputs.
    pub fn of_graph(graph: &proto::GraphProto) -> Result<Self> {
        let defaults: std::collections::HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name()).collect();
        let mut inputs = values(&graph.input, "input")?;
        for input in &mut inputs {
            input.optional =
                defaults.contains(input.name.as_str()) || matches!(input.value_type, ValueType::Optional(_));
        }
        // IR versions below 4 list every initializer as an input; those are no inputs to a caller.
        let (required, with_default): (Vec<_>, Vec<_>) =
            inputs.into_iter().partition(|input| !defaults.contains(input.name.as_str()));
        let inputs = required.into_iter().chain(with_default).collect();
        let outputs = values(&graph.output, "output")?;
        if outputs.is_empty() {
            return Err(error!(InvalidModel, "the model has no outputs"));
        }
        let sigmoid_outputs = made_by_sigmoid(graph, &outputs);
        Ok(Self { inputs, outputs, sigmoid_outputs })
    }

    pub fn input(&self, name: &str) -> Option<&ValueInfo> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// Gives outputs their public names; the map holds the graph's names by those.
    pub fn rename_outputs(&mut self, graph_names: &std::collections::HashMap<String, String>) {
        for (public, name) in graph_names {
            let outputs = self.outputs.iter_mut().map(|output| &mut output.name);
            outputs.chain(&mut self.sigmoid_outputs).filter(|own| *own == name).for_each(|own| own.clone_from(public));
        }
    }

    /// The signature without some of its inputs.
    #[must_use]
    pub fn without<'a>(&self, names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.collect();
        let inputs = self.inputs.iter().filter(|input| !names.contains(&input.name.as_str())).cloned().collect();
        Self { inputs, ..self.clone() }
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
    /// `seq(map(int64,tensor(float32)))`.
    pub fn outputs_json(&self) -> Json {
        json!({ "outputs": self.outputs.iter().map(ValueInfo::to_json).collect::<Vec<_>>() })
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

/// The outputs that come from a `Sigmoid` by nothing but another shape or type.
fn made_by_sigmoid(graph: &proto::GraphProto, outputs: &[ValueInfo]) -> Vec<String> {
    let makers: std::collections::HashMap<&str, &proto::NodeProto> =
        graph.node.iter().flat_map(|node| node.output.iter().map(move |output| (output.as_str(), node))).collect();
    let by_sigmoid = |output: &&ValueInfo| {
        let mut name = output.name.as_str();
        for _ in 0..graph.node.len() {
            match makers.get(name) {
                Some(node) if node.is("Sigmoid") => return true,
                Some(node) if ["Cast", "Identity", "Reshape", "Squeeze"].iter().any(|kind| node.is(kind)) => {
                    name = node.input.first().map_or("", String::as_str);
                }
                _ => return false,
            }
        }
        false
    };
    outputs.iter().filter(by_sigmoid).map(|output| output.name.clone()).collect()
}

fn values(infos: &[proto::ValueInfoProto], what: &str) -> Result<Vec<ValueInfo>> {
    let mut names = std::collections::HashSet::new();
    infos
        .iter()
        .map(|info| {
            let name = info.name().to_owned();
            if name.is_empty() || !names.insert(name.clone()) {
                return Err(error!(
                    InvalidModel,
                    "the model has an {what} without a name or two of the name \"{name}\""
                ));
            }
            // ONNX Runtime takes names as texts that end with NUL.
            if name.contains('\0') {
                return Err(error!(InvalidModel, "the name of the {what} \"{}\" has a NUL", name.escape_debug()));
            }
            let value_type = info.r#type.as_ref().map_or(Ok(ValueType::Unknown), value_type)?;
            Ok(ValueInfo { name, value_type, optional: false })
        })
        .collect()
}

fn value_type(declared: &proto::TypeProto) -> Result<ValueType> {
    let element = |inner: &Option<Box<proto::TypeProto>>| {
        inner.as_deref().map_or(Ok(ValueType::Unknown), value_type).map(Box::new)
    };
    Ok(match &declared.value {
        None => ValueType::Unknown,
        Some(TypeValue::Tensor(tensor)) => ValueType::Tensor {
            dtype: dtype(tensor.elem_type())?,
            shape: tensor.shape.as_ref().map(|shape| shape.dim.iter().map(dim).collect()),
        },
        Some(TypeValue::Sequence(inner)) => ValueType::Sequence(element(&inner.elem_type)?),
        Some(TypeValue::Optional(inner)) => ValueType::Optional(element(&inner.elem_type)?),
        Some(TypeValue::Map(map)) => ValueType::Map { key: dtype(map.key_type())?, value: element(&map.value_type)? },
        Some(TypeValue::SparseTensor(_)) => {
            return Err(error!(UnsupportedModel, "sparse tensors as inputs or outputs are not supported"));
        }
    })
}

fn dtype(code: i32) -> Result<DType> {
    DType::from_code(code).ok_or_else(|| error!(InvalidModel, "ONNX has no element type {code}"))
}

fn dim(declared: &proto::Dimension) -> Dim {
    match &declared.value {
        Some(DimensionValue::Fixed(size)) => usize::try_from(*size).map_or(Dim::Free(None), Dim::Fixed),
        Some(DimensionValue::Named(name)) if !name.is_empty() => Dim::Free(Some(name.clone())),
        Some(DimensionValue::Named(_)) | None => Dim::Free(None),
    }
}
