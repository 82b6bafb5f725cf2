//! How good predictions were whose truth is known: sums of events that merge, and from which events can be taken away again.

mod answer;
mod average_precision;
mod class_sums;
mod probability_sums;
mod roc_area;
mod truth_sums;

pub use average_precision::weighted_average_precision;
pub use class_sums::{ClassRow, ClassSums, MAX_NAME_BYTES};
pub use probability_sums::ProbabilitySums;
pub use roc_area::{Area, LAST_BIN, score_bin, weighted_roc_area};
pub use truth_sums::TruthSums;

use crate::error::{Result, error};
use serde::{Deserialize, Serialize};

/// The first byte. Another form of the sums has another number.
const FORMAT: u8 = 1;

/// Of classifications.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    pub classes: ClassSums,
    pub probabilities: ProbabilitySums,
}

/// What ground truth says of the predictions of one event, or of many.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QualitySums {
    pub classified: Option<Box<Classified>>,
    pub truth: Option<Box<TruthSums>>,
}

impl QualitySums {
    /// Adds others once, or, -1 times, takes them away.
    pub fn merge_times(&mut self, other: &Self, times: i64) {
        merge_into(&mut self.classified, other.classified.as_deref(), |own, other| {
            own.classes.merge_times(&other.classes, times);
            own.probabilities.merge_times(&other.probabilities, times);
        });
        merge_into(&mut self.truth, other.truth.as_deref(), |own, other| own.merge_times(other, times));
    }

    /// See [`TruthSums::r2`].
    pub fn r2(&self) -> Option<f64> {
        self.truth.as_ref()?.r2()
    }

    pub fn is_nothing(&self) -> bool {
        self.classified.is_none() && self.truth.is_none()
    }

    /// Whether they can be some that were written.
    pub fn is_sound(&self) -> bool {
        let is_sound = |of: &Classified| of.classes.is_sound() && of.probabilities.is_sound();
        self.classified.as_deref().is_none_or(is_sound)
    }

    /// The bytes to be kept with an event.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![FORMAT];
        self.serialize(&mut rmp_serde::Serializer::new(&mut bytes))
            .map_err(|problem| error!(Internal, "the quality cannot be written: {problem}"))?;
        Ok(bytes)
    }

    /// What [`Self::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let body = bytes.strip_prefix(&[FORMAT])?;
        rmp_serde::from_slice::<Self>(body).ok().filter(Self::is_sound)
    }
}

fn merge_into<Sums: Default + PartialEq>(
    own: &mut Option<Box<Sums>>,
    other: Option<&Sums>,
    merge: impl FnOnce(&mut Sums, &Sums),
) {
    let Some(other) = other else { return };
    let sums = own.get_or_insert_default();
    merge(sums, other);
    if **sums == Sums::default() {
        *own = None;
    }
}
