//! A change that was detected.

use crate::monitoring::online::Split;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detector {
    Adwin,
    PageHinkley,
}

impl Detector {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adwin => "adwin",
            Self::PageHinkley => "page-hinkley",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `correctness`, `confidence`, or the name of an output's column as profiles have it.
    pub signal: String,
    pub detector: Detector,
    /// When, in Unix milliseconds.
    pub unix_ms: u64,
    /// The values on both sides, in the unit of the signal.
    pub split: Split,
    /// Detections of the same signal and detector since the one that was told before, too soon after it to be told too.
    pub skipped: u64,
}
