//! Recurrent layers.
//!
//! ONNX's `LSTM`, `GRU` and `RNN` are fast and fit wherever their activations do. Masks are not what their `sequence_lens`
//! are: a mask may leave out any step. So the steps that count are gathered at the front, and what comes out is put back
//! to where they were (`mask`). Other activations, and convolutions over time, run in a `Scan` (`scan`).

mod cell;
mod convolution;
mod mask;
mod pass;
mod scan;

use super::author::Keras;
use super::config::Config;
use super::layer::{Layer, Rule, Tensor};
use super::topology::{Argument, Spec};
use super::weight_names::Scope;
use crate::error::{Result, error};
use crate::tensorflow::emit::{Emit, Value};
use cell::Cell;
use pass::{Pass, Steps};
use serde_json::Value as Json;

pub const RULES: &[(&str, Rule)] = &[
    ("SimpleRNN", recurrent),
    ("LSTM", recurrent),
    ("GRU", recurrent),
    ("CuDNNLSTM", recurrent),
    ("CuDNNGRU", recurrent),
    ("RNN", recurrent),
    ("ConvLSTM1D", recurrent),
    ("ConvLSTM2D", recurrent),
    ("ConvLSTM3D", recurrent),
    ("Bidirectional", bidirectional),
];

/// What a recurrent layer says about itself.
struct Settings {
    return_sequences: bool,
    return_state: bool,
    go_backwards: bool,
    time_major: bool,
    zero_output_for_mask: bool,
}

impl Settings {
    fn read(config: Config) -> Result<Self> {
        Ok(Self {
            return_sequences: config.flag("return_sequences", false)?,
            return_state: config.flag("return_state", false)?,
            go_backwards: config.flag("go_backwards", false)?,
            time_major: config.flag("time_major", false)?,
            zero_output_for_mask: config.flag("zero_output_for_mask", false)?,
        })
    }
}

/// The states that the layer starts from: inputs after the first, or `initial_state`.
fn initial_states(layer: &Layer<'_, '_>) -> Vec<Value> {
    let mut found = Vec::new();
    if let Some(argument @ (Argument::Tensor(_) | Argument::List(_))) = layer.named("initial_state") {
        argument.tensors(&mut found);
    }
    let later = layer.inputs.iter().skip(1);
    later.chain(found).map(|tensor: &Tensor| tensor.value).collect()
}

/// The mask that is given by name, or that of the input. Keras 3 loses the latter where initial states are given.
fn mask_of(layer: &Layer<'_, '_>) -> Option<Value> {
    let lost = layer.context.keras == Keras::Three && !initial_states(layer).is_empty();
    let own = layer.inputs[0].mask.filter(|_| !lost);
    layer.named_tensor("mask").map(|mask| mask.value).or(own)
}

/// `[time, batch, ...]` from `[batch, time, ...]`, and back.
fn swap(emit: &mut Emit, x: Value) -> Result<Value> {
    let rank = emit.rank(x).filter(|&rank| rank >= 2);
    let rank = rank.ok_or_else(|| error!(UnsupportedModel, "the rank of its input is not known"))?;
    let order: Vec<usize> = [1, 0].into_iter().chain(2..rank).collect();
    Ok(emit.transpose(x, &order))
}

/// Keras forgets the states of a stateful layer when it is told to; here each prediction starts anew.
fn recurrent(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let settings = Settings::read(layer.config)?;
    let x = layer.x()?;
    let steps = Steps {
        x: if settings.time_major { x } else { swap(layer.emit, x)? },
        mask: mask_of(layer),
        initial: initial_states(layer),
        backwards: settings.go_backwards,
        zero_masked: settings.zero_output_for_mask,
    };
    let scope = layer.scope.clone();
    let passes = run(layer, layer.class, layer.config, &scope, steps)?;
    let sequence = if settings.return_sequences {
        let mut sequence = passes.0.sequence;
        if settings.go_backwards {
            // What comes out stays in the order in which it came.
            sequence = layer.emit.slice_by(sequence, 0, -1, i64::MIN, -1);
        }
        if settings.time_major { sequence } else { swap(layer.emit, sequence)? }
    } else {
        layer.mask = None;
        passes.0.last
    };
    if settings.return_sequences {
        layer.mask = mask_of(layer);
    }
    let mut outputs = vec![sequence];
    if settings.return_state {
        outputs.extend(passes.1);
    }
    Ok(outputs)
}

/// Runs the cells of a layer, one on top of the other; the states of all of them.
fn run<'a>(
    layer: &mut Layer<'_, 'a>,
    class: &'a str,
    config: Config<'a>,
    scope: &Scope,
    steps: Steps,
) -> Result<(Pass, Vec<Value>)> {
    if class.starts_with("ConvLSTM") {
        let pass = convolution::run(layer, config, &mut scope.part(&[""], "cell"), &steps)?;
        let states = pass.states.clone();
        return Ok((pass, states));
    }
    let mut cells = Vec::new();
    if class == "RNN" {
        cells_of(layer, Spec::parse(config.json("cell"))?, scope, &mut cells)?;
    } else {
        let kind = class.strip_prefix("CuDNN").unwrap_or(class);
        cells.push(Cell::read(layer, kind, config, &mut scope.part(&[""], "cell"))?);
    }
    if steps.zero_masked && steps.mask.is_some() && cells.len() > 1 {
        return Err(error!(UnsupportedModel, "zeros for masked steps of several cells are not supported"));
    }
    let wanted: usize = cells.iter().map(Cell::states).sum();
    if !steps.initial.is_empty() && steps.initial.len() != wanted {
        return Err(error!(InvalidModel, "{wanted} initial states are expected, not {}", steps.initial.len()));
    }
    let mut initial = steps.initial.as_slice();
    let mut x = steps.x;
    let mut made: Option<Pass> = None;
    let mut states = Vec::new();
    for cell in &cells {
        let (own, rest) = initial.split_at(cell.states().min(initial.len()));
        initial = rest;
        let pass = cell.run(layer.emit, layer.context.keras, &Steps { x, initial: own.to_vec(), ..steps.clone() })?;
        x = pass.sequence;
        states.extend(pass.states.iter().copied());
        made = Some(pass);
    }
    let made = made.ok_or_else(|| error!(InvalidModel, "it has no cells"))?;
    Ok((made, states))
}

/// The cells of an `RNN` layer.
fn cells_of<'a>(layer: &mut Layer<'_, 'a>, spec: Spec<'a>, scope: &Scope, cells: &mut Vec<Cell<'a>>) -> Result<()> {
    if spec.class != "StackedRNNCells" {
        let kind = spec.class.strip_suffix("Cell").unwrap_or(spec.class);
        let mut scope = scope.part(&[""], "cell");
        cells.push(Cell::read(layer, kind, spec.config, &mut scope)?);
        return Ok(());
    }
    let list = spec.config.json("cells").as_array();
    let list = list.ok_or_else(|| error!(InvalidModel, "\"cells\" should be a list"))?;
    let mut counts = std::collections::HashMap::new();
    for json in list {
        let inside = Spec::parse(json)?;
        let kind = inside.class.strip_suffix("Cell").unwrap_or(inside.class);
        let count = counts.entry(inside.class).or_insert(0);
        let names = [
            format!("{}/", inside.name),
            format!("{}/{}/", spec.name, inside.name),
            // TensorFlow.js counts.
            format!("RNNCell_{}/", cells.len()),
        ];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut scope = scope.within(&names, "cell/cells", inside.class, *count);
        *count += 1;
        cells.push(Cell::read(layer, kind, inside.config, &mut scope)?);
    }
    Ok(())
}

/// The layer forwards and backwards, and both put together.
fn bidirectional(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let inner = Spec::parse(layer.config.json("layer"))?;
    let other = match layer.config.json("backward_layer") {
        Json::Null => Spec::parse(layer.config.json("layer"))?,
        json => Spec::parse(json)?,
    };
    for spec in [&inner, &other] {
        if !RULES.iter().any(|(class, _)| *class == spec.class && spec.class != "Bidirectional") {
            return Err(error!(UnsupportedModel, "it wraps {}", spec.class));
        }
    }
    let settings = Settings::read(inner.config)?;
    let x = layer.x()?;
    let x = if settings.time_major { x } else { swap(layer.emit, x)? };
    let mask = mask_of(layer);
    let initial = initial_states(layer);
    let half = initial.len() / 2;
    if !initial.len().is_multiple_of(2) {
        return Err(error!(InvalidModel, "both directions need initial states"));
    }
    let zero_masked = settings.return_sequences && layer.context.keras != Keras::TensorFlowJs;
    let scopes = [
        layer.scope.part(&["forward_", &format!("{}/", inner.name)], "forward_layer"),
        layer.scope.part(&["backward_", &format!("{}/", other.name)], "backward_layer"),
    ];
    let mut passes = Vec::new();
    let mut states = Vec::new();
    for (at, spec) in [&inner, &other].into_iter().enumerate() {
        let initial = if at == 0 { initial[..half].to_vec() } else { initial[half..].to_vec() };
        let backwards = settings.go_backwards != (at == 1);
        let steps = Steps { x, mask, initial, backwards, zero_masked };
        let (pass, own) = run(layer, spec.class, spec.config, &scopes[at], steps)?;
        passes.push(pass);
        states.extend(own);
    }
    let mut outputs = Vec::new();
    for pass in &passes {
        outputs.push(if settings.return_sequences {
            let mut sequence = pass.sequence;
            if settings.go_backwards {
                sequence = layer.emit.slice_by(sequence, 0, -1, i64::MIN, -1);
            }
            if settings.time_major { sequence } else { swap(layer.emit, sequence)? }
        } else {
            pass.last
        });
    }
    let mut made = merge(layer, outputs[0], outputs[1])?;
    layer.mask = if settings.return_sequences { mask } else { None };
    if settings.return_state {
        made.extend(states);
    }
    Ok(made)
}

/// What both directions give, put together.
fn merge(layer: &mut Layer<'_, '_>, forward: Value, backward: Value) -> Result<Vec<Value>> {
    let mode = if layer.config.0.get("merge_mode").is_some_and(Json::is_null) {
        "none"
    } else {
        layer.config.text("merge_mode", "concat")?
    };
    Ok(match mode {
        "none" => vec![forward, backward],
        "concat" => vec![layer.emit.concat(&[forward, backward], -1)],
        "sum" => vec![layer.emit.add(forward, backward)],
        "mul" => vec![layer.emit.mul(forward, backward)],
        "ave" => {
            let sum = layer.emit.add(forward, backward);
            let half = layer.emit.float(0.5);
            vec![layer.emit.mul(sum, half)]
        }
        other => return Err(error!(InvalidModel, "the \"merge_mode\" \"{other}\" is not known")),
    })
}
