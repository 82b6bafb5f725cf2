//! Finding and starting the shared library, once per process.

use crate::engine::operator_threads::OperatorThreads;
use crate::error::{Error, Result, error};
use ort::AsPointer;
use ort::environment::{Environment, GlobalThreadPoolOptions, ThreadManager};
use ort::logging::LogLevel;
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::ptr;
use std::thread::JoinHandle;

/// How the library is started.
#[derive(Debug, Clone)]
pub struct LibraryOptions {
    pub path: PathBuf,
    /// Threads that share the work within one operator.
    pub intra_op_threads: usize,
    /// What all runs together may allocate at one time, in bytes.
    pub max_run_bytes: usize,
}

/// The library with its one environment: one thread pool and one bounded allocator for all sessions of the process.
pub struct OnnxRuntime {
    pub environment: Environment,
    pub version: String,
    /// The folder of the library, where it looks for those of its providers.
    pub folder: PathBuf,
    pub shared_allocator: bool,
    /// What runs may allocate; each may make as many bytes of text beside it.
    pub max_run_bytes: u64,
}

impl OnnxRuntime {
    /// Loads the library and makes the environment. Only the first call of a process can succeed.
    ///
    /// # Errors
    /// `ENGINE_UNAVAILABLE` when the library is missing, is another one or too old.
    pub fn start(options: &LibraryOptions) -> Result<Self> {
        let environment = environment(options)?;
        environment.set_log_level(LogLevel::Fatal);
        let version = version(&options.path).unwrap_or_else(|| "unknown".to_owned());
        let shared_allocator = register_allocator(&environment, options.max_run_bytes).is_ok();
        let folder = options.path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { environment, version, folder, shared_allocator, max_run_bytes: options.max_run_bytes as u64 })
    }
}

fn environment(options: &LibraryOptions) -> Result<Environment> {
    let named = |builder: ort::environment::EnvironmentBuilder| builder.with_name("edge-ai").with_telemetry(false);
    let builder = ort::init_from(&options.path).map_err(|problem| unavailable(&problem))?;
    let pool = GlobalThreadPoolOptions::default()
        .with_intra_threads(options.intra_op_threads)
        .and_then(|pool| pool.with_inter_threads(1))
        .and_then(|pool| pool.with_spin_control(false))
        .and_then(|pool| pool.with_thread_manager(Threads))
        .map_err(|problem| error!(EngineUnavailable, "ONNX Runtime cannot start its threads: {}", problem.message()))?;
    // Another user of the same library may have made its environment already, without global threads; sessions then have
    // threads of their own.
    named(builder)
        .with_global_thread_pool(pool)
        .build()
        .or_else(|_| named(ort::init()).build())
        .map_err(|problem| error!(EngineUnavailable, "ONNX Runtime cannot start: {}", problem.message()))
}

/// What the system gives threads that are made without Rust, which the library expects.
const STACK_BYTES: usize = 8 << 20;

/// Makes the threads of the pool, so that their CPU time is known.
struct Threads;

impl ThreadManager for Threads {
    type Thread = JoinHandle<()>;

    fn create(&self, work: impl FnOnce() + Send + 'static) -> ort::Result<Self::Thread> {
        let builder = std::thread::Builder::new().name("edge-ai-operator".to_owned()).stack_size(STACK_BYTES);
        let work = || {
            OperatorThreads::shared().join();
            work();
        };
        builder.spawn(work).map_err(|problem| ort::Error::new(problem.to_string()))
    }

    fn join(thread: Self::Thread) -> ort::Result<()> {
        thread.join().map_err(|_| ort::Error::new("a thread of the pool panicked"))
    }
}

fn unavailable(problem: &ort::LoadDynamicError) -> Error {
    use ort::LoadDynamicError as Problem;
    match problem {
        Problem::Dlopen { .. } => error!(EngineUnavailable, "the ONNX Runtime library is missing or cannot be loaded"),
        Problem::MissingApi { .. } | Problem::InvalidVersionString => {
            error!(EngineUnavailable, "the library that was given is not ONNX Runtime")
        }
        Problem::BadVersion { version_str, .. } => error!(
            EngineUnavailable,
            "ONNX Runtime {version_str} is too old, 1.{} or newer is needed",
            ort::MINOR_VERSION
        ),
    }
}

/// The release, such as `1.30.0`, which ort reads but does not tell.
fn version(path: &Path) -> Option<String> {
    type GetApiBase = unsafe extern "C" fn() -> *const ort::sys::OrtApiBase;
    // SAFETY: ort has loaded this library and found this symbol of this type; the text is static.
    unsafe {
        let library = libloading::Library::new(path).ok()?;
        let get_api_base: libloading::Symbol<GetApiBase> = library.get(b"OrtGetApiBase").ok()?;
        let base = get_api_base().as_ref()?;
        Some(CStr::from_ptr((base.GetVersionString)()).to_string_lossy().into_owned())
    }
}

/// Gives all sessions one arena that refuses to grow beyond `max_run_bytes`.
fn register_allocator(environment: &Environment, max_run_bytes: usize) -> ort::Result<()> {
    let keys = [c"max_mem".as_ptr(), c"arena_extend_strategy".as_ptr()];
    // Strategy 1 extends by what is requested instead of powers of two.
    let values = [max_run_bytes, 1];
    let mut config = ptr::null_mut();
    let mut memory = ptr::null_mut();
    // SAFETY: the pointers are valid for the calls, the outputs are released below, and the environment copies both.
    unsafe {
        let api = ort::api();
        ort::Error::result_from_status((api.CreateArenaCfgV2)(
            keys.as_ptr(),
            values.as_ptr(),
            keys.len(),
            &mut config,
        ))?;
        let created = (api.CreateCpuMemoryInfo)(
            ort::sys::OrtAllocatorType::OrtArenaAllocator,
            ort::sys::OrtMemType::OrtMemTypeDefault,
            &mut memory,
        );
        let registered = ort::Error::result_from_status(created).and_then(|()| {
            let status = (api.CreateAndRegisterAllocator)(environment.ptr().cast_mut(), memory, config);
            ort::Error::result_from_status(status)
        });
        if !memory.is_null() {
            (api.ReleaseMemoryInfo)(memory);
        }
        (api.ReleaseArenaCfg)(config);
        registered
    }
}
