//! The metrics of a model as both APIs answer them.

use super::measures::Measures;
use super::metrics::{MetricsAccumulator, OTHER_SEGMENTS, Versions};
use super::sketch::{Relative, Share};
use serde_json::{Value as Json, json};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

impl MetricsAccumulator {
    /// `{modelId, startTime, endTime, <measures>, versions: [{version, digest, <measures>, previous: [{digest, <measures>}]}]}`: times
    /// in Unix milliseconds; `library/metrics.js` says what each measure is. What has nothing to be computed from is null.
    ///
    /// A version counts with the digest that it has by `current`, else with that of its last event; what ran under other
    /// digests is in `previous`, the last one first, and in nothing else.
    ///
    /// `by_segment` adds `segments: [{segment, <measures>}]`, of the digests that the versions count with, and `otherSegments`, the
    /// measures of those that are not told apart together.
    pub fn to_json(
        &self,
        model_id: &str,
        start_time: Option<f64>,
        end_time: Option<f64>,
        current: &HashMap<String, String>,
        by_segment: bool,
    ) -> Json {
        let versions: Vec<_> = self
            .versions
            .measured()
            .map(|(version, digests)| (version, VersionMeasures::new(&digests, current.get(version))))
            .collect();
        let mut all = Measures::default();
        versions.iter().filter_map(|(_, version)| version.measures).for_each(|measures| all.merge(measures));
        let nothing = Measures::default();
        let mut answer = json!({
            "modelId": model_id,
            "startTime": start_time.or(all.first).map(integer),
            "endTime": end_time.or(all.last).map(integer),
        });
        write(&all, &mut answer, start_time, end_time);
        let part = |mut part: Json, digest: &str, measures: &Measures| {
            part["digest"] = json!((!digest.is_empty()).then_some(digest));
            write(measures, &mut part, start_time, end_time);
            part
        };
        if by_segment {
            let counted = versions.iter().map(|(version, of)| (*version, of.digest)).collect();
            let part = |mut part: Json, versions: &Versions| {
                write(&counted_in(versions, &counted), &mut part, start_time, end_time);
                part
            };
            let named = self
                .segments
                .iter()
                .filter(|(segment, versions)| *segment != OTHER_SEGMENTS && versions.measured().next().is_some());
            answer["segments"] =
                named.map(|(segment, versions)| part(json!({ "segment": segment }), versions)).collect();
            answer["otherSegments"] =
                self.segments.get(OTHER_SEGMENTS).map_or(Json::Null, |others| part(json!({}), others));
        }
        let versions = versions.iter().map(|(version, VersionMeasures { digest, measures, previous })| {
            let mut answer = part(json!({ "version": version }), digest, measures.unwrap_or(&nothing));
            answer["previous"] = previous.iter().map(|(digest, measures)| part(json!({}), digest, measures)).collect();
            answer
        });
        answer["versions"] = versions.collect();
        answer
    }
}

/// The measures of versions together, each with the digest that it counts with.
fn counted_in(versions: &Versions, counted: &BTreeMap<&str, &str>) -> Measures {
    let mut sum = Measures::default();
    for (version, digest) in counted {
        if let Some(measures) = versions.0.get(*version).and_then(|digests| digests.get(*digest)) {
            sum.merge(measures);
        }
    }
    sum
}

/// What counts for a version, and what ran under its name before.
struct VersionMeasures<'a> {
    digest: &'a str,
    /// None of a digest that has not run yet.
    measures: Option<&'a Measures>,
    previous: Vec<(&'a str, &'a Measures)>,
}

impl<'a> VersionMeasures<'a> {
    fn new(digests: &BTreeMap<&'a str, &'a Measures>, current: Option<&'a String>) -> Self {
        let mut previous: Vec<_> = digests.iter().map(|(digest, measures)| (*digest, *measures)).collect();
        previous.sort_by(|(_, a), (_, b)| b.last.partial_cmp(&a.last).unwrap_or(Ordering::Equal));
        let digest = current.map_or_else(|| previous.first().map_or("", |(digest, _)| digest), String::as_str);
        previous.retain(|(other, _)| *other != digest);
        Self { digest, measures: digests.get(digest).copied(), previous }
    }
}

/// Adds the fields of some measures to an answer.
fn write(measures: &Measures, answer: &mut Json, start_time: Option<f64>, end_time: Option<f64>) {
    let share = |part: i64, of: i64| (of > 0).then(|| part as f64 / of as f64);
    let seconds = || {
        let (start, end) = (start_time.or(measures.first)?, end_time.or(measures.last)?);
        (end > start).then(|| (end - start) / 1000.0)
    };
    answer["count"] = json!(measures.count);
    answer["errorCount"] = json!(measures.error_count());
    answer["errorRate"] = json!(share(measures.error_count(), measures.count));
    answer["errorsByCode"] = json!(measures.errors);
    answer["avgLatency"] = json!(measures.latency.mean());
    answer["p50Latency"] = json!(measures.latencies.quantile(0.5));
    answer["p90Latency"] = json!(measures.latencies.quantile(0.9));
    answer["p95Latency"] = json!(measures.latencies.quantile(0.95));
    answer["p99Latency"] = json!(measures.latencies.quantile(0.99));
    answer["quantileRelativeError"] = json!(Relative::ERROR);
    answer["avgQueueMs"] = json!(measures.queue.mean());
    answer["p50QueueMs"] = json!(measures.queues.quantile(0.5));
    answer["p90QueueMs"] = json!(measures.queues.quantile(0.9));
    answer["p99QueueMs"] = json!(measures.queues.quantile(0.99));
    answer["avgBatchRows"] = json!(measures.batch_rows.mean());
    answer["p50BatchRows"] = json!(measures.batches.quantile(0.5).map(f64::round));
    answer["p90BatchRows"] = json!(measures.batches.quantile(0.9).map(f64::round));
    answer["p99BatchRows"] = json!(measures.batches.quantile(0.99).map(f64::round));
    answer["avgConfidence"] = json!(measures.confidence.mean());
    answer["p10Confidence"] = json!(measures.confidences.quantile(0.1));
    answer["p50Confidence"] = json!(measures.confidences.quantile(0.5));
    answer["p90Confidence"] = json!(measures.confidences.quantile(0.9));
    answer["confidenceQuantileError"] = json!(Share::ERROR);
    answer["outputs"] = measures.numbers.answer();
    answer["feedbackCount"] = json!(measures.feedback.count);
    answer["accuracy"] = json!(share(measures.feedback.correct, measures.feedback.compared));
    answer["regressionCount"] = json!(measures.feedback.regressed);
    answer["mae"] = json!(measures.feedback.mae());
    answer["rmse"] = json!(measures.feedback.rmse());
    answer["bias"] = json!(measures.feedback.bias());
    answer["r2"] = json!(measures.feedback.quality.r2());
    answer["quality"] = json!(measures.feedback.quality.answer());
    answer["throughput"] =
        json!((measures.count > 0).then(seconds).flatten().map(|seconds| measures.count as f64 / seconds));
}

/// Times are whole milliseconds and read so in JSON.
fn integer(milliseconds: f64) -> i64 {
    milliseconds as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::measures::EventMeasures;
    use crate::monitoring::metrics::{Of, Wanted};
    use crate::monitoring::{Deviation, Feedback};

    fn of<'a>(version: &'a str, digest: Option<&'a str>) -> Of<'a> {
        Of { version, digest, segment: None }
    }

    fn run(latency_ms: f64) -> EventMeasures {
        EventMeasures { timestamp: 1000.0, latency_ms: Some(latency_ms), ..EventMeasures::default() }
    }

    fn feedback(correct: Option<bool>, deviation: Option<Deviation>) -> Feedback {
        Feedback { is_given: true, correct, deviation, ..Feedback::default() }
    }

    #[test]
    fn without_events_everything_is_zero_or_null() {
        let metrics = MetricsAccumulator::default().to_json("m", None, Some(5.0), &HashMap::new(), false);
        assert_eq!(
            metrics,
            json!({ "modelId": "m", "startTime": null, "endTime": 5, "count": 0, "errorCount": 0, "errorRate": null, "errorsByCode": {},
                "avgLatency": null, "p50Latency": null, "p90Latency": null, "p95Latency": null, "p99Latency": null,
                "quantileRelativeError": 0.01,
                "avgQueueMs": null, "p50QueueMs": null, "p90QueueMs": null, "p99QueueMs": null,
                "avgBatchRows": null, "p50BatchRows": null, "p90BatchRows": null, "p99BatchRows": null,
                "avgConfidence": null, "p10Confidence": null, "p50Confidence": null, "p90Confidence": null,
                "confidenceQuantileError": 0.001, "outputs": {}, "feedbackCount": 0, "accuracy": null, "regressionCount": 0, "mae": null,
                "rmse": null, "bias": null, "r2": null, "quality": null, "throughput": null, "versions": [] })
        );
    }

    #[test]
    fn counts_and_averages_are_exact() {
        let mut metrics = MetricsAccumulator::default();
        metrics.add(
            of("v1", None),
            &EventMeasures { timestamp: 1000.0, latency_ms: Some(1.0), confidence: Some(0.5), ..run(0.0) },
        );
        metrics.add(
            of("v2", None),
            &EventMeasures { timestamp: 3000.0, confidence: Some(1.0), feedback: feedback(None, None), ..run(4.0) },
        );
        metrics.add(
            of("v2", None),
            &EventMeasures { timestamp: 2000.0, feedback: feedback(Some(true), None), ..run(4.0) },
        );
        metrics.add(
            of("v2", None),
            &EventMeasures { timestamp: 2500.0, feedback: feedback(Some(false), None), ..run(7.0) },
        );
        metrics.add(
            of("v2", None),
            &EventMeasures { timestamp: 2500.0, error: Some("RUN_FAILED".into()), latency_ms: None, ..run(0.0) },
        );
        let metrics = metrics.to_json("m", None, None, &HashMap::new(), false);
        assert_eq!((&metrics["startTime"], &metrics["endTime"]), (&json!(1000), &json!(3000)));
        assert_eq!((&metrics["count"], &metrics["errorCount"]), (&json!(5), &json!(1)));
        assert_eq!(metrics["errorsByCode"], json!({ "RUN_FAILED": 1 }));
        assert_eq!((&metrics["errorRate"], &metrics["avgLatency"]), (&json!(0.2), &json!(4.0)));
        assert_eq!((&metrics["avgConfidence"], &metrics["accuracy"]), (&json!(0.75), &json!(0.5)));
        assert_eq!((&metrics["feedbackCount"], &metrics["throughput"]), (&json!(3), &json!(2.5)));
        assert_eq!((&metrics["versions"][0]["version"], &metrics["versions"][0]["count"]), (&json!("v1"), &json!(1)));
        assert_eq!(metrics["versions"][0]["accuracy"], Json::Null);
        assert_eq!(metrics["versions"][0]["throughput"], Json::Null);
        assert_eq!((&metrics["versions"][1]["count"], &metrics["versions"][1]["errorRate"]), (&json!(4), &json!(0.25)));
    }

    #[test]
    fn waiting_and_rows_are_measured_where_they_are_known() {
        let mut metrics = MetricsAccumulator::default();
        for (queue_ms, rows) in [(0.0, 1.0), (2.0, 3.0), (f64::NAN, -1.0), (10.0, 33.0)] {
            metrics.add(of("v", None), &EventMeasures { queue_ms: Some(queue_ms), batch_rows: Some(rows), ..run(1.0) });
        }
        metrics.add(of("v", None), &run(1.0));
        let bytes = metrics.to_bytes().unwrap();
        let read =
            MetricsAccumulator::from_bytes(&bytes, true).unwrap().to_json("m", None, None, &HashMap::new(), false);
        assert_eq!(read, metrics.to_json("m", None, None, &HashMap::new(), false));
        assert_eq!((&read["avgQueueMs"], &read["avgBatchRows"]), (&json!(4.0), &json!(37.0 / 3.0)));
        assert_eq!([&read["p50BatchRows"], &read["p99BatchRows"]], [&json!(3.0), &json!(33.0)]);
        assert!((read["p50QueueMs"].as_f64().unwrap() - 2.0).abs() <= 0.02);
    }

    #[test]
    fn regressions_have_their_errors() {
        let mut metrics = MetricsAccumulator::default();
        for errors in [&[3.0][..], &[-4.0, 1.0], &[]] {
            let deviation = Deviation::of(errors.iter().copied());
            metrics.add(of("v", None), &EventMeasures { feedback: feedback(None, deviation), ..run(1.0) });
        }
        let unsound = Deviation { count: 1, mae: f64::NAN, rmse: 1e200, bias: 0.0 };
        metrics.add(of("v", None), &EventMeasures { feedback: feedback(None, Some(unsound)), ..run(1.0) });
        let metrics = metrics.to_json("m", None, None, &HashMap::new(), false);
        assert_eq!((&metrics["regressionCount"], &metrics["accuracy"]), (&json!(3), &Json::Null));
        assert_eq!((&metrics["mae"], &metrics["bias"]), (&json!(8.0 / 3.0), &json!(0.0)));
        assert!((metrics["rmse"].as_f64().unwrap() - (26.0f64 / 3.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn quantiles_keep_their_relative_error() {
        let mut metrics = MetricsAccumulator::default();
        // Eleven orders of magnitude in a fixed pseudo-random order.
        let mut latencies: Vec<f64> =
            (0..20_000u64).map(|at| 10f64.powf((at * 7919 % 20_000) as f64 / 20_000.0 * 11.0 - 4.0)).collect();
        latencies.iter().for_each(|latency| metrics.add(of("v", None), &run(*latency)));
        latencies.sort_by(f64::total_cmp);
        let metrics = metrics.to_json("m", None, None, &HashMap::new(), false);
        for (name, q) in [("p50Latency", 0.5), ("p90Latency", 0.9), ("p95Latency", 0.95), ("p99Latency", 0.99)] {
            let exact = latencies[(q * latencies.len() as f64).ceil() as usize - 1];
            let found = metrics[name].as_f64().unwrap();
            assert!((found / exact - 1.0).abs() <= Relative::ERROR + 1e-6, "{name}: {found}, exactly {exact}");
        }
    }

    #[test]
    fn high_quantiles_of_two_are_the_larger_one() {
        let mut metrics = MetricsAccumulator::default();
        for latency_ms in [1.0, 2.0] {
            metrics.add(of("v", None), &run(latency_ms));
        }
        let found = metrics.to_json("m", None, None, &HashMap::new(), false);
        let near =
            |name: &str, value: f64| (found[name].as_f64().unwrap() / value - 1.0).abs() <= Relative::ERROR + 1e-6;
        assert!(near("p50Latency", 1.0) && near("p99Latency", 2.0), "{found}");
    }

    #[test]
    fn one_event_is_its_own_quantile() {
        for latency_ms in [0.0, 0.000_4, 3.0, 86_400_000.0] {
            let mut metrics = MetricsAccumulator::default();
            metrics.add(of("v", None), &run(latency_ms));
            let found = metrics.to_json("m", None, None, &HashMap::new(), false)["p99Latency"].as_f64().unwrap();
            assert!((found - latency_ms).abs() <= latency_ms * Relative::ERROR, "{found}, exactly {latency_ms}");
        }
    }

    #[test]
    fn values_that_are_no_measure_are_left_out() {
        let mut metrics = MetricsAccumulator::default();
        for latency_ms in [f64::NAN, f64::INFINITY, -1.0] {
            metrics.add(of("v", None), &EventMeasures { confidence: Some(f64::NAN), ..run(latency_ms) });
        }
        let metrics = metrics.to_json("m", None, None, &HashMap::new(), false);
        assert_eq!((&metrics["count"], &metrics["avgLatency"]), (&json!(3), &Json::Null));
        assert_eq!((&metrics["p99Latency"], &metrics["avgConfidence"]), (&Json::Null, &Json::Null));
    }

    #[test]
    fn a_version_uploaded_again_does_not_mix_with_the_one_before() {
        let mut metrics = MetricsAccumulator::default();
        let at = |timestamp, correct| EventMeasures { timestamp, feedback: feedback(Some(correct), None), ..run(1.0) };
        metrics.add(of("v1", Some("old")), &at(1000.0, false));
        metrics.add(of("v1", Some("older")), &at(500.0, false));
        metrics.add(of("v1", None), &at(100.0, false));
        metrics.add(of("v1", Some("new")), &at(2000.0, true));
        metrics.add(of("v2", Some("other")), &at(3000.0, true));
        let accuracies = |metrics: &Json| {
            let version = &metrics["versions"][0];
            let previous: Vec<_> =
                version["previous"].as_array().unwrap().iter().map(|part| part["digest"].clone()).collect();
            (version["digest"].clone(), version["count"].clone(), version["accuracy"].clone(), json!(previous))
        };
        // Without knowing what the version is now, the last one that ran counts.
        let last = metrics.to_json("m", None, None, &HashMap::new(), false);
        assert_eq!(accuracies(&last), (json!("new"), json!(1), json!(1.0), json!(["old", "older", null])));
        assert_eq!((&last["count"], &last["accuracy"]), (&json!(2), &json!(1.0)));
        // One that has not run yet counts with nothing.
        let current = HashMap::from([("v1".to_owned(), "newest".to_owned())]);
        let now = metrics.to_json("m", None, None, &current, false);
        assert_eq!(accuracies(&now), (json!("newest"), json!(0), json!(null), json!(["new", "old", "older", null])));
        assert_eq!(now["count"], json!(1));
        // Merging keeps them apart.
        let mut merged = MetricsAccumulator::default();
        merged.merge(&metrics, Wanted::default());
        assert_eq!(merged.to_json("m", None, None, &current, false), now);
    }

    #[test]
    fn segments_are_told_beside_the_whole() {
        let mut metrics = MetricsAccumulator::default();
        for (version, digest, segment, latency_ms) in [
            ("v1", "a", Some("eu"), 1.0),
            ("v1", "a", Some("us"), 2.0),
            ("v2", "b", Some("eu"), 3.0),
            ("v1", "old", Some("eu"), 100.0),
            ("v2", "b", Some(OTHER_SEGMENTS), 6.0),
            ("v2", "b", None, 8.0),
        ] {
            metrics.add(Of { version, digest: Some(digest), segment }, &run(latency_ms));
        }
        let current = HashMap::from([("v1".to_owned(), "a".to_owned())]);
        let found = metrics.to_json("m", None, None, &current, true);
        assert_eq!((&found["count"], &found["avgLatency"]), (&json!(5), &json!(4.0)));
        let means: Vec<_> =
            found["segments"].as_array().unwrap().iter().map(|one| [&one["segment"], &one["avgLatency"]]).collect();
        assert_eq!(means, [[&json!("eu"), &json!(2.0)], [&json!("us"), &json!(2.0)]]);
        assert_eq!(found["otherSegments"]["avgLatency"], json!(6.0));
        let whole = metrics.to_json("m", None, None, &current, false);
        assert!(whole.get("segments").is_none() && whole.get("otherSegments").is_none());
        // A segment alone, as if there were nothing else.
        let mut alone = MetricsAccumulator::default();
        alone.merge_segment(&metrics, "eu", Wanted::default());
        let alone = alone.to_json("m", None, None, &current, false);
        assert_eq!((&alone["count"], &alone["avgLatency"]), (&json!(2), &json!(2.0)));
        assert_eq!(alone["versions"][0]["previous"][0]["digest"], json!("old"));
    }
}
