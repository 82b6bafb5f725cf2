//! The cells of recurrent layers: their weights, and how ONNX's operators run them.

use super::pass::{Pass, Steps};
use super::{mask, scan};
use crate::error::{Result, error};
use crate::onnx::Attribute;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::layers::activation;
use crate::tensorflow::layers::author::Keras;
use crate::tensorflow::layers::config::Config;
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::layers::weight_names::Scope;
use serde_json::Value as Json;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Simple,
    Lstm,
    Gru,
}

impl Kind {
    fn gates(self) -> usize {
        match self {
            Self::Simple => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    /// ONNX's gates as Keras numbers them: Keras has i, f, c, o where ONNX has i, o, f, c.
    fn order(self) -> &'static [usize] {
        match self {
            Self::Simple => &[0],
            Self::Gru => &[0, 1, 2],
            Self::Lstm => &[0, 3, 1, 2],
        }
    }

    fn op_type(self) -> &'static str {
        match self {
            Self::Simple => "RNN",
            Self::Gru => "GRU",
            Self::Lstm => "LSTM",
        }
    }
}

/// A cell, with its weights as Keras has them.
pub struct Cell<'a> {
    kind: Kind,
    units: usize,
    /// `[inputs, gates * units]`.
    kernel: Constant,
    /// `[units, gates * units]`.
    recurrent: Constant,
    /// For the inputs and for the state, `gates * units` each.
    bias: Option<[Vec<f32>; 2]>,
    /// The reset gate of a GRU acts on the product with the state, not on the state.
    reset_after: bool,
    activation: &'a Json,
    gate_activation: &'a Json,
}

impl<'a> Cell<'a> {
    /// Reads the weights of a cell.
    ///
    /// # Errors
    /// `UNSUPPORTED_MODEL` for a cell that is not known, `INVALID_MODEL` for weights that do not fit each other.
    pub fn read(layer: &mut Layer<'_, 'a>, class: &str, config: Config<'a>, scope: &mut Scope) -> Result<Self> {
        let kind = match class {
            "SimpleRNN" => Kind::Simple,
            "LSTM" => Kind::Lstm,
            "GRU" => Kind::Gru,
            other => return Err(error!(UnsupportedModel, "the cell \"{other}\" is not supported")),
        };
        let (kernel, recurrent, old_bias) = match gates_apart(layer, kind, scope)? {
            Some((kernel, recurrent, bias)) => (kernel, recurrent, Some(bias)),
            None => {
                let kernel = layer.context.weights.take(scope, "kernel", 2)?;
                (kernel, layer.context.weights.take(scope, "recurrent_kernel", 2)?, None)
            }
        };
        let units = recurrent.shape[0];
        let all = units.saturating_mul(kind.gates());
        if units == 0 || recurrent.shape[1] != all || kernel.shape[1] != all {
            return Err(error!(
                InvalidModel,
                "its weights {:?} and {:?} do not fit {} gates",
                kernel.shape,
                recurrent.shape,
                kind.gates()
            ));
        }
        let mut reset_after = config.flag("reset_after", layer.class == "CuDNNGRU")?;
        let bias = if config.flag("use_bias", true)? {
            let folded = layer.class.starts_with("CuDNN");
            let rank = if kind == Kind::Gru && reset_after && !folded { 2 } else { 1 };
            let bias = match old_bias {
                Some(bias) => bias,
                None => layer.context.weights.take(scope, "bias", rank)?,
            };
            let numbers = bias.floats().unwrap_or_default();
            if numbers.len() == 2 * all {
                Some([numbers[..all].to_vec(), numbers[all..].to_vec()])
            } else if numbers.len() == all && rank == 1 {
                Some([numbers, vec![0.0; all]])
            } else {
                return Err(error!(InvalidModel, "its bias {:?} does not fit {units} units", bias.shape));
            }
        } else {
            None
        };
        reset_after &= kind == Kind::Gru;
        // CuDNN has these built in.
        static SIGMOID: std::sync::LazyLock<Json> = std::sync::LazyLock::new(|| Json::from("sigmoid"));
        static TANH: std::sync::LazyLock<Json> = std::sync::LazyLock::new(|| Json::from("tanh"));
        let activation = if config.has("activation") { config.json("activation") } else { &*TANH };
        let gate_activation =
            if config.has("recurrent_activation") { config.json("recurrent_activation") } else { &*SIGMOID };
        Ok(Self { kind, units, kernel, recurrent, bias, reset_after, activation, gate_activation })
    }

    /// How many states the cell has.
    pub fn states(&self) -> usize {
        if self.kind == Kind::Lstm { 2 } else { 1 }
    }

    /// Runs the cell over a sequence.
    ///
    /// # Errors
    /// `UNSUPPORTED_MODEL` for activations that are not known.
    pub fn run(&self, emit: &mut Emit, keras: Keras, steps: &Steps) -> Result<Pass> {
        if emit.size(steps.x, -1).is_some_and(|size| size != self.kernel.shape[0] as i64) {
            return Err(error!(InvalidModel, "its kernel {:?} does not fit its input", self.kernel.shape));
        }
        let gate = native(keras, self.gate_activation)?;
        let inner = native(keras, self.activation)?;
        match (gate, inner, self.kind) {
            (_, Some(inner), Kind::Simple) => self.operate(emit, steps, &[inner]),
            (Some(gate), Some(inner), Kind::Gru) => self.operate(emit, steps, &[gate, inner]),
            (Some(gate), Some(inner), Kind::Lstm) => self.operate(emit, steps, &[gate, inner, inner]),
            _ => self.scan(emit, keras, steps),
        }
    }

    /// With ONNX's operator.
    fn operate(&self, emit: &mut Emit, steps: &Steps, activations: &[Native]) -> Result<Pass> {
        let Some(mask) = steps.mask else {
            return Ok(self.operate_on(emit, steps, steps.x, Value::ABSENT, activations));
        };
        let packed = mask::pack(emit, steps.x, mask);
        let pass = self.operate_on(emit, steps, packed.x, packed.lengths, activations);
        let sequence = packed.unpack(emit, pass.sequence, steps);
        // A row in which no step counts ends as it began.
        let initial: Vec<Value> = if steps.initial.is_empty() {
            let zeros = emit.float(0.0);
            vec![zeros; pass.states.len()]
        } else {
            steps.initial.clone()
        };
        let states: Vec<Value> = pass
            .states
            .iter()
            .zip(initial)
            .map(|(&state, initial)| packed.unless_empty(emit, state, initial))
            .collect();
        let zero = emit.float(0.0);
        let last = packed.unless_empty(emit, pass.last, zero);
        let last = if steps.zero_masked { packed.last_of(emit, sequence, steps.backwards) } else { last };
        Ok(Pass { sequence, last, states })
    }

    fn operate_on(&self, emit: &mut Emit, steps: &Steps, x: Value, lengths: Value, activations: &[Native]) -> Pass {
        let kernel = self.gates(&self.kernel);
        let recurrent = self.gates(&self.recurrent);
        let kernel = emit.constant(kernel);
        let recurrent = emit.constant(recurrent);
        let bias = match &self.bias {
            None => Value::ABSENT,
            Some(both) => {
                let ordered = both.iter().flat_map(|bias| {
                    self.kind.order().iter().flat_map(|&gate| &bias[gate * self.units..(gate + 1) * self.units])
                });
                let ordered: Vec<f32> = ordered.copied().collect();
                emit.constant(Constant::of_f32(&[1, ordered.len()], &ordered))
            }
        };
        let mut initial: Vec<Value> = steps.initial.iter().map(|&state| emit.unsqueeze(state, &[0])).collect();
        initial.resize(2, Value::ABSENT);
        let direction = if steps.backwards { "reverse" } else { "forward" };
        let mut attributes: Vec<(&'static str, Attribute)> = vec![
            ("hidden_size", (self.units as i64).into()),
            ("direction", direction.into()),
            ("activations", activations.iter().map(|native| native.name.to_owned()).collect::<Vec<_>>().into()),
        ];
        let alphas: Vec<f32> = activations.iter().filter_map(|native| native.alpha).collect();
        let betas: Vec<f32> = activations.iter().filter_map(|native| native.beta).collect();
        if !alphas.is_empty() {
            attributes.push(("activation_alpha", alphas.into()));
        }
        if !betas.is_empty() {
            attributes.push(("activation_beta", betas.into()));
        }
        if self.reset_after {
            attributes.push(("linear_before_reset", 1.into()));
        }
        let inputs = [x, kernel, recurrent, bias, lengths, initial[0], initial[1]];
        let inputs = &inputs[..5 + self.states()];
        let made = emit.op_n(self.kind.op_type(), inputs, attributes, 1 + self.states());
        let sequence = emit.squeeze(made[0], &[1]);
        let states: Vec<Value> = made[1..].iter().map(|&state| emit.squeeze(state, &[0])).collect();
        Pass { sequence, last: states[0], states }
    }

    /// `[rows, gates * units]` as `[1, gates * units, rows]`, in ONNX's order.
    fn gates(&self, matrix: &Constant) -> Constant {
        let rows = matrix.shape[0];
        let numbers = matrix.floats().unwrap_or_default();
        let width = self.units * self.kind.gates();
        let mut moved = Vec::with_capacity(numbers.len());
        for &gate in self.kind.order() {
            for column in gate * self.units..(gate + 1) * self.units {
                moved.extend((0..rows).map(|row| numbers[row * width + column]));
            }
        }
        Constant::of_f32(&[1, width, rows], &moved)
    }

    /// Step by step, for activations that ONNX's operators do not have.
    fn scan(&self, emit: &mut Emit, keras: Keras, steps: &Steps) -> Result<Pass> {
        let kernel = emit.constant(self.kernel.clone());
        let recurrent = emit.constant(self.recurrent.clone());
        let width = self.units * self.kind.gates();
        let bias = |emit: &mut Emit, at: usize| {
            let bias = self.bias.as_ref()?;
            Some(emit.constant(Constant::of_f32(&[width], &bias[at])))
        };
        let mut x = emit.op("MatMul", &[steps.x, kernel]);
        if let Some(bias) = bias(emit, 0) {
            x = emit.add(x, bias);
        }
        let initial = if steps.initial.is_empty() {
            let shape = emit.shape_of(x);
            let batch = emit.slice(shape, 0, 1, 2);
            let units = emit.int64s(&[self.units as i64]);
            let shape = emit.concat(&[batch, units], 0);
            let zero = emit.float(0.0);
            vec![emit.op("Expand", &[zero, shape]); self.states()]
        } else {
            steps.initial.clone()
        };
        let recurrent_bias = bias(emit, 1).filter(|_| self.reset_after);
        scan::run(emit, steps, x, initial, |emit, x, states| match self.kind {
            Kind::Simple => {
                let product = emit.op("MatMul", &[states[0], recurrent]);
                let sum = emit.add(x, product);
                Ok(vec![activation::apply(emit, keras, self.activation, sum)?])
            }
            Kind::Lstm => self.lstm_step(emit, keras, x, states, recurrent),
            Kind::Gru => self.gru_step(emit, keras, x, states[0], recurrent, recurrent_bias),
        })
    }

    /// Parts of equal size, one for each gate.
    fn split_gates(&self, emit: &mut Emit, x: Value) -> Vec<Value> {
        emit.split(x, 1, &vec![self.units as i64; self.kind.gates()])
    }

    fn lstm_step(
        &self,
        emit: &mut Emit,
        keras: Keras,
        x: Value,
        states: &[Value],
        recurrent: Value,
    ) -> Result<Vec<Value>> {
        let gate = |emit: &mut Emit, x| activation::apply(emit, keras, self.gate_activation, x);
        let product = emit.op("MatMul", &[states[0], recurrent]);
        let sum = emit.add(x, product);
        let parts = self.split_gates(emit, sum);
        let (input, forget, output) = (gate(emit, parts[0])?, gate(emit, parts[1])?, gate(emit, parts[3])?);
        let new = activation::apply(emit, keras, self.activation, parts[2])?;
        let kept = emit.mul(forget, states[1]);
        let added = emit.mul(input, new);
        let c = emit.add(kept, added);
        let shown = activation::apply(emit, keras, self.activation, c)?;
        Ok(vec![emit.mul(output, shown), c])
    }

    fn gru_step(
        &self,
        emit: &mut Emit,
        keras: Keras,
        x: Value,
        h: Value,
        recurrent: Value,
        recurrent_bias: Option<Value>,
    ) -> Result<Vec<Value>> {
        let gate = |emit: &mut Emit, x| activation::apply(emit, keras, self.gate_activation, x);
        let xs = self.split_gates(emit, x);
        let (z, new) = if self.reset_after {
            let mut product = emit.op("MatMul", &[h, recurrent]);
            if let Some(bias) = recurrent_bias {
                product = emit.add(product, bias);
            }
            let hs = self.split_gates(emit, product);
            let (z, r) = (emit.add(xs[0], hs[0]), emit.add(xs[1], hs[1]));
            let (z, r) = (gate(emit, z)?, gate(emit, r)?);
            let reset = emit.mul(r, hs[2]);
            (z, emit.add(xs[2], reset))
        } else {
            let us = self.split_gates(emit, recurrent);
            let (z, r) = (emit.op("MatMul", &[h, us[0]]), emit.op("MatMul", &[h, us[1]]));
            let (z, r) = (emit.add(xs[0], z), emit.add(xs[1], r));
            let (z, r) = (gate(emit, z)?, gate(emit, r)?);
            let reset = emit.mul(r, h);
            let product = emit.op("MatMul", &[reset, us[2]]);
            (z, emit.add(xs[2], product))
        };
        let new = activation::apply(emit, keras, self.activation, new)?;
        let difference = emit.sub(h, new);
        let kept = emit.mul(z, difference);
        Ok(vec![emit.add(new, kept)])
    }
}

/// The kernels and the bias of Keras 1, which has a weight for each gate.
fn gates_apart(
    layer: &mut Layer<'_, '_>,
    kind: Kind,
    scope: &mut Scope,
) -> Result<Option<(Constant, Constant, Constant)>> {
    let gates: &[&str] = match kind {
        Kind::Simple => return Ok(None),
        Kind::Lstm => &["i", "f", "c", "o"],
        Kind::Gru => &["z", "r", "h"],
    };
    if !layer.context.weights.has(scope, &format!("W_{}", gates[0])) {
        return Ok(None);
    }
    let mut join = |name: &str, rank: usize| -> Result<Constant> {
        let parts = gates.iter().map(|gate| layer.context.weights.take(scope, &format!("{name}_{gate}"), rank));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let shape = parts[0].shape.clone();
        if parts.iter().any(|part| part.shape != shape) {
            return Err(error!(InvalidModel, "the weights \"{name}\" of its gates do not fit each other"));
        }
        let numbers: Vec<Vec<f32>> = parts.iter().map(|part| part.floats().unwrap_or_default()).collect();
        let width = shape[rank - 1];
        let rows = if rank == 2 { shape[0] } else { 1 };
        let joined: Vec<f32> = (0..rows)
            .flat_map(|row| numbers.iter().flat_map(move |part| part[row * width..(row + 1) * width].iter().copied()))
            .collect();
        let mut joined_shape = shape;
        joined_shape[rank - 1] = width * gates.len();
        Ok(Constant::of_f32(&joined_shape, &joined))
    };
    Ok(Some((join("W", 2)?, join("U", 2)?, join("b", 1)?)))
}

/// An activation as ONNX's recurrent operators have it.
#[derive(Debug, Clone, Copy)]
struct Native {
    name: &'static str,
    alpha: Option<f32>,
    beta: Option<f32>,
}

/// `None` for a function that the operators do not have.
fn native(keras: Keras, function: &Json) -> Result<Option<Native>> {
    let plain = |name| Native { name, alpha: None, beta: None };
    Ok(Some(match activation::name(function)? {
        "tanh" => plain("Tanh"),
        "sigmoid" => plain("Sigmoid"),
        "relu" => plain("Relu"),
        "softsign" => plain("Softsign"),
        "softplus" => plain("Softplus"),
        "elu" => Native { name: "Elu", alpha: Some(1.0), beta: None },
        "linear" => Native { name: "Affine", alpha: Some(1.0), beta: Some(0.0) },
        "hard_sigmoid" => {
            Native { name: "HardSigmoid", alpha: Some(activation::hard_sigmoid_slope(keras)), beta: Some(0.5) }
        }
        _ => return Ok(None),
    }))
}
