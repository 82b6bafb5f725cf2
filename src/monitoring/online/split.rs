//! The two parts of a stream on both sides of a change.

/// Values that follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Part {
    pub count: u64,
    pub mean: f64,
}

/// What a detector has seen before and after the change that it detected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    pub before: Part,
    pub after: Part,
}

impl Part {
    /// So many values with that sum.
    pub(super) fn of(count: u64, sum: f64) -> Self {
        Self { count, mean: if count == 0 { 0.0 } else { sum / count as f64 } }
    }
}

impl Split {
    pub(super) fn difference(&self) -> f64 {
        (self.before.mean - self.after.mean).abs()
    }
}
