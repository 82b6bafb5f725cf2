//! Masks over time. The steps that count are gathered at the front, where ONNX's operators take the number of them; what
//! comes out is put back to where they were.

use super::pass::Steps;
use crate::tensor::DType;
use crate::tensorflow::emit::{Emit, Value};

/// A sequence with the steps that count in front.
pub struct Packed {
    /// `[time, batch, features]`.
    pub x: Value,
    /// How many steps count in each row, int32 `[batch]`; 1 where none does, for operators that want one.
    pub lengths: Value,
    /// The same without exception, int64 `[batch, 1]`.
    counts: Value,
    /// 1 for each step that counts, int64 `[batch, time]`.
    ones: Value,
    /// How many steps count up to each, int64 `[batch, time]`.
    so_far: Value,
    mask: Value,
}

/// Packs `[time, batch, features]` by a mask `[batch, time]`.
pub fn pack(emit: &mut Emit, x: Value, mask: Value) -> Packed {
    let mask = emit.cast(mask, DType::Bool);
    let ones = emit.op_with("Cast", &[mask], [("to", DType::Int64.code().into())]);
    let axis = emit.int64(1);
    let so_far = emit.op("CumSum", &[ones, axis]);
    let counts = emit.reduce("ReduceSum", ones, Some(&[1]), true);

    // The largest keys are those of the steps that count, the earlier the larger.
    let shape = emit.shape_of(ones);
    let one = emit.int64(1);
    let every = emit.op("Expand", &[one, shape]);
    let position = emit.op("CumSum", &[every, axis]);
    let far = emit.int64(1 << 40);
    let lift = emit.mul(ones, far);
    let keys = emit.sub(lift, position);
    let time = emit.slice(shape, 0, 1, 2);
    let order = emit.op_n("TopK", &[keys, time], [("axis", 1.into())], 2)[1];

    let rows = emit.transpose(x, &[1, 0, 2]);
    let packed = take(emit, rows, order);
    let x = emit.transpose(packed, &[1, 0, 2]);
    let least = emit.op("Max", &[counts, one]);
    let least = emit.squeeze(least, &[1]);
    let lengths = emit.op_with("Cast", &[least], [("to", DType::Int32.code().into())]);
    Packed { x, lengths, counts, ones, so_far, mask }
}

/// The steps of `[batch, time, features]` that `[batch, time]` names.
fn take(emit: &mut Emit, rows: Value, steps: Value) -> Value {
    let indices = emit.unsqueeze(steps, &[2]);
    let taken = emit.op_with("GatherND", &[rows, indices], [("batch_dims", 1.into())]);
    if let (Some(shape), Some(features)) = (emit.shape(steps).cloned(), emit.size(rows, 2)) {
        let shape: Vec<Option<i64>> = shape.into_iter().chain([Some(features)]).collect();
        emit.assume_shape(taken, &shape);
    }
    taken
}

impl Packed {
    /// Puts `[time, batch, units]` back. At a step that does not count stands what came out before, in the direction of
    /// the run, or zero.
    pub fn unpack(&self, emit: &mut Emit, sequence: Value, steps: &Steps) -> Value {
        let one = emit.int64(1);
        let zero = emit.int64(0);
        let (index, before) = if steps.backwards {
            let index = emit.sub(self.so_far, self.ones);
            (index, emit.op("Less", &[index, self.counts]))
        } else {
            let index = emit.sub(self.so_far, one);
            (index, emit.op("GreaterOrEqual", &[index, zero]))
        };
        let last = emit.sub(self.counts, one);
        let index = emit.op("Min", &[index, last]);
        let index = emit.op("Max", &[index, zero]);
        let rows = emit.transpose(sequence, &[1, 0, 2]);
        let rows = take(emit, rows, index);
        let shown = if steps.zero_masked { self.mask } else { before };
        let shown = emit.unsqueeze(shown, &[2]);
        let nothing = emit.float(0.0);
        let rows = emit.op("Where", &[shown, rows, nothing]);
        emit.transpose(rows, &[1, 0, 2])
    }

    /// `value` for the rows in which a step counts, `otherwise` for the others.
    pub fn unless_empty(&self, emit: &mut Emit, value: Value, otherwise: Value) -> Value {
        let zero = emit.int64(0);
        let any = emit.op("Greater", &[self.counts, zero]);
        emit.op("Where", &[any, value, otherwise])
    }

    /// What comes out at the last step of a run.
    pub fn last_of(&self, emit: &mut Emit, sequence: Value, backwards: bool) -> Value {
        let at = emit.int64(if backwards { 0 } else { -1 });
        emit.gather(sequence, at, 0)
    }
}
