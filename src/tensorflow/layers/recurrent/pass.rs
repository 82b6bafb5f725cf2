//! A run over a sequence: what it is given, and what comes out.

use crate::tensorflow::emit::Value;

/// One run over a sequence.
pub struct Pass {
    /// What came out at each step, `[time, batch, ...]`, in order of time whatever the direction.
    pub sequence: Value,
    /// What comes out in the end, `[batch, ...]`.
    pub last: Value,
    /// The states in the end.
    pub states: Vec<Value>,
}

/// What one run over a sequence is given.
#[derive(Clone)]
pub struct Steps {
    /// `[time, batch, ...]`.
    pub x: Value,
    /// Bools `[batch, time]`.
    pub mask: Option<Value>,
    /// The states in the beginning; zeros when there are none.
    pub initial: Vec<Value>,
    /// From the last step to the first.
    pub backwards: bool,
    /// What comes out at a step that is masked is zero, instead of what came out before.
    pub zero_masked: bool,
}
