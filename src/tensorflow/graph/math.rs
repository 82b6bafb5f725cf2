//! Functions of single elements.

use super::Rule;
use super::item::Item;
use super::node::{Node, Output};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};
use crate::tensorflow::numeric;

pub const RULES: &[(&str, Rule)] = &[
    ("Abs", |node| unary(node, "Abs")),
    ("Neg", |node| unary(node, "Neg")),
    ("Sign", |node| unary(node, "Sign")),
    ("Acos", |node| real(node, "Acos")),
    ("Acosh", |node| real(node, "Acosh")),
    ("Asin", |node| real(node, "Asin")),
    ("Asinh", |node| real(node, "Asinh")),
    ("Atan", |node| real(node, "Atan")),
    ("Atan2", atan2),
    ("Atanh", |node| real(node, "Atanh")),
    ("Ceil", |node| real(node, "Ceil")),
    ("ClipByValue", clip_by_value),
    ("Complex", complex),
    ("ComplexAbs", complex_abs),
    ("Cos", |node| real(node, "Cos")),
    ("Cosh", |node| real(node, "Cosh")),
    ("Elu", |node| real(node, "Elu")),
    ("Erf", |node| real(node, "Erf")),
    ("Exp", |node| real(node, "Exp")),
    ("Expm1", |node| built(node, expm1)),
    ("Floor", |node| real(node, "Floor")),
    ("Imag", |node| Ok(node.complex(0)?.1.into())),
    ("Inv", |node| real(node, "Reciprocal")),
    ("IsFinite", |node| built(node, numeric::is_finite)),
    ("IsInf", |node| real(node, "IsInf")),
    ("IsNan", |node| real(node, "IsNaN")),
    ("LeakyRelu", leaky_relu),
    ("Log", |node| real(node, "Log")),
    ("Log1p", |node| built(node, log1p)),
    ("Prelu", prelu),
    ("Real", |node| Ok(node.complex(0)?.0.into())),
    ("Reciprocal", |node| real(node, "Reciprocal")),
    ("Relu", |node| unary(node, "Relu")),
    ("Relu6", |node| built(node, relu6)),
    ("Round", |node| real(node, "Round")),
    ("Rsqrt", |node| built(node, rsqrt)),
    ("Selu", |node| real(node, "Selu")),
    ("Sigmoid", |node| real(node, "Sigmoid")),
    ("Sin", |node| real(node, "Sin")),
    ("Sinh", |node| real(node, "Sinh")),
    ("Softplus", |node| real(node, "Softplus")),
    ("Sqrt", |node| real(node, "Sqrt")),
    ("Square", |node| built(node, |emit, x| emit.mul(x, x))),
    ("Tan", |node| real(node, "Tan")),
    ("Tanh", |node| real(node, "Tanh")),
];

fn unary(node: &mut Node<'_>, op_type: &'static str) -> Result<Output> {
    let x = node.input(0)?;
    Ok(node.emit.op(op_type, &[x]).into())
}

/// Of real numbers; integers become such.
fn real(node: &mut Node<'_>, op_type: &'static str) -> Result<Output> {
    let x = node.input(0)?;
    let x = node.emit.cast(x, DType::Float32);
    Ok(node.emit.op(op_type, &[x]).into())
}

fn built(node: &mut Node<'_>, build: fn(&mut Emit, Value) -> Value) -> Result<Output> {
    let x = node.input(0)?;
    Ok(build(node.emit, x).into())
}

fn expm1(emit: &mut Emit, x: Value) -> Value {
    let (power, one) = (emit.op("Exp", &[x]), emit.float(1.0));
    emit.sub(power, one)
}

fn log1p(emit: &mut Emit, x: Value) -> Value {
    let one = emit.float(1.0);
    let sum = emit.add(x, one);
    emit.op("Log", &[sum])
}

fn rsqrt(emit: &mut Emit, x: Value) -> Value {
    let root = emit.op("Sqrt", &[x]);
    emit.op("Reciprocal", &[root])
}

fn relu6(emit: &mut Emit, x: Value) -> Value {
    let (zero, six) = (emit.scalar_like(x, 0.0), emit.scalar_like(x, 6.0));
    emit.op("Clip", &[x, zero, six])
}

fn clip_by_value(node: &mut Node<'_>) -> Result<Output> {
    let (x, low, high) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let raised = node.emit.op("Max", &[x, low]);
    Ok(node.emit.op("Min", &[raised, high]).into())
}

fn leaky_relu(node: &mut Node<'_>) -> Result<Output> {
    let x = node.input(0)?;
    let alpha = node.definition.float("alpha").unwrap_or(0.2) as f32;
    Ok(node.emit.op_with("LeakyRelu", &[x], [("alpha", alpha.into())]).into())
}

fn prelu(node: &mut Node<'_>) -> Result<Output> {
    let inputs = [node.input(0)?, node.input(1)?];
    Ok(node.emit.op("PRelu", &inputs).into())
}

fn atan2(node: &mut Node<'_>) -> Result<Output> {
    let (y, x) = (node.input(0)?, node.input(1)?);
    Ok(numeric::atan2(node.emit, y, x).into())
}

fn complex(node: &mut Node<'_>) -> Result<Output> {
    Ok(Item::Complex(node.input(0)?, node.input(1)?).into())
}

fn complex_abs(node: &mut Node<'_>) -> Result<Output> {
    let (real, imaginary) = node.complex(0)?;
    let emit = &mut *node.emit;
    let (real, imaginary) = (emit.mul(real, real), emit.mul(imaginary, imaginary));
    let sum = emit.add(real, imaginary);
    Ok(emit.op("Sqrt", &[sum]).into())
}

/// Applies what a fused operation has after its bias, whose inputs before the activation's are `arguments`.
pub fn fused_activation(node: &mut Node<'_>, name: &str, x: Value, arguments: usize) -> Result<Value> {
    let emit = &mut *node.emit;
    Ok(match name {
        "Relu" => emit.op("Relu", &[x]),
        "Elu" => emit.op("Elu", &[x]),
        "Sigmoid" => emit.op("Sigmoid", &[x]),
        "Tanh" => emit.op("Tanh", &[x]),
        "Relu6" => relu6(emit, x),
        "LeakyRelu" => {
            let alpha = node.definition.float("leakyrelu_alpha").unwrap_or(0.2) as f32;
            emit.op_with("LeakyRelu", &[x], [("alpha", alpha.into())])
        }
        "Prelu" => {
            let slope = node.input(arguments)?;
            node.emit.op("PRelu", &[x, slope])
        }
        other => return Err(error!(UnsupportedModel, "the fused operation {other} is not supported")),
    })
}
