//! The one error type of the crate: a stable code, a message for people, and details for programs.

use serde_json::Value;
use std::fmt;

macro_rules! error_codes {
    ($($(#[$attribute:meta])* $code:ident = $name:literal,)*) => {
        /// What went wrong. The names are part of the public interface: they reach JavaScript as `error.code` and REST as the
        /// field `code`; `resources/errors.js` gives each its HTTP status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$attribute])* $code,)*
        }

        impl ErrorCode {
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

error_codes! {
    /// The request is not valid JSON.
    InvalidJson = "INVALID_JSON",
    /// A field is missing, malformed or unknown.
    InvalidRequest = "INVALID_REQUEST",
    /// No model of that name or version.
    ModelNotFound = "MODEL_NOT_FOUND",
    /// The version exists with other bytes.
    VersionExists = "VERSION_EXISTS",
    /// The upload or body is larger than configured.
    TooLarge = "TOO_LARGE",
    /// The bytes are no model, a broken one, or one that reaches outside its upload.
    InvalidModel = "INVALID_MODEL",
    /// The model is sound but needs something that no engine here has, such as an operator.
    UnsupportedModel = "UNSUPPORTED_MODEL",
    /// A given schema contradicts the model.
    SchemaMismatch = "SCHEMA_MISMATCH",
    /// The inputs do not fit the model's signature.
    InvalidInput = "INVALID_INPUT",
    /// The engine refused while running: an index out of bounds, a failed allocation.
    RunFailed = "RUN_FAILED",
    /// The model was under way at several crashes of the process.
    ModelQuarantined = "MODEL_QUARANTINED",
    /// Too many requests wait.
    QueueFull = "QUEUE_FULL",
    /// The caller gave up.
    Cancelled = "CANCELLED",
    /// The run took longer than its deadline.
    DeadlineExceeded = "DEADLINE_EXCEEDED",
    /// The engine that was asked for cannot be loaded here, or none of its execution providers can be used.
    EngineUnavailable = "ENGINE_UNAVAILABLE",
    /// A file of the model is not there, or cannot be read.
    FileUnavailable = "FILE_UNAVAILABLE",
    /// The disk is full, or as good as full.
    StorageUnavailable = "STORAGE_UNAVAILABLE",
    /// The model, engine or session is closed.
    Closed = "CLOSED",
    /// A protocol has it and this engine does not, such as shared memory.
    NotSupported = "NOT_SUPPORTED",
    /// A defect of this library.
    Internal = "INTERNAL",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stable_names_are_those_of_the_codes() {
        for code in ErrorCode::ALL {
            let mut name = String::new();
            for letter in format!("{code:?}").chars() {
                if letter.is_ascii_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.push(letter.to_ascii_uppercase());
            }
            assert_eq!(code.as_str(), name);
        }
    }
}
