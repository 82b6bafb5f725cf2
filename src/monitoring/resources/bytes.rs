//! What predictions cost as bytes, as tables hold it.

use super::sums::Resources;
use crate::error::{Result, error};

/// What the bytes begin with; the last one is the version of what follows, MessagePack.
const HEAD: [u8; 5] = *b"EARU\x01";
/// More than [`MAX_USERS`](super::MAX_USERS) users take, with the longest names that predictions may give.
const MAX_BYTES: usize = 2 << 20;

impl Resources {
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bounded = self.clone();
        bounded.bound();
        let mut bytes = HEAD.to_vec();
        rmp_serde::encode::write(&mut bytes, &bounded)
            .map_err(|problem| error!(Internal, "resources as bytes: {problem}"))?;
        Ok(bytes)
    }

    /// # Errors
    /// `INVALID_REQUEST` for what [`Self::to_bytes`] of this version does not make.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let content = bytes
            .strip_prefix(&HEAD)
            .filter(|content| content.len() <= MAX_BYTES)
            .ok_or_else(|| error!(InvalidRequest, "these bytes are no resources of version {}", HEAD[4]))?;
        let mut rest = content;
        let resources: Self = rmp_serde::decode::from_read(&mut rest)
            .map_err(|problem| error!(InvalidRequest, "these bytes are no resources: {problem}"))?;
        (rest.is_empty() && resources.is_sound())
            .then_some(resources)
            .ok_or_else(|| error!(InvalidRequest, "these bytes are resources that contradict themselves"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::resources::{Costs, MAX_USERS, Memory};

    #[test]
    fn they_come_back_and_nothing_else_does() {
        let mut resources = Resources::default();
        // Names are of at most 1,024 bytes.
        for at in 0..MAX_USERS {
            let user = format!("{at:01024}");
            resources.of(Some(&user)).merge(&Costs { cpu_nanos: u64::MAX, predictions: at as u64, ..Costs::default() });
        }
        resources.memory = Memory { byte_seconds: 1.5e15, loads: 2, evictions: 1 };
        let bytes = resources.to_bytes().unwrap();
        assert_eq!(Resources::from_bytes(&bytes).unwrap(), resources);
        for cut in [0, 4, 5, 100, bytes.len() - 1] {
            assert!(Resources::from_bytes(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(Resources::from_bytes(&[bytes, vec![0]].concat()).is_err());
        let mut broken = Resources::default();
        broken.memory.byte_seconds = f64::NAN;
        assert!(Resources::from_bytes(&broken.to_bytes().unwrap()).is_err());
    }
}
