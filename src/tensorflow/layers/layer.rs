//! A layer at one of its calls.

use super::author::Keras;
use super::config::Config;
use super::refused::REFUSED;
use super::topology::{Argument, Call, Kind, Model, Spec};
use super::weight_names::{Scope, WeightIndex};
use crate::error::{Error, ErrorCode, Result, error};
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::{Emit, Value};
use serde_json::Value as Json;
use std::collections::HashSet;

/// What a layer does: reads its configuration, weights and inputs, and emits operations. Returns the layer's outputs.
pub type Rule = fn(&mut Layer<'_, '_>) -> Result<Vec<Value>>;

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
pub struct Context<'a> {
    pub weights: WeightIndex<'a>,
    pub keras: Keras,
    /// The rule of a layer, when its class is known.
    pub rule: fn(&Spec) -> Option<Rule>,
    /// Why layers were refused.
    problems: Vec<String>,
    /// The layers of classes that are not known.
    unknown: HashSet<String>,
    /// How many times layers were called.
    pub calls: usize,
}

impl<'a> Context<'a> {
    pub fn new(weights: WeightIndex<'a>, keras: Keras, rule: fn(&Spec) -> Option<Rule>) -> Self {
        Self { weights, keras, rule, problems: Vec::new(), unknown: HashSet::new(), calls: 0 }
    }

    /// Notes every layer of a class that is not known.
    pub fn name_unsupported(&mut self, model: &Model, path: &str) {
        for spec in &model.layers {
            let path = if path.is_empty() { spec.name.clone() } else { format!("{path}/{}", spec.name) };
            match &spec.kind {
                Kind::Input { .. } => {}
                Kind::Model(model) => self.name_unsupported(model, &path),
                Kind::Layer if (self.rule)(spec).is_some() => {}
                Kind::Layer => self.note_unknown(spec.class, &path),
            }
        }
    }

    pub fn note_unknown(&mut self, class: &str, path: &str) {
        if self.unknown.insert(path.to_owned()) {
            let reason = REFUSED.iter().find(|(refused, _)| *refused == class);
            let reason = reason.map(|(_, reason)| format!(": {reason}")).unwrap_or_default();
            self.problems.push(format!("{class} (layer \"{path}\"){reason}"));
        }
    }

    /// Notes why a layer is not supported.
    ///
    /// # Errors
    /// Any other problem, with the name of the layer.
    pub fn note_refusal(&mut self, spec: &Spec, path: &str, problem: Error) -> Result<()> {
        if problem.code == ErrorCode::UnsupportedModel {
            self.problems.push(format!("{} (layer \"{path}\"): {}", spec.class, problem.message));
            return Ok(());
        }
        let message = format!("layer \"{path}\" ({}): {}", spec.class, problem.message);
        Err(Error { message, ..problem })
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
    pub context: &'t mut Context<'a>,
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
            return Err(error!(UnsupportedModel, "string tensors are not supported by this layer"));
        }
        Ok(self.emit.cast(value, DType::Float32))
    }

    /// The rank of a value.
    ///
    /// # Errors
    /// `UNSUPPORTED_MODEL` when it is not known.
    pub fn rank(&self, value: Value) -> Result<usize> {
        self.emit.rank(value).ok_or_else(|| error!(UnsupportedModel, "the rank of its input is not known"))
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
        self.context.weights.take(&mut self.scope, variable, rank)
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
