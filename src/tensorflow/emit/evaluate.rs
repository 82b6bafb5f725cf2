//! Computing small tensors while the graph is built: the arithmetic on shapes that TensorFlow graphs are full of. Elements
//! that depend on a size that is not known stay unknown, the others are computed all the same.

use super::infer::slice_range;
use super::{Dims, Emit, Operation, PartialElements, Value, fixed};
use crate::onnx::Attribute;
use crate::onnx::operators::ElementRule;
use crate::tensor::DType;
use crate::tensorflow::constant::Walk;

/// Larger tensors are left to the engine.
pub const MAX_ELEMENTS: usize = 1024;

/// The elements of the first output; `None` when nothing is known about them.
pub fn evaluate(emit: &Emit, operation: &Operation, made: &(DType, Option<Dims>)) -> Option<PartialElements> {
    let node = Node { emit, operation, dtype: made.0 };
    match operation.operator.elements {
        ElementRule::None => return None,
        ElementRule::Shape => {
            let shape = emit.shape(operation.inputs[0])?;
            return Some(shape.iter().map(|size| size.map(|size| size as f64)).collect());
        }
        ElementRule::Range => return node.range(),
        _ => {}
    }
    let shape = fixed(made.1.as_ref())?;
    let count = crate::tensor::element_count(&shape).filter(|&count| count <= MAX_ELEMENTS)?;
    let elements = node.compute(&shape, count)?;
    let fits = |number: f64| match made.0 {
        DType::Int32 => number == number.trunc() && number.abs() <= f64::from(i32::MAX),
        // Beyond this not every integer is a float64.
        DType::Int64 => number == number.trunc() && number.abs() <= 9e15,
        DType::Bool | DType::Float32 | DType::Float64 => true,
        _ => false,
    };
    let round = |number: f64| if made.0 == DType::Float32 { f64::from(number as f32) } else { number };
    let elements: PartialElements =
        elements.into_iter().map(|element| element.filter(|&number| fits(number)).map(round)).collect();
    (elements.len() == count && (count == 0 || elements.iter().any(Option::is_some))).then_some(elements)
}

struct Node<'a> {
    emit: &'a Emit,
    operation: &'a Operation,
    dtype: DType,
}

impl Node<'_> {
    fn value(&self, at: usize) -> Option<Value> {
        self.operation.inputs.get(at).copied().filter(|&value| value != Value::ABSENT)
    }

    fn elements(&self, at: usize) -> Option<&PartialElements> {
        self.emit.elements_of(self.value(at)?)
    }

    fn shape(&self, at: usize) -> Option<Vec<usize>> {
        self.emit.fixed_shape(self.value(at)?)
    }

    fn ints(&self, at: usize) -> Option<Vec<i64>> {
        self.emit.ints_of(self.value(at)?)
    }

    fn is_integer(&self) -> bool {
        matches!(self.emit.dtype(self.operation.inputs[0]), DType::Int32 | DType::Int64)
    }

    fn compute(&self, shape: &[usize], count: usize) -> Option<PartialElements> {
        let truth = |holds: bool| f64::from(u8::from(holds));
        match self.operation.operator.elements {
            ElementRule::Keep => self.elements(0).cloned(),
            ElementRule::Cast => self.cast(),
            ElementRule::Size => {
                let shape = self.shape(0)?;
                Some(vec![crate::tensor::element_count(&shape).map(|count| count as f64)])
            }
            ElementRule::Negate => self.unary(|x| -x),
            ElementRule::Absolute => self.unary(f64::abs),
            ElementRule::Floor => self.unary(f64::floor),
            ElementRule::Ceiling => self.unary(f64::ceil),
            ElementRule::Round => self.unary(f64::round_ties_even),
            ElementRule::SquareRoot => self.unary(f64::sqrt),
            ElementRule::Reciprocal => self.unary(|x| 1.0 / x),
            ElementRule::Not => self.unary(|x| truth(x == 0.0)),
            ElementRule::Add => self.binary(shape, |a, b| Some(a + b)),
            ElementRule::Subtract => self.binary(shape, |a, b| Some(a - b)),
            ElementRule::Multiply => self.binary(shape, |a, b| Some(a * b)),
            ElementRule::Divide if self.is_integer() => self.binary(shape, |a, b| (b != 0.0).then(|| (a / b).trunc())),
            ElementRule::Divide => self.binary(shape, |a, b| Some(a / b)),
            ElementRule::Modulo if self.is_integer() && self.operation.int("fmod", 0) == 0 => {
                self.binary(shape, |a, b| (b != 0.0).then(|| a - (a / b).floor() * b))
            }
            ElementRule::Maximum => self.variadic(shape, f64::max),
            ElementRule::Minimum => self.variadic(shape, f64::min),
            ElementRule::Equal => self.binary(shape, |a, b| Some(truth(a == b))),
            ElementRule::Less => self.binary(shape, |a, b| Some(truth(a < b))),
            ElementRule::LessOrEqual => self.binary(shape, |a, b| Some(truth(a <= b))),
            ElementRule::Greater => self.binary(shape, |a, b| Some(truth(a > b))),
            ElementRule::GreaterOrEqual => self.binary(shape, |a, b| Some(truth(a >= b))),
            ElementRule::And => self.binary(shape, |a, b| Some(truth(a != 0.0 && b != 0.0))),
            ElementRule::Or => self.binary(shape, |a, b| Some(truth(a != 0.0 || b != 0.0))),
            ElementRule::Choose => self.select(shape),
            ElementRule::Expand => self.spread(0, shape),
            ElementRule::Fill => self.fill(count),
            ElementRule::Concat => self.concat(shape, count),
            ElementRule::Gather => self.gather(count),
            ElementRule::Slice => self.slice(shape),
            ElementRule::Transpose => self.transpose(shape),
            ElementRule::Product => self.fold(1.0, |a, b| a * b),
            ElementRule::Sum => self.fold(0.0, |a, b| a + b),
            ElementRule::Largest => self.fold(f64::NEG_INFINITY, f64::max),
            ElementRule::Smallest => self.fold(f64::INFINITY, f64::min),
            ElementRule::None | ElementRule::Shape | ElementRule::Range | ElementRule::Modulo => None,
        }
    }

    fn unary(&self, compute: impl Fn(f64) -> f64) -> Option<PartialElements> {
        Some(self.elements(0)?.iter().map(|x| x.map(&compute)).collect())
    }

    fn cast(&self) -> Option<PartialElements> {
        let to_integer = matches!(self.dtype, DType::Int32 | DType::Int64);
        Some(match self.dtype {
            DType::Bool => self.unary(|x| f64::from(u8::from(x != 0.0)))?,
            _ if to_integer => self.unary(f64::trunc)?,
            _ => self.elements(0)?.clone(),
        })
    }

    /// The elements of an input, broadcast to a shape.
    fn spread(&self, at: usize, shape: &[usize]) -> Option<PartialElements> {
        let elements = self.elements(at)?;
        let from = self.shape(at)?;
        let missing = shape.len().checked_sub(from.len())?;
        let mut strides = vec![0; shape.len()];
        let mut stride = 1;
        for axis in (0..from.len()).rev() {
            if from[axis] != 1 {
                if from[axis] != shape[axis + missing] {
                    return None;
                }
                strides[axis + missing] = stride;
            }
            stride *= from[axis];
        }
        Some(Walk::new(shape, &strides).map(|at| elements[at]).collect())
    }

    fn binary(&self, shape: &[usize], compute: impl Fn(f64, f64) -> Option<f64>) -> Option<PartialElements> {
        let (a, b) = (self.spread(0, shape)?, self.spread(1, shape)?);
        Some(a.into_iter().zip(b).map(|(a, b)| compute(a?, b?)).collect())
    }

    fn variadic(&self, shape: &[usize], compute: impl Fn(f64, f64) -> f64) -> Option<PartialElements> {
        let mut made = self.spread(0, shape)?;
        for at in 1..self.operation.inputs.len() {
            let next = self.spread(at, shape)?;
            made = made.into_iter().zip(next).map(|(a, b)| Some(compute(a?, b?))).collect();
        }
        Some(made)
    }

    fn select(&self, shape: &[usize]) -> Option<PartialElements> {
        let (condition, yes, no) = (self.spread(0, shape)?, self.spread(1, shape)?, self.spread(2, shape)?);
        let choose = |((condition, yes), no): ((Option<f64>, Option<f64>), Option<f64>)| {
            if condition? != 0.0 { yes } else { no }
        };
        Some(condition.into_iter().zip(yes).zip(no).map(choose).collect())
    }

    fn fill(&self, count: usize) -> Option<PartialElements> {
        let number = match self.operation.attribute("value") {
            Some(Attribute::Tensor(tensor)) => {
                let bytes = tensor.raw_data.clone()?;
                crate::tensorflow::constant::Constant::new(self.dtype, vec![1], bytes).ok()?.numbers()?[0]
            }
            _ => 0.0,
        };
        Some(vec![Some(number); count])
    }

    fn concat(&self, shape: &[usize], count: usize) -> Option<PartialElements> {
        let axis = self.operation.int("axis", 0);
        let axis = usize::try_from(if axis < 0 { axis + shape.len() as i64 } else { axis }).ok()?;
        let inner: usize = shape.get(axis + 1..)?.iter().product();
        let outer: usize = shape[..axis].iter().product();
        let mut made = Vec::with_capacity(count);
        for row in 0..outer {
            for at in 0..self.operation.inputs.len() {
                let width = self.shape(at)?.get(axis)? * inner;
                match self.elements(at) {
                    Some(elements) => made.extend_from_slice(elements.get(row * width..(row + 1) * width)?),
                    None => made.extend(std::iter::repeat_n(None, width)),
                }
            }
        }
        Some(made)
    }

    fn gather(&self, count: usize) -> Option<PartialElements> {
        let elements = self.elements(0)?;
        let shape = self.shape(0)?;
        let axis = self.operation.int("axis", 0);
        let axis = usize::try_from(if axis < 0 { axis + shape.len() as i64 } else { axis }).ok()?;
        let size = *shape.get(axis)?;
        let inner: usize = shape[axis + 1..].iter().product();
        let outer: usize = shape[..axis].iter().product();
        let mut made = Vec::with_capacity(count);
        for row in 0..outer {
            for index in self.ints(1)? {
                let index = usize::try_from(if index < 0 { index + size as i64 } else { index }).ok()?;
                let at = (row * size + index) * inner;
                made.extend_from_slice(elements.get(at..at + inner).filter(|_| index < size)?);
            }
        }
        Some(made)
    }

    fn slice(&self, made: &[usize]) -> Option<PartialElements> {
        let elements = self.elements(0)?;
        let shape = self.shape(0)?;
        let (starts, ends) = (self.ints(1)?, self.ints(2)?);
        let axes = if self.value(3).is_some() { self.ints(3)? } else { (0..starts.len() as i64).collect() };
        let steps = if self.value(4).is_some() { self.ints(4)? } else { vec![1; starts.len()] };
        let mut from = vec![0i64; shape.len()];
        let mut by = vec![1i64; shape.len()];
        for (at, &axis) in axes.iter().enumerate() {
            let axis = usize::try_from(if axis < 0 { axis + shape.len() as i64 } else { axis }).ok()?;
            let step = *steps.get(at)?;
            by[axis] = step;
            from[axis] = slice_range(shape[axis] as i64, starts[at], *ends.get(at)?, step).0;
        }
        let counting = (0..made.iter().product()).map(|at| {
            let mut left = at;
            let mut place = 0i64;
            let mut stride = 1i64;
            for axis in (0..shape.len()).rev() {
                let index = (left % made[axis]) as i64;
                left /= made[axis];
                place += (from[axis] + index * by[axis]) * stride;
                stride *= shape[axis] as i64;
            }
            elements.get(usize::try_from(place).ok()?).copied()
        });
        counting.collect()
    }

    fn transpose(&self, made: &[usize]) -> Option<PartialElements> {
        let elements = self.elements(0)?;
        let shape = self.shape(0)?;
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        let order = self.operation.ints("perm")?;
        let strides: Vec<usize> = order.iter().map(|&axis| strides[axis as usize]).collect();
        Some(Walk::new(made, &strides).map(|at| elements[at]).collect())
    }

    /// A reduction of all elements.
    fn fold(&self, start: f64, compute: impl Fn(f64, f64) -> f64) -> Option<PartialElements> {
        let elements = self.elements(0)?;
        let rank = self.shape(0)?.len();
        let all = self.value(1).is_none() || (rank == 1 && self.ints(1)?.len() == 1);
        all.then(|| vec![elements.iter().try_fold(start, |made, element| Some(compute(made, (*element)?)))])
    }

    fn range(&self) -> Option<PartialElements> {
        let number = |at: usize| *self.elements(at)?.first()?;
        let (start, limit, step) = (number(0)?, number(1)?, number(2)?);
        let count = ((limit - start) / step).ceil().max(0.0);
        if !matches!(self.dtype, DType::Int32 | DType::Int64) || count.is_nan() || count > MAX_ELEMENTS as f64 {
            return None;
        }
        Some((0..count as usize).map(|at| Some(start + at as f64 * step)).collect())
    }
}
