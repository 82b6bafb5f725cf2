//! Probabilities that leave the model are computed in double precision.
//!
//! ONNX Runtime's `Sigmoid` of float32 is exact to about 1e-7, which is far off for a probability of 1e-5.

use super::{Emit, Operation, Value, standard_operator};
use crate::onnx::operators::ElementRule;
use crate::tensor::DType;
use std::collections::HashSet;

/// Larger outputs, such as the masks of images, are left as fast as they are.
const MAX_ELEMENTS: i64 = 4096;

impl Emit {
    pub(super) fn refine_sigmoids(&mut self) {
        let leaving = self.values_that_leave();
        let operations = std::mem::take(&mut self.operations);
        for operation in operations {
            if operation.operator.name == "Sigmoid"
                && leaving.contains(&operation.outputs[0])
                && self.is_small(&operation)
            {
                self.refine(operation);
            } else {
                self.operations.push(operation);
            }
        }
    }

    /// The outputs, and what they are but for their shape.
    fn values_that_leave(&self) -> HashSet<Value> {
        let mut leaving: HashSet<Value> = self.outputs.iter().map(|(_, value)| *value).collect();
        for operation in self.operations.iter().rev() {
            let passes = operation.operator.elements == ElementRule::Keep;
            if passes && leaving.contains(&operation.outputs[0]) {
                leaving.insert(operation.inputs[0]);
            }
        }
        leaving
    }

    fn is_small(&self, operation: &Operation) -> bool {
        let Some(shape) = self.shape(operation.outputs[0]) else { return false };
        // What is not known is the batch, or makes the output an image.
        let free = shape.iter().skip(1).any(Option::is_none);
        !free && shape.iter().flatten().fold(1i64, |count, &size| count.saturating_mul(size)) <= MAX_ELEMENTS
    }

    fn refine(&mut self, mut operation: Operation) {
        let (input, output) = (operation.inputs[0], operation.outputs[0]);
        if self.dtype(input) != DType::Float32 {
            return self.operations.push(operation);
        }
        let wide = self.op_with("Cast", &[input], [("to", DType::Float64.code().into())]);
        let shape = self.shape(output).cloned();
        let exact = self.in_place_of(output, shape);
        self.assume_dtype(exact, DType::Float64);
        operation.inputs = vec![wide];
        operation.outputs = vec![exact];
        let mut narrow = operation.with_values(vec![exact], vec![output]);
        narrow.operator = standard_operator("Cast");
        narrow.attributes = vec![("to", DType::Float32.code().into())];
        self.operations.extend([operation, narrow]);
    }
}
