//! The one error type of the crate: a stable code, a message for people, and details for programs.

use serde_json::Value;
use std::fmt;

/// What went wrong. The names are part of the public interface: they reach JavaScript as `error.code` and REST as the
/// field `code`; `resources/errors.js` gives each its HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The request is not valid JSON.
    InvalidJson,
    /// A field is missing, malformed or unknown.
    InvalidRequest,
    /// No model of that name or version.
    ModelNotFound,
    /// The version exists with other bytes.
    VersionExists,
    /// The upload or body is larger than configured.
    TooLarge,
    /// The bytes are no model, a broken one, or one that reaches outside its upload.
    InvalidModel,
    /// The model is sound but needs something that no engine here has, such as an operator.
    UnsupportedModel,
    /// A given schema contradicts the model.
    SchemaMismatch,
    /// The inputs do not fit the model's signature.
    InvalidInput,
    /// The engine refused while running: an index out of bounds, a failed allocation.
    RunFailed,
    /// The model was under way at several crashes of the process.
    ModelQuarantined,
    /// Too many requests wait.
    QueueFull,
    /// The caller gave up.
    Cancelled,
    /// The run took longer than its deadline.
    DeadlineExceeded,
    /// The engine that was asked for cannot be loaded here, or none of its execution providers can be used.
    EngineUnavailable,
    /// The disk is full, or as good as full.
    StorageUnavailable,
    /// The model, engine or session is closed.
    Closed,
    /// A defect of this library.
    Internal,
}

impl ErrorCode {
    /// Every code, for the tables that must name them all.
    pub const ALL: [Self; 18] = [
        Self::InvalidJson,
        Self::InvalidRequest,
        Self::ModelNotFound,
        Self::VersionExists,
        Self::TooLarge,
        Self::InvalidModel,
        Self::UnsupportedModel,
        Self::SchemaMismatch,
        Self::InvalidInput,
        Self::RunFailed,
        Self::ModelQuarantined,
        Self::QueueFull,
        Self::Cancelled,
        Self::DeadlineExceeded,
        Self::EngineUnavailable,
        Self::StorageUnavailable,
        Self::Closed,
        Self::Internal,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidJson => "INVALID_JSON",
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::ModelNotFound => "MODEL_NOT_FOUND",
            Self::VersionExists => "VERSION_EXISTS",
            Self::TooLarge => "TOO_LARGE",
            Self::InvalidModel => "INVALID_MODEL",
            Self::UnsupportedModel => "UNSUPPORTED_MODEL",
            Self::SchemaMismatch => "SCHEMA_MISMATCH",
            Self::InvalidInput => "INVALID_INPUT",
            Self::RunFailed => "RUN_FAILED",
            Self::ModelQuarantined => "MODEL_QUARANTINED",
            Self::QueueFull => "QUEUE_FULL",
            Self::Cancelled => "CANCELLED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::EngineUnavailable => "ENGINE_UNAVAILABLE",
            Self::StorageUnavailable => "STORAGE_UNAVAILABLE",
            Self::Closed => "CLOSED",
            Self::Internal => "INTERNAL",
        }
    }
}

/// A failure, as every room of the crate returns it.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    pub code: ErrorCode,
    /// One sentence that names what was expected and what was received. It never holds a path of this machine.
    pub message: String,
    /// What a program may want to read, such as the list of valid input names.
    pub details: Option<Value>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: None }
    }

    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }
}

/// `error!(InvalidInput, "input {name}: ...")`.
macro_rules! error {
    ($code:ident, $($message:tt)*) => {
        $crate::error::Error::new($crate::error::ErrorCode::$code, format!($($message)*))
    };
}
pub(crate) use error;

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Error {}
