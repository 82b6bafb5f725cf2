//! What an operation is called on: its operands and fields, in the forms in which Keras and TensorFlow write them.

use super::literal::{Kind, Literal};
use crate::error::{Result, error};
use crate::tensor::DType;
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

    /// The element type that the field `dtype` names, as far as it can be given.
    ///
    /// # Errors
    /// `UNSUPPORTED_MODEL` for other types, and without the field when there is no default.
    pub fn wanted_type(&self, default: Option<DType>) -> Result<DType> {
        let dtype = match self.field(&["dtype"]) {
            Some(Argument::Plain(Json::String(name))) => match name.as_str() {
                "float32" | "float16" | "bfloat16" | "float64" => Some(DType::Float32),
                "int32" | "int64" | "bool" => DType::from_name(name),
                "int8" | "int16" | "uint8" | "uint16" => Some(DType::Int32),
                _ => None,
            },
            _ => default,
        };
        let given = [DType::Float32, DType::Int32, DType::Int64, DType::Bool];
        let dtype = dtype.filter(|dtype| given.contains(dtype));
        dtype.ok_or_else(|| error!(UnsupportedModel, "its element type is not supported"))
    }

    /// The order of a norm.
    pub fn field_order(&self) -> Result<Order> {
        match self.field(&["ord"]) {
            None => Ok(Order::Default),
            Some(Argument::Plain(json)) if json.is_number() => Ok(Order::Number(json.as_f64().unwrap_or(2.0))),
            Some(Argument::Plain(Json::String(name))) => match name.as_str() {
                "fro" | "euclidean" => Ok(Order::Default),
                other => Err(error!(UnsupportedModel, "the order \"{other}\" is not supported")),
            },
            Some(_) => Err(error!(UnsupportedModel, "its order is not in the file")),
        }
    }

    /// A text among the fields.
    pub fn field_text(&self, names: &[&str]) -> Option<&'a str> {
        match self.field(names)? {
            Argument::Plain(json) => json.as_str(),
            _ => None,
        }
    }

    /// An operand as a tensor.
    pub fn operand_value(&mut self, at: usize, names: &[&str]) -> Result<Value> {
        match self.operand(at, names)? {
            Argument::Tensor(tensor) => Ok(tensor.value),
            given => Ok(alike(self, &[given])?[0]),
        }
    }

    /// The numbers of an operand that the file has, and whether they are a list.
    pub fn plain_numbers(&self, at: usize, names: &[&str]) -> Result<(Vec<f64>, bool)> {
        let literal = Literal::of(&self.operand(at, names)?)?;
        Ok((literal.numbers, !literal.shape.is_empty()))
    }

    /// One number among the operands.
    pub fn plain_number(&self, at: usize, names: &[&str]) -> Option<f64> {
        match self.plain_numbers(at, names).ok()?.0.as_slice() {
            &[only] => Some(only),
            _ => None,
        }
    }

    /// An operand: by its place or by its name.
    pub fn operand(&self, at: usize, names: &[&str]) -> Result<Argument<'a, Tensor>> {
        let found = self.given.arguments.get(at).cloned();
        let named = || names.iter().find_map(|name| self.named(name).cloned());
        found.or_else(named).ok_or_else(|| error!(InvalidModel, "it has no operand {at}"))
    }
}

/// Which length of a vector is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// The root of the sum of squares, of vectors and matrices.
    Default,
    Number(f64),
}

pub fn integers<T>(argument: &Argument<'_, T>) -> Option<Vec<i64>> {
    match argument {
        Argument::Tensor(_) => None,
        argument => {
            let literal = Literal::of(argument).ok()?;
            let whole = literal.kind == Kind::Integer || literal.numbers.is_empty();
            whole.then(|| literal.numbers.iter().map(|&number| number as i64).collect())
        }
    }
}

/// Operands of one element type: integers only where no operand has a fraction.
pub fn alike(layer: &mut Layer<'_, '_>, operands: &[Argument<'_, Tensor>]) -> Result<Vec<Value>> {
    let mut dtype = None;
    let mut literals = Vec::new();
    let mut fraction = false;
    for operand in operands {
        if let Argument::Tensor(tensor) = operand {
            match layer.emit.dtype(tensor.value) {
                DType::Bool => {}
                found @ (DType::Int32 | DType::Int64) if dtype.is_none_or(|dtype| dtype == found) => {
                    dtype = Some(found);
                }
                _ => dtype = Some(DType::Float32),
            }
            literals.push(None);
        } else {
            let literal = Literal::of(operand)?;
            fraction |= literal.kind == Kind::Fraction;
            literals.push(Some(literal));
        }
    }
    let dtype = if fraction { DType::Float32 } else { dtype.unwrap_or(DType::Int32) };
    let mut made = Vec::new();
    for (operand, literal) in operands.iter().zip(literals) {
        made.push(match (operand, literal) {
            (Argument::Tensor(tensor), _) => {
                let value = if dtype == DType::Float32 { layer.float(tensor.value)? } else { tensor.value };
                layer.emit.cast(value, dtype)
            }
            (_, Some(literal)) => layer.emit.constant(literal.constant(dtype)),
            _ => return Err(error!(Internal, "an operand has no value")),
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

/// Axes, counted from the start.
pub fn wrapped_axes(axes: &[i64], rank: usize) -> Result<Vec<usize>> {
    axes.iter().map(|&axis| wrapped_axis(axis, rank)).collect()
}

/// An axis, counted from the start.
pub fn wrapped_axis(axis: i64, rank: usize) -> Result<usize> {
    let from_start = if axis < 0 { axis + rank as i64 } else { axis };
    let found = usize::try_from(from_start).ok().filter(|&axis| axis < rank);
    found.ok_or_else(|| error!(InvalidModel, "an input of rank {rank} has no axis {axis}"))
}
