//! Operations over whole axes.

use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::Value;
use crate::tensorflow::layers::layer::Layer;

pub fn reduce(layer: &mut Layer<'_, '_>, op_type: &'static str) -> Result<Vec<Value>> {
    let x = layer.x()?;
    reduce_of(layer, op_type, x)
}

fn reduce_of(layer: &mut Layer<'_, '_>, op_type: &'static str, x: Value) -> Result<Vec<Value>> {
    let axes = layer.field_ints(&["axis"])?;
    let keep = layer.field_flag(&["keepdims"]);
    Ok(vec![layer.emit.reduce(op_type, x, axes.as_deref(), keep)])
}

pub fn reduce_bools(layer: &mut Layer<'_, '_>, op_type: &'static str) -> Result<Vec<Value>> {
    let x = layer.emit.cast(layer.raw(), DType::Bool);
    let numbers = layer.emit.op_with("Cast", &[x], [("to", DType::Float32.code().into())]);
    let made = reduce_of(layer, op_type, numbers)?;
    Ok(vec![layer.emit.cast(made[0], DType::Bool)])
}

pub fn arg(layer: &mut Layer<'_, '_>, op_type: &'static str) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let keep = layer.field_flag(&["keepdims"]);
    let (x, axis, own) = match layer.field_ints(&["axis"])?.as_deref() {
        Some(&[axis]) => (x, axis, keep),
        Some(_) => return Err(error!(InvalidModel, "\"axis\" should be one integer")),
        None => (layer.emit.reshape(x, &[-1]), 0, false),
    };
    let attributes = [("axis", axis.into()), ("keepdims", i64::from(own).into())];
    let mut made = layer.emit.op_with(op_type, &[x], attributes);
    if keep && !own {
        let rank = layer.rank(layer.raw())?;
        made = layer.emit.reshape(made, &vec![1; rank]);
    }
    Ok(vec![layer.emit.cast(made, DType::Int32)])
}

pub fn normalize(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    if layer.field_int(&["order"], 2)? != 2 {
        return Err(error!(UnsupportedModel, "only the order 2 is supported"));
    }
    let axes = layer.field_ints(&["axis"])?;
    let epsilon = layer.field_number(&["epsilon"], 1e-12)? as f32;
    let sum = layer.emit.reduce("ReduceSumSquare", x, axes.as_deref(), true);
    let least = layer.emit.float(epsilon);
    let sum = layer.emit.op("Max", &[sum, least]);
    let length = layer.emit.op("Sqrt", &[sum]);
    Ok(vec![layer.emit.div(x, length)])
}
