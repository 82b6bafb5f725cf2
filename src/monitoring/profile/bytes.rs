//! A profile as bytes, as tables hold it.

use super::columns::Profile;
use super::limits::{MAX_COLUMNS, MAX_NAME_BYTES, MAX_PROFILE_BYTES, MAX_STRING_COLUMNS};
use crate::error::{Result, error};

/// What the bytes begin with; the last one is the version of what follows, MessagePack.
const HEAD: [u8; 5] = *b"EAPR\x01";

impl Profile {
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = HEAD.to_vec();
        rmp_serde::encode::write(&mut bytes, self)
            .map_err(|problem| error!(Internal, "a profile as bytes: {problem}"))?;
        Ok(bytes)
    }

    /// # Errors
    /// `INVALID_REQUEST` for what [`Self::to_bytes`] of this version does not make.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_PROFILE_BYTES {
            return Err(error!(InvalidRequest, "a profile has at most {MAX_PROFILE_BYTES} bytes"));
        }
        let Some(content) = bytes.strip_prefix(&HEAD) else {
            return Err(error!(InvalidRequest, "these bytes are no profile of version {}", HEAD[4]));
        };
        let mut rest = content;
        let profile: Self = rmp_serde::decode::from_read(&mut rest)
            .map_err(|problem| error!(InvalidRequest, "these bytes are no profile: {problem}"))?;
        let is_named = |name: &String| name.len() <= MAX_NAME_BYTES;
        let is_sound = rest.is_empty()
            && profile.columns.len() <= MAX_COLUMNS
            && profile.string_columns() <= MAX_STRING_COLUMNS
            && profile.columns.keys().all(is_named)
            && profile.columns.values().all(super::column::Column::is_sound);
        is_sound
            .then_some(profile)
            .ok_or_else(|| error!(InvalidRequest, "these bytes are a profile that contradicts itself"))
    }
}
