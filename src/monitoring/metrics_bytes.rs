//! Metrics as bytes, to be stored and merged later.

use super::measures::Measures;
use super::metrics::MetricsAccumulator;
use crate::error::{Result, error};
use flate2::Crc;
use serde::Serialize;
use std::collections::BTreeMap;

/// The first byte. Another form of the measures has another number.
const FORMAT: u8 = 3;
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
        if head[0] != FORMAT {
            return Err(error!(NotSupported, "the metrics must be of format {FORMAT}, received {}", head[0]));
        }
        if head[1..] != crc(body).to_le_bytes() {
            return Err(damaged("their checksum is another"));
        }
        let versions: BTreeMap<String, BTreeMap<String, Measures>> =
            rmp_serde::from_slice(body).map_err(|problem| damaged(&problem.to_string()))?;
        if !versions.values().flat_map(BTreeMap::values).all(Measures::is_sound) {
            return Err(damaged("they hold what is no number"));
        }
        Ok(Self { versions })
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
