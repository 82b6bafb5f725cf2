//! The measures of a model by version and digest, and those of its segments.

use super::feedback::Feedback;
use super::measures::{EventMeasures, Measures};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name under which segments count that are not told apart. No request can give it.
pub const OTHER_SEGMENTS: &str = "\n";

/// Metrics of one model, by version and by what the version was: one that is deleted may be uploaded again with other bytes,
/// and is another model then. Accumulators of separate streams can be merged and give what one over both streams would.
#[derive(Clone, Default)]
pub struct MetricsAccumulator {
    /// Those of all events.
    pub(super) versions: Versions,
    /// Beside them, by segment, those of the events that have one.
    pub(super) segments: BTreeMap<String, Versions>,
}

/// Measures by version, and by digest within; the empty one is of events that do not tell theirs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Versions(pub(super) BTreeMap<String, BTreeMap<String, Measures>>);

/// Which measures are wanted: all, or those of a version, a digest or both; the empty digest is of events that do not tell theirs.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    pub version: Option<&'a str>,
    pub digest: Option<&'a str>,
}

/// What an event counts for.
#[derive(Clone, Copy)]
pub struct Of<'a> {
    pub version: &'a str,
    pub digest: Option<&'a str>,
    pub segment: Option<&'a str>,
}

impl MetricsAccumulator {
    pub fn add(&mut self, of: Of, event: &EventMeasures) {
        self.each(of, |measures| measures.add(event));
    }

    /// What feedback changes of an event that was, or will be, added as it was before.
    pub fn replace_feedback(&mut self, of: Of, before: &Feedback, after: &Feedback) {
        self.each(of, |measures| {
            measures.feedback.take_away(before);
            measures.feedback.add(after);
        });
    }

    fn each(&mut self, Of { version, digest, segment }: Of, change: impl Fn(&mut Measures)) {
        let digest = digest.unwrap_or_default();
        self.versions.change(version, digest, &change);
        if let Some(segment) = segment {
            self.segment(segment).change(version, digest, &change);
        }
    }

    /// Merges all that is wanted, with its segments.
    pub fn merge(&mut self, other: &Self, wanted: Wanted) {
        self.merge_total(other, wanted);
        for (segment, versions) in &other.segments {
            self.segment(segment).merge(versions, wanted);
        }
    }

    /// Merges what is wanted without telling segments.
    pub fn merge_total(&mut self, other: &Self, wanted: Wanted) {
        self.versions.merge(&other.versions, wanted);
    }

    /// Merges what is wanted of a segment, as if that were all there is.
    pub fn merge_segment(&mut self, other: &Self, segment: &str, wanted: Wanted) {
        if let Some(versions) = other.segments.get(segment) {
            self.versions.merge(versions, wanted);
        }
    }

    fn segment(&mut self, name: &str) -> &mut Versions {
        self.segments.entry(name.to_owned()).or_default()
    }
}

impl Versions {
    fn merge(&mut self, other: &Self, Wanted { version, digest }: Wanted) {
        for (of_version, digests) in &other.0 {
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
        self.0.iter().filter_map(|(version, digests)| {
            let measured = digests.iter().filter(|(_, measures)| !measures.is_empty());
            let measured: BTreeMap<_, _> = measured.map(|(digest, measures)| (digest.as_str(), measures)).collect();
            (!measured.is_empty()).then_some((version.as_str(), measured))
        })
    }

    /// Whether they can be ones that were written.
    pub(super) fn is_sound(&self) -> bool {
        self.0.values().flat_map(BTreeMap::values).all(Measures::is_sound)
    }

    fn change(&mut self, version: &str, digest: &str, change: impl FnOnce(&mut Measures)) {
        match self.0.get_mut(version).and_then(|digests| digests.get_mut(digest)) {
            Some(measures) => change(measures),
            None => change(self.measures(version, digest)),
        }
    }

    fn measures(&mut self, version: &str, digest: &str) -> &mut Measures {
        self.0.entry(version.to_owned()).or_default().entry(digest.to_owned()).or_default()
    }
}
