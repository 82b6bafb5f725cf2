//! What the estimates of a time are made of.

use super::estimator::{BLIND_TO, Estimator, Kind};
use crate::error::{Result, error};
use crate::monitoring::cbpe::CbpeSums;
use crate::monitoring::dle::DleSums;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// What the bytes begin with; the last one is the version of what follows, MessagePack.
const HEAD: [u8; 5] = *b"EAES\x02";
/// Of sums of ten ranked classes, and what follows.
const MAX_BYTES: usize = 1 << 20;

/// Sums over predictions, of one estimator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EstimateSums {
    pub(super) rows: Rows,
    /// Predictions that the estimator could not read: without probabilities, or with other features than the reference had.
    pub(super) left_out: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Rows {
    Classes(CbpeSums),
    Numbers(DleSums),
}

impl EstimateSums {
    /// Of no predictions.
    pub fn new(estimator: &Estimator) -> Self {
        let rows = match &estimator.kind {
            Kind::Classes { cbpe, .. } => Rows::Classes(cbpe.no_sums()),
            Kind::Numbers { .. } => Rows::Numbers(DleSums::default()),
        };
        Self { rows, left_out: 0 }
    }

    /// Rows, those that were left out included.
    pub const fn seen(&self) -> u64 {
        let count = match &self.rows {
            Rows::Classes(sums) => sums.count,
            Rows::Numbers(sums) => sums.count,
        };
        count + self.left_out
    }

    /// Adds those of other rows.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for those of another estimator; then nothing is added.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        let is_same = match (&mut self.rows, &other.rows) {
            (Rows::Classes(own), Rows::Classes(other)) => own.merge(other),
            (Rows::Numbers(own), Rows::Numbers(other)) => {
                own.merge(other);
                true
            }
            _ => false,
        };
        if !is_same {
            return Err(error!(InvalidRequest, "these sums are of another estimator"));
        }
        self.left_out += other.left_out;
        Ok(())
    }

    /// What they tell; `estimator` is the one that they are of.
    pub fn answer(&self, estimator: &Estimator) -> Result<Json> {
        let estimates = match (&self.rows, &estimator.kind) {
            (Rows::Classes(sums), Kind::Classes { cbpe, .. }) => cbpe.estimates(sums),
            (Rows::Numbers(sums), Kind::Numbers { dle, .. }) => dle.estimates(sums),
            _ => return Err(error!(InvalidRequest, "these sums are of another estimator")),
        };
        Ok(json!({
            "count": estimates.count,
            "leftOut": self.left_out,
            "measures": estimates.measures,
            "blindTo": BLIND_TO,
        }))
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = HEAD.to_vec();
        rmp_serde::encode::write(&mut bytes, self).map_err(|problem| error!(Internal, "sums as bytes: {problem}"))?;
        Ok(bytes)
    }

    /// # Errors
    /// `INVALID_REQUEST` for what [`Self::to_bytes`] of this version does not make.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let content = bytes.strip_prefix(&HEAD).filter(|content| content.len() <= MAX_BYTES);
        content
            .and_then(|content| rmp_serde::from_slice(content).ok())
            .ok_or_else(|| error!(InvalidRequest, "these bytes are no sums of estimates of version {}", HEAD[4]))
    }
}
