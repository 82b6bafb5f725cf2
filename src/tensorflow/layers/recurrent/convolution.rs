//! `ConvLSTM`: an LSTM whose products are convolutions. Those of the inputs are computed for all steps at once.

use super::pass::{Pass, Steps};
use super::scan;
use crate::error::{Result, error};
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::layers::activation;
use crate::tensorflow::layers::config::Config;
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::layers::weight_names::Scope;
use crate::tensorflow::spatial::{self, Padding, Window};

/// What the layer is made of.
struct Gates {
    filters: usize,
    kernel: Constant,
    recurrent: Constant,
    bias: Option<Constant>,
    window: Window,
}

impl Gates {
    fn read(layer: &mut Layer<'_, '_>, config: Config, scope: &mut Scope, axes: usize) -> Result<Self> {
        let kernel = layer.context.weights.take(scope, "kernel", axes + 2)?;
        let recurrent = layer.context.weights.take(scope, "recurrent_kernel", axes + 2)?;
        let filters = recurrent.shape[axes];
        if filters == 0 || recurrent.shape[axes + 1] != filters * 4 || kernel.shape[axes + 1] != filters * 4 {
            return Err(error!(
                InvalidModel,
                "its weights {:?} and {:?} do not fit four gates", kernel.shape, recurrent.shape
            ));
        }
        let bias = if config.flag("use_bias", true)? {
            let bias = layer.context.weights.take(scope, "bias", 1)?;
            if bias.shape != [filters * 4] {
                return Err(error!(InvalidModel, "its bias {:?} does not fit {filters} filters", bias.shape));
            }
            Some(bias)
        } else {
            None
        };
        let window = Window {
            strides: config.sizes("strides", axes, 1)?,
            dilations: config.sizes("dilation_rate", axes, 1)?,
            padding: match config.text("padding", "valid")? {
                "valid" => Padding::Valid,
                "same" => Padding::Same,
                other => return Err(error!(InvalidModel, "the padding \"{other}\" is not known")),
            },
        };
        Ok(Self { filters, kernel, recurrent, bias, window })
    }

    /// The products of the inputs of all steps, which are convolved as one batch.
    fn of_inputs(&self, emit: &mut Emit, x: Value, is_channels_first: bool) -> Result<Value> {
        let x_shape = emit.shape_of(x);
        let image = emit.slice(x_shape, 0, 2, i64::MAX);
        let free = emit.int64s(&[-1]);
        let flat = emit.concat(&[free, image], 0);
        let mut images = emit.reshape_to(x, flat);
        if !is_channels_first {
            images = spatial::to_channels_first(emit, images)?;
        }
        let bias = self.bias.clone().map(|bias| emit.constant(bias));
        let kernel = emit.constant(self.kernel.clone());
        let made = spatial::convolution(emit, images, kernel, bias, &self.window)?;
        let made_shape = emit.shape_of(made);
        let image = emit.slice(made_shape, 0, 1, i64::MAX);
        let leading = emit.slice(x_shape, 0, 0, 2);
        let whole = emit.concat(&[leading, image], 0);
        let known: Option<Vec<Option<i64>>> = match (emit.shape(x), emit.shape(made)) {
            (Some(before), Some(after)) => Some([&before[..2], &after[1..]].concat()),
            _ => None,
        };
        let made = emit.reshape_to(made, whole);
        if let Some(known) = known {
            emit.assume_shape(made, &known);
        }
        Ok(made)
    }
}

/// Runs the layer over `[time, batch, spatial..., channels]`.
pub fn run(layer: &mut Layer<'_, '_>, config: Config, scope: &mut Scope, steps: &Steps) -> Result<Pass> {
    let axes = layer.rank(steps.x)?.saturating_sub(3);
    if !(1..=3).contains(&axes) {
        return Err(error!(InvalidModel, "a sequence of images is expected"));
    }
    let gates = Gates::read(layer, config, scope, axes)?;
    let is_channels_first = config.is_channels_first()?;
    let keras = layer.context.keras;
    let (act, gate) = (config.json("activation"), config.json("recurrent_activation"));
    let emit = &mut *layer.emit;
    let made = gates.of_inputs(emit, steps.x, is_channels_first)?;
    let initial = if steps.initial.is_empty() {
        zeros(emit, made, gates.filters)
    } else {
        let to_first = |&state| if is_channels_first { Ok(state) } else { spatial::to_channels_first(emit, state) };
        steps.initial.iter().map(to_first).collect::<Result<_>>()?
    };
    if initial.len() != 2 {
        return Err(error!(InvalidModel, "2 initial states are expected, not {}", initial.len()));
    }
    let still = Window { strides: vec![1; axes], dilations: vec![1; axes], padding: Padding::Same };
    let recurrent = emit.constant(gates.recurrent.clone());
    let sizes = vec![gates.filters as i64; 4];
    let mut pass = scan::run(emit, steps, made, initial, |emit, x, states| {
        let product = spatial::convolution(emit, states[0], recurrent, None, &still)?;
        let sum = emit.add(x, product);
        let parts = emit.split(sum, 1, &sizes);
        let input = activation::apply(emit, keras, gate, parts[0])?;
        let forget = activation::apply(emit, keras, gate, parts[1])?;
        let new = activation::apply(emit, keras, act, parts[2])?;
        let output = activation::apply(emit, keras, gate, parts[3])?;
        let kept = emit.mul(forget, states[1]);
        let added = emit.mul(input, new);
        let c = emit.add(kept, added);
        let shown = activation::apply(emit, keras, act, c)?;
        Ok(vec![emit.mul(output, shown), c])
    })?;
    if !is_channels_first {
        to_channels_last(emit, &mut pass, axes)?;
    }
    Ok(pass)
}

fn to_channels_last(emit: &mut Emit, pass: &mut Pass, axes: usize) -> Result<()> {
    let order: Vec<usize> = [0, 1].into_iter().chain(3..axes + 3).chain([2]).collect();
    pass.sequence = emit.transpose(pass.sequence, &order);
    pass.last = spatial::to_channels_last(emit, pass.last)?;
    for state in &mut pass.states {
        *state = spatial::to_channels_last(emit, *state)?;
    }
    Ok(())
}

/// Two states of zeros, for `[time, batch, gates, spatial...]`.
fn zeros(emit: &mut Emit, x: Value, filters: usize) -> Vec<Value> {
    let shape = emit.shape_of(x);
    let batch = emit.slice(shape, 0, 1, 2);
    let channels = emit.int64s(&[filters as i64]);
    let image = emit.slice(shape, 0, 3, i64::MAX);
    let shape = emit.concat(&[batch, channels, image], 0);
    let zero = emit.constant(Constant::of_f32(&[], &[0.0]));
    vec![emit.op("Expand", &[zero, shape]); 2]
}
