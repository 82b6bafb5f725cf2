//! A layer at one of its calls.

use super::config::Config;
use super::shelf::{Scope, Shelf};
use super::topology::{Argument, Call, Kind, Model, Spec};
use super::{REFUSED, rule, run};
use crate::error::{Error, ErrorCode, Result, error};
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::{Emit, Value};
use serde_json::Value as Json;
use std::collections::HashSet;

/// What a layer does: reads its configuration, weights and inputs, and emits operations. Returns the layer's outputs.
pub type Rule = fn(&mut Layer<'_, '_>) -> Result<Vec<Value>>;

/// How many times layers are called at most, with the layers of models that are called several times.
const MAX_CALLS: usize = 10_000;

/// Layers whose outputs have the mask of their input. Other layers drop it, or have a rule of their own.
const KEEPS_MASK: [&str; 24] = [
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "ELU",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "Identity",
    "LayerNormalization",
    "LeakyReLU",
    "Normalization",
    "PReLU",
    "ReLU",
    "Rescaling",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "ThresholdedReLU",
    "TimeDistributed",
    "UnitNormalization",
];

/// Who wrote the model. What a layer means has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keras {
    /// Keras 1 and 2.
    Two,
    Three,
    TensorFlowJs,
}

impl Keras {
    pub fn of(version: Option<&str>) -> Self {
        match version {
            Some(version) if version.starts_with("tfjs") => Self::TensorFlowJs,
            Some(version) if version.starts_with('3') => Self::Three,
            _ => Self::Two,
        }
    }
}

/// A value, and which of its time steps count.
#[derive(Debug, Clone, Copy)]
pub struct Tensor {
    pub value: Value,
    /// Bools `[batch, time]`; all steps count without.
    pub mask: Option<Value>,
}

impl Tensor {
    pub const NOTHING: Self = Self { value: Value::ABSENT, mask: None };
}

/// What all layers share.
pub struct Room<'a> {
    pub shelf: Shelf<'a>,
    pub keras: Keras,
    /// Why layers were refused.
    problems: Vec<String>,
    /// The layers of classes that are not known.
    unknown: HashSet<String>,
    calls: usize,
}

impl<'a> Room<'a> {
    pub fn new(shelf: Shelf<'a>, keras: Keras) -> Self {
        Self { shelf, keras, problems: Vec::new(), unknown: HashSet::new(), calls: 0 }
    }

    /// Notes every layer of a class that is not known.
    pub fn name_unsupported(&mut self, model: &Model, path: &str) {
        for spec in &model.layers {
            let path = if path.is_empty() { spec.name.clone() } else { format!("{path}/{}", spec.name) };
            match &spec.kind {
                Kind::Input { .. } => {}
                Kind::Model(model) => self.name_unsupported(model, &path),
                Kind::Layer if rule(spec).is_some() => {}
                Kind::Layer => self.note_unknown(spec.class, &path),
            }
        }
    }

    fn note_unknown(&mut self, class: &str, path: &str) {
        if self.unknown.insert(path.to_owned()) {
            let reason = REFUSED.iter().find(|(refused, _)| *refused == class);
            let reason = reason.map(|(_, reason)| format!(": {reason}")).unwrap_or_default();
            self.problems.push(format!("{class} (layer \"{path}\"){reason}"));
        }
    }

    /// # Errors
    /// `UNSUPPORTED_MODEL` that names all layers that were refused.
    pub fn refuse(&self) -> Result<()> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(error!(UnsupportedModel, "these layers are not supported: {}", self.problems.join("; ")))
    }
}

/// What a rule reads from and writes to.
pub struct Layer<'t, 'a> {
    pub emit: &'t mut Emit,
    pub room: &'t mut Room<'a>,
    pub class: &'a str,
    pub config: Config<'a>,
    /// Where its weights are.
    pub scope: Scope,
    /// The names of the models around it and its own.
    pub path: &'t str,
    /// What it is called on.
    pub given: Call<'a, Tensor>,
    /// The tensors that are given without a name.
    pub inputs: Vec<Tensor>,
    /// The mask of its first output.
    pub mask: Option<Value>,
}

impl<'t, 'a> Layer<'t, 'a> {
    /// Calls a layer or a model. The outputs are `None` when it is refused; why is noted in the room.
    ///
    /// # Errors
    /// `INVALID_MODEL` for configurations that make no sense and weights that are missing.
    pub fn call(
        emit: &mut Emit,
        room: &mut Room<'a>,
        spec: &Spec<'a>,
        scope: &Scope,
        path: &str,
        given: Call<'a, Tensor>,
    ) -> Result<Vec<Option<Tensor>>> {
        room.calls += 1;
        if room.calls > MAX_CALLS {
            return Err(error!(InvalidModel, "the layers are called more than {MAX_CALLS} times"));
        }
        let mut inputs = Vec::new();
        given.arguments.iter().for_each(|argument| argument.tensors(&mut inputs));
        let mut inputs: Vec<Tensor> = inputs.into_iter().copied().collect();
        if let Kind::Model(model) = &spec.kind {
            let inputs = match inputs.as_slice() {
                [] => given.tensors().into_iter().copied().collect(),
                _ => inputs,
            };
            return run(emit, room, model, scope, path, inputs.into_iter().map(Some).collect());
        }
        let Some(rule) = rule(spec) else {
            room.note_unknown(spec.class, path);
            return Ok(vec![None; super::MAX_OUTPUTS]);
        };
        if inputs.is_empty() {
            let first = given.tensors().first().map(|tensor| **tensor);
            inputs.extend(first);
        }
        match given.named.iter().find(|(name, _)| *name == "mask") {
            Some((_, Argument::List(masks))) => {
                for (input, mask) in inputs.iter_mut().zip(masks) {
                    input.mask = match mask {
                        Argument::Tensor(mask) => Some(mask.value),
                        _ => None,
                    };
                }
            }
            Some((_, Argument::Tensor(mask))) => {
                inputs.iter_mut().take(1).for_each(|input| input.mask = Some(mask.value))
            }
            _ => {}
        }
        let Some(first) = inputs.first() else {
            return Err(error!(InvalidModel, "the layer \"{path}\" ({}) is called on nothing", spec.class));
        };
        emit.at(path);
        let mask = first.mask.filter(|_| KEEPS_MASK.contains(&spec.class));
        let mut layer = Layer {
            emit,
            room,
            class: spec.class,
            config: spec.config,
            scope: scope.clone(),
            path,
            given,
            inputs,
            mask,
        };
        match rule(&mut layer) {
            Ok(values) => {
                let mask = layer.mask;
                let tensor = |(at, value)| Some(Tensor { value, mask: if at == 0 { mask } else { None } });
                Ok(values.into_iter().enumerate().map(tensor).collect())
            }
            Err(problem) if problem.code == ErrorCode::UnsupportedModel => {
                room.problems.push(format!("{} (layer \"{path}\"): {}", spec.class, problem.message));
                Ok(vec![None; super::MAX_OUTPUTS])
            }
            Err(problem) => {
                let message = format!("layer \"{path}\" ({}): {}", spec.class, problem.message);
                Err(Error { message, ..problem })
            }
        }
    }

    /// Calls a layer within this one, such as the one that is wrapped.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn call_within(&mut self, spec: &Spec<'a>, scope: &Scope, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let arguments = inputs.iter().map(|input| Argument::Tensor(*input)).collect();
        let path = format!("{}/{}", self.path, spec.name);
        let given = Call { arguments, named: Vec::new() };
        let outputs = Layer::call(self.emit, self.room, spec, scope, &path, given)?;
        self.emit.at(self.path);
        let outputs: Option<Vec<Tensor>> = outputs.into_iter().collect();
        outputs.ok_or_else(|| error!(UnsupportedModel, "it has a layer that is not supported"))
    }

    /// The first input as it is.
    pub fn raw(&self) -> Value {
        self.inputs[0].value
    }

    /// The first input as float32.
    ///
    /// # Errors
    /// `UNSUPPORTED_MODEL` for strings.
    pub fn x(&mut self) -> Result<Value> {
        self.float(self.inputs[0].value)
    }

    /// A value as float32.
    ///
    /// # Errors
    /// `UNSUPPORTED_MODEL` for strings.
    pub fn float(&mut self, value: Value) -> Result<Value> {
        if self.emit.dtype(value) == DType::String {
            return Err(error!(UnsupportedModel, "strings are not computed with"));
        }
        Ok(self.emit.cast(value, DType::Float32))
    }

    /// The rank of a value.
    ///
    /// # Errors
    /// `UNSUPPORTED_MODEL` when it cannot be told.
    pub fn rank(&self, value: Value) -> Result<usize> {
        self.emit.rank(value).ok_or_else(|| error!(UnsupportedModel, "the rank of its input cannot be told"))
    }

    /// The first input as float32, which must be of this rank.
    ///
    /// # Errors
    /// `INVALID_MODEL` for another rank.
    pub fn x_of_rank(&mut self, rank: usize) -> Result<Value> {
        let x = self.x()?;
        match self.rank(x)? {
            found if found == rank => Ok(x),
            found => Err(error!(InvalidModel, "an input of rank {rank} is expected, not {found}")),
        }
    }

    /// An argument of the call.
    pub fn named(&self, name: &str) -> Option<&Argument<'a, Tensor>> {
        self.given.named.iter().find(|(given, _)| *given == name).map(|(_, argument)| argument)
    }

    /// A tensor that is given by name.
    pub fn named_tensor(&self, name: &str) -> Option<Tensor> {
        match self.named(name)? {
            Argument::Tensor(tensor) => Some(*tensor),
            _ => None,
        }
    }

    /// A flag that is given by name.
    pub fn named_flag(&self, name: &str) -> bool {
        matches!(self.named(name), Some(Argument::Plain(Json::Bool(true))))
    }

    /// The next weight, which Keras calls `variable`.
    ///
    /// # Errors
    /// `INVALID_MODEL` when it is missing or has another rank.
    pub fn weight(&mut self, variable: &str, rank: usize) -> Result<Constant> {
        self.room.shelf.take(&mut self.scope, variable, rank)
    }

    /// The next weight, which has an element for each of so many channels.
    ///
    /// # Errors
    /// `INVALID_MODEL` when it is missing or has another size.
    pub fn vector(&mut self, variable: &str, size: usize) -> Result<Constant> {
        let vector = self.weight(variable, 1)?;
        if vector.shape != [size] {
            return Err(error!(
                InvalidModel,
                "the weight \"{variable}\" should have {size} elements, not {}",
                vector.len()
            ));
        }
        Ok(vector)
    }

    /// The `bias`, when the layer has one.
    ///
    /// # Errors
    /// As [`Self::vector`].
    pub fn bias(&mut self, size: usize) -> Result<Option<Value>> {
        if !self.config.flag("use_bias", true)? {
            return Ok(None);
        }
        let bias = self.vector("bias", size)?;
        Ok(Some(self.emit.constant(bias)))
    }
}
