//! Element types and shapes of what ONNX operations give. A shape that cannot be told is unknown, never a guess; an
//! operation whose inputs do not fit each other is left for the engine to refuse.

use super::{Body, Dims, Emit, Operation, Value};
use crate::onnx::Attribute;
use crate::tensor::DType;

type Type = (DType, Option<Dims>);

/// The types of the outputs.
pub fn infer(emit: &Emit, operation: &Operation, outputs: usize) -> Vec<Type> {
    let node = Node { emit, operation };
    let several = match operation.op_type.as_str() {
        "Split" => node.split(outputs),
        "TopK" => node.top_k(),
        "If" | "Loop" | "Scan" => node.bodies(),
        "LSTM" | "GRU" | "RNN" => node.recurrent(),
        _ => None,
    };
    let mut types = several.unwrap_or_else(|| vec![node.only()]);
    types.resize(outputs, (node.dtype(0), None));
    types
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

    fn only(&self) -> Type {
        let shape = match self.operation.op_type.as_str() {
            "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "PRelu" | "And" | "Or" | "Xor" | "Equal" | "Less"
            | "LessOrEqual" | "Greater" | "GreaterOrEqual" | "Max" | "Min" | "Sum" | "Mean" | "BitwiseAnd"
            | "BitwiseOr" | "BitwiseXor" | "BitShift" | "Where" => self.broadcast(),
            "Relu"
            | "Sigmoid"
            | "Tanh"
            | "Exp"
            | "Log"
            | "Neg"
            | "Abs"
            | "Sqrt"
            | "Floor"
            | "Ceil"
            | "Round"
            | "Sign"
            | "Erf"
            | "Sin"
            | "Cos"
            | "Tan"
            | "Asin"
            | "Acos"
            | "Atan"
            | "Sinh"
            | "Cosh"
            | "Asinh"
            | "Acosh"
            | "Atanh"
            | "Elu"
            | "Selu"
            | "Celu"
            | "LeakyRelu"
            | "HardSigmoid"
            | "HardSwish"
            | "Softplus"
            | "Softsign"
            | "Gelu"
            | "Mish"
            | "ThresholdedRelu"
            | "Reciprocal"
            | "Clip"
            | "Identity"
            | "Softmax"
            | "LogSoftmax"
            | "Not"
            | "IsNaN"
            | "IsInf"
            | "Cast"
            | "BatchNormalization"
            | "LayerNormalization"
            | "InstanceNormalization"
            | "LRN"
            | "CumSum"
            | "ScatterND"
            | "ScatterElements"
            | "Trilu"
            | "ReverseSequence"
            | "BitwiseNot"
            | "RandomNormalLike"
            | "RandomUniformLike"
            | "Bernoulli"
            | "LpNormalization" => self.shape(0).cloned(),
            "Shape" => Some(vec![self.shape(0).map(|shape| shape.len() as i64)]),
            "Size" => Some(Vec::new()),
            "Reshape" => self.reshape(),
            "Transpose" => self.transpose(),
            "Squeeze" => self.squeeze(),
            "Unsqueeze" => self.unsqueeze(),
            "Flatten" => self.flatten(),
            "Concat" => self.concat(),
            "Slice" => self.slice(),
            "Gather" => self.gather(),
            "GatherElements" => self.shape(1).cloned(),
            "GatherND" => self.gather_nd(),
            "Expand" => self.expand(),
            "ConstantOfShape" => self.sizes(0),
            "Tile" => self.tile(),
            "Pad" => self.pad(),
            "Range" => Some(vec![None]),
            "OneHot" => self.one_hot(),
            "ArgMax" | "ArgMin" => self.arg(),
            "NonZero" => Some(vec![self.shape(0).map(|shape| shape.len() as i64), None]),
            "NonMaxSuppression" => Some(vec![None, Some(3)]),
            "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1" | "ReduceL2"
            | "ReduceLogSumExp" | "ReduceSumSquare" => self.reduce(),
            "MatMul" => self.mat_mul(),
            "Gemm" => self.gemm(),
            "Einsum" => self.einsum(),
            "Conv" => self.convolution(self.shape(1).and_then(|kernel| kernel.first().copied().flatten())),
            "MaxPool" | "AveragePool" => self.convolution(self.shape(0).and_then(|x| x.get(1).copied().flatten())),
            "ConvTranspose" => self.convolution_transpose(),
            "GlobalAveragePool" | "GlobalMaxPool" => self
                .shape(0)
                .map(|shape| shape.iter().enumerate().map(|(at, size)| if at < 2 { *size } else { Some(1) }).collect()),
            "Resize" => self.resize(),
            "DepthToSpace" | "SpaceToDepth" => self.depth_space(),
            _ => None,
        };
        (self.element_type(), shape)
    }

    fn element_type(&self) -> DType {
        let to = |name| {
            DType::from_code(self.operation.int(name, 1) as i32).expect("only codes of element types are emitted")
        };
        match self.operation.op_type.as_str() {
            "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" | "And" | "Or" | "Xor" | "Not"
            | "IsNaN" | "IsInf" => DType::Bool,
            "Shape" | "Size" | "ArgMax" | "ArgMin" | "NonZero" | "NonMaxSuppression" => DType::Int64,
            "Cast" => to("to"),
            "RandomNormal" | "RandomUniform" => to("dtype"),
            "RandomNormalLike" | "RandomUniformLike" | "Multinomial" | "Bernoulli" | "EyeLike"
                if self.operation.attribute("dtype").is_some() =>
            {
                to("dtype")
            }
            "Where" => self.dtype(1),
            "OneHot" => self.dtype(2),
            "ConstantOfShape" => match self.operation.attribute("value") {
                Some(Attribute::Tensor(tensor)) => {
                    DType::from_code(tensor.data_type()).expect("only codes of element types are emitted")
                }
                _ => DType::Float32,
            },
            _ => self.dtype(0),
        }
    }

    fn broadcast(&self) -> Option<Dims> {
        (0..self.operation.inputs.len())
            .map(|at| self.shape(at))
            .try_fold(Vec::new(), |shape, next| Some(broadcast_shapes(&shape, next?)))
    }

    fn reshape(&self) -> Option<Dims> {
        let mut sizes = match self.sizes(1) {
            Some(sizes) => sizes,
            None => vec![None; usize::try_from((*self.shape(1)?.first()?)?).ok().filter(|&rank| rank <= 16)?],
        };
        if self.operation.int("allowzero", 0) == 0 {
            for (at, size) in sizes.iter_mut().enumerate() {
                if *size == Some(0) {
                    *size = self.shape(0).and_then(|shape| shape.get(at).copied().flatten());
                }
            }
        }
        if let Some(free) = sizes.iter().position(|size| *size == Some(-1)) {
            let others = sizes.iter().enumerate().filter(|(at, _)| *at != free).map(|(_, size)| *size);
            let product = others.collect::<Option<Vec<_>>>().and_then(|sizes| product(&sizes));
            let count = self.shape(0).and_then(|shape| product_of(shape));
            sizes[free] = match (count, product) {
                (Some(count), Some(product)) if product > 0 => Some(count / product),
                _ => None,
            };
        }
        Some(sizes)
    }

    fn transpose(&self) -> Option<Dims> {
        let shape = self.shape(0)?;
        let order = self.operation.ints("perm")?;
        order.iter().map(|&axis| shape.get(usize::try_from(axis).ok()?).copied()).collect()
    }

    fn squeeze(&self) -> Option<Dims> {
        let shape = self.shape(0)?;
        let axes = wrap_all(&self.ints(1)?, shape.len())?;
        Some(shape.iter().enumerate().filter(|(at, _)| !axes.contains(at)).map(|(_, size)| *size).collect())
    }

    fn unsqueeze(&self) -> Option<Dims> {
        let shape = self.shape(0)?;
        let axes = self.ints(1)?;
        let rank = shape.len() + axes.len();
        let axes = wrap_all(&axes, rank)?;
        let mut rest = shape.iter();
        (0..rank).map(|at| if axes.contains(&at) { Some(Some(1)) } else { rest.next().copied() }).collect()
    }

    fn flatten(&self) -> Option<Dims> {
        let shape = self.shape(0)?;
        let axis = self.axis(1, shape.len() + 1)?;
        Some(vec![product_of(&shape[..axis]), product_of(&shape[axis..])])
    }

    fn concat(&self) -> Option<Dims> {
        // All inputs have one rank, so any tells it.
        let count = self.operation.inputs.len();
        let rank = (0..count).find_map(|at| self.shape(at).map(Vec::len))?;
        let axis = self.axis(0, rank)?;
        let mut joined = vec![None; rank];
        joined[axis] = Some(0);
        for at in 0..count {
            let next = self.shape(at).cloned().unwrap_or_else(|| vec![None; rank]);
            if next.len() != rank {
                return None;
            }
            for (at, size) in joined.iter_mut().enumerate() {
                *size = if at == axis { sum(*size, next[at]) } else { size.or(next[at]) };
            }
        }
        Some(joined)
    }

    fn split(&self, outputs: usize) -> Option<Vec<Type>> {
        let shape = self.shape(0)?;
        let axis = self.axis(0, shape.len())?;
        let sizes = match self.input(1) {
            Some(_) => self.sizes(1)?,
            None => {
                vec![shape[axis].filter(|size| size % outputs as i64 == 0).map(|size| size / outputs as i64); outputs]
            }
        };
        let part = |size: Option<i64>| {
            let mut shape = shape.clone();
            shape[axis] = size;
            (self.dtype(0), Some(shape))
        };
        Some(sizes.into_iter().map(part).collect())
    }

    fn slice(&self) -> Option<Dims> {
        let mut shape = self.shape(0)?.clone();
        let (starts, ends) = (self.ints(1), self.ints(2));
        let axes = match self.input(3) {
            Some(_) => wrap_all(&self.ints(3)?, shape.len())?,
            None => (0..starts.as_ref()?.len().min(shape.len())).collect(),
        };
        let steps = if self.input(4).is_some() { self.ints(4) } else { Some(vec![1; axes.len()]) };
        for (at, &axis) in axes.iter().enumerate() {
            let number = |numbers: &Option<Vec<i64>>| numbers.as_ref().and_then(|numbers| numbers.get(at).copied());
            shape[axis] = match (shape[axis], number(&starts), number(&ends), number(&steps)) {
                (Some(size), Some(start), Some(end), Some(step)) if step != 0 => {
                    Some(slice_range(size, start, end, step).1)
                }
                // From the start of an axis of unknown size at most `end` elements: only that much can be told.
                _ => None,
            };
        }
        Some(shape)
    }

    fn gather(&self) -> Option<Dims> {
        let (data, indices) = (self.shape(0)?, self.shape(1)?);
        let axis = self.axis(0, data.len())?;
        Some([&data[..axis], indices, &data[axis + 1..]].concat())
    }

    fn gather_nd(&self) -> Option<Dims> {
        let (data, indices) = (self.shape(0)?, self.shape(1)?);
        let batch = usize::try_from(self.operation.int("batch_dims", 0)).ok()?;
        let (last, outer) = indices.split_last()?;
        let depth = usize::try_from((*last)?).ok()?;
        Some([outer, data.get(batch.checked_add(depth)?..)?].concat())
    }

    fn expand(&self) -> Option<Dims> {
        let sizes = match self.sizes(1) {
            Some(sizes) => sizes,
            None => vec![None; usize::try_from((*self.shape(1)?.first()?)?).ok().filter(|&rank| rank <= 16)?],
        };
        Some(broadcast_shapes(self.shape(0)?, &sizes))
    }

    fn tile(&self) -> Option<Dims> {
        let shape = self.shape(0)?;
        let Some(repeats) = self.sizes(1) else { return Some(vec![None; shape.len()]) };
        (repeats.len() == shape.len())
            .then(|| shape.iter().zip(&repeats).map(|(size, repeats)| (*size)?.checked_mul((*repeats)?)).collect())
    }

    fn pad(&self) -> Option<Dims> {
        let shape = self.shape(0)?;
        let Some(pads) = self.ints(1) else { return Some(vec![None; shape.len()]) };
        let axes = match self.input(3) {
            Some(_) => wrap_all(&self.ints(3)?, shape.len())?,
            None => (0..shape.len()).collect(),
        };
        if pads.len() != axes.len() * 2 {
            return None;
        }
        let mut padded = shape.clone();
        for (at, &axis) in axes.iter().enumerate() {
            padded[axis] = sum(sum(shape[axis], Some(pads[at])), Some(pads[at + axes.len()]));
        }
        Some(padded)
    }

    fn one_hot(&self) -> Option<Dims> {
        let mut shape = self.shape(0)?.clone();
        let axis = self.axis(-1, shape.len() + 1)?;
        let depth = self.ints(1).and_then(|depth| depth.first().copied());
        shape.insert(axis, depth);
        Some(shape)
    }

    fn arg(&self) -> Option<Dims> {
        let mut shape = self.shape(0)?.clone();
        let axis = self.axis(0, shape.len())?;
        if self.operation.int("keepdims", 1) == 1 {
            shape[axis] = Some(1);
        } else {
            shape.remove(axis);
        }
        Some(shape)
    }

    fn reduce(&self) -> Option<Dims> {
        let keep = self.operation.int("keepdims", 1) == 1;
        let axes = match self.input(1) {
            None if !keep => return Some(Vec::new()),
            None => (0..self.shape(0)?.len()).collect(),
            Some(_) => wrap_all(&self.ints(1)?, self.shape(0)?.len())?,
        };
        let reduced = self.shape(0)?.iter().enumerate().filter_map(|(at, size)| match (axes.contains(&at), keep) {
            (false, _) => Some(*size),
            (true, true) => Some(Some(1)),
            (true, false) => None,
        });
        Some(reduced.collect())
    }

    fn mat_mul(&self) -> Option<Dims> {
        let (a, b) = (self.shape(0)?, self.shape(1)?);
        match (a.as_slice(), b.as_slice()) {
            ([], _) | (_, []) => None,
            ([_], [_]) => Some(Vec::new()),
            ([_], [outer @ .., _, columns]) => Some([outer, &[*columns]].concat()),
            ([outer @ .., _], [_]) => Some(outer.to_vec()),
            ([a_outer @ .., rows, _], [b_outer @ .., _, columns]) => {
                Some([broadcast_shapes(a_outer, b_outer).as_slice(), &[*rows, *columns]].concat())
            }
        }
    }

    fn gemm(&self) -> Option<Dims> {
        let (a, b) = (self.shape(0)?, self.shape(1)?);
        let at = |shape: &Dims, transposed: i64| shape.get(transposed as usize & 1).copied();
        Some(vec![at(a, self.operation.int("transA", 0))?, at(b, 1 - self.operation.int("transB", 0).min(1))?])
    }

    fn einsum(&self) -> Option<Dims> {
        let (inputs, output) = self.operation.string("equation")?.split_once("->")?;
        let mut sizes = std::collections::HashMap::new();
        for (at, term) in inputs.split(',').enumerate() {
            let shape = self.shape(at)?;
            if term.len() != shape.len() {
                return None;
            }
            for (letter, size) in term.chars().zip(shape) {
                let known = sizes.entry(letter).or_insert(None);
                *known = known.or(*size);
            }
        }
        output.chars().map(|letter| sizes.get(&letter).copied()).collect()
    }

    /// Convolutions and poolings: batch, channels, then each spatial axis.
    fn convolution(&self, channels: Option<i64>) -> Option<Dims> {
        let x = self.shape(0)?;
        let spatial = x.len().checked_sub(2)?;
        let kernel: Dims = match self.operation.ints("kernel_shape") {
            Some(kernel) => kernel.iter().copied().map(Some).collect(),
            None => self.shape(1)?.get(2..)?.to_vec(),
        };
        let ones = vec![1; spatial];
        let zeros = vec![0; spatial * 2];
        let strides = self.operation.ints("strides").unwrap_or(&ones);
        let dilations = self.operation.ints("dilations").unwrap_or(&ones);
        let pads = self.operation.ints("pads").unwrap_or(&zeros);
        let same = self.operation.string("auto_pad").is_some_and(|mode| mode.starts_with("SAME"));
        let mut shape = vec![x[0], channels];
        for at in 0..spatial {
            let (stride, dilation) = (*strides.get(at)?, *dilations.get(at)?);
            if stride < 1 {
                return None;
            }
            let size = |size: i64| {
                if same {
                    return Some(size.checked_add(stride - 1)? / stride);
                }
                let covered = (*kernel.get(at)?)?.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
                let room =
                    size.checked_add(*pads.get(at)?)?.checked_add(*pads.get(at + spatial)?)?.checked_sub(covered)?;
                (room >= 0).then(|| room / stride + 1)
            };
            shape.push(x[at + 2].and_then(size));
        }
        Some(shape)
    }

    fn convolution_transpose(&self) -> Option<Dims> {
        let (x, kernel) = (self.shape(0)?, self.shape(1)?);
        let spatial = x.len().checked_sub(2)?;
        let ones = vec![1; spatial];
        let zeros = vec![0; spatial * 2];
        let strides = self.operation.ints("strides").unwrap_or(&ones);
        let dilations = self.operation.ints("dilations").unwrap_or(&ones);
        let pads = self.operation.ints("pads").unwrap_or(&zeros);
        let extra = self.operation.ints("output_padding").unwrap_or(&zeros);
        let groups = self.operation.int("group", 1);
        let mut shape = vec![x[0], kernel.get(1).copied().flatten().and_then(|channels| channels.checked_mul(groups))];
        for at in 0..spatial {
            let size = |size: i64| {
                let covered =
                    (*kernel.get(at + 2)?)?.checked_sub(1)?.checked_mul(*dilations.get(at)?)?.checked_add(1)?;
                let stretched = size.checked_sub(1)?.checked_mul(*strides.get(at)?)?;
                let pads = pads.get(at)?.checked_add(*pads.get(at + spatial)?)?;
                stretched.checked_add(covered)?.checked_add(*extra.get(at)?)?.checked_sub(pads)
            };
            shape.push(x[at + 2].and_then(size));
        }
        Some(shape)
    }

    fn resize(&self) -> Option<Dims> {
        let x = self.shape(0)?;
        if self.input(3).is_some() {
            let sizes = self.sizes(3).unwrap_or_else(|| vec![None; x.len()]);
            return (sizes.len() == x.len()).then_some(sizes);
        }
        let scales = self.emit.constant_of(self.input(2)?)?.numbers()?;
        let scaled = |(size, scale): (&Option<i64>, &f64)| size.map(|size| (size as f64 * scale).floor() as i64);
        (scales.len() == x.len()).then(|| x.iter().zip(&scales).map(scaled).collect())
    }

    fn depth_space(&self) -> Option<Dims> {
        let &[batch, channels, height, width] = self.shape(0)?.as_slice() else { return None };
        let block = Some(self.operation.int("blocksize", 1)).filter(|block| *block > 0)?;
        let (more, less) = (|size: Option<i64>| size?.checked_mul(block), |size: Option<i64>| Some(size? / block));
        Some(if self.operation.op_type == "DepthToSpace" {
            vec![batch, less(less(channels)), more(height), more(width)]
        } else {
            vec![batch, more(more(channels)), less(height), less(width)]
        })
    }

    fn top_k(&self) -> Option<Vec<Type>> {
        let mut shape = self.shape(0)?.clone();
        let axis = self.axis(-1, shape.len())?;
        shape[axis] = self.ints(1).and_then(|k| k.first().copied());
        Some(vec![(self.dtype(0), Some(shape.clone())), (DType::Int64, Some(shape))])
    }

    fn recurrent(&self) -> Option<Vec<Type>> {
        let &[first, second, _] = self.shape(0)?.as_slice() else { return None };
        let batch_first = self.operation.int("layout", 0) == 1;
        let (steps, batch) = if batch_first { (second, first) } else { (first, second) };
        let directions = self.shape(2)?.first().copied().flatten();
        let units = Some(self.operation.int("hidden_size", 0));
        let (all, last) = if batch_first {
            (vec![batch, steps, directions, units], vec![batch, directions, units])
        } else {
            (vec![steps, directions, batch, units], vec![directions, batch, units])
        };
        let dtype = self.dtype(0);
        Some(vec![(dtype, Some(all)), (dtype, Some(last.clone())), (dtype, Some(last))])
    }

    fn bodies(&self) -> Option<Vec<Type>> {
        let types = |body: &Body| -> Vec<Type> {
            body.outputs.iter().map(|&value| (self.emit.dtype(value), self.emit.shape(value).cloned())).collect()
        };
        let bodies: Vec<Vec<Type>> = self.operation.bodies.iter().map(|(_, body)| types(body)).collect();
        match (self.operation.op_type.as_str(), bodies.as_slice()) {
            ("If", [one, other]) => {
                Some(one.iter().zip(other).map(|(a, b)| (a.0, common(a.1.as_ref(), b.1.as_ref()))).collect())
            }
            ("Loop", [body]) => {
                let carried = self.operation.inputs.len().saturating_sub(2);
                let mut types = body.get(1..)?.to_vec();
                for (at, (_, shape)) in types.iter_mut().enumerate() {
                    if at < carried {
                        // No pass at all gives the initial value.
                        *shape = common(shape.as_ref(), self.shape(at + 2));
                    } else if let Some(shape) = shape {
                        shape.insert(0, None);
                    }
                }
                Some(types)
            }
            ("Scan", [body]) => {
                let scanned = usize::try_from(self.operation.int("num_scan_inputs", 0)).ok()?;
                let states = self.operation.inputs.len().checked_sub(scanned)?;
                let steps = self.shape(states).and_then(|shape| shape.first().copied().flatten());
                let mut types = body.clone();
                for (_, shape) in types.iter_mut().skip(states) {
                    if let Some(shape) = shape {
                        shape.insert(0, steps);
                    }
                }
                Some(types)
            }
            _ => None,
        }
    }
}

/// What two shapes have in common.
fn common(a: Option<&Dims>, b: Option<&Dims>) -> Option<Dims> {
    let (a, b) = (a?, b?);
    (a.len() == b.len()).then(|| a.iter().zip(b).map(|(a, b)| if a == b { *a } else { None }).collect())
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
