//! From a prepared model to its session in ONNX Runtime, with the execution providers that can be used.

use super::builder::{plain, with_cpu};
use super::library::OnnxRuntime;
use super::optional_inputs::OptionalInputs;
use super::session::Empty;
use super::{empty_sequences, guard, message, providers, session, text_budget};
use crate::engine::backend::interface::{Backend, LoadPurpose, Loaded};
use crate::engine::control::RunControl;
use crate::engine::providers::{Placement, Provider, Providers, UnusedProvider, reasons};
use crate::error::{Error, ErrorCode, Result, error};
use crate::model::Prepared;
use crate::onnx::proto::ModelProto;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use prost::Message;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a model is loaded.
#[derive(Clone, Copy)]
struct Form {
    /// Without the work that only runs need.
    lean: bool,
    /// With the operator that counts texts.
    counts_texts: bool,
}

/// Above this a check loads a model without touching its weights.
const MAX_FULL_CHECK_BYTES: u64 = 16 << 20;

impl Backend for OnnxRuntime {
    fn name(&self) -> &'static str {
        "onnxruntime"
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn execution_providers(&self) -> Result<Vec<String>> {
        providers::available()
    }

    fn load(
        &self,
        model: &Prepared,
        purpose: LoadPurpose,
        providers: &Providers,
        control: &RunControl,
    ) -> Result<Loaded> {
        let rewritten = OptionalInputs::rewrite(&model.model);
        let graph = rewritten.as_ref().map_or(&model.model, |(graph, _)| graph);
        // ort's own reading of types and names may panic on a file that is wrong in a way it did not foresee.
        let (session, placement) =
            catch_unwind(AssertUnwindSafe(|| self.place(graph, model, purpose, providers, control)))
                .map_err(|_| error!(InvalidModel, "ONNX Runtime cannot read the model's inputs and outputs"))??;
        let inputs = graph.graph.as_ref().map_or(&[][..], |graph| &graph.input);
        let empty = Empty {
            sequences: empty_sequences::EmptySequences::of_inputs(&self.environment, inputs)?,
            optionals: rewritten.map(|(_, inputs)| inputs).unwrap_or_default(),
        };
        let session = session::OnnxRuntimeSession::new(session, empty, &placement.overlap(), self.max_run_bytes);
        Ok(Loaded { session: Box::new(session), placement })
    }
}

impl OnnxRuntime {
    /// Loads the model's `graph` with all providers that can be used. One that fails is given up, and the others are tried without
    /// it.
    pub fn place(
        &self,
        graph: &ModelProto,
        model: &Prepared,
        purpose: LoadPurpose,
        wanted: &Providers,
        control: &RunControl,
    ) -> Result<(Session, Placement)> {
        let guarded = guard::make_safe(graph)?;
        let bytes = guarded.as_ref().unwrap_or(graph).encode_to_vec();
        let form = Form {
            lean: purpose == LoadPurpose::Check && model.weight_bytes > MAX_FULL_CHECK_BYTES,
            counts_texts: guarded.as_ref().is_some_and(guard::counts_texts),
        };
        let available = providers::available()?;
        let (mut usable, missing): (Vec<&Provider>, Vec<&Provider>) =
            wanted.accelerated().partition(|provider| available.contains(&provider.name));
        let lacking = format!("this ONNX Runtime library has only {}", available.join(", "));
        let mut unused: Vec<_> = missing.into_iter().map(|provider| give_up(provider, &lacking)).collect();
        let mut lacks_memory = false;
        while !usable.is_empty() && control.stopped().is_none() {
            match self.load_accelerated(model, &bytes, form, &usable, control) {
                Ok((session, nodes)) => match usable.iter().find(|provider| nodes.contains_key(&provider.name)) {
                    Some(first) => {
                        let execution_provider = first.name.clone();
                        let unused_providers = unused;
                        return Ok((session, Placement { execution_provider, nodes, unused_providers, lacks_memory }));
                    }
                    None => unused
                        .extend(usable.drain(..).map(|provider| give_up(provider, "it runs no part of this model"))),
                },
                Err((blamed, problem)) => {
                    lacks_memory |= message::is_lack_of_memory(problem.message());
                    unused.push(give_up(
                        usable.remove(blamed),
                        &message::without_folders(problem.message(), &self.folder),
                    ));
                }
            }
        }
        // Without cpu in the list this shows whether the model is at fault.
        let form = Form { lean: form.lean || !wanted.allow_cpu(), ..form };
        let session = self
            .builder(model, form)
            .and_then(|builder| self.commit(builder, &bytes, control))
            .map_err(|problem| control.stopped().unwrap_or_else(|| load_error(&problem)))?;
        if wanted.allow_cpu() {
            return Ok((session, Placement { lacks_memory, ..Placement::on_cpu(unused) }));
        }
        Err(error!(EngineUnavailable, "no execution provider can be used: {}", reasons(&unused)))
    }

    /// The session and how its nodes are divided. A failure blames one of the providers: the one that could not be added, or,
    /// as ONNX Runtime does not say whose fault it is, the first.
    fn load_accelerated(
        &self,
        model: &Prepared,
        bytes: &[u8],
        form: Form,
        providers: &[&Provider],
        control: &RunControl,
    ) -> Result<(Session, BTreeMap<String, usize>), (usize, ort::Error)> {
        let mut builder = self.base(model, form).map_err(|problem| (0, problem))?;
        for (at, provider) in providers.iter().enumerate() {
            providers::register(&mut builder, provider).map_err(|problem| (at, problem))?;
        }
        let session = plain(builder.with_config_entry(providers::RECORD_NODES, "1"))
            .and_then(with_cpu)
            .and_then(|builder| self.commit(builder, bytes, control))
            .map_err(|problem| (0, problem))?;
        let nodes = providers::nodes(&session).map_err(|problem| (0, ort::Error::new(problem.message)))?;
        Ok((session, nodes))
    }

    /// Loads what the builder is set up for. A stop interrupts it between two steps of the optimizer. Constants are computed
    /// here, and may not make more texts than a run.
    fn commit(&self, mut builder: SessionBuilder, bytes: &[u8], control: &RunControl) -> ort::Result<Session> {
        let canceler = builder.canceler();
        let mut problem = None;
        let cancel = move || {
            // It fails only where there is nothing to cancel any more.
            let _ = canceler.cancel();
        };
        let loaded = control.guard(cancel, || {
            text_budget::within(self.max_run_bytes, || builder.commit_from_memory(bytes)).map_err(|failed| {
                let message = failed.message().to_owned();
                problem = Some(failed);
                Error::new(ErrorCode::InvalidModel, message)
            })
        });
        loaded.map_err(|stopped| problem.unwrap_or_else(|| ort::Error::new(stopped.message)))
    }

    fn builder(&self, model: &Prepared, form: Form) -> ort::Result<SessionBuilder> {
        self.base(model, form).and_then(with_cpu)
    }

    /// All but the providers.
    fn base(&self, model: &Prepared, form: Form) -> ort::Result<SessionBuilder> {
        let level = if form.lean { GraphOptimizationLevel::Disable } else { GraphOptimizationLevel::All };
        let mut builder = Session::builder(&self.environment)?;
        builder = plain(builder.with_optimization_level(level))?;
        builder = plain(builder.with_prepacking(!form.lean))?;
        if self.shared_allocator {
            builder = plain(builder.with_env_allocators())?;
            // Weights live as long as the session; the arena's limit is for what runs allocate.
            builder = plain(builder.with_device_allocated_initializers())?;
        }
        if form.counts_texts {
            builder = plain(builder.with_operators(text_budget::domain()?))?;
        }
        if let Some(directory) = &model.directory {
            let folder = directory.to_string_lossy();
            builder = plain(builder.with_config_entry("session.model_external_initializers_file_folder_path", folder))?;
        }
        Ok(builder)
    }
}

fn give_up(provider: &Provider, reason: &str) -> UnusedProvider {
    UnusedProvider { name: provider.name.clone(), reason: reason.to_owned() }
}

/// The domain of the operators of onnxruntime-extensions.
const EXTENSIONS: &str = "ai.onnx.contrib";

fn load_error(problem: &ort::Error) -> Error {
    let message = message::clean(problem.message());
    if let Some(reason) = message::too_new(&message) {
        return Error::new(ErrorCode::UnsupportedModel, reason);
    }
    let unknown_operator =
        ["is not a registered function/op", "No Op registered for", "Could not find an implementation for"];
    let unsupported = problem.code() == ort::ErrorCode::NotImplemented
        || unknown_operator.iter().any(|phrase| message.contains(phrase));
    let code = if unsupported { ErrorCode::UnsupportedModel } else { ErrorCode::InvalidModel };
    let advice = if message.contains(EXTENSIONS) {
        "; the operators of onnxruntime-extensions are not available here"
    } else {
        ""
    };
    Error::new(code, format!("ONNX Runtime refuses the model: {message}{advice}"))
}
