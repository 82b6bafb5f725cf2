//! Versions of operator sets.

use super::proto::OperatorSetIdProto;

/// The version of the standard operator set; zero without one.
pub fn standard(imports: &[OperatorSetIdProto]) -> i64 {
    imports.iter().find(|import| matches!(import.domain(), "" | "ai.onnx")).map_or(0, OperatorSetIdProto::version)
}
