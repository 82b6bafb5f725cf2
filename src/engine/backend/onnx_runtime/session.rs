//! One loaded model in ONNX Runtime.

use super::empty_sequences::EmptySequences;
use super::optional_inputs::OptionalInputs;
use super::text_budget;
use super::value::{OrtValueBox, call, from_ort, to_ort};
use crate::engine::backend::BackendSession;
use crate::engine::control::RunControl;
use crate::engine::providers::Overlap;
use crate::error::{Error, ErrorCode, Result, error};
use crate::tensor::Value;
use ort::AsPointer;
use ort::session::Session;
use ort::sys::{OrtRunOptions, OrtValue};
use ort::value::ValueType;
use parking_lot::Mutex;
use smallvec::{SmallVec, smallvec};
use std::collections::BTreeMap;
use std::ffi::{CString, c_char};
use std::ptr;

/// What a run needs of each input or output; few models have more, and memory for them would cost as much as a tiny run.
type Few<T> = SmallVec<[T; 4]>;

/// How inputs without a value are given, which the C interface does not know.
#[derive(Default)]
pub struct Empty {
    pub sequences: EmptySequences,
    pub optionals: OptionalInputs,
}

pub struct OnnxRuntimeSession {
    session: Session,
    names: BTreeMap<String, CString>,
    empty: Empty,
    /// Names of outputs that may be empty.
    optional_outputs: Vec<String>,
    /// Held during a run where no two runs may overlap.
    turn: Option<Mutex<()>>,
    /// Bytes of text that a run may make.
    max_text_bytes: u64,
}

impl OnnxRuntimeSession {
    pub fn new(session: Session, empty: Empty, overlap: &Overlap, max_text_bytes: u64) -> Self {
        let initializers = session.overridable_initializers();
        let names = session
            .inputs()
            .iter()
            .chain(session.outputs())
            .map(|outlet| outlet.name())
            .chain(initializers.iter().map(|initializer| initializer.name()))
            .filter_map(|name| Some((name.to_owned(), CString::new(name).ok()?)))
            .collect();
        let optional = session.outputs().iter().filter(|outlet| matches!(outlet.dtype(), ValueType::Optional(_)));
        let optional_outputs = optional.map(|outlet| outlet.name().to_owned()).collect();
        let is_exclusive = *overlap == Overlap::Within(1..=1);
        Self { session, names, empty, optional_outputs, turn: is_exclusive.then(Mutex::default), max_text_bytes }
    }

    fn name(&self, name: &str) -> Result<&CString> {
        self.names.get(name).ok_or_else(|| error!(InvalidInput, "the model has no input or output \"{name}\""))
    }
}

impl BackendSession for OnnxRuntimeSession {
    fn run(&self, inputs: &[(&str, &Value)], outputs: &[&str], control: &RunControl) -> Result<Vec<Value>> {
        let mut input_names: Few<*const c_char> = SmallVec::new();
        let mut values: Few<OrtValueBox<'_>> = SmallVec::new();
        let mut pointers: Few<*const OrtValue> = SmallVec::new();
        let split: Vec<(&str, &Value)>;
        let inputs = if self.empty.optionals.is_empty() {
            inputs
        } else {
            split = self.empty.optionals.split(inputs);
            &split
        };
        for (name, value) in inputs {
            input_names.push(self.name(name)?.as_ptr());
            pointers.push(match self.empty.sequences.pointer(name, value) {
                Some(pointer) => pointer,
                None => {
                    values.push(to_ort(value)?);
                    values.last().map_or(ptr::null(), OrtValueBox::pointer)
                }
            });
        }
        let output_names = outputs.iter().map(|name| Ok(self.name(name)?.as_ptr())).collect::<Result<Few<_>>>()?;
        let mut made: Few<*mut OrtValue> = smallvec![ptr::null_mut(); outputs.len()];
        let options = control.can_stop().then(RunOptions::new).transpose()?;
        let mut compute = || {
            let _turn = self.turn.as_ref().map(Mutex::lock);
            // SAFETY: names, values and options live through the call, and the lengths are those of the lists. ONNX Runtime
            // documents `Run` on one session as safe from several threads at once, and `Placement::overlap` says which
            // providers keep that; ort's
            // `&mut` is stricter than the library (`tests/concurrency.rs` compares such runs bit for bit). With
            // any other provider this run has the session for itself.
            let status = unsafe {
                (ort::api().Run)(
                    self.session.ptr().cast_mut(),
                    options.as_ref().map_or(ptr::null(), |options| options.pointer.cast_const()),
                    input_names.as_ptr(),
                    pointers.as_ptr(),
                    pointers.len(),
                    output_names.as_ptr(),
                    output_names.len(),
                    made.as_mut_ptr(),
                )
            };
            // SAFETY: the status comes from the call above.
            unsafe { ort::Error::result_from_status(status) }.map_err(|problem| run_error(&problem))
        };
        let mut run = || text_budget::within(self.max_text_bytes, &mut compute);
        let outcome = match &options {
            Some(options) => {
                let handle = options.handle();
                control.guard(move || handle.terminate(), run)
            }
            None => run(),
        };
        let made: Few<OrtValueBox> = made.into_iter().map(OrtValueBox::from_pointer).collect();
        outcome?;
        let read = |(made, name): (&OrtValueBox, &&str)| match from_ort(made)? {
            Value::None if !self.optional_outputs.iter().any(|optional| optional == name) => {
                Err(error!(RunFailed, "the engine gave no value for the output \"{name}\""))
            }
            value => Ok(value),
        };
        made.iter().zip(outputs).map(read).collect()
    }

    fn has_operator_threads(&self) -> bool {
        true
    }
}

fn run_error(problem: &ort::Error) -> Error {
    // An operator that fails within the run may blame its own arguments, which are not the caller's.
    let refused =
        problem.code() == ort::ErrorCode::InvalidArgument && !problem.message().starts_with("Non-zero status code");
    let code = match problem.code() {
        _ if refused => ErrorCode::InvalidInput,
        ort::ErrorCode::NotImplemented => ErrorCode::UnsupportedModel,
        _ => ErrorCode::RunFailed,
    };
    Error::new(code, super::message::clean(problem.message()))
}

struct RunOptions {
    pointer: *mut OrtRunOptions,
}

impl RunOptions {
    fn new() -> Result<Self> {
        let mut pointer = ptr::null_mut();
        // SAFETY: the output is valid.
        unsafe { call!(CreateRunOptions(&mut pointer))? };
        Ok(Self { pointer })
    }

    fn handle(&self) -> TerminateHandle {
        TerminateHandle(self.pointer)
    }
}

impl Drop for RunOptions {
    fn drop(&mut self) {
        // SAFETY: this is the only owner; `RunControl::guard` has returned, so no handle is used any more.
        unsafe { (ort::api().ReleaseRunOptions)(self.pointer) };
    }
}

/// Ends the run from another thread; used only while `RunControl::guard` keeps the options alive.
struct TerminateHandle(*mut OrtRunOptions);

// SAFETY: the terminate flag is meant to be set from another thread than the run's.
unsafe impl Send for TerminateHandle {}

impl TerminateHandle {
    fn terminate(self) {
        // SAFETY: see the type. The only possible failure is a failed allocation, after which the run just goes on.
        let status = unsafe { (ort::api().RunOptionsSetTerminate)(self.0) };
        // SAFETY: the status comes from the call above.
        drop(unsafe { ort::Error::result_from_status(status) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::backend::onnx_runtime::trial::{WIDTH, endless, inputs, on};
    use crate::engine::control::StopReason;
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    const EVENTUALLY: Duration = Duration::from_secs(60);

    fn run(session: &dyn BackendSession, go: bool, control: &RunControl) -> Result<Vec<Value>> {
        let inputs = inputs(go);
        let named: Vec<(&str, &Value)> = inputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
        session.run(&named, &["y"], control)
    }

    /// Whether one of `tries` short runs takes longer than `patience` while a long one of the same session is under way.
    fn is_held_up(provider: &str, tries: usize, patience: Duration) -> bool {
        let session = Arc::new(endless(on(provider)).1.session);
        let long = Arc::new(RunControl::default());
        let running = std::thread::spawn({
            let (session, control) = (Arc::clone(&session), Arc::clone(&long));
            move || run(&**session, true, &control).unwrap_err().code
        });
        let held_up = (0..tries).any(|_| {
            // The long run may not have begun yet.
            std::thread::sleep(Duration::from_millis(5));
            let (sender, receiver) = mpsc::channel();
            let session = Arc::clone(&session);
            let short = std::thread::spawn(move || {
                let outputs = run(&**session, false, &RunControl::default()).unwrap();
                sender.send(outputs[0].as_tensor().unwrap().shape.clone()).unwrap();
            });
            let held_up = receiver.recv_timeout(patience).is_err();
            if held_up {
                long.stop(StopReason::Cancelled);
                assert_eq!(receiver.recv_timeout(EVENTUALLY).unwrap(), [WIDTH]);
            }
            short.join().unwrap();
            held_up
        });
        long.stop(StopReason::Cancelled);
        assert_eq!(running.join().unwrap(), ErrorCode::Cancelled);
        held_up
    }

    #[test]
    fn runs_overlap_where_a_provider_allows_it() {
        assert!(is_held_up("openvino", 1000, Duration::from_millis(300)));
        for provider in ["cpu", "cuda"] {
            assert!(!is_held_up(provider, 10, EVENTUALLY), "{provider}");
        }
    }
}
