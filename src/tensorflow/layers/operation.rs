//! Operations that stand between layers: those of Keras 3, such as the `Add` of `x + 1`, and TensorFlow's functions that
//! Keras 2 wraps as `TFOpLambda`. Shapes are broadcast as NumPy does, unlike those of layers with the same names.

use super::activation;
use super::config::Config;
use super::layer::{Layer, Rule};
use super::topology::Argument;
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::emit::Value;
use serde_json::Value as Json;

/// The operations of Keras 3 by class.
pub const RULES: &[(&str, Rule)] = &[
    ("Abs", |layer| unary(layer, "Abs")),
    ("Absolute", |layer| unary(layer, "Abs")),
    ("Ceil", |layer| unary(layer, "Ceil")),
    ("Cos", |layer| unary(layer, "Cos")),
    ("Erf", |layer| unary(layer, "Erf")),
    ("Exp", |layer| unary(layer, "Exp")),
    ("Floor", |layer| unary(layer, "Floor")),
    ("Log", |layer| unary(layer, "Log")),
    ("Negative", |layer| unary(layer, "Neg")),
    ("Reciprocal", |layer| unary(layer, "Reciprocal")),
    ("Sign", |layer| unary(layer, "Sign")),
    ("Sin", |layer| unary(layer, "Sin")),
    ("Sqrt", |layer| unary(layer, "Sqrt")),
    ("Tan", |layer| unary(layer, "Tan")),
    ("Square", square),
    ("Rsqrt", inverse_root),
    ("Log1p", |layer| shifted_log(layer)),
    ("Relu", |layer| activate(layer, "relu")),
    ("Relu6", |layer| activate(layer, "relu6")),
    ("Sigmoid", |layer| activate(layer, "sigmoid")),
    ("HardSigmoid", |layer| activate(layer, "hard_sigmoid")),
    ("Silu", |layer| activate(layer, "silu")),
    ("HardSilu", |layer| activate(layer, "hard_silu")),
    ("Selu", |layer| activate(layer, "selu")),
    ("Softplus", |layer| activate(layer, "softplus")),
    ("Softsign", |layer| activate(layer, "softsign")),
    ("Tanh", |layer| activate(layer, "tanh")),
    ("Elu", elu),
    ("LeakyRelu", leaky_relu),
    ("Gelu", gelu),
    ("Softmax", |layer| softmax(layer, "Softmax")),
    ("LogSoftmax", |layer| softmax(layer, "LogSoftmax")),
    ("Add", |layer| binary(layer, "Add")),
    ("Subtract", |layer| binary(layer, "Sub")),
    ("Multiply", |layer| binary(layer, "Mul")),
    ("Divide", divide),
    ("TrueDivide", divide),
    ("Power", |layer| binary(layer, "Pow")),
    ("Maximum", |layer| binary(layer, "Max")),
    ("Minimum", |layer| binary(layer, "Min")),
    ("Equal", |layer| binary(layer, "Equal")),
    ("NotEqual", not_equal),
    ("Greater", |layer| binary(layer, "Greater")),
    ("GreaterEqual", |layer| binary(layer, "GreaterOrEqual")),
    ("Less", |layer| binary(layer, "Less")),
    ("LessEqual", |layer| binary(layer, "LessOrEqual")),
    ("LogicalAnd", |layer| logical(layer, "And")),
    ("LogicalOr", |layer| logical(layer, "Or")),
    ("LogicalXor", |layer| logical(layer, "Xor")),
    ("LogicalNot", logical_not),
    ("Where", choose),
    ("Clip", clip),
    ("Matmul", matmul),
    ("Einsum", einsum),
    ("Mean", |layer| reduce(layer, "ReduceMean")),
    ("Sum", |layer| reduce(layer, "ReduceSum")),
    ("Max", |layer| reduce(layer, "ReduceMax")),
    ("Amax", |layer| reduce(layer, "ReduceMax")),
    ("Min", |layer| reduce(layer, "ReduceMin")),
    ("Amin", |layer| reduce(layer, "ReduceMin")),
    ("Prod", |layer| reduce(layer, "ReduceProd")),
    ("Logsumexp", |layer| reduce(layer, "ReduceLogSumExp")),
    ("Any", |layer| reduce_bools(layer, "ReduceMax")),
    ("All", |layer| reduce_bools(layer, "ReduceMin")),
    ("Argmax", |layer| arg(layer, "ArgMax")),
    ("Argmin", |layer| arg(layer, "ArgMin")),
    ("Normalize", normalize),
    ("Cast", cast),
    ("ConvertToTensor", same),
    ("StopGradient", same),
    ("Copy", same),
    ("OnesLike", |layer| like(layer, 1.0)),
    ("ZerosLike", |layer| like(layer, 0.0)),
    ("ExpandDims", expand_dims),
    ("Squeeze", squeeze),
    ("Reshape", reshape),
    ("Transpose", transpose),
    ("Swapaxes", swap_axes),
    ("Concatenate", concatenate),
    ("Stack", stack),
    ("Split", split),
    ("Tile", tile),
    ("Take", take),
    ("GetItem", get_item),
];

/// The layers of Keras 2 that wrap functions of TensorFlow.
pub const WRAPPED: &[(&str, Rule)] = &[("TFOpLambda", wrapped), ("SlicingOpLambda", get_item)];

/// TensorFlow's functions by the names that Keras 2 writes, and the operation of Keras 3 that does the same.
const FUNCTIONS: &[(&str, &str)] = &[
    ("__operators__.add", "Add"),
    ("__operators__.sub", "Subtract"),
    ("__operators__.mul", "Multiply"),
    ("__operators__.truediv", "Divide"),
    ("__operators__.pow", "Power"),
    ("__operators__.matmul", "Matmul"),
    ("__operators__.getitem", "GetItem"),
    ("math.add", "Add"),
    ("math.subtract", "Subtract"),
    ("math.multiply", "Multiply"),
    ("math.divide", "Divide"),
    ("math.truediv", "Divide"),
    ("math.pow", "Power"),
    ("math.maximum", "Maximum"),
    ("math.minimum", "Minimum"),
    ("math.equal", "Equal"),
    ("math.not_equal", "NotEqual"),
    ("math.greater", "Greater"),
    ("math.greater_equal", "GreaterEqual"),
    ("math.less", "Less"),
    ("math.less_equal", "LessEqual"),
    ("math.logical_and", "LogicalAnd"),
    ("math.logical_or", "LogicalOr"),
    ("math.logical_not", "LogicalNot"),
    ("math.abs", "Abs"),
    ("math.ceil", "Ceil"),
    ("math.cos", "Cos"),
    ("math.erf", "Erf"),
    ("math.exp", "Exp"),
    ("math.floor", "Floor"),
    ("math.log", "Log"),
    ("math.log1p", "Log1p"),
    ("math.negative", "Negative"),
    ("math.reciprocal", "Reciprocal"),
    ("math.rsqrt", "Rsqrt"),
    ("math.sign", "Sign"),
    ("math.sin", "Sin"),
    ("math.sqrt", "Sqrt"),
    ("math.square", "Square"),
    ("math.sigmoid", "Sigmoid"),
    ("math.tanh", "Tanh"),
    ("math.softplus", "Softplus"),
    ("math.reduce_mean", "Mean"),
    ("math.reduce_sum", "Sum"),
    ("math.reduce_max", "Max"),
    ("math.reduce_min", "Min"),
    ("math.reduce_prod", "Prod"),
    ("math.reduce_logsumexp", "Logsumexp"),
    ("math.reduce_any", "Any"),
    ("math.reduce_all", "All"),
    ("math.argmax", "Argmax"),
    ("math.argmin", "Argmin"),
    ("math.l2_normalize", "Normalize"),
    ("nn.relu", "Relu"),
    ("nn.relu6", "Relu6"),
    ("nn.elu", "Elu"),
    ("nn.selu", "Selu"),
    ("nn.silu", "Silu"),
    ("nn.gelu", "Gelu"),
    ("nn.leaky_relu", "LeakyRelu"),
    ("nn.softmax", "Softmax"),
    ("nn.log_softmax", "LogSoftmax"),
    ("linalg.matmul", "Matmul"),
    ("einsum", "Einsum"),
    ("clip_by_value", "Clip"),
    ("where", "Where"),
    ("cast", "Cast"),
    ("convert_to_tensor", "ConvertToTensor"),
    ("identity", "StopGradient"),
    ("stop_gradient", "StopGradient"),
    ("ones_like", "OnesLike"),
    ("zeros_like", "ZerosLike"),
    ("expand_dims", "ExpandDims"),
    ("squeeze", "Squeeze"),
    ("reshape", "Reshape"),
    ("transpose", "Transpose"),
    ("concat", "Concatenate"),
    ("stack", "Stack"),
    ("split", "Split"),
    ("tile", "Tile"),
    ("gather", "Take"),
];

fn wrapped(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let function = layer.config.text("function", "")?;
    let name = function.strip_prefix("compat.v1.").unwrap_or(function);
    let found = FUNCTIONS.iter().find(|(known, _)| *known == name);
    let rule = found.and_then(|(_, class)| RULES.iter().find(|(known, _)| known == class));
    match rule {
        Some((_, rule)) => rule(layer),
        None => Err(error!(UnsupportedModel, "the function \"{function}\" is not supported")),
    }
}

impl<'a> Layer<'_, 'a> {
    /// A field of an operation: in its configuration, or given by name, under the names that Keras and TensorFlow have.
    fn field(&self, names: &[&str]) -> Option<Argument<'a, super::layer::Tensor>> {
        // The configuration of what Keras 2 wraps is that of a layer.
        let own = !WRAPPED.iter().any(|(class, _)| *class == self.class);
        names.iter().find_map(|name| match self.config.json(name) {
            json if !own || json.is_null() => {
                self.named(name).filter(|given| !matches!(given, Argument::Plain(Json::Null))).cloned()
            }
            json => Some(Argument::Plain(json)),
        })
    }

    fn field_int(&self, names: &[&str], default: i64) -> Result<i64> {
        match self.field_ints(names)?.as_deref() {
            None => Ok(default),
            Some(&[only]) => Ok(only),
            Some(_) => Err(error!(InvalidModel, "\"{}\" should be one integer", names[0])),
        }
    }

    fn field_ints(&self, names: &[&str]) -> Result<Option<Vec<i64>>> {
        let wrong = || error!(UnsupportedModel, "\"{}\" should be integers that the file has", names[0]);
        match self.field(names) {
            None => Ok(None),
            Some(argument) => integers(&argument).map(Some).ok_or_else(wrong),
        }
    }

    fn field_number(&self, names: &[&str], default: f64) -> Result<f64> {
        match self.field(names) {
            None => Ok(default),
            Some(Argument::Plain(json)) if json.is_number() => Ok(json.as_f64().unwrap_or(default)),
            Some(_) => Err(error!(UnsupportedModel, "\"{}\" should be a number that the file has", names[0])),
        }
    }

    fn field_flag(&self, names: &[&str]) -> bool {
        matches!(self.field(names), Some(Argument::Plain(Json::Bool(true))))
    }

    /// An operand: by its place or by its name.
    fn operand(&self, at: usize, names: &[&str]) -> Result<Argument<'a, super::layer::Tensor>> {
        let found = self.given.arguments.get(at).cloned();
        let named = || names.iter().find_map(|name| self.named(name).cloned());
        found.or_else(named).ok_or_else(|| error!(InvalidModel, "it has no operand {at}"))
    }
}

fn integers<T>(argument: &Argument<'_, T>) -> Option<Vec<i64>> {
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
fn alike(layer: &mut Layer<'_, '_>, operands: &[Argument<'_, super::layer::Tensor>]) -> Result<Vec<Value>> {
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
                let number = number.ok_or_else(|| error!(UnsupportedModel, "an operand is no number"))?;
                layer.emit.constant(Constant::of_numbers(dtype, &[], &[number]))
            }
            Argument::List(_) => {
                let list = integers(operand).ok_or_else(|| error!(UnsupportedModel, "an operand is no number"))?;
                let numbers: Vec<f64> = list.iter().map(|&number| number as f64).collect();
                layer.emit.constant(Constant::of_numbers(dtype, &[numbers.len()], &numbers))
            }
        });
    }
    Ok(made)
}

fn pair(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let operands = [layer.operand(0, &["x1", "x", "a"])?, layer.operand(1, &["x2", "y", "b"])?];
    alike(layer, &operands)
}

fn binary(layer: &mut Layer<'_, '_>, op_type: &str) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    Ok(vec![layer.emit.op(op_type, &pair)])
}

fn divide(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let pair = pair(layer)?;
    let (a, b) = (layer.float(pair[0])?, layer.float(pair[1])?);
    Ok(vec![layer.emit.div(a, b)])
}

fn not_equal(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let equal = binary(layer, "Equal")?;
    Ok(vec![layer.emit.op("Not", &equal)])
}

fn logical(layer: &mut Layer<'_, '_>, op_type: &str) -> Result<Vec<Value>> {
    let pair = pair(layer)?.into_iter().map(|value| layer.emit.cast(value, DType::Bool)).collect::<Vec<_>>();
    Ok(vec![layer.emit.op(op_type, &pair)])
}

fn logical_not(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.emit.cast(layer.raw(), DType::Bool);
    Ok(vec![layer.emit.op("Not", &[x])])
}

fn choose(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let condition = layer.operand(0, &["condition"])?;
    let Argument::Tensor(condition) = condition else {
        return Err(error!(UnsupportedModel, "its condition is no tensor"));
    };
    let operands = [layer.operand(1, &["x1", "x"])?, layer.operand(2, &["x2", "y"])?];
    let values = alike(layer, &operands)?;
    let condition = layer.emit.cast(condition.value, DType::Bool);
    Ok(vec![layer.emit.op("Where", &[condition, values[0], values[1]])])
}

fn clip(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let low = layer.field_number(&["x_min", "clip_value_min"], f64::NEG_INFINITY)?;
    let high = layer.field_number(&["x_max", "clip_value_max"], f64::INFINITY)?;
    let (low, high) = (layer.emit.float(low as f32), layer.emit.float(high as f32));
    Ok(vec![layer.emit.op("Clip", &[x, low, high])])
}

fn unary(layer: &mut Layer<'_, '_>, op_type: &str) -> Result<Vec<Value>> {
    let x = layer.x()?;
    Ok(vec![layer.emit.op(op_type, &[x])])
}

fn square(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    Ok(vec![layer.emit.mul(x, x)])
}

fn inverse_root(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let root = unary(layer, "Sqrt")?;
    Ok(vec![layer.emit.op("Reciprocal", &root)])
}

fn shifted_log(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let one = layer.emit.float(1.0);
    let sum = layer.emit.add(x, one);
    Ok(vec![layer.emit.op("Log", &[sum])])
}

fn activate(layer: &mut Layer<'_, '_>, function: &str) -> Result<Vec<Value>> {
    let x = layer.x()?;
    Ok(vec![activation::apply(layer.emit, layer.room.keras, &Json::from(function), x)?])
}

fn elu(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let alpha = layer.field_number(&["alpha"], 1.0)? as f32;
    Ok(vec![layer.emit.op_with("Elu", &[x], [("alpha", alpha.into())])])
}

fn leaky_relu(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let slope = layer.field_number(&["negative_slope", "alpha"], 0.2)? as f32;
    Ok(vec![layer.emit.op_with("LeakyRelu", &[x], [("alpha", slope.into())])])
}

fn gelu(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    activate(layer, if layer.field_flag(&["approximate"]) { "gelu_new" } else { "gelu" })
}

fn softmax(layer: &mut Layer<'_, '_>, op_type: &str) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let axis = layer.field_int(&["axis"], -1)?;
    Ok(vec![layer.emit.op_with(op_type, &[x], [("axis", axis.into())])])
}

/// With `transpose_a` and `transpose_b` of TensorFlow.
fn matmul(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let mut pair = pair(layer)?;
    for (side, field) in ["transpose_a", "transpose_b"].into_iter().enumerate() {
        if layer.field_flag(&[field]) {
            let rank = layer.rank(pair[side])?;
            if rank < 2 {
                return Err(error!(InvalidModel, "a vector cannot be transposed"));
            }
            let order: Vec<usize> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
            pair[side] = layer.emit.transpose(pair[side], &order);
        }
    }
    Ok(vec![layer.emit.op("MatMul", &pair)])
}

fn einsum(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let equation = match (layer.config.json("subscripts"), layer.given.arguments.first()) {
        (Json::String(equation), _) | (_, Some(Argument::Plain(Json::String(equation)))) => equation.clone(),
        _ => return Err(error!(UnsupportedModel, "its equation is not in the file")),
    };
    if !equation.contains("->") {
        return Err(error!(UnsupportedModel, "the equation \"{equation}\" has no output"));
    }
    let inputs: Vec<Value> = layer.inputs.iter().map(|input| input.value).collect();
    let inputs = inputs.into_iter().map(|value| layer.float(value)).collect::<Result<Vec<_>>>()?;
    Ok(vec![layer.emit.op_with("Einsum", &inputs, [("equation", equation.into())])])
}

fn reduce(layer: &mut Layer<'_, '_>, op_type: &str) -> Result<Vec<Value>> {
    let x = layer.x()?;
    reduce_of(layer, op_type, x)
}

fn reduce_of(layer: &mut Layer<'_, '_>, op_type: &str, x: Value) -> Result<Vec<Value>> {
    let axes = layer.field_ints(&["axis"])?;
    let keep = layer.field_flag(&["keepdims"]);
    Ok(vec![layer.emit.reduce(op_type, x, axes.as_deref(), keep)])
}

fn reduce_bools(layer: &mut Layer<'_, '_>, op_type: &str) -> Result<Vec<Value>> {
    let x = layer.emit.cast(layer.raw(), DType::Bool);
    let numbers = layer.emit.op_with("Cast", &[x], [("to", DType::Float32.code().into())]);
    let made = reduce_of(layer, op_type, numbers)?;
    Ok(vec![layer.emit.cast(made[0], DType::Bool)])
}

fn arg(layer: &mut Layer<'_, '_>, op_type: &str) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let Some(axis) = layer.field_ints(&["axis"])?.filter(|axes| axes.len() == 1) else {
        return Err(error!(UnsupportedModel, "an axis is expected"));
    };
    let keep = i64::from(layer.field_flag(&["keepdims"]));
    let made = layer.emit.op_with(op_type, &[x], [("axis", axis[0].into()), ("keepdims", keep.into())]);
    Ok(vec![layer.emit.cast(made, DType::Int32)])
}

fn normalize(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
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

fn cast(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let dtype = match layer.field(&["dtype"]) {
        Some(Argument::Plain(Json::String(name))) => match name.as_str() {
            "float32" | "float16" | "bfloat16" => Some(DType::Float32),
            "int32" | "int64" | "bool" => DType::from_name(name),
            _ => None,
        },
        _ => None,
    };
    let dtype = dtype.ok_or_else(|| error!(UnsupportedModel, "its element type is not supported"))?;
    if layer.emit.dtype(x) == DType::String {
        return Err(error!(UnsupportedModel, "strings are not computed with"));
    }
    Ok(vec![layer.emit.cast(x, dtype)])
}

fn same(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    Ok(vec![layer.raw()])
}

fn like(layer: &mut Layer<'_, '_>, number: f64) -> Result<Vec<Value>> {
    let x = layer.raw();
    let dtype = match layer.field(&["dtype"]) {
        Some(Argument::Plain(Json::String(name))) => DType::from_name(name),
        _ => Some(layer.emit.dtype(x)),
    };
    let dtype = dtype.filter(|dtype| matches!(dtype, DType::Float32 | DType::Int32 | DType::Int64 | DType::Bool));
    let dtype = dtype.ok_or_else(|| error!(UnsupportedModel, "its element type is not supported"))?;
    let shape = layer.emit.shape_of(x);
    let number = layer.emit.constant(Constant::of_numbers(dtype, &[], &[number]));
    Ok(vec![layer.emit.op("Expand", &[number, shape])])
}

fn expand_dims(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let axes = layer.field_ints(&["axis"])?.ok_or_else(|| error!(InvalidModel, "it has no axis"))?;
    Ok(vec![layer.emit.unsqueeze(x, &axes)])
}

fn squeeze(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let axes = layer.field_ints(&["axis"])?.filter(|axes| !axes.is_empty());
    let axes = axes.ok_or_else(|| error!(UnsupportedModel, "which axes it takes away is not in the file"))?;
    Ok(vec![layer.emit.squeeze(x, &axes)])
}

fn reshape(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let shape = layer.field_ints(&["newshape", "shape"])?;
    let shape = shape.ok_or_else(|| error!(UnsupportedModel, "its shape is not in the file"))?;
    if shape.iter().any(|&size| size < -1) || shape.iter().filter(|&&size| size == -1).count() > 1 {
        return Err(error!(InvalidModel, "{shape:?} is no shape"));
    }
    Ok(vec![layer.emit.reshape(x, &shape)])
}

fn transpose(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let rank = layer.rank(x)?;
    let order: Vec<usize> = match layer.field_ints(&["axes", "perm"])? {
        None => (0..rank).rev().collect(),
        Some(axes) => axes.iter().filter_map(|&axis| usize::try_from(axis).ok()).collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..rank) {
        return Err(error!(InvalidModel, "{order:?} does not name each of {rank} axes"));
    }
    Ok(vec![layer.emit.transpose(x, &order)])
}

/// An axis, counted from the start.
fn wrapped_axis(axis: i64, rank: usize) -> Result<usize> {
    let from_start = if axis < 0 { axis + rank as i64 } else { axis };
    let found = usize::try_from(from_start).ok().filter(|&axis| axis < rank);
    found.ok_or_else(|| error!(InvalidModel, "an input of rank {rank} has no axis {axis}"))
}

fn swap_axes(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let rank = layer.rank(x)?;
    let one = wrapped_axis(layer.field_int(&["axis1"], 0)?, rank)?;
    let other = wrapped_axis(layer.field_int(&["axis2"], 0)?, rank)?;
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(one, other);
    Ok(vec![layer.emit.transpose(x, &order)])
}

/// The tensors of a list, alike.
fn list(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let operands: Vec<Argument<'_, super::layer::Tensor>> =
        layer.inputs.iter().map(|input| Argument::Tensor(*input)).collect();
    let bools = layer.inputs.iter().all(|input| layer.emit.dtype(input.value) == DType::Bool);
    if bools {
        return Ok(layer.inputs.iter().map(|input| input.value).collect());
    }
    alike(layer, &operands)
}

fn concatenate(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let values = list(layer)?;
    let axis = layer.field_int(&["axis"], 0)?;
    Ok(vec![layer.emit.concat(&values, axis)])
}

fn stack(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let axis = layer.field_int(&["axis"], 0)?;
    let values: Vec<Value> = list(layer)?.into_iter().map(|value| layer.emit.unsqueeze(value, &[axis])).collect();
    Ok(vec![layer.emit.concat(&values, axis)])
}

/// Into equal parts, or at indices; TensorFlow gives the sizes instead.
fn split(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let rank = layer.rank(x)?;
    let axis = wrapped_axis(layer.field_int(&["axis"], 0)?, rank)?;
    let size = layer.emit.size(x, axis as i64);
    let size = size.ok_or_else(|| error!(UnsupportedModel, "the size of the axis that it splits is not known"))?;
    let by_sizes = layer.field_ints(&["num_or_size_splits"])?;
    let by_indices = layer.field_ints(&["indices_or_sections"])?;
    let whole = layer.field(&["indices_or_sections", "num_or_size_splits"]);
    let single = matches!(whole, Some(Argument::Plain(json)) if json.is_number());
    let sizes = match (by_indices, by_sizes) {
        (Some(count), _) | (None, Some(count)) if single => {
            let count = count[0];
            if !(1..=1000).contains(&count) || size % count != 0 {
                return Err(error!(InvalidModel, "{size} elements cannot be split into {count} parts"));
            }
            vec![size / count; count as usize]
        }
        (Some(indices), _) => {
            let bounds: Vec<i64> = [0].into_iter().chain(indices).chain([size]).collect();
            bounds.windows(2).map(|pair| pair[1] - pair[0]).collect()
        }
        (None, Some(sizes)) => sizes,
        (None, None) => return Err(error!(InvalidModel, "it does not say into what it splits")),
    };
    if sizes.iter().any(|&size| size < 0) || sizes.iter().sum::<i64>() != size || sizes.len() > 1000 {
        return Err(error!(InvalidModel, "{size} elements cannot be split into {sizes:?}"));
    }
    Ok(layer.emit.split(x, axis as i64, &sizes))
}

fn tile(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.raw();
    let repeats = layer.field_ints(&["repeats", "multiples"])?.unwrap_or_default();
    if repeats.len() != layer.rank(x)? || repeats.iter().any(|&count| count < 0) {
        return Err(error!(UnsupportedModel, "a count for each axis is expected"));
    }
    let repeats = layer.emit.int64s(&repeats);
    Ok(vec![layer.emit.op("Tile", &[x, repeats])])
}

fn take(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let axis = layer.field_int(&["axis"], 0)?;
    let x = layer.raw();
    let indices = match layer.operand(1, &["indices"])? {
        Argument::Tensor(tensor) => layer.emit.cast(tensor.value, DType::Int64),
        Argument::Plain(json) if json.is_number() => layer.emit.int64(json.as_i64().unwrap_or(0)),
        list => {
            let indices = integers(&list).ok_or_else(|| error!(UnsupportedModel, "its indices are no integers"))?;
            layer.emit.int64s(&indices)
        }
    };
    Ok(vec![layer.emit.gather(x, indices, axis)])
}

/// `x[a:b, c, ..., None]`
fn get_item(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
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
                let slice = if json["config"].is_object() { &json["config"] } else { json };
                let slice = Config(slice);
                let step = slice.int("step", 1)?;
                if step == 0 {
                    return Err(error!(InvalidModel, "a step of 0 leads nowhere"));
                }
                let start = slice.int("start", if step > 0 { 0 } else { -1 })?;
                let end = slice.int("stop", if step > 0 { i64::MAX } else { i64::MIN })?;
                if (start, end, step) != (0, i64::MAX, 1) {
                    x = layer.emit.slice_by(x, axis, start, end, step);
                }
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
