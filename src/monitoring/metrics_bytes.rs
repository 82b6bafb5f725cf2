//! Metrics as bytes, to be stored and merged later.

use super::feedback::FeedbackMeasures;
use super::mean::Mean;
use super::measures::Measures;
use super::metrics::MetricsAccumulator;
use super::sketch::{Relative, Share, Sketch};
use crate::error::{Result, error};
use flate2::Crc;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The first byte. Another form of the measures has another number.
const FORMAT: u8 = 4;
/// That of measures without waiting and rows.
const EARLIER: u8 = 3;
/// The number, and the CRC-32 of what follows.
const HEAD_BYTES: usize = 5;

impl MetricsAccumulator {
    /// The same bytes for the same events, whatever their order and the parts that they came in. Behind the head stands MessagePack:
    /// the measures by version and digest.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let measured: BTreeMap<_, _> = self.measured().collect();
        measured
            .serialize(&mut rmp_serde::Serializer::new(&mut body))
            .map_err(|problem| error!(Internal, "the metrics cannot be written: {problem}"))?;
        let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(&crc(&body).to_le_bytes());
        bytes.append(&mut body);
        Ok(bytes)
    }

    /// What [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// `NOT_SUPPORTED` for bytes of another format, as another release may have written them; `INVALID_REQUEST` for damaged ones.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |problem: &str| error!(InvalidRequest, "the metrics are damaged: {problem}");
        let (head, body) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(|| damaged("they are cut off"))?;
        if ![FORMAT, EARLIER].contains(&head[0]) {
            return Err(error!(
                NotSupported,
                "the metrics must be of format {FORMAT} or {EARLIER}, received {}", head[0]
            ));
        }
        if head[1..] != crc(body).to_le_bytes() {
            return Err(damaged("their checksum is another"));
        }
        let versions: Versions<Measures> = match head[0] {
            EARLIER => rmp_serde::from_slice(body).map(|versions: Versions<EarlierMeasures>| {
                let now = |(digest, measures): (String, EarlierMeasures)| (digest, measures.into());
                versions
                    .into_iter()
                    .map(|(version, digests)| (version, digests.into_iter().map(now).collect()))
                    .collect()
            }),
            _ => rmp_serde::from_slice(body),
        }
        .map_err(|problem| damaged(&problem.to_string()))?;
        if !versions.values().flat_map(BTreeMap::values).all(Measures::is_sound) {
            return Err(damaged("they hold what is no number"));
        }
        Ok(Self { versions })
    }
}

/// By version and digest.
type Versions<M> = BTreeMap<String, BTreeMap<String, M>>;

/// Measures as [`EARLIER`] has them.
#[derive(Serialize, Deserialize)]
struct EarlierMeasures {
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

impl From<EarlierMeasures> for Measures {
    fn from(earlier: EarlierMeasures) -> Self {
        let EarlierMeasures { count, errors, latency, latencies, confidence, confidences, first, last, feedback } =
            earlier;
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

    #[test]
    fn measures_of_the_format_before_are_read() {
        let event =
            EventMeasures { timestamp: 5.0, latency_ms: Some(2.0), confidence: Some(0.5), ..EventMeasures::default() };
        let mut metrics = MetricsAccumulator::default();
        metrics.add("v1", Some("d"), &event);
        let Measures { count, errors, latency, latencies, confidence, confidences, first, last, feedback, .. } =
            metrics.versions["v1"]["d"].clone();
        let earlier =
            EarlierMeasures { count, errors, latency, latencies, confidence, confidences, first, last, feedback };
        let body = rmp_serde::to_vec(&BTreeMap::from([("v1", BTreeMap::from([("d", earlier)]))])).unwrap();
        let mut bytes = vec![EARLIER];
        bytes.extend_from_slice(&crc(&body).to_le_bytes());
        bytes.extend_from_slice(&body);
        assert_eq!(MetricsAccumulator::from_bytes(&bytes).unwrap().versions, metrics.versions);
        bytes[0] = EARLIER - 1;
        assert!(MetricsAccumulator::from_bytes(&bytes).is_err());
    }
}
