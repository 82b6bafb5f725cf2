//! Sessions: loaded once per process, cached, run under a deadline.

pub mod backend;
mod backends;
mod batch;
mod cache;
pub mod control;
mod cpu_sampler;
mod exit;
mod fixed_work;
mod idle;
mod inline;
mod journal;
mod load;
mod load_request;
mod loaded_model;
mod loaders;
mod operator_threads;
mod options;
mod pool;
mod preload;
mod providers;
mod receipt;
mod reclaim;
mod request;
mod residency;
mod run;
mod scheduling;
mod session;
mod shared;
mod trial_run;
mod usage;
mod warm_up;
mod watchdog;

pub use batch::BatchStatus;
pub use cache::{CacheStatus, LoadCallback};
pub use journal::{
    JournalStatus, check as check_quarantine, introduce_thread, open as open_journal, release as release_quarantined,
};
pub use load::Inspected;
pub use load_request::LoadRequest;
pub use loaded_model::{LoadedModel, SessionKey};
pub use options::{EngineChoice, EngineOptions, MAX_TIMEOUT_MS, OptionValue};
pub use preload::{PreloadFailure, PreloadStatus};
pub use providers::{Placement, Provider, Providers, provider_names};
pub use receipt::{Account, Receipt};
pub use request::RunRequest;
pub use residency::Residence;
pub use run::{RunCallback, RunHandle, RunOutput};
pub use session::{Session, SessionStatus};
pub use shared::{Engine, EngineStatus};
