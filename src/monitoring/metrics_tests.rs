//! Metrics of a stream of events are the same in any order and in any parts.

use super::feedback::Feedback;
use super::measures::EventMeasures;
use super::metrics::{MetricsAccumulator, OTHER_SEGMENTS, Of, Wanted};
use super::outcome::{Deviation, Maker, compare_outcome};
use super::quality::Penalties;
use super::realised::{ClassRow, QualitySums};
use crate::error::ErrorCode;
use std::collections::HashMap;

/// Numbers that look random and are the same every time (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// Of any size, and now and then what is no number to be measured.
    fn number(&mut self) -> f64 {
        match self.below(20) {
            0 => *self.of(&[0.0, -0.0, f64::NAN, f64::INFINITY, -1.0, f64::MAX, f64::from_bits(1), 1e200]),
            1 => f64::from_bits(self.next()),
            _ => self.below(1000) as f64 / 7.0,
        }
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    fn feedback(&mut self) -> Feedback {
        if self.one_in(3) {
            return Feedback::default();
        }
        let deviation = Deviation {
            count: self.below(5) as u32,
            mae: self.number(),
            rmse: self.number(),
            bias: self.number() - self.number(),
        };
        let correct = [None, Some(true), Some(false)];
        Feedback {
            is_given: true,
            correct: *self.of(&correct),
            deviation: Some(deviation).filter(|_| self.one_in(2)),
            quality: self.quality(),
        }
    }

    /// Of some of more outputs than are measured.
    fn prediction(&mut self) -> Option<String> {
        let outputs: Vec<String> = (0..self.below(4))
            .map(|_| format!("\"y{}\":[{}]", self.below(9), self.below(1000) as f64 / 7.0 - 70.0))
            .collect();
        (!outputs.is_empty()).then(|| format!("{{{}}}", outputs.join(",")))
    }

    fn quality(&mut self) -> QualitySums {
        let mut quality = QualitySums::default();
        if self.one_in(2) {
            let truth = quality.truth.get_or_insert_default();
            (0..=self.below(3)).for_each(|_| truth.add(self.number(), self.number() - self.number()));
        }
        if self.one_in(2) {
            let classified = quality.classified.get_or_insert_default();
            for _ in 0..=self.below(4) {
                let name = |random: &mut Self| random.of(&CLASSES).map(str::to_owned);
                let (actual, predicted) = (name(self), name(self));
                let is_right = actual == predicted && (actual.is_some() || self.one_in(2));
                classified.classes.add(&ClassRow { actual, predicted, is_right });
                let share = self.below(101) as f64 / 100.0;
                let truth = self.below(2);
                classified.probabilities.add(
                    Penalties::of([1.0 - share, share].into_iter(), truth),
                    share.max(1.0 - share),
                    (share > 0.5) == (truth == 1),
                );
                if let Some(class) = self.of(&CLASSES) {
                    classified.classes.add_score(class, share, truth == 1);
                }
            }
        }
        quality
    }

    fn event(&mut self) -> EventMeasures {
        let error = Some(*self.of(&["RUN_FAILED", "DEADLINE_EXCEEDED", "ODD"])).filter(|_| self.one_in(8));
        EventMeasures {
            timestamp: self.number(),
            latency_ms: Some(self.number()).filter(|_| error.is_none()),
            queue_ms: Some(self.number()).filter(|_| self.one_in(2)),
            batch_rows: Some(self.number()).filter(|_| self.one_in(2)),
            confidence: Some(self.number()).filter(|_| self.one_in(2)),
            prediction: self.prediction(),
            error: error.map(str::to_owned),
            feedback: self.feedback(),
        }
    }
}

const CLASSES: [Option<&str>; 5] = [Some("a"), Some("b"), Some("setosa"), Some("ä"), None];

type Named = (&'static str, Option<&'static str>);

const SEGMENTS: [Option<&str>; 4] = [None, Some("eu"), Some("ä"), Some(OTHER_SEGMENTS)];

const VERSIONS: [Named; 5] = [("v1", Some("aa")), ("v1", Some("bb")), ("v1", None), ("v2", Some("aa")), ("", Some(""))];

fn answer(metrics: &MetricsAccumulator) -> String {
    metrics.to_json("m", None, None, &HashMap::from([("v1".to_owned(), "bb".to_owned())]), true).to_string()
}

#[test]
fn random_streams_in_random_parts_and_order_equal_the_whole() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let mut parts = vec![MetricsAccumulator::default(); 1 + random.below(12)];
        let mut whole = MetricsAccumulator::default();
        for _ in 0..random.below(300) {
            let (version, digest) = *random.of(&VERSIONS);
            let of = Of { version, digest, segment: *random.of(&SEGMENTS) };
            let mut event = random.event();
            let count = parts.len();
            parts[random.below(count)].add(of, &event);
            // It changes a few times, each in a part that may be merged before that of the event itself.
            while random.one_in(2) {
                let after = random.feedback();
                parts[random.below(count)].replace_feedback(of, &event.feedback, &after);
                event.feedback = after;
            }
            whole.add(of, &event);
        }
        let mut merged = MetricsAccumulator::default();
        while !parts.is_empty() {
            let part = parts.swap_remove(random.below(parts.len()));
            let bytes = part.to_bytes().unwrap();
            let read = MetricsAccumulator::from_bytes(&bytes, true).unwrap();
            assert_eq!(read.to_bytes().unwrap(), bytes);
            // Some are merged with each other first.
            let count = parts.len();
            if count > 0 && random.one_in(3) {
                parts[random.below(count)].merge(&read, Wanted::default());
            } else {
                merged.merge(&read, Wanted::default());
            }
        }
        assert_eq!(answer(&merged), answer(&whole), "{seed}");
        assert!(merged.to_bytes().unwrap() == whole.to_bytes().unwrap(), "{seed}");
    }
}

#[test]
fn what_is_merged_of_a_version_or_digest_is_what_was_added_of_it() {
    let mut random = Random(7);
    let events: Vec<(Named, Option<&str>, EventMeasures)> =
        (0..200).map(|_| (*random.of(&VERSIONS), *random.of(&SEGMENTS), random.event())).collect();
    let of = |is_wanted: &dyn Fn(Named) -> bool| {
        let mut metrics = MetricsAccumulator::default();
        let wanted = events.iter().filter(|(named, ..)| is_wanted(*named));
        wanted.for_each(|((version, digest), segment, event)| {
            metrics.add(Of { version, digest: *digest, segment: *segment }, event);
        });
        metrics
    };
    let of_segment = |wanted: &str, is_wanted: &dyn Fn(Named) -> bool| {
        let mut metrics = MetricsAccumulator::default();
        for ((version, digest), segment, event) in &events {
            if *segment == Some(wanted) && is_wanted((*version, *digest)) {
                metrics.add(Of { version, digest: *digest, segment: None }, event);
            }
        }
        metrics
    };
    let whole = of(&|_| true);
    for (version, digest) in [(Some("v1"), None), (None, Some("aa")), (Some("v1"), Some("")), (Some("v3"), None)] {
        let wanted = Wanted { version, digest };
        let is_wanted = |named: Named| {
            version.is_none_or(|version| version == named.0)
                && digest.is_none_or(|digest| digest == named.1.unwrap_or_default())
        };
        let mut merged = MetricsAccumulator::default();
        merged.merge(&whole, wanted);
        let expected = of(&is_wanted);
        assert_eq!(merged.to_bytes().unwrap(), expected.to_bytes().unwrap(), "{version:?} {digest:?}");
        let mut total = MetricsAccumulator::default();
        total.merge_total(&whole, wanted);
        assert_eq!((total.versions == merged.versions, total.segments.len()), (true, 0), "{version:?} {digest:?}");
        for segment in SEGMENTS.into_iter().flatten() {
            let mut merged = MetricsAccumulator::default();
            merged.merge_segment(&whole, segment, wanted);
            let expected = of_segment(segment, &is_wanted);
            assert_eq!(merged.to_bytes().unwrap(), expected.to_bytes().unwrap(), "{version:?} {digest:?} {segment:?}");
        }
    }
}

#[test]
fn one_event_takes_few_bytes_and_what_is_taken_away_none() {
    let mut metrics = MetricsAccumulator::default();
    let nothing = metrics.to_bytes().unwrap();
    let deviation = Deviation { count: 3, mae: 0.1, rmse: 0.2, bias: -0.05 };
    let maker = Maker { confident_rows: Some(0), ..Maker::default() };
    let quality = compare_outcome(r#"{"p":[0.123456789,0.7,0.176543211]}"#, "2", &maker).unwrap().quality;
    let length = quality.to_bytes().unwrap().len();
    assert!(length < 100, "{length}");
    let feedback = Feedback { is_given: true, correct: Some(true), deviation: Some(deviation), quality };
    let of = Of { version: "v1", digest: None, segment: None };
    metrics.replace_feedback(of, &Feedback::default(), &feedback);
    assert_ne!(metrics.to_bytes().unwrap(), nothing);
    metrics.replace_feedback(of, &feedback, &Feedback::default());
    assert_eq!((metrics.to_bytes().unwrap(), answer(&metrics)), (nothing, answer(&MetricsAccumulator::default())));
    let event = EventMeasures {
        timestamp: 1_790_000_000_123.0,
        latency_ms: Some(0.123_456_789),
        queue_ms: Some(0.012_345_678),
        batch_rows: Some(3.0),
        confidence: Some(0.987_654_321),
        prediction: None,
        error: None,
        feedback,
    };
    let digest = "ab".repeat(32);
    let of = Of { digest: Some(&digest), ..of };
    metrics.add(of, &event);
    let bytes = metrics.to_bytes().unwrap();
    assert!(bytes.len() < 430, "{}", bytes.len());
    metrics.replace_feedback(of, &event.feedback, &Feedback::default());
    let bytes = metrics.to_bytes().unwrap();
    assert!(bytes.len() < 280, "without feedback: {}", bytes.len());
}

#[test]
fn bytes_that_were_not_written_are_refused() {
    let mut random = Random(1);
    let mut metrics = MetricsAccumulator::default();
    for _ in 0..20 {
        let (version, digest) = *random.of(&VERSIONS);
        let segment = *random.of(&SEGMENTS);
        metrics.add(Of { version, digest, segment }, &random.event());
    }
    let bytes = metrics.to_bytes().unwrap();
    let code = |bytes: &[u8]| MetricsAccumulator::from_bytes(bytes, true).map(|_| ()).map_err(|problem| problem.code);
    for length in 0..bytes.len() {
        assert_eq!(code(&bytes[..length]), Err(ErrorCode::InvalidRequest), "{length}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << random.below(8);
        let expected = if at == 0 { ErrorCode::NotSupported } else { ErrorCode::InvalidRequest };
        assert_eq!(code(&damaged), Err(expected), "{at}");
    }
    // Also with a checksum that is right nothing panics and nothing large is allocated.
    for round in 0..20_000 {
        let mut hostile = bytes[5..].to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(hostile.len());
            hostile[at] = if random.one_in(2) {
                *random.of(&[0x00, 0x7f, 0xcb, 0xc6, 0xdd, 0xdf, 0xff])
            } else {
                random.next() as u8
            };
        }
        let mut crc = flate2::Crc::new();
        crc.update(&hostile);
        let hostile = [&[5][..], &crc.sum().to_le_bytes(), &hostile].concat();
        if let Ok(read) = MetricsAccumulator::from_bytes(&hostile, true) {
            let mut merged = read.clone();
            merged.merge(&read, Wanted::default());
            let written = merged.to_bytes().unwrap();
            // A sum at the end of its range may be beyond it then.
            let again = code(&written);
            assert!(matches!(again, Ok(()) | Err(ErrorCode::InvalidRequest)), "{round}: {again:?}");
            assert!(!answer(&merged).is_empty());
        }
    }
}
