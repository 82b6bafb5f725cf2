//! What a meter has counted.

use super::histogram::{DURATION_NANOS, Histogram, ROWS};
use super::observation::Observation;
use crate::error::ErrorCode;

/// Sums over predictions. What is not a count of errors is of those that were answered.
#[derive(Debug, Clone)]
pub struct Counts {
    /// Those that were answered.
    pub answered: u64,
    /// Those that were not, in the order of [`ErrorCode::ALL`].
    errors: [u64; ErrorCode::ALL.len()],
    /// Nanoseconds of runs; one that was shared counts for each of its requests.
    pub latency: Histogram,
    /// Nanoseconds from a request to its run.
    pub queue: Histogram,
    /// Rows of the run that a request was part of.
    pub batch_rows: Histogram,
    /// Bytes of tensors.
    pub input_bytes: u64,
    pub output_bytes: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            answered: 0,
            errors: [0; ErrorCode::ALL.len()],
            latency: Histogram::new(DURATION_NANOS),
            queue: Histogram::new(DURATION_NANOS),
            batch_rows: Histogram::new(ROWS),
            input_bytes: 0,
            output_bytes: 0,
        }
    }
}

impl Counts {
    pub(super) fn add(&mut self, observation: &Observation<'_>) {
        match observation.outcome {
            Err(code) => self.errors[code as usize] += 1,
            Ok(output) => {
                self.answered += 1;
                self.latency.add(output.latency.as_nanos() as u64);
                self.queue.add(output.receipt.queue.as_nanos() as u64);
                self.batch_rows.add(output.rows_of_run(observation.rows) as u64);
                self.input_bytes += output.receipt.read_bytes;
                self.output_bytes += output.receipt.allocated_bytes;
            }
        }
    }

    /// Adds those of others.
    pub fn merge(&mut self, other: &Self) {
        self.answered += other.answered;
        self.errors.iter_mut().zip(&other.errors).for_each(|(sum, count)| *sum += count);
        self.latency.merge(&other.latency);
        self.queue.merge(&other.queue);
        self.batch_rows.merge(&other.batch_rows);
        self.input_bytes += other.input_bytes;
        self.output_bytes += other.output_bytes;
    }

    /// Errors by their codes, without those that never occurred.
    pub fn errors(&self) -> impl Iterator<Item = (ErrorCode, u64)> {
        ErrorCode::ALL.iter().zip(&self.errors).filter(|(_, count)| **count > 0).map(|(code, count)| (*code, *count))
    }
}
