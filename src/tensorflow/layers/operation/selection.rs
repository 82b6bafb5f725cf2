//! Operations that choose elements by their indices.

use super::operands::FUNCTION_LAYER;
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::Value;
use crate::tensorflow::layers::config::Config;
use crate::tensorflow::layers::layer::Layer;
use crate::tensorflow::layers::topology::Argument;
use serde_json::Value as Json;

pub fn take(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut x = layer.raw();
    let axis = match layer.field_ints(&["axis"])?.as_deref() {
        Some(&[axis]) => axis,
        Some(_) => return Err(error!(InvalidModel, "\"axis\" should be one integer")),
        None if layer.class == FUNCTION_LAYER => 0,
        // Keras takes from all elements.
        None => {
            x = layer.emit.reshape(x, &[-1]);
            0
        }
    };
    let indices = layer.operand_value(1, &["indices"])?;
    let indices = layer.emit.cast(indices, DType::Int64);
    Ok(vec![layer.emit.gather(x, indices, axis)])
}

/// `x[a:b, c, ..., None]`
pub fn get_item(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut x = layer.raw();
    let rank = layer.rank(x)?;
    let key = layer.operand(1, &["key", "slice_spec"])?;
    let parts = match key {
        Argument::List(parts) => parts,
        other => vec![other],
    };
    let unsupported = || error!(UnsupportedModel, "its indices are not in the file");
    let is_ellipsis = |json: &Json| json["class_name"] == "__ellipsis__" || json == "...";
    let plain = parts
        .iter()
        .map(|part| match part {
            Argument::Plain(json) => Ok(*json),
            _ => Err(unsupported()),
        })
        .collect::<Result<Vec<_>>>()?;
    let named = plain.iter().filter(|json| !json.is_null() && !is_ellipsis(json)).count();
    let hidden = rank.checked_sub(named).ok_or_else(|| error!(InvalidModel, "it has more indices than axes"))?;
    let (mut axis, mut dropped, mut added, mut place) = (0i64, Vec::new(), Vec::new(), 0i64);
    for json in plain {
        if is_ellipsis(json) {
            axis += hidden as i64;
            place += hidden as i64;
            continue;
        }
        match json {
            Json::Null => {
                added.push(place);
                place += 1;
                continue;
            }
            Json::Object(_) => {
                x = slice(layer, x, axis, json)?;
                place += 1;
            }
            json => {
                let index = json.as_i64().ok_or_else(unsupported)?;
                let end = if index == -1 { i64::MAX } else { index.saturating_add(1) };
                x = layer.emit.slice(x, axis, index, end);
                dropped.push(axis);
            }
        }
        axis += 1;
    }
    if !dropped.is_empty() {
        x = layer.emit.squeeze(x, &dropped);
    }
    if !added.is_empty() {
        x = layer.emit.unsqueeze(x, &added);
    }
    Ok(vec![x])
}

/// Takes `a:b:c` of an axis.
fn slice(layer: &mut Layer<'_, '_>, x: Value, axis: i64, json: &Json) -> Result<Value> {
    let slice = Config(if json["config"].is_object() { &json["config"] } else { json });
    let step = slice.int("step", 1)?;
    if step == 0 {
        return Err(error!(InvalidModel, "a step of 0 is not allowed"));
    }
    let start = slice.int("start", if step > 0 { 0 } else { -1 })?;
    let end = slice.int("stop", if step > 0 { i64::MAX } else { i64::MIN })?;
    let is_whole = (start, end, step) == (0, i64::MAX, 1);
    Ok(if is_whole { x } else { layer.emit.slice_by(x, axis, start, end, step) })
}
