//! Page-Hinkley over values of any scale.

use crate::error::Result;
use crate::monitoring::online::{Direction, PageHinkley, PageHinkleyOptions, Split};
use crate::statistics::CentralMoments;

/// So many values tell the scale. It takes more while all are the same.
const FIRST: u64 = 100;
/// Values that are further from the mean of the first ones count as so far: one outlier is no change.
const MAX_DEVIATIONS: f64 = 10.0;
/// In standard deviations: what is looked for are shifts of more than a quarter, and one by a whole is found after about seventy values.
const OPTIONS: PageHinkleyOptions =
    PageHinkleyOptions { min_instances: 30, delta: 0.25, threshold: 50.0, alpha: 0.9999, direction: Direction::Both };

/// The detector, over values in standard deviations from the mean of the first ones, which it does not look at. After a detection it
/// starts over with the next value, scale included.
#[derive(Debug, Clone)]
pub struct Standardised {
    first: CentralMoments,
    scale: Option<Scale>,
    detector: PageHinkley,
}

#[derive(Debug, Clone, Copy)]
struct Scale {
    mean: f64,
    deviation: f64,
}

impl Default for Standardised {
    fn default() -> Self {
        Self { first: CentralMoments::default(), scale: None, detector: PageHinkley::new(OPTIONS) }
    }
}

impl Standardised {
    /// Adds a value; whether the mean has changed.
    ///
    /// # Errors
    /// As [`PageHinkley::update`].
    pub fn update(&mut self, value: f64) -> Result<bool> {
        if self.detector.split().is_some() {
            *self = Self::default();
        }
        let Some(Scale { mean, deviation }) = self.scale else {
            self.first.add(&[value]);
            if self.first.count() >= FIRST {
                self.scale = scale_of(&self.first);
            }
            return Ok(false);
        };
        self.detector.update_as(((value - mean) / deviation).clamp(-MAX_DEVIATIONS, MAX_DEVIATIONS), value)
    }

    /// The values before and after the change that the last one made it detect, in their own unit.
    pub fn split(&self) -> Option<Split> {
        self.detector.split()
    }
}

/// `None` for values that are all the same.
fn scale_of(first: &CentralMoments) -> Option<Scale> {
    let (mean, deviation) = (first.mean()?, first.variance()?.sqrt());
    (deviation > 0.0).then_some(Scale { mean, deviation })
}
