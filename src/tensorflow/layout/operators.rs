//! Operations that can be done with their axes in the order of another value.

use super::{Layout, as_ints, in_source_order, is_identity, moved_axis, simple};
use crate::onnx::operators::{RowRule, ShapeRule};
use crate::tensorflow::emit::{Operation, Value};

impl Layout<'_> {
    /// Does an operation whose inputs were moved on what they were moved from; `None` when it needs its axes as they are.
    pub(super) fn moved(&mut self, operation: &Operation) -> Option<()> {
        match operation.operator.rows {
            RowRule::Transpose => self.transpose(operation),
            RowRule::Shape => self.shape(operation),
            RowRule::Pad => self.pad(operation),
            RowRule::Concat => self.concat(operation),
            RowRule::Split => self.along_axis(operation, 0),
            RowRule::Softmax | RowRule::AlongLast => self.along_axis(operation, -1),
            RowRule::Slice => self.slice(operation),
            RowRule::Reshape => self.reshape(operation),
            RowRule::Squeeze => self.squeeze(operation),
            RowRule::Unsqueeze => self.unsqueeze(operation),
            RowRule::Reduce => self.reduce(operation),
            RowRule::ElementWise | RowRule::Keep => self.elementwise(operation),
            _ => None,
        }
    }

    fn transpose(&mut self, operation: &Operation) -> Option<()> {
        let order: Vec<usize> =
            operation.ints("perm")?.iter().map(|&axis| usize::try_from(axis).ok()).collect::<Option<_>>()?;
        let input = operation.inputs[0];
        let (source, order) = match self.source(input) {
            (source, Some(first)) if first.len() == order.len() => {
                (source, order.iter().map(|&axis| first.get(axis).copied()).collect::<Option<Vec<_>>>()?)
            }
            (_, Some(_)) => return None,
            (source, None) => (source, order),
        };
        self.set_moved(operation.outputs[0], source, order);
        Some(())
    }

    /// The sizes of a moved value are those of its source in another order.
    fn shape(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let sizes = self.emit.in_place_of(operation.outputs[0], Some(vec![Some(order.len() as i64)]));
        self.done.push(operation.with_values(vec![source], vec![sizes]));
        let order = self.emit.int64s(&as_ints(&order));
        self.done.push(simple("Gather", vec![sizes, order], operation.outputs[0]));
        Some(())
    }

    fn pad(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let pads = operation.inputs[1];
        let rank = order.len() as i64;
        if operation.inputs.len() > 3 || self.emit.size(pads, 0) != Some(rank * 2) {
            return None;
        }
        // Where each axis of the source finds what is put before it, and behind it.
        let before = in_source_order(&(0..rank).collect::<Vec<_>>(), &order);
        let places: Vec<i64> = before.iter().copied().chain(before.iter().map(|at| at + rank)).collect();
        let mut inputs = operation.inputs.clone();
        inputs[0] = source;
        inputs[1] = match self.emit.ints_of(pads) {
            Some(pads) => {
                let pads: Vec<i64> = places.iter().map(|&at| pads[at as usize]).collect();
                self.emit.int64s(&pads)
            }
            None => {
                self.produce(pads);
                let places = self.emit.int64s(&places);
                let made = self.emit.in_place_of(pads, Some(vec![Some(rank * 2)]));
                self.done.push(simple("Gather", vec![pads, places], made));
                made
            }
        };
        self.redo(operation.clone(), inputs, &order);
        Some(())
    }

    fn along_axis(&mut self, operation: &Operation, default: i64) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let axis = moved_axis(operation.int("axis", default), &order)?;
        let mut redone = operation.clone();
        redone.set_attribute("axis", axis);
        let mut inputs = operation.inputs.clone();
        inputs[0] = source;
        self.redo(redone, inputs, &order);
        Some(())
    }

    fn slice(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let axes = match operation.inputs.get(3) {
            Some(&axes) => self.emit.ints_of(axes)?,
            None => (0..self.emit.size(operation.inputs[1], 0)?).collect(),
        };
        let axes: Vec<i64> = axes.into_iter().map(|axis| moved_axis(axis, &order)).collect::<Option<_>>()?;
        let mut inputs = operation.inputs.clone();
        inputs[0] = source;
        inputs.resize(inputs.len().max(4), Value::ABSENT);
        inputs[3] = self.emit.int64s(&axes);
        self.redo(operation.clone(), inputs, &order);
        Some(())
    }

    /// Where only axes of size 1 change their places, the elements stay where they are.
    fn reshape(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let shape = self.emit.shape(source)?;
        let longer: Vec<usize> = order.iter().copied().filter(|&axis| shape.get(axis) != Some(&Some(1))).collect();
        // A size of 0 in the new shape may mean that of the input's axis.
        let plain = self.emit.ints_of(operation.inputs[1])?.iter().all(|&size| size != 0);
        if !longer.is_sorted() || !plain {
            return None;
        }
        let mut inputs = operation.inputs.clone();
        inputs[0] = source;
        self.done.push(operation.with_values(inputs, operation.outputs.clone()));
        Some(())
    }

    fn reduce(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let axes = self.emit.ints_of(*operation.inputs.get(1)?)?;
        let axes: Vec<i64> = axes.into_iter().map(|axis| moved_axis(axis, &order)).collect::<Option<_>>()?;
        let inputs = vec![source, self.emit.int64s(&axes)];
        if operation.int("keepdims", 1) == 1 {
            self.redo(operation.clone(), inputs, &order);
            return Some(());
        }
        self.without_axes(operation, inputs, &order, &axes);
        Some(())
    }

    fn squeeze(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let axes = self.emit.ints_of(*operation.inputs.get(1)?)?;
        let axes: Vec<i64> = axes.into_iter().map(|axis| moved_axis(axis, &order)).collect::<Option<_>>()?;
        let inputs = vec![source, self.emit.int64s(&axes)];
        self.without_axes(operation, inputs, &order, &axes);
        Some(())
    }

    /// Does an operation that takes away some axes of the source.
    fn without_axes(&mut self, operation: &Operation, inputs: Vec<Value>, order: &[usize], axes: &[i64]) {
        let left: Vec<usize> = order.iter().copied().filter(|&axis| !axes.contains(&(axis as i64))).collect();
        let mut sorted = left.clone();
        sorted.sort_unstable();
        let rank = |axis: &usize| sorted.iter().position(|other| other == axis);
        let order: Vec<usize> = left.iter().filter_map(rank).collect();
        if is_identity(&order) {
            self.done.push(operation.with_values(inputs, operation.outputs.clone()));
        } else {
            self.redo(operation.clone(), inputs, &order);
        }
    }

    /// The new axis comes before the same axis of the source as it does in the moved value.
    fn unsqueeze(&mut self, operation: &Operation) -> Option<()> {
        let (source, order) = self.moved_input(operation)?;
        let [axis] = self.emit.ints_of(operation.inputs[1])?[..] else { return None };
        let rank = order.len() as i64 + 1;
        let axis = usize::try_from(if axis < 0 { axis + rank } else { axis }).ok()?;
        let place = if axis > order.len() { return None } else { order.get(axis).copied().unwrap_or(order.len()) };
        let mut longer: Vec<usize> =
            order.iter().map(|&other| if other >= place { other + 1 } else { other }).collect();
        longer.insert(axis, place);
        let inputs = vec![source, self.emit.int64s(&[place as i64])];
        self.redo(operation.clone(), inputs, &longer);
        Some(())
    }

    fn concat(&mut self, operation: &Operation) -> Option<()> {
        let order = self.common_order(&operation.inputs)?;
        let axis = moved_axis(operation.int("axis", 0), &order)?;
        let inputs = self.inputs_in(&operation.inputs, &order)?;
        let mut redone = operation.clone();
        redone.set_attribute("axis", axis);
        self.redo(redone, inputs, &order);
        Some(())
    }

    fn elementwise(&mut self, operation: &Operation) -> Option<()> {
        // Where the first input alone says the shape, the others are scalars.
        let all = operation.inputs.len();
        let spread = if operation.operator.shape == ShapeRule::SameAs(0) { all.min(1) } else { all };
        let (spread, scalars) = operation.inputs.split_at(spread);
        let order = self.common_order(spread)?;
        if self.emit.rank(operation.outputs[0])? != order.len() {
            return None;
        }
        let mut inputs = self.inputs_in(spread, &order)?;
        inputs.extend(scalars);
        self.redo(operation.clone(), inputs, &order);
        Some(())
    }
}
