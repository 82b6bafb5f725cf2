//! What estimates the quality of the predictions of a model version.

use crate::error::{Result, error};
use crate::monitoring::cbpe::Cbpe;
use crate::monitoring::dle::Dle;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// What the bytes begin with; the last one is the version of what follows, MessagePack.
const HEAD: [u8; 5] = *b"EAET\x02";
const MAX_BYTES: usize = 16 << 20;
/// Classes that are estimated at most.
pub(super) const MAX_CLASSES: usize = 200;

/// What no estimate sees: that the truth for the same inputs has changed, and inputs such as the reference does not have.
pub(super) const BLIND_TO: [&str; 2] = ["concept drift", "unseen regions"];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Estimator {
    pub(super) kind: Kind,
    /// Rows that it was fitted to.
    pub(super) rows: u64,
    /// Of a chunk, from which thresholds are.
    pub(super) chunk_rows: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Kind {
    Classes {
        cbpe: Cbpe,
        /// The output that has the probabilities.
        output: String,
        /// Where that is a map, its keys in their order.
        keys: Option<Vec<String>>,
        /// Numbers of a row: one for each class, or the one of the second of two.
        width: usize,
    },
    Numbers {
        dle: Dle,
        output: String,
    },
}

impl Estimator {
    /// What it is, without what it has learnt.
    pub fn described(&self) -> Json {
        let Self { kind, rows, chunk_rows } = self;
        match kind {
            Kind::Classes { cbpe, .. } => json!({
                "kind": "classification",
                "rows": rows,
                "chunkRows": chunk_rows,
                "classes": cbpe.classes(),
                "calibrated": cbpe.calibrated(),
            }),
            Kind::Numbers { dle, .. } => json!({
                "kind": "regression",
                "rows": rows,
                "chunkRows": chunk_rows,
                "features": dle.columns() - 1,
            }),
        }
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = HEAD.to_vec();
        rmp_serde::encode::write(&mut bytes, self)
            .map_err(|problem| error!(Internal, "an estimator as bytes: {problem}"))?;
        Ok(bytes)
    }

    /// # Errors
    /// `INVALID_REQUEST` for what [`Self::to_bytes`] of this version does not make.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let content = bytes.strip_prefix(&HEAD).filter(|content| content.len() <= MAX_BYTES);
        content
            .and_then(|content| rmp_serde::from_slice::<Self>(content).ok())
            .filter(Self::is_sound)
            .ok_or_else(|| error!(InvalidRequest, "these bytes are no estimator of version {}", HEAD[4]))
    }

    fn is_sound(&self) -> bool {
        match &self.kind {
            Kind::Classes { cbpe, keys, width, .. } => {
                let classes = cbpe.classes();
                cbpe.is_sound()
                    && classes <= MAX_CLASSES
                    && (*width == classes || (*width == 1 && classes == 2))
                    && keys.as_ref().is_none_or(|keys| keys.len() == classes)
            }
            Kind::Numbers { dle, .. } => dle.is_sound(),
        }
    }
}
