//! Limits that JavaScript keeps too: constants of the addon, so that each stands in one place.

use crate::{engine, prediction};
use napi_derive::napi;

/// Milliseconds that a request, a run or a load may take at most.
#[napi]
pub const MAX_TIMEOUT_MS: u32 = engine::MAX_TIMEOUT_MS as u32;

/// The priority of a request is from its negative to this.
#[napi]
pub const MAX_PRIORITY: i32 = prediction::MAX_PRIORITY;

/// Bytes of the id of a user, session, request or entity, and of the name of a segment.
#[napi]
pub const MAX_ID_BYTES: u32 = prediction::MAX_ID_BYTES as u32;
