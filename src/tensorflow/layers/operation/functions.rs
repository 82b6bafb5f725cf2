//! TensorFlow's functions, which Keras 2 wraps as layers.

use super::operands::{FUNCTION_LAYER, ITEM_LAYER};
use super::selection::get_item;
use super::table::RULES;
use crate::error::{Result, error};
use crate::tensorflow::emit::Value;
use crate::tensorflow::layers::layer::{Layer, Rule};

/// The layers of Keras 2 that wrap functions of TensorFlow.
pub const WRAPPED: &[(&str, Rule)] = &[(FUNCTION_LAYER, wrapped), (ITEM_LAYER, get_item)];

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
