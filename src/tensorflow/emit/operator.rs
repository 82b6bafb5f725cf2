use crate::onnx::operators::{ML, Operator, STANDARD, ShapeRule, find};

/// The row of an operator that is emitted.
///
/// # Panics
/// When the table does not tell what shape it gives: what follows from an unknown shape would be refused. The names are constants
/// of the translator and never come from a model, so tests meet this and users do not.
pub fn standard_operator(op_type: &str) -> &'static Operator {
    let row = find(STANDARD, op_type).filter(|row| row.shape != ShapeRule::Unknown);
    row.unwrap_or_else(|| panic!("{op_type} is emitted, and its row in the table of operators tells no shape"))
}

/// The row of an operator of `ai.onnx.ml` that is emitted.
///
/// # Panics
/// For a name that the table does not have, as above.
pub fn ml_operator(op_type: &str) -> &'static Operator {
    find(ML, op_type).unwrap_or_else(|| panic!("{op_type} is emitted, and has no row in the table of operators"))
}

#[cfg(test)]
mod tests {
    use super::super::Emit;
    use crate::tensor::DType;

    fn emit(op_type: &'static str) {
        let mut emit = Emit::new();
        let x = emit.input("x", DType::Float32, None);
        emit.op(op_type, &[x]);
    }

    #[test]
    #[should_panic(expected = "Unheard is emitted, and its row in the table of operators tells no shape")]
    fn an_operator_without_a_row_is_not_emitted() {
        emit("Unheard");
    }

    #[test]
    #[should_panic(expected = "Det is emitted, and its row in the table of operators tells no shape")]
    fn an_operator_of_unknown_shape_is_not_emitted() {
        emit("Det");
    }
}
