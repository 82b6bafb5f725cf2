//! Metrics as bytes, to be stored and merged later.

use super::feedback::FeedbackMeasures;
use super::mean::Mean;
use super::measures::Measures;
use super::metrics::{MetricsAccumulator, Versions};
use super::sketch::{Relative, Share, Sketch};
use crate::error::{Result, error};
use flate2::Crc;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The first byte. Another form of the measures has another number.
const FORMAT: u8 = 5;
/// That of measures without segments and numbers of outputs.
const WITHOUT_SEGMENTS: u8 = 4;
/// That of measures without waiting and rows, too.
const WITHOUT_WAITING: u8 = 3;
/// The number, and the CRC-32 of what follows.
const HEAD_BYTES: usize = 5;
/// How long the measures of all events are.
const LENGTH_BYTES: usize = 4;

impl MetricsAccumulator {
    /// The same bytes for the same events, whatever their order and the parts that they came in. Behind the head stands MessagePack: the
    /// measures of all events, behind their length, and then by segment, where there are any.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut body = vec![0; LENGTH_BYTES];
        append(&self.versions.measured().collect::<BTreeMap<_, _>>(), &mut body)?;
        let length = u32::try_from(body.len() - LENGTH_BYTES)
            .map_err(|_| error!(Internal, "the metrics are too large to be written"))?;
        body[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
        let segments =
            self.segments.iter().map(|(name, versions)| (name, versions.measured().collect::<BTreeMap<_, _>>()));
        let measured: BTreeMap<_, _> = segments.filter(|(_, versions)| !versions.is_empty()).collect();
        if !measured.is_empty() {
            append(&measured, &mut body)?;
        }
        let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(&crc(&body).to_le_bytes());
        bytes.append(&mut body);
        Ok(bytes)
    }

    /// What [`Self::to_bytes`] wrote, with its segments or without them, which takes less time.
    ///
    /// # Errors
    /// `NOT_SUPPORTED` for bytes of another format, as another release may have written them; `INVALID_REQUEST` for damaged ones.
    pub fn from_bytes(bytes: &[u8], with_segments: bool) -> Result<Self> {
        let damaged = |problem: &str| error!(InvalidRequest, "the metrics are damaged: {problem}");
        let (head, body) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(|| damaged("they are cut off"))?;
        if !(WITHOUT_WAITING..=FORMAT).contains(&head[0]) {
            return Err(error!(
                NotSupported,
                "the metrics must be of format {WITHOUT_WAITING} to {FORMAT}, received {}", head[0]
            ));
        }
        if head[1..] != crc(body).to_le_bytes() {
            return Err(damaged("their checksum is another"));
        }
        let (versions, segments) = match head[0] {
            WITHOUT_WAITING => (earlier::<MeasuresWithoutWaiting>(body), &[][..]),
            WITHOUT_SEGMENTS => (earlier::<MeasuresWithoutNumbers>(body), &[][..]),
            _ => {
                let (length, body) =
                    body.split_first_chunk::<LENGTH_BYTES>().ok_or_else(|| damaged("they are cut off"))?;
                let (versions, segments) = body
                    .split_at_checked(u32::from_le_bytes(*length) as usize)
                    .ok_or_else(|| damaged("they are cut off"))?;
                (rmp_serde::from_slice(versions), segments)
            }
        };
        let versions = versions.map_err(|problem| damaged(&problem.to_string()))?;
        let segments: BTreeMap<String, Versions> = match segments {
            [] => BTreeMap::new(),
            _ if !with_segments => BTreeMap::new(),
            segments => rmp_serde::from_slice(segments).map_err(|problem| damaged(&problem.to_string()))?,
        };
        if !segments.values().chain([&versions]).all(Versions::is_sound) {
            return Err(damaged("they hold what is no number"));
        }
        Ok(Self { versions, segments })
    }
}

fn append(measures: &impl Serialize, body: &mut Vec<u8>) -> Result<()> {
    measures
        .serialize(&mut rmp_serde::Serializer::new(body))
        .map_err(|problem| error!(Internal, "the metrics cannot be written: {problem}"))
}

/// Measures of an earlier format, as they are now.
fn earlier<M: DeserializeOwned + Into<Measures>>(
    body: &[u8],
) -> std::result::Result<Versions, rmp_serde::decode::Error> {
    let versions: BTreeMap<String, BTreeMap<String, M>> = rmp_serde::from_slice(body)?;
    let now = |digests: BTreeMap<String, M>| {
        digests.into_iter().map(|(digest, measures)| (digest, measures.into())).collect()
    };
    Ok(Versions(versions.into_iter().map(|(version, digests)| (version, now(digests))).collect()))
}

/// Measures as [`WITHOUT_SEGMENTS`] has them.
#[derive(Serialize, Deserialize)]
struct MeasuresWithoutNumbers {
    count: i64,
    errors: BTreeMap<String, i64>,
    latency: Mean,
    latencies: Sketch<Relative>,
    confidence: Mean,
    confidences: Sketch<Share>,
    first: Option<f64>,
    last: Option<f64>,
    queue: Mean,
    queues: Sketch<Relative>,
    batch_rows: Mean,
    batches: Sketch<Relative>,
    #[serde(default, skip_serializing_if = "FeedbackMeasures::is_nothing")]
    feedback: FeedbackMeasures,
}

impl From<MeasuresWithoutNumbers> for Measures {
    fn from(earlier: MeasuresWithoutNumbers) -> Self {
        let MeasuresWithoutNumbers { count, errors, latency, latencies, confidence, confidences, first, last, .. } =
            earlier;
        let MeasuresWithoutNumbers { queue, queues, batch_rows, batches, feedback, .. } = earlier;
        Self {
            count,
            errors,
            latency,
            latencies,
            confidence,
            confidences,
            first,
            last,
            queue,
            queues,
            batch_rows,
            batches,
            feedback,
            ..Self::default()
        }
    }
}

/// Measures as [`WITHOUT_WAITING`] has them.
#[derive(Serialize, Deserialize)]
struct MeasuresWithoutWaiting {
    count: i64,
    errors: BTreeMap<String, i64>,
    latency: Mean,
    latencies: Sketch<Relative>,
    confidence: Mean,
    confidences: Sketch<Share>,
    first: Option<f64>,
    last: Option<f64>,
    #[serde(default, skip_serializing_if = "FeedbackMeasures::is_nothing")]
    feedback: FeedbackMeasures,
}

impl From<MeasuresWithoutWaiting> for Measures {
    fn from(earlier: MeasuresWithoutWaiting) -> Self {
        let MeasuresWithoutWaiting {
            count,
            errors,
            latency,
            latencies,
            confidence,
            confidences,
            first,
            last,
            feedback,
        } = earlier;
        Self { count, errors, latency, latencies, confidence, confidences, first, last, feedback, ..Self::default() }
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::EventMeasures;
    use crate::monitoring::metrics::Of;

    fn written<M: Serialize>(format: u8, measures: M) -> Vec<u8> {
        let body = rmp_serde::to_vec(&BTreeMap::from([("v1", BTreeMap::from([("d", measures)]))])).unwrap();
        [&[format][..], &crc(&body).to_le_bytes(), &body].concat()
    }

    #[test]
    fn measures_of_the_formats_before_are_read() {
        let plain =
            EventMeasures { timestamp: 5.0, latency_ms: Some(2.0), confidence: Some(0.5), ..Default::default() };
        let queued = EventMeasures { queue_ms: Some(1.0), batch_rows: Some(3.0), ..plain.clone() };
        let of = |event: &EventMeasures| {
            let mut metrics = MetricsAccumulator::default();
            metrics.add(Of { version: "v1", digest: Some("d"), segment: None }, event);
            metrics.versions
        };
        let Measures { count, errors, latency, latencies, confidence, confidences, first, last, feedback, .. } =
            of(&plain).0["v1"]["d"].clone();
        let mut bytes = written(
            WITHOUT_WAITING,
            MeasuresWithoutWaiting {
                count,
                errors,
                latency,
                latencies,
                confidence,
                confidences,
                first,
                last,
                feedback,
            },
        );
        assert_eq!(MetricsAccumulator::from_bytes(&bytes, true).unwrap().versions, of(&plain));
        bytes[0] = WITHOUT_WAITING - 1;
        assert!(MetricsAccumulator::from_bytes(&bytes, true).is_err());

        let now = of(&queued).0["v1"]["d"].clone();
        let Measures { count, errors, latency, latencies, confidence, confidences, first, last, .. } = now.clone();
        let Measures { queue, queues, batch_rows, batches, feedback, .. } = now;
        let before = MeasuresWithoutNumbers {
            count,
            errors,
            latency,
            latencies,
            confidence,
            confidences,
            first,
            last,
            queue,
            queues,
            batch_rows,
            batches,
            feedback,
        };
        let read = MetricsAccumulator::from_bytes(&written(WITHOUT_SEGMENTS, before), true).unwrap();
        assert_eq!(read.versions, of(&queued));
        assert!(read.segments.is_empty());
    }
}
