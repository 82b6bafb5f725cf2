//! Element types and shapes of what ONNX operations give. A shape that is not known is unknown, never a guess; an
//! operation whose inputs do not fit each other is left for the engine to refuse.

mod bodies;
mod computed;
mod places;

use super::{Dims, Emit, Operation, Value};
use crate::onnx::Attribute;
use crate::onnx::operators::{ElementType, ShapeRule, TypeRule};
use crate::tensor::DType;

/// The types of the outputs.
pub fn infer(emit: &Emit, operation: &Operation, outputs: usize) -> Vec<(DType, Option<Dims>)> {
    let node = Node { emit, operation };
    let mut shapes = node.shapes(outputs).unwrap_or_default();
    shapes.resize(outputs, None);
    shapes.into_iter().enumerate().map(|(at, shape)| (node.element_type(at), shape)).collect()
}

struct Node<'a> {
    emit: &'a Emit,
    operation: &'a Operation,
}

impl Node<'_> {
    fn input(&self, at: usize) -> Option<Value> {
        self.operation.inputs.get(at).copied().filter(|&value| value != Value::ABSENT)
    }

    fn dtype(&self, at: usize) -> DType {
        self.input(at).map_or(DType::Float32, |value| self.emit.dtype(value))
    }

    fn shape(&self, at: usize) -> Option<&Dims> {
        self.emit.shape(self.input(at)?)
    }

    fn ints(&self, at: usize) -> Option<Vec<i64>> {
        self.emit.ints_of(self.input(at)?)
    }

    /// Integer elements as far as they are known.
    fn sizes(&self, at: usize) -> Option<Dims> {
        let elements = self.emit.elements_of(self.input(at)?)?;
        Some(elements.iter().map(|size| size.map(|size| size as i64)).collect())
    }

    fn axis(&self, default: i64, rank: usize) -> Option<usize> {
        wrap(self.operation.int("axis", default), rank)
    }

    /// The element type of an output; that of the first input where no rule tells it.
    fn element_type(&self, output: usize) -> DType {
        let of = |kind: &ElementType| match *kind {
            ElementType::Is(dtype) => dtype,
            ElementType::Like(input) => self.dtype(input),
            ElementType::ByAttribute(name, default) => {
                self.named_type(name).or(default).unwrap_or_else(|| self.dtype(0))
            }
            ElementType::Labels => DType::Int64,
            ElementType::ByAttributeOrLike(name, input) => self.named_type(name).unwrap_or_else(|| self.dtype(input)),
        };
        match self.operation.operator.types {
            TypeRule::All(kind) => of(&kind),
            TypeRule::Each(kinds) => kinds.get(output).map_or_else(|| self.dtype(0), of),
            TypeRule::Fill => match self.operation.attribute("value") {
                Some(Attribute::Tensor(tensor)) => known_type(tensor.data_type()),
                _ => DType::Float32,
            },
            TypeRule::Bodies(from) => {
                let body = self.operation.bodies.first().and_then(|(_, body)| body.outputs.get(output + from));
                body.map_or_else(|| self.dtype(0), |&value| self.emit.dtype(value))
            }
            TypeRule::Constant | TypeRule::Unknown => self.dtype(0),
        }
    }

    fn named_type(&self, attribute: &str) -> Option<DType> {
        match self.operation.attribute(attribute) {
            Some(Attribute::Int(code)) => Some(known_type(*code as i32)),
            _ => None,
        }
    }

    /// The shapes of the first outputs; of those behind them nothing is known.
    fn shapes(&self, outputs: usize) -> Option<Vec<Option<Dims>>> {
        let only = match self.operation.operator.shape {
            ShapeRule::Split => return self.split(outputs),
            ShapeRule::Top => return self.top_k(),
            ShapeRule::Recurrent => return self.recurrent(),
            ShapeRule::If => return self.branches(),
            ShapeRule::Loop => return self.repeated(),
            ShapeRule::Scan => return self.scanned(),
            ShapeRule::Unknown | ShapeRule::Untold => None,
            ShapeRule::Broadcast => self.broadcast(),
            ShapeRule::SameAs(input) => self.shape(input).cloned(),
            ShapeRule::Shape => Some(vec![self.shape(0).map(|shape| shape.len() as i64)]),
            ShapeRule::Size => Some(Vec::new()),
            ShapeRule::Reshape => self.reshape(),
            ShapeRule::Transpose => self.transpose(),
            ShapeRule::Squeeze => self.squeeze(),
            ShapeRule::Unsqueeze => self.unsqueeze(),
            ShapeRule::Flatten => self.flatten(),
            ShapeRule::Expand => self.expand(),
            ShapeRule::Tile => self.tile(),
            ShapeRule::ConstantOfShape => self.sizes(0),
            ShapeRule::Concat => self.concat(),
            ShapeRule::Slice => self.slice(),
            ShapeRule::Gather => self.gather(),
            ShapeRule::GatherNd => self.gather_nd(),
            ShapeRule::Pad => self.pad(),
            ShapeRule::Resize => self.resize(),
            ShapeRule::OneHot => self.one_hot(),
            ShapeRule::Range => Some(vec![None]),
            ShapeRule::NonZero => Some(vec![self.shape(0).map(|shape| shape.len() as i64), None]),
            ShapeRule::NonMaxSuppression => Some(vec![None, Some(3)]),
            ShapeRule::Reduce => self.reduce(),
            ShapeRule::Position => self.position(),
            ShapeRule::MatMul(left, right) => self.mat_mul(left, right),
            ShapeRule::Gemm => self.gemm(),
            ShapeRule::Einsum => self.einsum(),
            ShapeRule::Convolution => self.convolution(self.size(1, 0)),
            ShapeRule::Pool => self.convolution(self.size(0, 1)),
            ShapeRule::ConvolutionTranspose => self.convolution_transpose(),
            ShapeRule::GlobalPool => self.global_pool(),
            ShapeRule::DepthToSpace => self.depth_to_space(),
            ShapeRule::SpaceToDepth => self.space_to_depth(),
        };
        Some(vec![only])
    }

    fn size(&self, input: usize, axis: usize) -> Option<i64> {
        self.shape(input)?.get(axis).copied().flatten()
    }

    fn broadcast(&self) -> Option<Dims> {
        (0..self.operation.inputs.len())
            .map(|at| self.shape(at))
            .try_fold(Vec::new(), |shape, next| Some(broadcast_shapes(&shape, next?)))
    }
}

fn known_type(code: i32) -> DType {
    DType::from_code(code).expect("only codes of element types are emitted")
}

/// The shape that both are broadcast to. A size that contradicts is not known; the engine will refuse it.
pub fn broadcast_shapes(a: &[Option<i64>], b: &[Option<i64>]) -> Dims {
    let rank = a.len().max(b.len());
    let size = |shape: &[Option<i64>], at: usize| match (at + shape.len()).checked_sub(rank) {
        Some(at) => shape[at],
        None => Some(1),
    };
    (0..rank)
        .map(|at| match (size(a, at), size(b, at)) {
            (Some(1), other) | (other, Some(1)) => other,
            (Some(a), Some(b)) if a == b => Some(a),
            (Some(known), None) | (None, Some(known)) => Some(known),
            _ => None,
        })
        .collect()
}

/// The first index and the number of elements of a slice as ONNX counts them.
pub fn slice_range(size: i64, start: i64, end: i64, step: i64) -> (i64, i64) {
    let wrap = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let start = wrap(start).clamp(low.max(0), high.max(0));
    let end = wrap(end).clamp(low, high.max(low));
    let count = if step > 0 {
        (end - start).max(0).saturating_add(step - 1) / step
    } else {
        (start - end).max(0).saturating_sub(step.saturating_add(1)) / step.saturating_neg()
    };
    (start, if size == 0 { 0 } else { count })
}

fn wrap(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(axis).ok().filter(|&axis| axis < rank)
}

fn wrap_all(axes: &[i64], rank: usize) -> Option<Vec<usize>> {
    axes.iter().map(|&axis| wrap(axis, rank)).collect()
}

fn sum(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a?.checked_add(b?)
}

fn product(sizes: &[i64]) -> Option<i64> {
    sizes.iter().try_fold(1i64, |product, &size| product.checked_mul(size))
}

fn product_of(sizes: &[Option<i64>]) -> Option<i64> {
    product(&sizes.iter().copied().collect::<Option<Vec<_>>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_broadcast() {
        assert_eq!(broadcast_shapes(&[None, Some(1)], &[Some(3)]), [None, Some(3)]);
        assert_eq!(broadcast_shapes(&[None], &[Some(3)]), [Some(3)]);
        assert_eq!(broadcast_shapes(&[], &[Some(2), None]), [Some(2), None]);
    }

    #[test]
    fn slices_count_as_in_python() {
        assert_eq!(slice_range(5, 1, i64::MAX, 2), (1, 2));
        assert_eq!(slice_range(5, -1, i64::MIN, -1), (4, 5));
        assert_eq!(slice_range(5, 3, 0, -2), (3, 2));
        assert_eq!(slice_range(5, 4, 2, 1), (4, 0));
        assert_eq!(slice_range(0, 0, 1, 1), (0, 0));
        assert_eq!(slice_range(3, i64::MAX, i64::MIN, i64::MIN), (2, 1));
    }
}
