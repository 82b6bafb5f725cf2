//! What a monitoring system reads of this process: Prometheus' text formats. Names have base units, counters end in `_total`.

mod drift;
mod encode;
mod engine;
mod process;
mod versions;

pub use drift::{Drift, ShownColumns};
pub use process::ProcessUse;

use super::meter::Meters;
use crate::engine::EngineStatus;
use crate::error::{Result, error};
use encode::{OTHERS, counter};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt;
use versions::Versions;

/// The two text formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpositionFormat {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus' own, 0.0.4, which older readers know.
    Text,
}

/// Model versions, and models, that have series of their own. All others share one, so that nobody who uploads models can fill a
/// monitoring system.
const MAX_LABELLED: usize = 1000;

/// The metrics of this process, as text.
///
/// # Errors
/// `INTERNAL`
pub fn exposition(
    format: ExpositionFormat,
    meters: &Meters,
    engine: EngineStatus,
    lost_events: BTreeMap<String, u64>,
    drift: Drift,
    process: ProcessUse,
) -> Result<String> {
    let mut registry = Registry::default();
    let versions = Versions::of(meters, MAX_LABELLED);
    let unmetered = meters.unmetered();
    registry.register_collector(Box::new(Process { engine, lost_events, drift, process, versions, unmetered }));
    let mut text = String::new();
    match format {
        ExpositionFormat::OpenMetrics => prometheus_client::encoding::text::encode(&mut text, &registry),
        ExpositionFormat::Text => prometheus_client::encoding::prometheus_text::encode(&mut text, &registry),
    }
    .map_err(|_| error!(Internal, "the metrics could not be written"))?;
    Ok(text)
}

#[derive(Debug)]
struct Process {
    engine: EngineStatus,
    lost_events: BTreeMap<String, u64>,
    drift: Drift,
    process: ProcessUse,
    versions: Versions,
    unmetered: u64,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.versions.encode(&mut encoder)?;
        let unmetered = "Predictions that no metric counts, because too many model versions were used since.";
        counter(&mut encoder, "edge_ai_predictions_unmetered", unmetered, self.unmetered)?;
        self.encode_lost_events(&mut encoder)?;
        self.drift.encode(&mut encoder)?;
        engine::encode(&self.engine, &mut encoder)?;
        self.process.encode(&mut encoder)
    }
}

impl Process {
    fn encode_lost_events(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Inference events that could not be written while availability went before completeness.";
        let kind = ConstCounter::new(0u64).metric_type();
        let mut family = encoder.encode_descriptor("edge_ai_events_lost", help, None, kind)?;
        for (model, &count) in self.lost_events.iter().take(MAX_LABELLED) {
            ConstCounter::new(count).encode(family.encode_family(&[("model", model.as_str())])?)?;
        }
        let others: u64 = self.lost_events.values().skip(MAX_LABELLED).sum();
        if others > 0 {
            ConstCounter::new(others).encode(family.encode_family(&[("model", OTHERS)])?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, EngineOptions};
    use crate::error::ErrorCode;
    use crate::monitoring::drift::VersionDrift;
    use crate::monitoring::meter::{MeterKey, Observation};
    use crate::signature::Signature;

    const PROCESS: ProcessUse = ProcessUse { cpu_seconds: 1.5, resident_bytes: 4096.0, started: 1e9 };

    fn fail(meters: &Meters, model_id: &str, digest: &str) {
        let key = MeterKey { model_id: model_id.to_owned(), version: "v1".to_owned(), digest: digest.to_owned() };
        let handle = meters.handle(key, 0);
        let outcome = Err(ErrorCode::RunFailed);
        let signature = Signature::default();
        let observation = Observation { unix_ms: 1, signature: &signature, inputs: &[], rows: None, outcome };
        meters.get(handle).unwrap().record(&observation);
    }

    fn text(meters: &Meters) -> String {
        let status = Engine::new(EngineOptions::default()).status();
        let lost = BTreeMap::from([("m".to_owned(), 2)]);
        exposition(ExpositionFormat::OpenMetrics, meters, status, lost, drift_of(0, true), PROCESS).unwrap()
    }

    /// Of so many versions with a feature and 49 outputs each.
    fn drift_of(versions: usize, features: bool) -> Drift {
        let scores =
            (0..50).map(|at| (if at == 7 { "age".to_owned() } else { format!("output.y[{at}]") }, 50.0 - at as f64));
        let drift = std::sync::Arc::new(VersionDrift { unix_ms: 0, share: 0.5, scores: scores.collect() });
        let version = |at| (("m".to_owned(), format!("v{at}")), std::sync::Arc::clone(&drift));
        Drift { versions: (0..versions).map(version).collect(), shown: ShownColumns { features, outputs: true } }
    }

    #[test]
    fn digests_of_a_version_are_in_one_series_and_names_are_escaped() {
        let meters = Meters::new(10);
        for digest in ["d", "e"] {
            fail(&meters, "a\"b\\c\nd", digest);
        }
        let text = text(&meters);
        let series =
            "edge_ai_prediction_errors_total{model=\"a\\\"b\\\\c\\nd\",version=\"v1\",code=\"RUN_FAILED\"} 2\n";
        assert!(text.contains(series), "{text}");
        assert!(text.contains("edge_ai_events_lost_total{model=\"m\"} 2\n"));
        assert!(text.contains("process_cpu_seconds_total 1.5\n"));
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn drift_has_a_bounded_number_of_series_and_those_that_may_be_shown() {
        let text = |versions, features| {
            let status = Engine::new(EngineOptions::default()).status();
            let drift = drift_of(versions, features);
            let format = ExpositionFormat::OpenMetrics;
            exposition(format, &Meters::new(10), status, BTreeMap::new(), drift, PROCESS).unwrap()
        };
        let count = |text: &str, name: &str| text.lines().filter(|line| line.starts_with(name)).count();
        let two = text(2, true);
        assert!(two.contains("edge_ai_drift_score{model=\"m\",version=\"v1\",feature=\"age\"} 43.0\n"), "{two}");
        assert!(two.contains("edge_ai_drifted_columns_ratio{model=\"m\",version=\"v0\"} 0.5\n"));
        assert_eq!(count(&two, "edge_ai_drift_score{"), 100);
        let hidden = text(2, false);
        assert!(!hidden.contains("age") && !hidden.contains("edge_ai_drifted_columns_ratio"));
        assert_eq!(count(&hidden, "edge_ai_drift_score{"), 98);
        assert_eq!(count(&text(100, true), "edge_ai_drift_score{"), 1000);
    }

    #[test]
    fn versions_beyond_the_limit_share_a_series() {
        let meters = Meters::new(2 * MAX_LABELLED);
        (0..MAX_LABELLED + 3).for_each(|at| fail(&meters, &format!("m{at}"), "d"));
        let text = text(&meters);
        let of = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
        assert_eq!(of("edge_ai_prediction_errors_total{"), MAX_LABELLED + 1);
        let others = "edge_ai_prediction_errors_total{model=\"(other)\",version=\"(other)\",code=\"RUN_FAILED\"} 3\n";
        assert!(text.contains(others));
        assert!(text.contains("model=\"m0\"") && !text.contains("model=\"m1002\""), "the first keep their series");
    }
}
