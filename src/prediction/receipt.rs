//! What answers and events have of a run.

use crate::engine::RunOutput;
use serde::Serialize;
use std::time::Duration;

/// What a prediction cost. Of a run that it shared with other requests, CPU time, time and bytes are its part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptAnswer {
    /// Null where the system does not tell.
    pub cpu_ms: Option<f64>,
    pub wall_ms: f64,
    pub queue_ms: f64,
    /// Rows of the run.
    pub batch_rows: usize,
    /// The request's part of them.
    pub batch_share: f64,
    pub allocated_bytes: u64,
    pub read_bytes: u64,
}

impl ReceiptAnswer {
    /// Of a request with so many rows, where its inputs have as many.
    pub fn of(output: &RunOutput, rows: Option<usize>) -> Self {
        let receipt = &output.receipt;
        Self {
            cpu_ms: receipt.cpu.map(milliseconds),
            wall_ms: milliseconds(receipt.wall),
            queue_ms: milliseconds(receipt.queue),
            batch_rows: output.rows_of_run(rows),
            batch_share: receipt.share,
            allocated_bytes: receipt.allocated_bytes,
            read_bytes: receipt.read_bytes,
        }
    }
}

/// What an event has of a run beside its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordedRun {
    /// Milliseconds from the request to it.
    pub queue_ms: f64,
    /// Rows of all requests in it.
    pub batch_rows: usize,
}

impl RecordedRun {
    /// Of a request with so many rows, where its inputs have as many.
    pub fn of(output: &RunOutput, rows: Option<usize>) -> Self {
        Self { queue_ms: milliseconds(output.receipt.queue), batch_rows: output.rows_of_run(rows) }
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}
