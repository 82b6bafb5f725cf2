//! What every session is built with.

use ort::ep;
use ort::session::builder::{BuilderResult, SessionBuilder};

/// Without the CPU provider, ONNX Runtime would choose providers by a policy of its own.
pub fn with_cpu(builder: SessionBuilder) -> ort::Result<SessionBuilder> {
    plain(builder.with_execution_providers([ep::CPU::default().with_arena_allocator(true).build()]))
}

/// The builder, or the error without the builder that ort gives back with it.
pub fn plain(result: BuilderResult) -> ort::Result<SessionBuilder> {
    result.map_err(|problem| ort::Error::new_with_code(problem.code(), problem.message()))
}
