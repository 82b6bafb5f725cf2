//! Operators that run graphs of their own.

use super::Node;
use crate::tensorflow::emit::{Body, Dims};

impl Node<'_> {
    pub(super) fn branches(&self) -> Option<Vec<Option<Dims>>> {
        let [(_, one), (_, other)] = self.operation.bodies.as_slice() else { return None };
        let both = one.outputs.iter().zip(&other.outputs);
        Some(both.map(|(&a, &b)| common(self.emit.shape(a), self.emit.shape(b))).collect())
    }

    pub(super) fn repeated(&self) -> Option<Vec<Option<Dims>>> {
        let carried = self.operation.inputs.len().saturating_sub(2);
        let mut shapes = self.of_outputs(self.body()?);
        // Whether it goes on.
        if !shapes.is_empty() {
            shapes.remove(0);
        }
        for (at, shape) in shapes.iter_mut().enumerate() {
            if at < carried {
                // No pass at all gives the initial value.
                *shape = common(shape.as_ref(), self.shape(at + 2));
            } else if let Some(shape) = shape {
                shape.insert(0, None);
            }
        }
        Some(shapes)
    }

    pub(super) fn scanned(&self) -> Option<Vec<Option<Dims>>> {
        let scanned = usize::try_from(self.operation.int("num_scan_inputs", 0)).ok()?;
        let states = self.operation.inputs.len().checked_sub(scanned)?;
        let steps = self.size(states, 0);
        let mut shapes = self.of_outputs(self.body()?);
        for shape in shapes.iter_mut().skip(states).flatten() {
            shape.insert(0, steps);
        }
        Some(shapes)
    }

    fn body(&self) -> Option<&Body> {
        match self.operation.bodies.as_slice() {
            [(_, body)] => Some(body),
            _ => None,
        }
    }

    fn of_outputs(&self, body: &Body) -> Vec<Option<Dims>> {
        body.outputs.iter().map(|&value| self.emit.shape(value).cloned()).collect()
    }
}

/// What two shapes have in common.
fn common(a: Option<&Dims>, b: Option<&Dims>) -> Option<Dims> {
    let (a, b) = (a?, b?);
    (a.len() == b.len()).then(|| a.iter().zip(b).map(|(a, b)| if a == b { *a } else { None }).collect())
}
