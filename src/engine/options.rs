//! The engine's settings.

use super::providers::{Provider, Providers};
use crate::error::{Error, Result, error};
use crate::format::MAX_SAFE_INTEGER;
use serde_json::{Map, Value as Json, json};
use std::path::PathBuf;
use std::time::Duration;

/// How long a request, a run or a load may take at most.
pub const MAX_TIMEOUT_MS: u64 = 3_600_000;

/// Which execution engine runs models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EngineChoice {
    /// ONNX Runtime where its library can be loaded, tract otherwise.
    #[default]
    Auto,
    OnnxRuntime,
    Tract,
}

impl EngineChoice {
    const ALL: [Self; 3] = [Self::Auto, Self::OnnxRuntime, Self::Tract];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::OnnxRuntime => "onnxruntime",
            Self::Tract => "tract",
        }
    }

    /// # Errors
    /// `INVALID_REQUEST` for any other name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            error!(InvalidRequest, "engine must be one of {names}, received \"{name}\"")
        })
    }
}

#[derive(Debug, Clone)]
pub struct EngineOptions {
    pub engine: EngineChoice,
    /// What computes inside ONNX Runtime.
    pub providers: Providers,
    /// Sessions that stay loaded.
    pub cache_max_models: usize,
    /// Bytes of weights that stay loaded. One session is always kept, however large.
    pub cache_max_bytes: u64,
    /// Threads that share the work within one operator.
    pub intra_op_threads: usize,
    /// Runs that are under way at the same time; short ones may have one more thread.
    pub run_threads: usize,
    /// Runs of one model that may wait for a thread.
    pub max_queue_size: usize,
    /// Rows of different requests that may run together; 1 turns batching off.
    pub max_batch_size: usize,
    /// How long a request may wait for others while its model is busy, in milliseconds.
    pub max_queue_delay_ms: f64,
    /// Batches of one model that run side by side.
    pub max_concurrent_batches: usize,
    /// How long a run may take, waiting included, unless its caller says otherwise.
    pub timeout_ms: u64,
    /// How long the load of a model may take, and the check of an upload.
    pub load_timeout: Duration,
    /// What all runs together may allocate inside ONNX Runtime, in bytes.
    pub max_run_bytes: usize,
    /// Sessions that are idle for this time are unloaded; zero: they stay.
    pub idle_unload: Duration,
    /// The ONNX Runtime library.
    pub library_path: Option<PathBuf>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            engine: EngineChoice::Auto,
            providers: Providers::default(),
            cache_max_models: 10,
            cache_max_bytes: 1 << 30,
            intra_op_threads: threads,
            run_threads: threads,
            max_queue_size: 1024,
            max_batch_size: 64,
            max_queue_delay_ms: 0.0,
            max_concurrent_batches: 1,
            timeout_ms: 30_000,
            load_timeout: Duration::from_secs(120),
            max_run_bytes: 1 << 30,
            idle_unload: Duration::ZERO,
            library_path: None,
        }
    }
}

/// A value for an option, as JavaScript gives it.
#[derive(Debug, Clone)]
pub enum OptionValue {
    Number(f64),
    Text(String),
    Providers(Vec<Provider>),
    /// What no option takes, in words.
    Other(String),
}

/// An option that is a whole number, under its name in JavaScript.
struct Count {
    name: &'static str,
    least: u64,
    most: u64,
    get: fn(&EngineOptions) -> u64,
    set: fn(&mut EngineOptions, u64),
}

const MIB: u64 = 1 << 20;
const MAX_COUNT: u64 = u32::MAX as u64;
const MAX_THREADS: u64 = 1024;
const MAX_IDLE_MS: u64 = i32::MAX as u64;

/// `library/engine-options.js` has the same names, bounds and defaults; a test compares them.
const COUNTS: [Count; 12] = [
    Count {
        name: "cacheMaxModels",
        least: 1,
        most: MAX_COUNT,
        get: |options| options.cache_max_models as u64,
        set: |options, models| options.cache_max_models = models as usize,
    },
    Count {
        name: "cacheMaxBytes",
        least: 0,
        most: MAX_SAFE_INTEGER,
        get: |options| options.cache_max_bytes,
        set: |options, bytes| options.cache_max_bytes = bytes,
    },
    Count {
        name: "intraOpThreads",
        least: 1,
        most: MAX_THREADS,
        get: |options| options.intra_op_threads as u64,
        set: |options, threads| options.intra_op_threads = threads as usize,
    },
    Count {
        name: "runThreads",
        least: 1,
        most: MAX_THREADS,
        get: |options| options.run_threads as u64,
        set: |options, threads| options.run_threads = threads as usize,
    },
    Count {
        name: "maxQueueSize",
        least: 1,
        most: MAX_COUNT,
        get: |options| options.max_queue_size as u64,
        set: |options, runs| options.max_queue_size = runs as usize,
    },
    Count {
        name: "maxBatchSize",
        least: 1,
        most: 32_768,
        get: |options| options.max_batch_size as u64,
        set: |options, rows| options.max_batch_size = rows as usize,
    },
    Count {
        name: "maxQueueDelayMs",
        least: 0,
        most: 60_000,
        get: |options| options.max_queue_delay_ms as u64,
        set: |options, delay_ms| options.max_queue_delay_ms = delay_ms as f64,
    },
    Count {
        name: "maxConcurrentBatches",
        least: 1,
        most: 1024,
        get: |options| options.max_concurrent_batches as u64,
        set: |options, batches| options.max_concurrent_batches = batches as usize,
    },
    Count {
        name: "timeoutMs",
        least: 1,
        most: MAX_TIMEOUT_MS,
        get: |options| options.timeout_ms,
        set: |options, timeout_ms| options.timeout_ms = timeout_ms,
    },
    Count {
        name: "loadTimeoutMs",
        least: 1,
        most: MAX_TIMEOUT_MS,
        get: |options| options.load_timeout.as_millis() as u64,
        set: |options, timeout_ms| options.load_timeout = Duration::from_millis(timeout_ms),
    },
    Count {
        name: "maxRunBytes",
        least: MIB,
        most: MAX_SAFE_INTEGER,
        get: |options| options.max_run_bytes as u64,
        set: |options, bytes| options.max_run_bytes = bytes as usize,
    },
    Count {
        name: "idleUnloadMs",
        least: 0,
        most: MAX_IDLE_MS,
        get: |options| options.idle_unload.as_millis() as u64,
        set: |options, idle_ms| options.idle_unload = Duration::from_millis(idle_ms),
    },
];

const ENGINE: &str = "engine";
const EXECUTION_PROVIDERS: &str = "executionProviders";
const LIBRARY_PATH: &str = "libraryPath";

impl EngineOptions {
    /// Sets an option by its name in JavaScript.
    ///
    /// # Errors
    /// `INVALID_REQUEST` that names the option, what it takes and what was received.
    pub fn set(&mut self, name: &str, value: OptionValue) -> Result<()> {
        match (name, value) {
            (ENGINE, OptionValue::Text(choice)) => self.engine = EngineChoice::parse(&choice)?,
            (EXECUTION_PROVIDERS, OptionValue::Providers(providers)) => self.providers = Providers::new(providers)?,
            (LIBRARY_PATH, OptionValue::Text(path)) => self.library_path = Some(PathBuf::from(path)),
            (ENGINE | LIBRARY_PATH, other) => return Err(refused(name, "a text", &other)),
            (EXECUTION_PROVIDERS, other) => return Err(refused(name, "a list", &other)),
            (_, value) => {
                let count = COUNTS
                    .iter()
                    .find(|count| count.name == name)
                    .ok_or_else(|| error!(InvalidRequest, "the engine has no option \"{name}\""))?;
                let number = count.read(&value)?;
                (count.set)(self, number);
            }
        }
        Ok(())
    }

    /// The options by their names in JavaScript.
    pub fn to_json(&self) -> Json {
        let mut values: Map<String, Json> =
            COUNTS.iter().map(|count| (count.name.to_owned(), json!((count.get)(self)))).collect();
        values.insert(ENGINE.to_owned(), json!(self.engine.as_str()));
        values.insert(EXECUTION_PROVIDERS.to_owned(), self.providers.names().collect());
        values.insert(LIBRARY_PATH.to_owned(), json!(self.library_path));
        Json::Object(values)
    }
}

impl Count {
    fn read(&self, value: &OptionValue) -> Result<u64> {
        let Self { name, least, most, .. } = *self;
        match *value {
            // All bounds are exact as f64.
            OptionValue::Number(number) if number.fract() == 0.0 && (least as f64..=most as f64).contains(&number) => {
                Ok(number as u64)
            }
            _ => Err(refused(name, &format!("a whole number from {least} to {most}"), value)),
        }
    }
}

fn refused(name: &str, expected: &str, value: &OptionValue) -> Error {
    let received = match value {
        OptionValue::Number(number) => number.to_string(),
        OptionValue::Text(text) => format!("{:?}", text.chars().take(64).collect::<String>()),
        OptionValue::Providers(_) => "a list".to_owned(),
        OptionValue::Other(kind) => kind.clone(),
    };
    error!(InvalidRequest, "{name} must be {expected}, received {received}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_set_within_its_bounds_and_refused_beyond() {
        for Count { name, least, most, get, .. } in &COUNTS {
            let mut options = EngineOptions::default();
            for number in [*least, *most] {
                options.set(name, OptionValue::Number(number as f64)).unwrap();
                assert_eq!(get(&options), number, "{name}");
            }
            let beyond = [*least as f64 - 1.0, *least as f64 + 0.5, *most as f64 * 2.0 + 2.0, f64::NAN, f64::INFINITY];
            for number in beyond {
                let problem = options.set(name, OptionValue::Number(number)).unwrap_err();
                let expected = format!("{name} must be a whole number from {least} to {most}, received {number}");
                assert_eq!(problem.message, expected);
                assert_eq!(get(&options), *most, "{name}");
            }
        }
    }

    #[test]
    fn every_option_refuses_a_value_of_another_type() {
        let Json::Object(values) = EngineOptions::default().to_json() else { unreachable!("options are an object") };
        for name in values.keys() {
            let problem = EngineOptions::default().set(name, OptionValue::Other("a boolean".to_owned())).unwrap_err();
            assert!(problem.message.starts_with(&format!("{name} must be a ")), "{problem}");
            assert!(problem.message.ends_with("received a boolean"), "{problem}");
        }
        let unknown = EngineOptions::default().set("threads", OptionValue::Number(1.0)).unwrap_err();
        assert_eq!(unknown.message, "the engine has no option \"threads\"");
    }
}
