//! How many bytes of text a run may make.
//!
//! The bounded allocator holds a tensor's elements; what a text of more than a few letters holds lies outside it. A guarded model
//! has an operator of our own in front of each node that copies texts (`guard/texts.rs`): it reckons what the node will
//! make, and fails the run when that is more than is left.

use ort::operator::{ComputeContext, Kernel, KernelContext, Operator, OperatorDomain, OperatorInput, OperatorOutput};
use ort::sys::OrtValue;
use ort::value::{TensorElementType, ValueRef};
use ort::{AsPointer, Error, Result};
use std::cell::Cell;

pub const DOMAIN: &str = "harper.edge_ai";
pub const OPERATOR: &str = "TextBudget";

thread_local! {
    /// Bytes that the run on this thread may still make. ONNX Runtime computes the nodes of a run one after the other on the
    /// thread that asked for it.
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// Loads or runs a model that may make at most this many bytes of text.
pub fn within<T>(bytes: u64, work: impl FnOnce() -> T) -> T {
    LEFT.set(bytes);
    work()
}

/// The domain that a session of a guarded model needs.
pub fn domain() -> Result<OperatorDomain> {
    OperatorDomain::new(DOMAIN)?.add(TextBudget)
}

/// How a node makes texts from those it is given. The names are the operator's attribute `growth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// Each as often as the product of the numbers says.
    Repeat,
    /// As often as it takes to fill the shapes.
    Broadcast,
    /// Any of them, as many as the product of the numbers says.
    Elements,
    /// Whole slices along an axis, as many as the shape of the indices says.
    Gather,
    /// Slices behind the axes that the last axis of the indices names.
    GatherNd,
}

impl Growth {
    pub const ALL: [Self; 5] = [Self::Repeat, Self::Broadcast, Self::Elements, Self::Gather, Self::GatherNd];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::Broadcast => "broadcast",
            Self::Elements => "elements",
            Self::Gather => "gather",
            Self::GatherNd => "gather_nd",
        }
    }

    /// Bytes that come of texts in this shape; saturates.
    fn bytes(self, axis: i64, shape: &[i64], texts: &Lengths, numbers: &[&[i64]]) -> u64 {
        let elements = |sizes: &mut dyn Iterator<Item = i64>| {
            sizes.fold(1u64, |product, size| product.saturating_mul(u64::try_from(size).unwrap_or(0)))
        };
        let count = elements(&mut shape.iter().copied());
        let all = elements(&mut numbers.iter().flat_map(|list| list.iter().copied()));
        if count == 0 {
            return 0;
        }
        match self {
            Self::Repeat => texts.total.saturating_mul(all),
            Self::Elements => texts.longest.saturating_mul(all),
            Self::Broadcast => {
                let rank = numbers.iter().map(|list| list.len()).chain([shape.len()]).max().unwrap_or(0);
                let from_end = |list: &[i64], at: usize| list.len().checked_sub(at).map_or(1, |index| list[index]);
                let mut sizes = (1..=rank)
                    .map(|at| numbers.iter().map(|list| from_end(list, at)).fold(from_end(shape, at), i64::max));
                texts.total.saturating_mul(elements(&mut sizes) / count)
            }
            Self::Gather => {
                let axis = if axis < 0 { axis + shape.len() as i64 } else { axis };
                let along = usize::try_from(axis).ok().and_then(|axis| shape.get(axis)).copied().unwrap_or(1);
                texts.longest.saturating_mul(all).saturating_mul(count / along.max(1) as u64)
            }
            Self::GatherNd => {
                let indices = numbers.first().copied().unwrap_or_default();
                let (named, outer) = indices.split_last().map_or((0, indices), |(last, outer)| (*last, outer));
                let named = usize::try_from(named).unwrap_or(0).min(shape.len());
                let slice = elements(&mut shape[named..].iter().copied());
                texts.longest.saturating_mul(elements(&mut outer.iter().copied())).saturating_mul(slice)
            }
        }
    }
}

#[derive(Default)]
struct Lengths {
    total: u64,
    longest: u64,
}

/// Inputs: a list of whole numbers, which is also the output; the texts, or any other tensor, which costs nothing; and lists of
/// whole numbers that the growth depends on.
struct TextBudget;

impl Operator for TextBudget {
    type Kernel<'attr> = Budget;

    fn name(&self) -> &str {
        OPERATOR
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [OperatorInput::required(TensorElementType::Int64), OperatorInput::variadic(1)]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Int64)]
    }

    fn create_kernel<'attr>(&self, context: &KernelContext<'attr>) -> Result<Budget> {
        let name = context.get::<String>("growth").unwrap_or_default();
        let growth = Growth::ALL.into_iter().find(|growth| growth.name() == name);
        let growth = growth.ok_or_else(|| Error::new("TextBudget: unknown growth"))?;
        Ok(Budget { growth, axis: context.get::<i64>("axis").unwrap_or(0) })
    }
}

/// Runs on several threads at once and changes nothing of itself.
struct Budget {
    growth: Growth,
    axis: i64,
}

impl Kernel for Budget {
    fn compute(&mut self, context: &ComputeContext) -> Result<()> {
        let input = |at| context.input(at)?.ok_or_else(|| Error::new("TextBudget: an input is missing"));
        let (own, texts) = (input(0)?, input(1)?);
        let (own_shape, passed_on) = own.try_extract_tensor::<i64>()?;
        if texts.dtype().tensor_type() == Some(TensorElementType::String) {
            let mut lists = Vec::new();
            for at in 2..context.num_inputs()? {
                lists.push(input(at)?);
            }
            let numbers =
                lists.iter().map(|list| Ok(list.try_extract_tensor::<i64>()?.1)).collect::<Result<Vec<_>>>()?;
            let bytes = self.growth.bytes(self.axis, texts.shape(), &lengths(&texts)?, &numbers);
            let left = LEFT.get().checked_sub(bytes);
            LEFT.set(left.ok_or_else(|| {
                Error::new(format!("the run would make more text than it may, {bytes} bytes at once"))
            })?);
        }
        let mut output =
            context.output(0, own_shape.to_vec())?.ok_or_else(|| Error::new("TextBudget: the output is missing"))?;
        output.try_extract_tensor_mut::<i64>()?.1.copy_from_slice(passed_on);
        Ok(())
    }
}

fn lengths(texts: &ValueRef<'_>) -> Result<Lengths> {
    let pointer: *const OrtValue = texts.ptr();
    let count = texts.shape().iter().map(|&size| usize::try_from(size).unwrap_or(0)).product::<usize>();
    let mut lengths = Lengths::default();
    for index in 0..count {
        let mut length = 0;
        // SAFETY: the value is a tensor of texts with more than `index` elements, and the output is valid.
        unsafe {
            let status = (ort::api().GetStringTensorElementLength)(pointer, index, &mut length);
            Error::result_from_status(status)?;
        }
        lengths.total = lengths.total.saturating_add(length as u64);
        lengths.longest = lengths.longest.max(length as u64);
    }
    Ok(lengths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_what_the_operators_make() {
        let texts = Lengths { total: 12, longest: 10 };
        let bytes =
            |growth: Growth, axis, shape: &[i64], numbers: &[&[i64]]| growth.bytes(axis, shape, &texts, numbers);
        assert_eq!(bytes(Growth::Repeat, 0, &[1, 3], &[&[2, 5]]), 120);
        assert_eq!(bytes(Growth::Broadcast, 0, &[3, 1], &[&[4], &[3, 1]]), 48);
        assert_eq!(bytes(Growth::Broadcast, 0, &[3], &[&[2, 1, 3]]), 24);
        assert_eq!(bytes(Growth::Elements, 0, &[3], &[&[2], &[7]]), 140);
        assert_eq!(bytes(Growth::Gather, -1, &[2, 3], &[&[4]]), 80);
        assert_eq!(bytes(Growth::GatherNd, 0, &[2, 3], &[&[5, 1]]), 150);
        assert_eq!(bytes(Growth::Repeat, 0, &[3], &[&[i64::MAX, i64::MAX]]), u64::MAX);
        assert_eq!(bytes(Growth::Repeat, 0, &[0], &[&[i64::MAX]]), 0);
        assert_eq!(bytes(Growth::Repeat, 0, &[3], &[&[-1]]), 0, "what the operator refuses itself");
    }
}
