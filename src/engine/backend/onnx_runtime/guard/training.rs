//! Operators in training mode. They compute over all rows of a run, whoever's these are, and give new weights that are meant to
//! replace the model's own for the next run.

use crate::error::{Error, Result, error};
use crate::onnx::operators::{Training, operator};
use crate::onnx::proto::NodeProto;

/// # Errors
/// `UNSUPPORTED_MODEL` for a node that is in training mode.
pub fn check(node: &NodeProto) -> Result<()> {
    let set = |name: &str| {
        node.attribute(name).is_some_and(|attribute| attribute.i() != 0 || attribute.ref_attr_name.is_some())
    };
    let used_outputs = node.output.iter().filter(|name| !name.is_empty()).count();
    let trains = match operator(node).map_or(Training::Never, |row| row.guarded.trains) {
        Training::ByAttributeOrOutputs => set("training_mode") || used_outputs > 1,
        Training::ByAttribute => set("training_mode"),
        Training::Never => matches!(node.domain(), "ai.onnx.training" | "ai.onnx.preview.training"),
    };
    if trains { Err(refusal(node)) } else { Ok(()) }
}

fn refusal(node: &NodeProto) -> Error {
    error!(
        UnsupportedModel,
        "{} node \"{}\" is in training mode, in which one caller's rows change the answers of others; export the model in evaluation mode (model.eval() in PyTorch)",
        node.op_type(),
        node.name()
    )
}
