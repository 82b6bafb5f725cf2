//! Estimates of predictions while they are made.

use super::estimator::{Estimator, Kind};
use super::features::{Features, MAX_FEATURES};
use super::sums::{EstimateSums, Rows};
use crate::error::Result;
use crate::monitoring::profile::{Sides, extend_numbers, has_numbers};
use crate::tensor::{MapKeys, Tensor, Value};
use parking_lot::{Mutex, RwLock};
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How far the sum of the probabilities of a row may be from one: what float16 loses over many classes.
const SUM_TOLERANCE: f64 = 2e-2;

/// The estimator of a model version and what it has seen since that was taken last. Without one it costs nothing.
#[derive(Debug, Default)]
pub struct Live {
    is_on: AtomicBool,
    installed: RwLock<Option<Arc<Installed>>>,
}

#[derive(Debug)]
struct Installed {
    id: String,
    estimator: Estimator,
    sums: Mutex<EstimateSums>,
}

impl Live {
    /// Estimates with another one from now on, which sees nothing of what was before; or with none.
    pub fn install(&self, estimator: Option<(String, Estimator)>) {
        self.is_on.store(estimator.is_some(), Ordering::Relaxed);
        *self.installed.write() = estimator.map(|(id, estimator)| {
            let sums = Mutex::new(EstimateSums::new(&estimator));
            Arc::new(Installed { id, estimator, sums })
        });
    }

    /// Which one it is.
    pub fn id(&self) -> Option<String> {
        self.current().map(|installed| installed.id.clone())
    }

    /// Adds a prediction that succeeded.
    pub fn observe(&self, prediction: Sides<'_>) {
        if !self.is_on.load(Ordering::Relaxed) {
            return;
        }
        if let Some(installed) = self.current() {
            installed.observe(prediction);
        }
    }

    /// What was seen since the last call, and by which estimator; nothing without predictions.
    pub fn take(&self) -> Option<(String, EstimateSums)> {
        let installed = self.current()?;
        let none = EstimateSums::new(&installed.estimator);
        let taken = std::mem::replace(&mut *installed.sums.lock(), none);
        (taken.seen() > 0).then(|| (installed.id.clone(), taken))
    }

    /// The same, which stays.
    pub fn pending(&self) -> Option<(String, EstimateSums)> {
        let installed = self.current()?;
        let sums = installed.sums.lock().clone();
        (sums.seen() > 0).then(|| (installed.id.clone(), sums))
    }

    /// What was seen since its estimator was installed, if nothing was taken; nothing without one.
    ///
    /// # Errors
    /// As [`EstimateSums::answer`].
    pub fn answer(&self) -> Result<Option<Json>> {
        self.current().map(|installed| installed.sums.lock().answer(&installed.estimator)).transpose()
    }

    /// Gives back what was taken and could not be stored, unless another estimator has followed.
    ///
    /// # Errors
    /// As [`EstimateSums::merge`].
    pub fn restore(&self, id: &str, sums: &EstimateSums) -> Result<()> {
        match self.current().filter(|installed| installed.id == id) {
            Some(installed) => installed.sums.lock().merge(sums),
            None => Ok(()),
        }
    }

    fn current(&self) -> Option<Arc<Installed>> {
        self.installed.read().clone()
    }
}

impl Installed {
    fn observe(&self, prediction: Sides<'_>) {
        let (added, left_out) = match &self.estimator.kind {
            Kind::Classes { output, keys, width, .. } => self.add_classes(prediction, output, keys.as_deref(), *width),
            Kind::Numbers { output, .. } => self.add_numbers(prediction, output),
        };
        // What cannot be read is one prediction, however many rows it would have had.
        let left_out = if added { left_out } else { 1 };
        if left_out > 0 {
            self.sums.lock().left_out += left_out;
        }
    }

    fn add_classes(&self, prediction: Sides<'_>, output: &str, keys: Option<&[String]>, width: usize) -> (bool, u64) {
        let (mut numbers, mut left_out) = (Vec::new(), 0);
        let read = match (value(prediction.outputs, output), keys) {
            (Some(Value::Tensor(tensor)), None) => extend_numbers(tensor, 0..tensor.len(), &mut numbers),
            (Some(Value::Sequence(maps)), Some(keys)) => maps.iter().all(|map| extend_map(map, keys, &mut numbers)),
            (Some(map @ Value::Map { .. }), Some(keys)) => extend_map(map, keys, &mut numbers),
            _ => false,
        };
        if !read || !numbers.len().is_multiple_of(width) {
            return (false, 0);
        }
        let Kind::Classes { cbpe, .. } = &self.estimator.kind else { return (false, 0) };
        let mut calibrated = Vec::new();
        for row in numbers.chunks_mut(width) {
            if !are_probabilities(row) {
                left_out += 1;
                continue;
            }
            let two;
            let row = if let [second] = row {
                two = [1.0 - *second, *second];
                &two[..]
            } else {
                row
            };
            if let Rows::Classes(sums) = &mut self.sums.lock().rows {
                cbpe.add(row, likeliest(row), &mut calibrated, sums);
            }
        }
        (true, left_out)
    }

    fn add_numbers(&self, prediction: Sides<'_>, output: &str) -> (bool, u64) {
        let Kind::Numbers { dle, .. } = &self.estimator.kind else { return (false, 0) };
        let mut predicted = Vec::new();
        let Some(Value::Tensor(tensor)) = value(prediction.outputs, output) else { return (false, 0) };
        if !extend_numbers(tensor, 0..tensor.len(), &mut predicted) {
            return (false, 0);
        }
        let Some(features) = features_of(prediction.inputs, predicted.len()) else { return (false, 0) };
        if features.columns() + 1 != dle.columns() {
            return (false, 0);
        }
        let (mut row, mut left_out) = (Vec::new(), 0);
        for (at, predicted) in predicted.iter().enumerate() {
            if !predicted.is_finite() {
                left_out += 1;
                continue;
            }
            row.clear();
            features.extend_row(at, &mut row);
            row.push(*predicted);
            if let Rows::Numbers(sums) = &mut self.sums.lock().rows {
                dle.add(&row, sums);
            }
        }
        (true, left_out)
    }
}

fn value<'a>(values: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The numbers of the inputs that have numbers.
fn features_of(inputs: &[(String, Value)], rows: usize) -> Option<Features> {
    let mut features = Features::new(rows);
    for (name, value) in inputs {
        let Value::Tensor(tensor) = value else { continue };
        if has_numbers(tensor) && tensor.len() <= MAX_FEATURES * rows {
            let mut numbers = Vec::new();
            extend_numbers(tensor, 0..Tensor::len(tensor), &mut numbers);
            features.add(name, numbers)?;
        }
    }
    Some(features.ordered())
}

fn extend_map(map: &Value, wanted: &[String], numbers: &mut Vec<f64>) -> bool {
    let Value::Map { keys, values } = map else { return false };
    let are_wanted = match keys {
        MapKeys::Strings(keys) => keys == wanted,
        MapKeys::Ints(keys) => {
            keys.len() == wanted.len()
                && keys.iter().zip(wanted).all(|(key, wanted)| wanted.parse::<i64>().is_ok_and(|wanted| wanted == *key))
        }
    };
    are_wanted && extend_numbers(values, 0..values.len(), numbers)
}

/// Whether they are, but for rounding, which is taken away.
fn are_probabilities(row: &mut [f64]) -> bool {
    let sum: f64 = row.iter().sum();
    let is_whole = row.len() == 1 || (sum - 1.0).abs() <= SUM_TOLERANCE;
    let are_near = row.iter().all(|number| (-SUM_TOLERANCE..=1.0 + SUM_TOLERANCE).contains(number));
    row.iter_mut().for_each(|number| *number = number.clamp(0.0, 1.0));
    is_whole && are_near
}

/// The position of the first largest one.
pub(super) fn likeliest(row: &[f64]) -> usize {
    let mut best = 0;
    for (at, probability) in row.iter().enumerate() {
        if *probability > row[best] {
            best = at;
        }
    }
    best
}
