//! The measures of a model by version and digest.

use super::measures::{EventMeasures, Measures};
use std::collections::BTreeMap;

/// Metrics of one model, by version and by what the version was: one that is deleted may be uploaded again with other bytes,
/// and is another model then. Accumulators of separate streams can be merged and give what one over both streams would.
#[derive(Clone, Default)]
pub struct MetricsAccumulator {
    pub(super) versions: BTreeMap<String, Digests>,
}

/// By digest; the empty one is of events that do not tell theirs.
pub(super) type Digests = BTreeMap<String, Measures>;

impl MetricsAccumulator {
    pub fn add(&mut self, version: &str, digest: Option<&str>, event: &EventMeasures) {
        let digest = digest.unwrap_or_default();
        if let Some(measures) = self.versions.get_mut(version).and_then(|digests| digests.get_mut(digest)) {
            return measures.add(event);
        }
        self.versions.entry(version.to_owned()).or_default().entry(digest.to_owned()).or_default().add(event);
    }

    pub fn merge(&mut self, other: &Self) {
        for (version, digests) in &other.versions {
            let own = self.versions.entry(version.clone()).or_default();
            for (digest, measures) in digests {
                own.entry(digest.clone()).or_default().merge(measures);
            }
        }
    }
}
