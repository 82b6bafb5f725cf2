//! What an operation is called on: its operands and fields, in the forms in which Keras and TensorFlow write them.

use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::Value;
use crate::tensorflow::layers::layer::{Layer, Tensor};
use crate::tensorflow::layers::topology::Argument;
use serde_json::Value as Json;

/// The layer of Keras 2 that wraps a function of TensorFlow.
pub const FUNCTION_LAYER: &str = "TFOpLambda";
/// The layer of Keras 2 that wraps the choice of items.
pub const ITEM_LAYER: &str = "SlicingOpLambda";

impl<'a> Layer<'_, 'a> {
    /// A field of an operation: in its configuration, or given by name, under the names that Keras and TensorFlow have.
    pub fn field(&self, names: &[&str]) -> Option<Argument<'a, Tensor>> {
        // The configuration of what Keras 2 wraps is that of a layer.
        let own = ![FUNCTION_LAYER, ITEM_LAYER].contains(&self.class);
        names.iter().find_map(|name| match self.config.json(name) {
            json if !own || json.is_null() => {
                self.named(name).filter(|given| !matches!(given, Argument::Plain(Json::Null))).cloned()
            }
            json => Some(Argument::Plain(json)),
        })
    }

    pub fn field_int(&self, names: &[&str], default: i64) -> Result<i64> {
        match self.field_ints(names)?.as_deref() {
            None => Ok(default),
            Some(&[only]) => Ok(only),
            Some(_) => Err(error!(InvalidModel, "\"{}\" should be one integer", names[0])),
        }
    }

    pub fn field_ints(&self, names: &[&str]) -> Result<Option<Vec<i64>>> {
        let wrong = || error!(UnsupportedModel, "\"{}\" should be integers that the file has", names[0]);
        match self.field(names) {
            None => Ok(None),
            Some(argument) => integers(&argument).map(Some).ok_or_else(wrong),
        }
    }

    pub fn field_number(&self, names: &[&str], default: f64) -> Result<f64> {
        match self.field(names) {
            None => Ok(default),
            Some(Argument::Plain(json)) if json.is_number() => Ok(json.as_f64().unwrap_or(default)),
            Some(_) => Err(error!(UnsupportedModel, "\"{}\" should be a number that the file has", names[0])),
        }
    }

    pub fn field_flag(&self, names: &[&str]) -> bool {
        matches!(self.field(names), Some(Argument::Plain(Json::Bool(true))))
    }

    /// An operand: by its place or by its name.
    pub fn operand(&self, at: usize, names: &[&str]) -> Result<Argument<'a, Tensor>> {
        let found = self.given.arguments.get(at).cloned();
        let named = || names.iter().find_map(|name| self.named(name).cloned());
        found.or_else(named).ok_or_else(|| error!(InvalidModel, "it has no operand {at}"))
    }
}

pub fn integers<T>(argument: &Argument<'_, T>) -> Option<Vec<i64>> {
    match argument {
        Argument::Plain(Json::Array(items)) => items.iter().map(Json::as_i64).collect(),
        Argument::Plain(json) => json.as_i64().map(|only| vec![only]),
        Argument::List(items) => {
            let lists = items.iter().map(integers).collect::<Option<Vec<_>>>()?;
            Some(lists.concat())
        }
        Argument::Tensor(_) => None,
    }
}

/// Operands of one element type: integers only where no operand has a fraction.
pub fn alike(layer: &mut Layer<'_, '_>, operands: &[Argument<'_, Tensor>]) -> Result<Vec<Value>> {
    let mut dtype = None;
    let mut fraction = false;
    for operand in operands {
        match operand {
            Argument::Tensor(tensor) => match layer.emit.dtype(tensor.value) {
                DType::Bool => {}
                found @ (DType::Int32 | DType::Int64) if dtype.is_none_or(|dtype| dtype == found) => {
                    dtype = Some(found)
                }
                _ => dtype = Some(DType::Float32),
            },
            Argument::Plain(json) => fraction |= json.is_f64(),
            Argument::List(_) => fraction = true,
        }
    }
    let dtype = if fraction { DType::Float32 } else { dtype.unwrap_or(DType::Int32) };
    let mut made = Vec::new();
    for operand in operands {
        made.push(match operand {
            Argument::Tensor(tensor) => {
                let value = if dtype == DType::Float32 { layer.float(tensor.value)? } else { tensor.value };
                layer.emit.cast(value, dtype)
            }
            Argument::Plain(json) => {
                let number = json.as_f64().or(json.as_bool().map(|flag| f64::from(u8::from(flag))));
                let number = number.ok_or_else(|| error!(UnsupportedModel, "an operand is not a number"))?;
                layer.emit.constant(Constant::of_numbers(dtype, &[], &[number]))
            }
            Argument::List(_) => {
                let list = integers(operand).ok_or_else(|| error!(UnsupportedModel, "an operand is not a number"))?;
                let numbers: Vec<f64> = list.iter().map(|&number| number as f64).collect();
                layer.emit.constant(Constant::of_numbers(dtype, &[numbers.len()], &numbers))
            }
        });
    }
    Ok(made)
}

pub fn pair(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let operands = [layer.operand(0, &["x1", "x", "a"])?, layer.operand(1, &["x2", "y", "b"])?];
    alike(layer, &operands)
}

/// The tensors of a list, alike.
pub fn list(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let operands: Vec<Argument<'_, Tensor>> = layer.inputs.iter().map(|input| Argument::Tensor(*input)).collect();
    let bools = layer.inputs.iter().all(|input| layer.emit.dtype(input.value) == DType::Bool);
    if bools {
        return Ok(layer.inputs.iter().map(|input| input.value).collect());
    }
    alike(layer, &operands)
}

/// An axis, counted from the start.
pub fn wrapped_axis(axis: i64, rank: usize) -> Result<usize> {
    let from_start = if axis < 0 { axis + rank as i64 } else { axis };
    let found = usize::try_from(from_start).ok().filter(|&axis| axis < rank);
    found.ok_or_else(|| error!(InvalidModel, "an input of rank {rank} has no axis {axis}"))
}
