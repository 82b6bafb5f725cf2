//! The binding to Node.js: the only room that names napi. Each function converts and calls; panics become errors.
//!
//! Work that leaves the event loop is answered through a [`channel::Channel`]: JavaScript passes a number, and gets that
//! number back with the outcome, many at a time. Nothing here holds JavaScript memory while it works: inputs are copied on
//! entry, because the memory of a terminated worker thread is gone.

mod cbpe;
mod changes;
mod channel;
mod drift;
mod engine;
mod error;
mod exposition;
mod json;
mod limits;
mod monitoring;
mod online;
mod plain;
mod prediction;
mod process;
mod profile;
mod quality;
mod reference;
mod request;
mod rows;
mod session;
mod shared_buffer;
