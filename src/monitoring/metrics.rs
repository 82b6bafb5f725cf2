//! Counts, averages and quantiles over a stream of inference events, in memory that does not grow with it.

use serde_json::{Value as Json, json};
use sketches_ddsketch::{Config, DDSketch};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

/// The relative error of a quantile: a reported 100 ms stands for 99 to 101 ms.
pub const QUANTILE_RELATIVE_ERROR: f64 = 0.01;
/// Enough for every latency from a nanosecond to years at that error; beyond, the lowest would be merged.
const MAX_SKETCH_BINS: u32 = 4096;
/// Latencies below a nanosecond (in milliseconds) count as zero.
const MIN_LATENCY_MS: f64 = 1e-6;

/// What one event contributes.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventMeasures {
    /// Unix milliseconds.
    pub timestamp: f64,
    /// Milliseconds; none for a run that failed.
    pub latency_ms: Option<f64>,
    /// Within [0, 1]; the mean of the rows of a batch.
    pub confidence: Option<f64>,
    /// Whether ground truth arrived.
    pub has_feedback: bool,
    /// Whether the ground truth agrees with the prediction, where that is known.
    pub correct: Option<bool>,
    pub failed: bool,
}

/// Metrics of one model, by version and by what the version was: one that is deleted may be uploaded again with other bytes,
/// and is another model then. Counts and averages are exact, quantiles within [`QUANTILE_RELATIVE_ERROR`].
/// Accumulators of separate streams can be merged and give what one over both streams would.
#[derive(Clone, Default)]
pub struct MetricsAccumulator {
    versions: BTreeMap<String, Digests>,
}

/// By digest; the empty one is of events that do not tell theirs.
type Digests = BTreeMap<String, Measures>;

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

    /// `{modelId, startTime, endTime, count, errorCount, errorRate, avgLatency, p50Latency, p90Latency, p95Latency,
    /// p99Latency, avgConfidence, feedbackCount, accuracy, throughput, versions: [{version, digest, ..., previous: [{digest,
    /// ...}]}]}`: latencies in
    /// milliseconds over runs that succeeded, rates within [0, 1], `accuracy` over the events whose correctness is known,
    /// `throughput` in events a second from `startTime` (or the first event) to `endTime` (or the last event). What has
    /// nothing to be computed from is null.
    ///
    /// A version counts with the digest that it has by `current`, else with that of its last event; what ran under other
    /// digests is in `previous`, the last one first, and in nothing else.
    pub fn to_json(
        &self,
        model_id: &str,
        start_time: Option<f64>,
        end_time: Option<f64>,
        current: &HashMap<String, String>,
    ) -> Json {
        let versions: Vec<_> = self
            .versions
            .iter()
            .map(|(version, digests)| (version, VersionMeasures::new(digests, current.get(version))))
            .collect();
        let mut all = Measures::default();
        versions.iter().for_each(|(_, version)| all.merge(&version.measures));
        let mut answer = json!({
            "modelId": model_id,
            "startTime": start_time.or(all.first).map(integer),
            "endTime": end_time.or(all.last).map(integer),
        });
        all.write(&mut answer, start_time, end_time);
        let part = |mut part: Json, digest: &str, measures: &Measures| {
            part["digest"] = json!((!digest.is_empty()).then_some(digest));
            measures.write(&mut part, start_time, end_time);
            part
        };
        let versions = versions.iter().map(|(version, VersionMeasures { digest, measures, previous })| {
            let mut answer = part(json!({ "version": version }), digest, measures);
            answer["previous"] = previous.iter().map(|(digest, measures)| part(json!({}), digest, measures)).collect();
            answer
        });
        answer["versions"] = versions.collect();
        answer
    }
}

/// What counts for a version, and what ran under its name before.
struct VersionMeasures<'a> {
    digest: &'a str,
    measures: Measures,
    previous: Vec<(&'a str, &'a Measures)>,
}

impl<'a> VersionMeasures<'a> {
    fn new(digests: &'a Digests, current: Option<&'a String>) -> Self {
        let mut previous: Vec<_> = digests.iter().map(|(digest, measures)| (digest.as_str(), measures)).collect();
        previous.sort_by(|(_, a), (_, b)| b.last.partial_cmp(&a.last).unwrap_or(Ordering::Equal));
        let digest = current.map_or_else(|| previous.first().map_or("", |(digest, _)| digest), String::as_str);
        let measures = digests.get(digest).cloned().unwrap_or_default();
        previous.retain(|(other, _)| *other != digest);
        Self { digest, measures, previous }
    }
}

#[derive(Clone)]
struct Measures {
    count: u64,
    errors: u64,
    feedback: u64,
    compared: u64,
    correct: u64,
    latency: Mean,
    confidence: Mean,
    latencies: DDSketch,
    first: Option<f64>,
    last: Option<f64>,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            count: 0,
            errors: 0,
            feedback: 0,
            compared: 0,
            correct: 0,
            latency: Mean::default(),
            confidence: Mean::default(),
            latencies: DDSketch::new(Config::new(QUANTILE_RELATIVE_ERROR, MAX_SKETCH_BINS, MIN_LATENCY_MS)),
            first: None,
            last: None,
        }
    }
}

impl Measures {
    fn add(&mut self, event: &EventMeasures) {
        self.count += 1;
        self.errors += u64::from(event.failed);
        self.feedback += u64::from(event.has_feedback);
        self.compared += u64::from(event.correct.is_some());
        self.correct += u64::from(event.correct == Some(true));
        if let Some(latency_ms) = event.latency_ms.filter(|latency_ms| latency_ms.is_finite() && *latency_ms >= 0.0) {
            self.latency.add(latency_ms);
            self.latencies.add(latency_ms);
        }
        if let Some(confidence) = event.confidence.filter(|confidence| confidence.is_finite()) {
            self.confidence.add(confidence);
        }
        self.span(Some(event.timestamp), Some(event.timestamp));
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        self.feedback += other.feedback;
        self.compared += other.compared;
        self.correct += other.correct;
        self.latency.merge(&other.latency);
        self.confidence.merge(&other.confidence);
        // Merging fails only for sketches of different configuration, and there is one.
        self.latencies.merge(&other.latencies).unwrap_or_else(|_| unreachable!("all sketches are configured alike"));
        self.span(other.first, other.last);
    }

    fn span(&mut self, first: Option<f64>, last: Option<f64>) {
        self.first = self.first.into_iter().chain(first).reduce(f64::min);
        self.last = self.last.into_iter().chain(last).reduce(f64::max);
    }

    /// By nearest rank: the smallest value that at least the part `q` of all values does not exceed.
    fn quantile(&self, q: f64) -> Option<f64> {
        let count = self.latencies.count() as f64;
        // The sketch takes the value at q * (count - 1), rounded down.
        let rank = (q * count).ceil() - 1.0;
        let of_sketch = if count > 1.0 { ((rank + 0.25) / (count - 1.0)).min(1.0) } else { 0.0 };
        // No quantile lies outside the values, even by the relative error.
        let (min, max) = (self.latencies.min()?, self.latencies.max()?);
        Some(self.latencies.quantile(of_sketch).ok()??.clamp(min, max))
    }

    fn write(&self, answer: &mut Json, start_time: Option<f64>, end_time: Option<f64>) {
        let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
        let seconds = || {
            let (start, end) = (start_time.or(self.first)?, end_time.or(self.last)?);
            (end > start).then(|| (end - start) / 1000.0)
        };
        answer["count"] = json!(self.count);
        answer["errorCount"] = json!(self.errors);
        answer["errorRate"] = json!(share(self.errors, self.count));
        answer["avgLatency"] = json!(self.latency.mean());
        answer["p50Latency"] = json!(self.quantile(0.5));
        answer["p90Latency"] = json!(self.quantile(0.9));
        answer["p95Latency"] = json!(self.quantile(0.95));
        answer["p99Latency"] = json!(self.quantile(0.99));
        answer["avgConfidence"] = json!(self.confidence.mean());
        answer["feedbackCount"] = json!(self.feedback);
        answer["accuracy"] = json!(share(self.correct, self.compared));
        answer["throughput"] =
            json!((self.count > 0).then(seconds).flatten().map(|seconds| self.count as f64 / seconds));
    }
}

/// A sum that does not lose small values beside a large one (Neumaier), so that an average over millions stays exact.
#[derive(Debug, Clone, Default)]
struct Mean {
    count: u64,
    sum: f64,
    lost: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.accumulate(value);
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.accumulate(other.sum);
        self.accumulate(other.lost);
    }

    fn accumulate(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.sum + self.lost) / self.count as f64)
    }
}

/// Times are whole milliseconds and read so in JSON.
fn integer(milliseconds: f64) -> i64 {
    milliseconds as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(latency_ms: f64) -> EventMeasures {
        EventMeasures { timestamp: 1000.0, latency_ms: Some(latency_ms), ..EventMeasures::default() }
    }

    #[test]
    fn without_events_everything_is_zero_or_null() {
        let metrics = MetricsAccumulator::default().to_json("m", None, Some(5.0), &HashMap::new());
        assert_eq!(
            metrics,
            json!({ "modelId": "m", "startTime": null, "endTime": 5, "count": 0, "errorCount": 0, "errorRate": null,
                "avgLatency": null, "p50Latency": null, "p90Latency": null, "p95Latency": null, "p99Latency": null,
                "avgConfidence": null, "feedbackCount": 0, "accuracy": null, "throughput": null, "versions": [] })
        );
    }

    #[test]
    fn counts_and_averages_are_exact() {
        let mut metrics = MetricsAccumulator::default();
        metrics.add(
            "v1",
            None,
            &EventMeasures { timestamp: 1000.0, latency_ms: Some(1.0), confidence: Some(0.5), ..run(0.0) },
        );
        metrics.add(
            "v2",
            None,
            &EventMeasures { timestamp: 3000.0, confidence: Some(1.0), has_feedback: true, ..run(4.0) },
        );
        metrics.add(
            "v2",
            None,
            &EventMeasures { timestamp: 2000.0, has_feedback: true, correct: Some(true), ..run(4.0) },
        );
        metrics.add(
            "v2",
            None,
            &EventMeasures { timestamp: 2500.0, has_feedback: true, correct: Some(false), ..run(7.0) },
        );
        metrics.add("v2", None, &EventMeasures { timestamp: 2500.0, failed: true, latency_ms: None, ..run(0.0) });
        let metrics = metrics.to_json("m", None, None, &HashMap::new());
        assert_eq!((&metrics["startTime"], &metrics["endTime"]), (&json!(1000), &json!(3000)));
        assert_eq!((&metrics["count"], &metrics["errorCount"]), (&json!(5), &json!(1)));
        assert_eq!((&metrics["errorRate"], &metrics["avgLatency"]), (&json!(0.2), &json!(4.0)));
        assert_eq!((&metrics["avgConfidence"], &metrics["accuracy"]), (&json!(0.75), &json!(0.5)));
        assert_eq!((&metrics["feedbackCount"], &metrics["throughput"]), (&json!(3), &json!(2.5)));
        assert_eq!((&metrics["versions"][0]["version"], &metrics["versions"][0]["count"]), (&json!("v1"), &json!(1)));
        assert_eq!(metrics["versions"][0]["accuracy"], Json::Null);
        assert_eq!(metrics["versions"][0]["throughput"], Json::Null);
        assert_eq!((&metrics["versions"][1]["count"], &metrics["versions"][1]["errorRate"]), (&json!(4), &json!(0.25)));
    }

    #[test]
    fn quantiles_keep_their_relative_error() {
        let mut metrics = MetricsAccumulator::default();
        // Eleven orders of magnitude in a fixed pseudo-random order.
        let mut latencies: Vec<f64> =
            (0..20_000u64).map(|at| 10f64.powf((at * 7919 % 20_000) as f64 / 20_000.0 * 11.0 - 4.0)).collect();
        latencies.iter().for_each(|latency| metrics.add("v", None, &run(*latency)));
        latencies.sort_by(f64::total_cmp);
        let metrics = metrics.to_json("m", None, None, &HashMap::new());
        for (name, q) in [("p50Latency", 0.5), ("p90Latency", 0.9), ("p95Latency", 0.95), ("p99Latency", 0.99)] {
            let exact = latencies[(q * latencies.len() as f64).ceil() as usize - 1];
            let found = metrics[name].as_f64().unwrap();
            assert!((found / exact - 1.0).abs() <= QUANTILE_RELATIVE_ERROR + 1e-6, "{name}: {found}, exactly {exact}");
        }
    }

    #[test]
    fn high_quantiles_of_two_are_the_larger_one() {
        let mut metrics = MetricsAccumulator::default();
        for latency_ms in [1.0, 2.0] {
            metrics.add("v", None, &run(latency_ms));
        }
        let found = metrics.to_json("m", None, None, &HashMap::new());
        let near = |name: &str, value: f64| {
            (found[name].as_f64().unwrap() / value - 1.0).abs() <= QUANTILE_RELATIVE_ERROR + 1e-6
        };
        assert!(near("p50Latency", 1.0) && near("p99Latency", 2.0), "{found}");
    }

    #[test]
    fn one_event_is_its_own_quantile() {
        for latency_ms in [0.0, 0.000_4, 3.0, 86_400_000.0] {
            let mut metrics = MetricsAccumulator::default();
            metrics.add("v", None, &run(latency_ms));
            let found = metrics.to_json("m", None, None, &HashMap::new())["p99Latency"].as_f64().unwrap();
            assert!(
                (found - latency_ms).abs() <= latency_ms * QUANTILE_RELATIVE_ERROR,
                "{found}, exactly {latency_ms}"
            );
        }
    }

    #[test]
    fn merged_parts_equal_the_whole() {
        let (mut left, mut right, mut whole) =
            (MetricsAccumulator::default(), MetricsAccumulator::default(), MetricsAccumulator::default());
        for at in 0..1000 {
            let event = EventMeasures {
                timestamp: f64::from(at),
                latency_ms: Some(0.1 * f64::from(at)),
                confidence: Some(f64::from(at % 7) / 7.0),
                has_feedback: at % 3 == 0,
                correct: (at % 3 == 0).then_some(at % 2 == 0),
                failed: at % 11 == 0,
            };
            let version = if at % 5 == 0 { "v2" } else { "v1" };
            whole.add(version, None, &event);
            if at < 400 { &mut left } else { &mut right }.add(version, None, &event);
        }
        left.merge(&right);
        assert_eq!(left.to_json("m", None, None, &HashMap::new()), whole.to_json("m", None, None, &HashMap::new()));
    }

    #[test]
    fn a_large_sum_does_not_swallow_small_values() {
        let mut mean = Mean::default();
        mean.add(1e16);
        (0..1000).for_each(|_| mean.add(1.0));
        mean.add(-1e16);
        assert_eq!(mean.mean(), Some(1000.0 / 1002.0));
    }

    #[test]
    fn values_that_are_no_measure_are_left_out() {
        let mut metrics = MetricsAccumulator::default();
        for latency_ms in [f64::NAN, f64::INFINITY, -1.0] {
            metrics.add("v", None, &EventMeasures { confidence: Some(f64::NAN), ..run(latency_ms) });
        }
        let metrics = metrics.to_json("m", None, None, &HashMap::new());
        assert_eq!((&metrics["count"], &metrics["avgLatency"]), (&json!(3), &Json::Null));
        assert_eq!((&metrics["p99Latency"], &metrics["avgConfidence"]), (&Json::Null, &Json::Null));
    }

    #[test]
    fn a_version_uploaded_again_does_not_mix_with_the_one_before() {
        let mut metrics = MetricsAccumulator::default();
        let at = |timestamp, correct| EventMeasures { timestamp, correct: Some(correct), ..run(1.0) };
        metrics.add("v1", Some("old"), &at(1000.0, false));
        metrics.add("v1", Some("older"), &at(500.0, false));
        metrics.add("v1", None, &at(100.0, false));
        metrics.add("v1", Some("new"), &at(2000.0, true));
        metrics.add("v2", Some("other"), &at(3000.0, true));
        let accuracies = |metrics: &Json| {
            let version = &metrics["versions"][0];
            let previous: Vec<_> =
                version["previous"].as_array().unwrap().iter().map(|part| part["digest"].clone()).collect();
            (version["digest"].clone(), version["count"].clone(), version["accuracy"].clone(), json!(previous))
        };
        // Without knowing what the version is now, the last one that ran counts.
        let last = metrics.to_json("m", None, None, &HashMap::new());
        assert_eq!(accuracies(&last), (json!("new"), json!(1), json!(1.0), json!(["old", "older", null])));
        assert_eq!((&last["count"], &last["accuracy"]), (&json!(2), &json!(1.0)));
        // One that has not run yet counts with nothing.
        let current = HashMap::from([("v1".to_owned(), "newest".to_owned())]);
        let now = metrics.to_json("m", None, None, &current);
        assert_eq!(accuracies(&now), (json!("newest"), json!(0), json!(null), json!(["new", "old", "older", null])));
        assert_eq!(now["count"], json!(1));
        // Merging keeps them apart.
        let mut merged = MetricsAccumulator::default();
        merged.merge(&metrics);
        assert_eq!(merged.to_json("m", None, None, &current), now);
    }
}
