//! How far model versions have drifted.

use crate::monitoring::drift::{MAX_GAUGE_COLUMNS, VersionDrift};
use crate::monitoring::profile::OUTPUT_PREFIX;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Series of columns of all versions. With many versions each has fewer, at least one.
const MAX_SERIES: usize = 1000;

/// Which columns may be shown.
#[derive(Debug, Clone, Copy)]
pub struct ShownColumns {
    pub features: bool,
    pub outputs: bool,
}

/// The last comparisons, and what may be shown of them.
#[derive(Debug)]
pub struct Drift {
    pub versions: BTreeMap<(String, String), Arc<VersionDrift>>,
    pub shown: ShownColumns,
}

impl Drift {
    pub fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let ShownColumns { features, outputs } = self.shown;
        let each = (MAX_SERIES / self.versions.len().max(1)).clamp(1, MAX_GAUGE_COLUMNS);
        let help = "How far a column is from its reference: 1 is the threshold of the method. Those that drifted most.";
        let mut family = encoder.encode_descriptor("edge_ai_drift_score", help, None, MetricType::Gauge)?;
        for ((model, version), drift) in &self.versions {
            let is_shown = |name: &str| if name.starts_with(OUTPUT_PREFIX) { outputs } else { features };
            for (name, score) in drift.scores.iter().filter(|(name, _)| is_shown(name)).take(each) {
                let labels = [("model", model.as_str()), ("version", version), ("feature", name)];
                ConstGauge::new(*score).encode(family.encode_family(&labels)?)?;
            }
        }
        if !features || !outputs {
            return Ok(());
        }
        let help = "Columns that have drifted from their reference, among all.";
        let mut family = encoder.encode_descriptor("edge_ai_drifted_columns_ratio", help, None, MetricType::Gauge)?;
        for ((model, version), drift) in &self.versions {
            let labels = [("model", model.as_str()), ("version", version)];
            ConstGauge::new(drift.share).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
