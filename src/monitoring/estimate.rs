//! Estimates of quality without labels, as they are answered.

use serde::Serialize;
use std::collections::BTreeMap;

/// A value is as far off as so many standard errors, and a chunk of the reference as so many standard deviations.
const SIGMAS: f64 = 3.0;

/// Estimates over some rows.
#[derive(Debug, Serialize)]
pub struct Estimates {
    /// Rows.
    pub count: u64,
    pub measures: BTreeMap<&'static str, Estimate>,
    /// Of rows: how many are of each true class, in rows, and of each predicted one, in columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Vec<Vec<Estimate>>>,
}

/// What values of a measure there can be: the least one, and the greatest.
pub type Range = (f64, f64);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// `None` where it is not defined, such as an area without a second class.
    pub value: Option<f64>,
    /// One standard error, by chance alone.
    pub sampling_error: Option<f64>,
    /// The value and three of them, within the range of the measure.
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    /// The mean of the chunks of the reference and three standard deviations, within the range of the measure.
    pub lower_threshold: Option<f64>,
    pub upper_threshold: Option<f64>,
    /// Whether the value is beyond a threshold.
    pub alert: bool,
    /// How far the value may be off because it is of sums, not of rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
}

impl Estimate {
    /// `thresholds` are those of [`thresholds`].
    pub fn of(value: Option<f64>, sampling_error: f64, thresholds: Option<(f64, f64)>, range: Range) -> Self {
        let sampling_error = Some(sampling_error).filter(|error| error.is_finite());
        let bound = |sigmas: f64| Some((value? + sigmas * sampling_error?).clamp(range.0, range.1));
        let (lower_threshold, upper_threshold) = thresholds.unzip();
        Self {
            value,
            sampling_error,
            lower: bound(-SIGMAS),
            upper: bound(SIGMAS),
            lower_threshold,
            upper_threshold,
            alert: value.zip(thresholds).is_some_and(|(value, (lower, upper))| value < lower || value > upper),
            bound: None,
        }
    }
}

/// The mean and three standard deviations, within the range; `None` without values.
pub fn thresholds(values: impl Iterator<Item = f64>, range: Range) -> Option<(f64, f64)> {
    let values: Vec<f64> = values.collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count).sqrt();
    let bound = |sigmas: f64| (mean + sigmas * deviation).clamp(range.0, range.1);
    (!values.is_empty()).then(|| (bound(-SIGMAS), bound(SIGMAS)))
}
