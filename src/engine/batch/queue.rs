//! The requests that wait for one model, and what was learned about running them together.

use super::group::{Member, run_joined};
use super::independence::{self, Analysis, Independence};
use super::join::{ByRows, Join};
use super::probe;
use super::sizes::BatchSizes;
use crate::engine::control::RunControl;
use crate::engine::loaded_model::LoadedModel;
use crate::engine::providers::{CUDA, Overlap, Placement};
use crate::engine::run::{Call, Run, RunOutput};
use crate::model::Prepared;
use crate::onnx::operators::{self, Operator};
use crate::signature::Signature;
use parking_lot::{Condvar, Mutex};
use serde::Serialize;
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// What batches a model had.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchStatus {
    /// Whether rows of different requests may run together; null while that is not known.
    pub batchable: Option<bool>,
    /// Why they may not; null where they may, and while that is not known.
    pub reason: Option<String>,
    /// Runs of more than one request, and the rows in them.
    pub batches: u64,
    pub batched_rows: u64,
    /// Rows that the next batch may have.
    pub best_rows: usize,
    /// Requests that wait.
    pub queued: usize,
}

/// The requests that wait for one session.
pub struct BatchQueue {
    /// Where it is bounded, requests that can only run alone are dispatched like batches, and no thread waits for another.
    pub(super) overlap: Overlap,
    /// What the graph says of rows.
    analysis: Analysis,
    pub(super) join: Box<dyn Join>,
    /// Whether rows may run together, or why not; unset while that is not known.
    batchable: OnceLock<Result<(), String>>,
    pub(super) state: Mutex<State>,
    pub(super) arrived: Condvar,
}

#[derive(Default)]
pub struct State {
    /// By priority, then by arrival.
    pub waiting: Vec<Waiting>,
    /// Jobs for batches, under way or about to start.
    pub dispatches: usize,
    /// Batches under way, in whatever job.
    pub running: usize,
    /// When the last run ended, its answers not yet sent.
    pub ended: Option<Instant>,
    pub sizes: BatchSizes,
    batches: u64,
    batched_rows: u64,
}

/// A run in the queue.
pub struct Waiting {
    pub run: Arc<Run>,
    /// `None`: it can only run alone.
    pub cost: Option<usize>,
    pub since: Instant,
}

impl Member for Waiting {
    fn call(&self) -> &Call {
        self.run.call()
    }

    fn cost(&self) -> Option<usize> {
        self.cost
    }

    fn is_stopped(&self) -> bool {
        self.run.is_stopped()
    }

    fn queued(&self, until: Instant) -> Duration {
        self.run.queued(until)
    }

    fn run_alone(&self) -> Option<Duration> {
        self.run.execute()
    }

    fn answer(&self, output: RunOutput) {
        self.run.finish(Ok(output));
    }
}

impl BatchQueue {
    pub fn new(placement: &Placement, model: &Prepared) -> Self {
        let signature = &model.signature;
        let analysis = independence::analyse(&model.model, signature);
        let batchable = OnceLock::new();
        if let Independence::Mixing(reason) = &analysis.independence {
            batchable.get_or_init(|| Err(reason.clone()));
        }
        if placement.execution_provider == CUDA && operators::occurs(&model.model, Operator::convolves) {
            // Batches of ever new sizes would take longer than single rows side by side; a check of rows would plan again and again.
            let reason = "it convolves, and cuDNN plans a convolution anew for each number of rows";
            batchable.get_or_init(|| Err(reason.to_owned()));
        }
        let defaults = signature.inputs.iter().filter(|input| input.optional).map(|input| input.name.clone()).collect();
        Self {
            overlap: placement.overlap(),
            analysis,
            join: Box::new(ByRows { defaults }),
            batchable,
            state: Mutex::default(),
            arrived: Condvar::new(),
        }
    }

    /// Checks by running synthetic rows what the graph leaves open. `run` executes one request.
    pub fn check(&self, signature: &Signature, run: probe::Runner<'_>) {
        self.batchable.get_or_init(|| probe::check(signature, &self.analysis, run));
    }

    /// Runs one synthetic row, of a kind that the model takes.
    pub fn run_synthetic(&self, signature: &Signature, run: probe::Runner<'_>) {
        probe::run_one(signature, &self.analysis, run);
    }

    pub fn is_batchable(&self) -> bool {
        matches!(self.batchable.get(), Some(Ok(())))
    }

    /// What a call adds to a batch of at most `max_rows`. `None` when it can only run alone.
    pub(super) fn cost_of(&self, call: &Call, max_rows: usize) -> Option<usize> {
        if max_rows > 1 && self.is_batchable() { self.join.cost(call) } else { None }
    }

    /// Runs requests that were put together and answers them.
    pub(super) fn run(&self, model: &LoadedModel, group: &[&dyn Member], control: &RunControl) {
        let begun = Instant::now();
        if group.len() > 1 && self.run_together(model, group, control, begun) {
            return;
        }
        // Also after a common run that failed: one of them may be the cause, and alone, each gets an answer or an error of its own.
        for member in group.iter().filter(|member| !member.is_stopped()) {
            if let (Some(latency), Some(rows), [_]) = (member.run_alone(), member.cost(), group) {
                self.record(rows, begun, latency, false);
            }
        }
    }

    /// Runs them together; false when that failed.
    fn run_together(&self, model: &LoadedModel, group: &[&dyn Member], control: &RunControl, begun: Instant) -> bool {
        let costs: SmallVec<[usize; 16]> = group.iter().filter_map(|member| member.cost()).collect();
        let rows: usize = costs.iter().sum();
        let (answers, used) = run_joined(model, &*self.join, (group, &costs), control);
        let (latency, succeeded) = (used.wall, answers.is_ok());
        if succeeded {
            self.record(rows, begun, latency, true);
        }
        let mut answers = answers.into_iter().flatten();
        for ((member, cost), part) in group.iter().zip(&costs).zip(used.divided(&costs)) {
            let outputs = answers.next().unwrap_or_default();
            let share = *cost as f64 / rows as f64;
            let receipt = member.call().charge(part, member.queued(begun), share, &outputs);
            if succeeded {
                member.answer(RunOutput { outputs, latency, batch_rows: Some(rows), receipt });
            }
        }
        succeeded
    }

    fn record(&self, rows: usize, begun: Instant, latency: Duration, is_batch: bool) {
        let mut state = self.state.lock();
        state.sizes.record(rows, latency);
        state.ended = state.ended.max(Some(begun + latency));
        if is_batch {
            state.batches += 1;
            state.batched_rows += rows as u64;
        }
    }

    pub fn status(&self, max_rows: usize) -> BatchStatus {
        let batchable = self.batchable.get();
        let state = self.state.lock();
        BatchStatus {
            batchable: batchable.map(Result::is_ok),
            reason: batchable.and_then(|batchable| batchable.clone().err()),
            batches: state.batches,
            batched_rows: state.batched_rows,
            best_rows: state.sizes.best(1, max_rows),
            queued: state.waiting.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Content, ModelFile};
    use crate::model::{Framework, Source};
    use crate::onnx::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto};
    use crate::tensor::{DType, Tensor};
    use prost::Message;

    fn prepared(node: NodeProto, shape: &[Option<i64>]) -> Prepared {
        let graph = GraphProto {
            name: Some("graph".to_owned()),
            node: vec![node],
            initializer: vec![TensorProto::from_tensor("w", &Tensor::from_elements(&[2, 1, 3], &[0.5f32; 6]))],
            input: vec![ValueInfoProto::tensor("x", DType::Float32, shape)],
            output: vec![ValueInfoProto::tensor("y", DType::Float32, &[None, None, None])],
            ..GraphProto::default()
        };
        let model = ModelProto {
            ir_version: Some(8),
            opset_import: vec![OperatorSetIdProto { domain: None, version: Some(18) }],
            graph: Some(graph),
            ..ModelProto::default()
        };
        let content = Content::Memory(model.encode_to_vec().into());
        let file = ModelFile { name: "model.onnx".to_owned(), content };
        Source { files: vec![file], beside: false, cache_folder: None }.prepare(Some(Framework::Onnx)).unwrap()
    }

    #[test]
    fn a_card_convolves_row_by_row_and_is_not_asked_to_try_more() {
        let on = |provider: &str| Placement { execution_provider: provider.to_owned(), ..Placement::on_cpu(vec![]) };
        let conv = prepared(NodeProto::new("Conv", ["x", "w"], ["y"]), &[None, Some(1), Some(8)]);
        let card = BatchQueue::new(&on(CUDA), &conv);
        card.check(&conv.signature, &|_| panic!("it was tried"));
        assert!(card.status(64).reason.unwrap().contains("convolves"));
        for (provider, model) in
            [("cpu", &conv), (CUDA, &prepared(NodeProto::new("Add", ["x", "x"], ["y"]), &[None, Some(1), Some(8)]))]
        {
            assert_eq!(BatchQueue::new(&on(provider), model).status(64).batchable, None, "{provider}");
        }
    }
}
