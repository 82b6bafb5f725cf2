//! What the process uses, by the names that all clients of Prometheus give it.

use super::encode::gauge;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use std::fmt;

/// What Node.js tells of the process.
#[derive(Debug, Clone, Copy)]
pub struct ProcessUse {
    /// Of all threads, in user and system mode.
    pub cpu_seconds: f64,
    pub resident_bytes: f64,
    /// Unix seconds.
    pub started: f64,
}

impl ProcessUse {
    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let cpu = ConstCounter::new(self.cpu_seconds);
        let help = "CPU time of all threads of the process, user and system, in seconds.";
        cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, cpu.metric_type())?)?;
        gauge(
            encoder,
            "process_resident_memory_bytes",
            "Resident memory of the process, in bytes.",
            self.resident_bytes,
        )?;
        let help = "Start of the process, in seconds since the Unix epoch.";
        gauge(encoder, "process_start_time_seconds", help, self.started)
    }
}
