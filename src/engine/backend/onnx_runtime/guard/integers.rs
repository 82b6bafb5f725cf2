//! Division of the smallest integer by -1 is a trap of the processor (SIGFPE) that no error handling catches: `Div` and `Mod`
//! of such numbers get a divisor that is never -1.

use super::draft::Draft;
use super::element_types::Scopes;
use crate::error::{Result, error};
use crate::onnx::operators::{ElementRule, operator};
use crate::onnx::proto::NodeProto;
use crate::tensor::{DType, Tensor};

/// `Where` is there from this operator set on.
const WHERE_OPSET: i64 = 9;
/// Operands broadcast, and `Less` compares, from this operator set on.
const MIN_OPSET: i64 = 7;

pub fn is_division(node: &NodeProto) -> bool {
    matches!(element_rule(node), ElementRule::Divide | ElementRule::Modulo)
}

fn element_rule(node: &NodeProto) -> ElementRule {
    operator(node).map_or(ElementRule::None, |row| row.elements)
}

/// All operands and the result of a division have one type, so one known operand tells it.
pub fn operand_type(node: &NodeProto, scopes: &Scopes) -> Option<DType> {
    node.input.iter().chain(&node.output).find_map(|name| scopes.get(name))
}

/// Narrower integers are divided as int32, where their smallest number by -1 is no trap, and ONNX Runtime lacks `Where` for
/// them.
pub fn may_trap(operands: Option<DType>) -> bool {
    operands.is_none_or(|dtype| matches!(dtype, DType::Int32 | DType::Int64))
}

/// `a / b` as `b == -1 ? (a / (b * b)) * b : a / b`, and `a mod b` as `a mod (b == -1 ? b * b : b)`. Both are right for every
/// numeric type, and `b * b` is 1 where it counts. The comparison is made in float64 and also holds for NaN, where
/// both branches give NaN.
///
/// Where there is no `Where`, and the type is known, with `m` for 1 where `b` is -1 and 0 elsewhere: `(a / (b + 2m)) * (1 - 2m)`.
///
/// # Errors
/// `UNSUPPORTED_MODEL` in an operator set too old for it.
pub fn divide(node: &NodeProto, operands: Option<DType>, draft: &mut Draft) -> Result<()> {
    let ([a, b], [output]) = (node.input.as_slice(), node.output.as_slice()) else {
        let (op_type, name) = (node.op_type(), node.name());
        return Err(error!(InvalidModel, "{op_type} node \"{name}\" must have two inputs and one output"));
    };
    let needed = if operands.is_some() { MIN_OPSET } else { WHERE_OPSET };
    if draft.opset < needed {
        let (op_type, name, opset) = (node.op_type(), node.name(), draft.opset);
        let what = operands
            .map_or_else(|| "values of a type that the model does not tell".to_owned(), |it| it.name().to_owned());
        return Err(error!(
            UnsupportedModel,
            "{op_type} node \"{name}\" divides {what} in operator set {opset}; {needed} or newer is needed"
        ));
    }
    let minus_one = draft.tensor(&Tensor::from_elements(&[], &[-1.0f64]));
    let wide = draft.cast(b, DType::Float64);
    let less = draft.op("Less", &[&wide, &minus_one]);
    let greater = draft.op("Greater", &[&wide, &minus_one]);
    let other = draft.op("Or", &[&less, &greater]);
    let negative = draft.op("Not", &[&other]);
    if let (true, Some(dtype)) = (draft.opset < WHERE_OPSET, operands) {
        let mask = draft.cast(&negative, dtype);
        let twice = draft.op("Add", &[&mask, &mask]);
        let divisor = draft.op("Add", &[b, &twice]);
        let one = draft.tensor(&Tensor::from_elements(&[], &[1i64]));
        let one = draft.cast(&one, dtype);
        let sign = draft.op("Sub", &[&one, &twice]);
        let quotient = draft.op("Div", &[a, &divisor]);
        draft.nodes.push(NodeProto::new("Mul", [&quotient, &sign], [output]));
        return Ok(());
    }
    let square = draft.op("Mul", &[b, b]);
    let divisor = draft.op("Where", &[&negative, &square, b]);
    let mut division = NodeProto { input: vec![a.clone(), divisor], ..node.clone() };
    if element_rule(node) == ElementRule::Modulo {
        draft.nodes.push(division);
        return Ok(());
    }
    let quotient = draft.name();
    division.output = vec![quotient.clone()];
    draft.nodes.push(division);
    let product = draft.op("Mul", &[&quotient, b]);
    draft.nodes.push(NodeProto::new("Where", [&negative, &product, &quotient], [output]));
    Ok(())
}
