//! Operators that put elements elsewhere.

use super::{Node, broadcast_shapes, product, product_of, slice_range, sum, wrap_all};
use crate::tensorflow::emit::Dims;

impl Node<'_> {
    pub(super) fn reshape(&self) -> Option<Dims> {
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

    pub(super) fn transpose(&self) -> Option<Dims> {
        let shape = self.shape(0)?;
        let order = self.operation.ints("perm")?;
        order.iter().map(|&axis| shape.get(usize::try_from(axis).ok()?).copied()).collect()
    }

    pub(super) fn squeeze(&self) -> Option<Dims> {
        let shape = self.shape(0)?;
        let axes = wrap_all(&self.ints(1)?, shape.len())?;
        Some(shape.iter().enumerate().filter(|(at, _)| !axes.contains(at)).map(|(_, size)| *size).collect())
    }

    pub(super) fn unsqueeze(&self) -> Option<Dims> {
        let shape = self.shape(0)?;
        let axes = self.ints(1)?;
        let rank = shape.len() + axes.len();
        let axes = wrap_all(&axes, rank)?;
        let mut rest = shape.iter();
        (0..rank).map(|at| if axes.contains(&at) { Some(Some(1)) } else { rest.next().copied() }).collect()
    }

    pub(super) fn flatten(&self) -> Option<Dims> {
        let shape = self.shape(0)?;
        let axis = self.axis(1, shape.len() + 1)?;
        Some(vec![product_of(&shape[..axis]), product_of(&shape[axis..])])
    }

    pub(super) fn concat(&self) -> Option<Dims> {
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

    pub(super) fn split(&self, outputs: usize) -> Option<Vec<Option<Dims>>> {
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
            Some(shape)
        };
        Some(sizes.into_iter().map(part).collect())
    }

    pub(super) fn slice(&self) -> Option<Dims> {
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

    pub(super) fn gather(&self) -> Option<Dims> {
        let (data, indices) = (self.shape(0)?, self.shape(1)?);
        let axis = self.axis(0, data.len())?;
        Some([&data[..axis], indices, &data[axis + 1..]].concat())
    }

    pub(super) fn gather_nd(&self) -> Option<Dims> {
        let (data, indices) = (self.shape(0)?, self.shape(1)?);
        let batch = usize::try_from(self.operation.int("batch_dims", 0)).ok()?;
        let (last, outer) = indices.split_last()?;
        let depth = usize::try_from((*last)?).ok()?;
        Some([outer, data.get(batch.checked_add(depth)?..)?].concat())
    }

    pub(super) fn expand(&self) -> Option<Dims> {
        let sizes = match self.sizes(1) {
            Some(sizes) => sizes,
            None => vec![None; usize::try_from((*self.shape(1)?.first()?)?).ok().filter(|&rank| rank <= 16)?],
        };
        Some(broadcast_shapes(self.shape(0)?, &sizes))
    }

    pub(super) fn tile(&self) -> Option<Dims> {
        let shape = self.shape(0)?;
        let Some(repeats) = self.sizes(1) else { return Some(vec![None; shape.len()]) };
        (repeats.len() == shape.len())
            .then(|| shape.iter().zip(&repeats).map(|(size, repeats)| (*size)?.checked_mul((*repeats)?)).collect())
    }

    pub(super) fn pad(&self) -> Option<Dims> {
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

    pub(super) fn one_hot(&self) -> Option<Dims> {
        let mut shape = self.shape(0)?.clone();
        let axis = self.axis(-1, shape.len() + 1)?;
        let depth = self.ints(1).and_then(|depth| depth.first().copied());
        shape.insert(axis, depth);
        Some(shape)
    }

    pub(super) fn resize(&self) -> Option<Dims> {
        let x = self.shape(0)?;
        if self.input(3).is_some() {
            let sizes = self.sizes(3).unwrap_or_else(|| vec![None; x.len()]);
            return (sizes.len() == x.len()).then_some(sizes);
        }
        let scales = self.emit.constant_of(self.input(2)?)?.numbers()?;
        let scaled = |(size, scale): (&Option<i64>, &f64)| size.map(|size| (size as f64 * scale).floor() as i64);
        (scales.len() == x.len()).then(|| x.iter().zip(&scales).map(scaled).collect())
    }

    pub(super) fn depth_to_space(&self) -> Option<Dims> {
        let (&[batch, channels, height, width], block) = self.blocks()? else { return None };
        let (more, less) = (|size: Option<i64>| size?.checked_mul(block), |size: Option<i64>| Some(size? / block));
        Some(vec![batch, less(less(channels)), more(height), more(width)])
    }

    pub(super) fn space_to_depth(&self) -> Option<Dims> {
        let (&[batch, channels, height, width], block) = self.blocks()? else { return None };
        let (more, less) = (|size: Option<i64>| size?.checked_mul(block), |size: Option<i64>| Some(size? / block));
        Some(vec![batch, more(more(channels)), less(height), less(width)])
    }

    fn blocks(&self) -> Option<(&[Option<i64>], i64)> {
        let block = Some(self.operation.int("blocksize", 1)).filter(|block| *block > 0)?;
        Some((self.shape(0)?, block))
    }
}
