//! Short ways to emit what many rules need.

use super::{Emit, Value, ml_operator};
use crate::onnx::Attribute;
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;

impl From<i32> for Attribute {
    fn from(value: i32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl Emit {
    /// Emits an operation of `ai.onnx.ml`, of one output, whose type and shape the caller tells.
    pub fn ml_op(
        &mut self,
        op_type: &'static str,
        inputs: &[Value],
        attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
    ) -> Value {
        self.push(ml_operator(op_type), inputs, attributes.into_iter().collect(), Vec::new(), 1)[0]
    }

    /// A list of int64, as ONNX wants shapes, axes and pads.
    pub fn int64s(&mut self, elements: &[i64]) -> Value {
        self.constant(Constant::of_i64(&[elements.len()], elements))
    }

    pub fn int64(&mut self, element: i64) -> Value {
        self.constant(Constant::of_i64(&[], &[element]))
    }

    pub fn float(&mut self, element: f32) -> Value {
        self.constant(Constant::of_f32(&[], &[element]))
    }

    pub fn floats(&mut self, elements: &[f32]) -> Value {
        self.constant(Constant::of_f32(&[elements.len()], elements))
    }

    /// A scalar of the element type of `like`.
    pub fn scalar_like(&mut self, like: Value, number: f64) -> Value {
        let dtype = self.dtype(like);
        self.constant(Constant::of_numbers(dtype, &[], &[number]))
    }

    /// The value as another element type. A cast of a cast of an integer or bool goes back to where that came from.
    pub fn cast(&mut self, value: Value, dtype: DType) -> Value {
        if self.dtype(value) == dtype {
            return value;
        }
        if let Some(constant) = self.constant_of(value)
            && let Some(numbers) = constant.numbers()
        {
            let made = Constant::of_numbers(dtype, &constant.shape, &numbers);
            return self.constant(made);
        }
        let origin = self.known[value.0 as usize].cast_from;
        if let Some(origin) = origin
            && dtype != DType::Bool
        {
            return self.cast(origin, dtype);
        }
        let cast = self.op_with("Cast", &[value], [("to", dtype.code().into())]);
        // Integers here are sizes and indices, which fit every type that they are cast to.
        let lossless = matches!((self.dtype(value), dtype), (DType::Int64, DType::Int32) | (DType::Bool, _));
        if lossless && self.constant_of(cast).is_none() {
            self.known[cast.0 as usize].cast_from = Some(value);
        }
        cast
    }

    /// The axes in another order; a constant is rearranged at once.
    pub fn transpose(&mut self, value: Value, permutation: &[usize]) -> Value {
        if permutation.iter().enumerate().all(|(at, &axis)| at == axis) {
            return value;
        }
        if let Some(constant) = self.constant_of(value)
            && constant.shape.len() == permutation.len()
        {
            let made = constant.transposed(permutation);
            return self.constant(made);
        }
        let permutation: Vec<i64> = permutation.iter().map(|&axis| axis as i64).collect();
        self.op_with("Transpose", &[value], [("perm", permutation.into())])
    }

    /// The same elements in another shape; one size may be -1.
    pub fn reshape(&mut self, value: Value, shape: &[i64]) -> Value {
        if let Some(constant) = self.constant_of(value)
            && let Some(shape) = shape.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<Vec<_>>>()
            && shape.iter().product::<usize>() == constant.len()
        {
            let made = constant.reshaped(&shape);
            return self.constant(made);
        }
        let shape = self.int64s(shape);
        self.reshape_to(value, shape)
    }

    /// The same elements in a shape that may be known only in part. A size of 0 is 0.
    pub fn reshape_to(&mut self, value: Value, shape: Value) -> Value {
        let mut shape = self.cast(shape, DType::Int64);
        if self.constant_of(shape).is_none()
            && let Some(sizes) = self.elements_of(shape)
            && sizes.iter().filter(|size| size.is_none()).count() == 1
            && sizes.iter().all(|size| size.is_none_or(|size| size > 0.0))
        {
            let sizes: Vec<i64> = sizes.iter().map(|size| size.map_or(-1, |size| size as i64)).collect();
            shape = self.int64s(&sizes);
        }
        if self.ints_of(shape).is_some_and(|sizes| sizes.contains(&0) && !sizes.contains(&-1)) {
            return self.op_with("Reshape", &[value, shape], [("allowzero", 1.into())]);
        }
        self.op("Reshape", &[value, shape])
    }

    pub fn unsqueeze(&mut self, value: Value, axes: &[i64]) -> Value {
        let axes = self.int64s(axes);
        self.op("Unsqueeze", &[value, axes])
    }

    pub fn squeeze(&mut self, value: Value, axes: &[i64]) -> Value {
        let axes = self.int64s(axes);
        self.op("Squeeze", &[value, axes])
    }

    /// The sizes as int64; a constant when they are all known.
    pub fn shape_of(&mut self, value: Value) -> Value {
        self.op("Shape", &[value])
    }

    pub fn concat(&mut self, values: &[Value], axis: i64) -> Value {
        match values {
            [only] => *only,
            _ => self.op_with("Concat", values, [("axis", axis.into())]),
        }
    }

    pub fn gather(&mut self, value: Value, indices: Value, axis: i64) -> Value {
        self.op_with("Gather", &[value, indices], [("axis", axis.into())])
    }

    /// The elements from `start` up to `end` of one axis.
    pub fn slice(&mut self, value: Value, axis: i64, start: i64, end: i64) -> Value {
        self.slice_by(value, axis, start, end, 1)
    }

    /// Every `step`th element from `start` up to `end` of one axis; a negative step goes back.
    pub fn slice_by(&mut self, value: Value, axis: i64, start: i64, end: i64, step: i64) -> Value {
        let inputs = [start, end, axis, step].map(|number| self.int64s(&[number]));
        self.op("Slice", &[value, inputs[0], inputs[1], inputs[2], inputs[3]])
    }

    /// Parts of the given sizes along an axis.
    pub fn split(&mut self, value: Value, axis: i64, sizes: &[i64]) -> Vec<Value> {
        if let [_] = sizes {
            return vec![value];
        }
        let lengths = self.int64s(sizes);
        self.op_n("Split", &[value, lengths], [("axis", axis.into())], sizes.len())
    }

    pub fn add(&mut self, a: Value, b: Value) -> Value {
        self.op("Add", &[a, b])
    }

    pub fn sub(&mut self, a: Value, b: Value) -> Value {
        self.op("Sub", &[a, b])
    }

    pub fn mul(&mut self, a: Value, b: Value) -> Value {
        self.op("Mul", &[a, b])
    }

    pub fn div(&mut self, a: Value, b: Value) -> Value {
        self.op("Div", &[a, b])
    }

    /// `ReduceSum`, `ReduceMean` and so on over some axes, or all when there are none to name.
    pub fn reduce(&mut self, op_type: &'static str, value: Value, axes: Option<&[i64]>, keep: bool) -> Value {
        let axes = axes.map_or(Value::ABSENT, |axes| self.int64s(axes));
        self.op_with(op_type, &[value, axes], [("keepdims", i64::from(keep).into())])
    }

    /// `yes` where the condition holds, `no` elsewhere. ONNX Runtime chooses no bools, so they are chosen as integers.
    pub fn select(&mut self, condition: Value, yes: Value, no: Value) -> Value {
        if self.dtype(yes) != DType::Bool {
            return self.op("Where", &[condition, yes, no]);
        }
        let (yes, no) = (self.cast(yes, DType::Int32), self.cast(no, DType::Int32));
        let chosen = self.op("Where", &[condition, yes, no]);
        self.cast(chosen, DType::Bool)
    }

    /// A tensor of one number in a shape that is computed.
    pub fn fill(&mut self, number: f64, dtype: DType, shape: Value) -> Value {
        let number = self.constant(Constant::of_numbers(dtype, &[], &[number]));
        let shape = self.cast(shape, DType::Int64);
        self.op("Expand", &[number, shape])
    }
}
