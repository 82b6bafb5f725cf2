//! How far each model version had drifted when it was compared last, kept for who collects the metrics of this process.

use super::compare::{ColumnReport, Report, Verdict};
use super::method::Method;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Columns of a version that are kept: those that drifted most.
pub const MAX_COLUMNS: usize = 50;
/// Versions that are kept. Beyond them those compared longest ago are forgotten.
const MAX_VERSIONS: usize = 1000;
/// After so long a comparison says nothing of now.
const MAX_AGE_MS: u64 = 24 * 3600 * 1000;
/// Of a p-value of 0.
const MAX_SCORE: f64 = 1000.0;

/// What a version's last comparison said.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionDrift {
    /// When, in Unix milliseconds.
    pub unix_ms: u64,
    /// Drifted columns among all.
    pub share: f64,
    /// By column, the largest first; see [`score_of`].
    pub scores: Vec<(String, f64)>,
}

/// The last comparisons by model and version.
#[derive(Debug, Default)]
pub struct DriftGauges {
    versions: Mutex<BTreeMap<(String, String), Arc<VersionDrift>>>,
}

impl DriftGauges {
    /// Those of this process.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<DriftGauges> = LazyLock::new(DriftGauges::default);
        &SHARED
    }

    /// Keeps a comparison, unless there were too few rows for any: then the one before stays.
    pub fn set(&self, model_id: String, version: String, report: &Report, unix_ms: u64) {
        if report.verdict == Verdict::Insufficient && report.undecided == report.columns.len() {
            return;
        }
        let score = |column: &ColumnReport| score_of(column).map(|score| (column.name.clone(), score));
        let mut scores: Vec<(String, f64)> = report.columns.iter().filter_map(score).collect();
        scores.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        scores.truncate(MAX_COLUMNS);
        let mut versions = self.versions.lock();
        let drift = VersionDrift { unix_ms, share: report.share, scores };
        versions.insert((model_id, version), Arc::new(drift));
        if versions.len() > MAX_VERSIONS {
            let oldest = versions.iter().min_by_key(|(_, drift)| drift.unix_ms).map(|(key, _)| key.clone());
            oldest.and_then(|key| versions.remove(&key));
        }
    }

    /// Those that still say something.
    pub fn current(&self, now_ms: u64) -> BTreeMap<(String, String), Arc<VersionDrift>> {
        let mut versions = self.versions.lock();
        versions.retain(|_, drift| now_ms.saturating_sub(drift.unix_ms) < MAX_AGE_MS);
        versions.clone()
    }
}

/// How far a column is from its threshold, whatever the method: 0 for no difference, 1 at the threshold. Of a distance it is a multiple
/// of the threshold; of a p-value the ratio of the logarithms, ln p / ln threshold, so that 2 is the threshold squared. At most 1000.
/// `None` where there were too few rows, or the threshold has no such scale.
pub fn score_of(column: &ColumnReport) -> Option<f64> {
    if column.verdict == Verdict::Insufficient {
        return None;
    }
    let (method, score, threshold) = (column.method?, column.score?, column.threshold?);
    let relative = if Method::is_p_value(method) { score.ln() / threshold.ln() } else { score / threshold };
    let has_scale = threshold > 0.0 && (threshold < 1.0 || !Method::is_p_value(method));
    // Minus zero, of a p-value of 1, is zero.
    (has_scale && !relative.is_nan()).then(|| relative.clamp(0.0, MAX_SCORE) + 0.0)
}

#[cfg(test)]
mod tests {
    use super::super::{Column, Options, Values, compare};
    use super::*;

    const OPTIONS: Options = Options { min_rows: 30, drift_share: 0.5, correction: None };

    /// Of columns that are shifted so far each, by a method.
    fn report(shifts: &[f64], method: &str, rows: u32) -> Report {
        let column = |(at, shift): (usize, &f64)| Column {
            name: format!("c{at}"),
            values: Values::Numbers {
                reference: (0..rows).map(f64::from).collect(),
                current: (0..rows).map(|row| f64::from(row) + shift).collect(),
            },
            method: Some(method.to_owned()),
            threshold: None,
        };
        compare(shifts.iter().enumerate().map(column).collect(), &OPTIONS).unwrap()
    }

    #[test]
    fn a_score_of_one_is_the_threshold_of_any_method() {
        for method in ["ks", "wasserstein", "psi", "jensenshannon", "t_test"] {
            for column in report(&[0.0, 5.0, 15.0, 30.0, 500.0], method, 200).columns {
                let score = score_of(&column).unwrap();
                assert_eq!(score >= 1.0, column.verdict == Verdict::Drift, "{method}: {score}");
                assert!((0.0..=1000.0).contains(&score));
            }
        }
        assert_eq!(score_of(&report(&[0.0], "ks", 10).columns[0]), None);
    }

    #[test]
    fn the_columns_that_drifted_most_are_kept_for_a_day() {
        let gauges = DriftGauges::default();
        let set = |version: &str, report: &Report, now| gauges.set("m".to_owned(), version.to_owned(), report, now);
        let shifts: Vec<f64> = (0..60).map(f64::from).collect();
        set("v1", &report(&shifts, "wasserstein", 200), 5);
        // Too few rows leave what there was.
        set("v1", &report(&[0.0], "ks", 10), 6);
        let current = gauges.current(7);
        let drift = &current[&("m".to_owned(), "v1".to_owned())];
        assert_eq!((drift.unix_ms, drift.scores.len(), drift.scores[0].0.as_str()), (5, MAX_COLUMNS, "c59"));
        assert!(drift.scores.is_sorted_by(|(_, one), (_, other)| one >= other) && drift.share > 0.8);
        assert!(gauges.current(5 + MAX_AGE_MS).is_empty());
        let small = report(&[0.0], "ks", 30);
        (0..=MAX_VERSIONS).for_each(|at| set(&format!("v{at}"), &small, at as u64));
        let current = gauges.current(0);
        assert!(current.len() == MAX_VERSIONS && !current.contains_key(&("m".to_owned(), "v0".to_owned())));
    }
}
