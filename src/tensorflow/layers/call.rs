//! The calls of a model's layers, one after the other.

use super::layer::{Context, Layer, Tensor};
use super::topology::{Argument, Call, Kind, Model, Spec};
use super::weight_names::Scope;
use crate::error::{Result, error};
use crate::tensorflow::emit::Emit;
use std::collections::{HashMap, HashSet};

/// How many times layers are called at most, with the layers of models that are called several times.
const MAX_CALLS: usize = 10_000;

/// What a layer that was refused is taken to give.
const MAX_OUTPUTS: usize = 64;

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

impl<'t, 'a> Layer<'t, 'a> {
    /// Calls a layer or a model. The outputs are `None` when it is refused; why is noted in the context.
    ///
    /// # Errors
    /// `INVALID_MODEL` for configurations that make no sense and weights that are missing.
    pub fn call(
        emit: &mut Emit,
        context: &mut Context<'a>,
        spec: &Spec<'a>,
        scope: &Scope,
        path: &str,
        given: Call<'a, Tensor>,
    ) -> Result<Vec<Option<Tensor>>> {
        context.calls += 1;
        if context.calls > MAX_CALLS {
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
            return run(emit, context, model, scope, path, inputs.into_iter().map(Some).collect());
        }
        let Some(rule) = (context.rule)(spec) else {
            context.note_unknown(spec.class, path);
            return Ok(vec![None; MAX_OUTPUTS]);
        };
        if inputs.is_empty() {
            let first = given.tensors().first().map(|tensor| **tensor);
            inputs.extend(first);
        }
        give_masks(&given, &mut inputs);
        let Some(first) = inputs.first() else {
            return Err(error!(InvalidModel, "the layer \"{path}\" ({}) has no inputs", spec.class));
        };
        emit.at(path);
        let mask = first.mask.filter(|_| KEEPS_MASK.contains(&spec.class));
        let mut layer = Layer {
            emit,
            context,
            class: spec.class,
            config: spec.config,
            scope: scope.clone(),
            path,
            given,
            inputs,
            mask,
        };
        let outcome = rule(&mut layer);
        let mask = layer.mask;
        match outcome {
            Ok(values) => {
                let tensor = |(at, value)| Some(Tensor { value, mask: if at == 0 { mask } else { None } });
                Ok(values.into_iter().enumerate().map(tensor).collect())
            }
            Err(problem) => context.note_refusal(spec, path, problem).map(|()| vec![None; MAX_OUTPUTS]),
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
        let outputs = Layer::call(self.emit, self.context, spec, scope, &path, given)?;
        self.emit.at(self.path);
        let outputs: Option<Vec<Tensor>> = outputs.into_iter().collect();
        outputs.ok_or_else(|| error!(UnsupportedModel, "it has a layer that is not supported"))
    }
}

/// Gives inputs the masks that the call names.
fn give_masks(given: &Call<'_, Tensor>, inputs: &mut [Tensor]) {
    match given.named.iter().find(|(name, _)| *name == "mask") {
        Some((_, Argument::List(masks))) => {
            for (input, mask) in inputs.iter_mut().zip(masks) {
                input.mask = match mask {
                    Argument::Tensor(mask) => Some(mask.value),
                    _ => None,
                };
            }
        }
        Some((_, Argument::Tensor(mask))) => inputs.iter_mut().take(1).for_each(|input| input.mask = Some(mask.value)),
        _ => {}
    }
}

/// Calls the layers of a model, each when its inputs are there. An output is `None` where a layer was refused before it.
pub fn run<'a>(
    emit: &mut Emit,
    context: &mut Context<'a>,
    model: &Model<'a>,
    scope: &Scope,
    path: &str,
    inputs: Vec<Option<Tensor>>,
) -> Result<Vec<Option<Tensor>>> {
    if inputs.len() != model.inputs.len() {
        return Err(error!(
            InvalidModel,
            "the model \"{}\" has {} inputs and is given {}",
            model.name,
            model.inputs.len(),
            inputs.len()
        ));
    }
    let scopes = scopes(model, scope);
    let mut made: HashMap<(usize, usize), Vec<Option<Tensor>>> =
        model.inputs.iter().zip(inputs).map(|(&layer, input)| ((layer, 0), vec![input])).collect();
    for (layer, call) in order(model, made.keys().copied().collect())? {
        let spec = &model.layers[layer];
        let mut lacking = false;
        let given = spec.calls[call].map(&mut |place| {
            let outputs = &made[&(place.layer, place.call)];
            let Some(output) = outputs.get(place.tensor) else {
                return Err(error!(
                    InvalidModel,
                    "the layer \"{}\" has no output {}", model.layers[place.layer].name, place.tensor
                ));
            };
            lacking |= output.is_none();
            Ok(output.unwrap_or(Tensor::NOTHING))
        })?;
        let outputs = if lacking {
            vec![None; MAX_OUTPUTS]
        } else {
            let path = if path.is_empty() { spec.name.clone() } else { format!("{path}/{}", spec.name) };
            Layer::call(emit, context, spec, &scopes[layer], &path, given)?
        };
        made.insert((layer, call), outputs);
    }
    model
        .outputs
        .iter()
        .map(|place| {
            let output = made.get(&(place.layer, place.call)).and_then(|outputs| outputs.get(place.tensor));
            output.copied().ok_or_else(|| {
                error!(InvalidModel, "the layer \"{}\" has no output {}", model.layers[place.layer].name, place.tensor)
            })
        })
        .collect()
}

/// The calls in an order in which each follows those that it needs; `made` are there from the start.
fn order(model: &Model, mut made: HashSet<(usize, usize)>) -> Result<Vec<(usize, usize)>> {
    let mut waiting: HashMap<(usize, usize), usize> = HashMap::new();
    let mut followers: HashMap<(usize, usize), Vec<(usize, usize)>> = HashMap::new();
    let mut ready = std::collections::VecDeque::new();
    for (layer, spec) in model.layers.iter().enumerate() {
        for (call, given) in spec.calls.iter().enumerate() {
            let needed: HashSet<(usize, usize)> = given
                .tensors()
                .into_iter()
                .map(|place| (place.layer, place.call))
                .filter(|key| !made.contains(key))
                .collect();
            if needed.is_empty() {
                ready.push_back((layer, call));
            }
            waiting.insert((layer, call), needed.len());
            for key in needed {
                followers.entry(key).or_default().push((layer, call));
            }
        }
    }
    let mut sorted = Vec::with_capacity(waiting.len());
    while let Some(key) = ready.pop_front() {
        sorted.push(key);
        made.insert(key);
        for follower in followers.remove(&key).unwrap_or_default() {
            let left = waiting.entry(follower).or_insert(1);
            *left -= 1;
            if *left == 0 {
                ready.push_back(follower);
            }
        }
    }
    if sorted.len() < waiting.len() {
        let stuck = waiting.into_keys().filter(|key| !made.contains(key)).min().unwrap_or_default();
        return Err(error!(
            InvalidModel,
            "the layer \"{}\" waits for its own output or for an input that the model does not have",
            model.layers[stuck.0].name
        ));
    }
    Ok(sorted)
}

/// Where the weights of each layer are.
fn scopes(model: &Model, scope: &Scope) -> Vec<Scope> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let layers = model.layers.iter().map(|spec| {
        let count = counts.entry(spec.class).or_insert(0);
        *count += 1;
        scope.layer(&spec.name, spec.class, *count - 1)
    });
    layers.collect()
}
