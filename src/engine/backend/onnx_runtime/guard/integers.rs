//! Division of the smallest integer by -1 is a trap of the processor (SIGFPE) that no error handling catches: `Div` and `Mod`
//! of such numbers get a divisor that is never -1.

use super::draft::Draft;
use super::element_types::Scopes;
use crate::error::{Result, error};
use crate::onnx::operators::{ElementRule, operator};
use crate::onnx::proto::NodeProto;
use crate::tensor::{DType, Tensor};

/// `Where` and `Less` of every numeric type are there from this operator set on.
const MIN_OPSET: i64 = 9;

pub fn is_division(node: &NodeProto) -> bool {
    matches!(element_rule(node), ElementRule::Divide | ElementRule::Modulo)
}

fn element_rule(node: &NodeProto) -> ElementRule {
    operator(node).map_or(ElementRule::None, |row| row.elements)
}

/// All operands and the result of a division have one type, so one known operand tells it. Narrower integers are
/// divided as int32, where their smallest number by -1 is no trap, and ONNX Runtime lacks `Where` for them.
pub fn may_trap(node: &NodeProto, scopes: &Scopes) -> bool {
    let known = node.input.iter().chain(&node.output).find_map(|name| scopes.get(name));
    known.is_none_or(|dtype| matches!(dtype, DType::Int32 | DType::Int64))
}

/// `a / b` as `b == -1 ? (a / (b * b)) * b : a / b`, and `a mod b` as `a mod (b == -1 ? b * b : b)`. Both are right for every
/// numeric type, and `b * b` is 1 where it counts. The comparison is made in float64 and also holds for NaN, where
/// both branches give NaN.
///
/// # Errors
/// `UNSUPPORTED_MODEL` in an operator set too old for it.
pub fn divide(node: &NodeProto, draft: &mut Draft) -> Result<()> {
    let ([a, b], [output]) = (node.input.as_slice(), node.output.as_slice()) else {
        let (op_type, name) = (node.op_type(), node.name());
        return Err(error!(InvalidModel, "{op_type} node \"{name}\" must have two inputs and one output"));
    };
    if draft.opset < MIN_OPSET {
        return Err(error!(
            UnsupportedModel,
            "{} node \"{}\" divides integers in operator set {}; {MIN_OPSET} or newer is needed",
            node.op_type(),
            node.name(),
            draft.opset
        ));
    }
    let minus_one = draft.tensor(&Tensor::from_elements(&[], &[-1.0f64]));
    let wide = draft.cast(b, DType::Float64);
    let less = draft.op("Less", &[&wide, &minus_one]);
    let greater = draft.op("Greater", &[&wide, &minus_one]);
    let other = draft.op("Or", &[&less, &greater]);
    let negative = draft.op("Not", &[&other]);
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
