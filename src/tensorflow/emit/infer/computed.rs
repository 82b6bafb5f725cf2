//! Operators that compute along axes: reductions, products, convolutions, recurrent layers.

use super::{Node, broadcast_shapes, wrap_all};
use crate::tensorflow::emit::Dims;

impl Node<'_> {
    pub(super) fn position(&self) -> Option<Dims> {
        let mut shape = self.shape(0)?.clone();
        let axis = self.axis(0, shape.len())?;
        if self.operation.int("keepdims", 1) == 1 {
            shape[axis] = Some(1);
        } else {
            shape.remove(axis);
        }
        Some(shape)
    }

    pub(super) fn reduce(&self) -> Option<Dims> {
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

    pub(super) fn top_k(&self) -> Option<Vec<Option<Dims>>> {
        let mut shape = self.shape(0)?.clone();
        let axis = self.axis(-1, shape.len())?;
        shape[axis] = self.ints(1).and_then(|k| k.first().copied());
        Some(vec![Some(shape.clone()), Some(shape)])
    }

    pub(super) fn mat_mul(&self, left: usize, right: usize) -> Option<Dims> {
        let (a, b) = (self.shape(left)?, self.shape(right)?);
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

    pub(super) fn gemm(&self) -> Option<Dims> {
        let (a, b) = (self.shape(0)?, self.shape(1)?);
        let at = |shape: &Dims, transposed: i64| shape.get(transposed as usize & 1).copied();
        Some(vec![at(a, self.operation.int("transA", 0))?, at(b, 1 - self.operation.int("transB", 0).min(1))?])
    }

    pub(super) fn einsum(&self) -> Option<Dims> {
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
    pub(super) fn convolution(&self, channels: Option<i64>) -> Option<Dims> {
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
                let context =
                    size.checked_add(*pads.get(at)?)?.checked_add(*pads.get(at + spatial)?)?.checked_sub(covered)?;
                (context >= 0).then(|| context / stride + 1)
            };
            shape.push(x[at + 2].and_then(size));
        }
        Some(shape)
    }

    /// Each spatial axis becomes one element.
    pub(super) fn global_pool(&self) -> Option<Dims> {
        let shape = self.shape(0)?.iter().enumerate();
        Some(shape.map(|(at, size)| if at < 2 { *size } else { Some(1) }).collect())
    }

    pub(super) fn convolution_transpose(&self) -> Option<Dims> {
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

    pub(super) fn recurrent(&self) -> Option<Vec<Option<Dims>>> {
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
        Some(vec![Some(all), Some(last.clone()), Some(last)])
    }
}
