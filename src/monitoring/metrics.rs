//! The measures of a model by version and digest.

use super::feedback::Feedback;
use super::measures::{EventMeasures, Measures};
use std::collections::BTreeMap;

/// Metrics of one model, by version and by what the version was: one that is deleted may be uploaded again with other bytes,
/// and is another model then. Accumulators of separate streams can be merged and give what one over both streams would.
#[derive(Clone, Default)]
pub struct MetricsAccumulator {
    /// By digest within; the empty one is of events that do not tell theirs.
    pub(super) versions: BTreeMap<String, BTreeMap<String, Measures>>,
}

impl MetricsAccumulator {
    pub fn add(&mut self, version: &str, digest: Option<&str>, event: &EventMeasures) {
        let digest = digest.unwrap_or_default();
        if let Some(measures) = self.versions.get_mut(version).and_then(|digests| digests.get_mut(digest)) {
            return measures.add(event);
        }
        self.measures(version, digest).add(event);
    }

    /// What feedback changes of an event that was, or will be, added as it was before.
    pub fn replace_feedback(&mut self, version: &str, digest: Option<&str>, before: &Feedback, after: &Feedback) {
        let measures = self.measures(version, digest.unwrap_or_default());
        measures.feedback.take_away(before);
        measures.feedback.add(after);
    }

    /// Merges all, or what is of a version, a digest or both; the empty digest is of events that do not tell theirs.
    pub fn merge(&mut self, other: &Self, version: Option<&str>, digest: Option<&str>) {
        for (of_version, digests) in &other.versions {
            for (of_digest, measures) in digests {
                let is_wanted = version.is_none_or(|version| version == of_version)
                    && digest.is_none_or(|digest| digest == of_digest);
                if is_wanted && !measures.is_empty() {
                    self.measures(of_version, of_digest).merge(measures);
                }
            }
        }
    }

    /// By version and digest, without what measures nothing.
    pub(super) fn measured(&self) -> impl Iterator<Item = (&str, BTreeMap<&str, &Measures>)> {
        self.versions.iter().filter_map(|(version, digests)| {
            let measured = digests.iter().filter(|(_, measures)| !measures.is_empty());
            let measured: BTreeMap<_, _> = measured.map(|(digest, measures)| (digest.as_str(), measures)).collect();
            (!measured.is_empty()).then_some((version.as_str(), measured))
        })
    }

    fn measures(&mut self, version: &str, digest: &str) -> &mut Measures {
        self.versions.entry(version.to_owned()).or_default().entry(digest.to_owned()).or_default()
    }
}
