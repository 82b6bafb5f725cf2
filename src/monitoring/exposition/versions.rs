//! What the meters have counted, by model version.

use super::encode::OTHERS;
use crate::monitoring::meter::{Counts, Histogram, Meters};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use std::collections::BTreeMap;
use std::fmt;

const NANOS_PER_SECOND: f64 = 1e9;

/// Counts by model and version. Those of other bytes under the same version are in the same sums.
#[derive(Debug)]
pub struct Versions(BTreeMap<(String, String), Counts>);

/// A sum of a version.
struct Sum {
    name: &'static str,
    help: &'static str,
    value: fn(&Counts) -> u64,
}

const SUMS: [Sum; 3] = [
    Sum { name: "edge_ai_predictions", help: "Predictions that were answered.", value: |counts| counts.answered },
    Sum {
        name: "edge_ai_prediction_input_bytes",
        help: "Bytes of the inputs of predictions that were answered.",
        value: |counts| counts.input_bytes,
    },
    Sum {
        name: "edge_ai_prediction_output_bytes",
        help: "Bytes of the outputs of predictions that were answered.",
        value: |counts| counts.output_bytes,
    },
];

/// A distribution of a version, in a unit of which `per_unit` of what is counted are one.
struct Distribution {
    name: &'static str,
    help: &'static str,
    per_unit: f64,
    of: fn(&Counts) -> &Histogram,
}

const DISTRIBUTIONS: [Distribution; 3] = [
    Distribution {
        name: "edge_ai_prediction_run_duration_seconds",
        help: "Time of the run that a prediction was part of, in seconds.",
        per_unit: NANOS_PER_SECOND,
        of: |counts| &counts.latency,
    },
    Distribution {
        name: "edge_ai_prediction_queue_duration_seconds",
        help: "Time from a request to its run, in seconds.",
        per_unit: NANOS_PER_SECOND,
        of: |counts| &counts.queue,
    },
    Distribution {
        name: "edge_ai_prediction_batch_rows",
        help: "Rows of the run that a prediction was part of.",
        per_unit: 1.0,
        of: |counts| &counts.batch_rows,
    },
];

impl Versions {
    /// At most so many by name; the others, which came last, under one.
    pub fn of(meters: &Meters, max_labelled: usize) -> Self {
        let mut versions = BTreeMap::new();
        for meter in meters.all() {
            let own = (meter.key.model_id.clone(), meter.key.version.clone());
            let is_labelled = versions.len() < max_labelled || versions.contains_key(&own);
            let key = if is_labelled { own } else { (OTHERS.to_owned(), OTHERS.to_owned()) };
            versions.entry(key).or_insert_with(Counts::default).merge(&meter.counts());
        }
        Self(versions)
    }

    pub fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        for Sum { name, help, value } in SUMS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (version, counts) in &self.0 {
                ConstCounter::new(value(counts)).encode(family.encode_family(&labels(version))?)?;
            }
        }
        self.encode_errors(encoder)?;
        for Distribution { name, help, per_unit, of } in DISTRIBUTIONS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            for (version, counts) in &self.0 {
                let histogram = of(counts);
                let bounds = histogram.bounds.iter().map(|&bound| bound as f64 / per_unit).chain([f64::INFINITY]);
                let buckets: Vec<(f64, u64)> = bounds.zip(histogram.cells().iter().copied()).collect();
                family.encode_family(&labels(version))?.encode_histogram::<NoLabelSet>(
                    histogram.sum as f64 / per_unit,
                    histogram.count(),
                    &buckets,
                    None,
                )?;
            }
        }
        Ok(())
    }

    fn encode_errors(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Predictions that were not answered, by the code of the error.";
        let mut family = encoder.encode_descriptor("edge_ai_prediction_errors", help, None, MetricType::Counter)?;
        for (version, counts) in &self.0 {
            let [model, version] = labels(version);
            for (code, count) in counts.errors() {
                let labels = [model, version, ("code", code.as_str())];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn labels((model, version): &(String, String)) -> [(&'static str, &str); 2] {
    [("model", model), ("version", version)]
}
