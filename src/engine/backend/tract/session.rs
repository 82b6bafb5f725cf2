//! One loaded model in tract.

use super::value::{from_tract, to_tract};
use crate::engine::backend::BackendSession;
use crate::engine::control::RunControl;
use crate::error::{Error, ErrorCode, Result, error};
use crate::tensor::Value;
use lru::LruCache;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::plan::eval;
use tract_onnx::tract_hir::infer::Factoid;
use tract_onnx::tract_hir::internal::{DimLike, OutletId};

type Plan = Arc<TypedRunnableModel>;

/// Plans that are kept for a model whose shapes cannot be followed by name.
const MAX_PLANS: NonZeroUsize = NonZeroUsize::new(8).unwrap();

pub struct TractSession {
    inputs: Vec<String>,
    outputs: HashMap<String, usize>,
    model: InferenceModel,
    /// One plan for inputs of every shape. `None` where tract cannot follow the free dimensions by name.
    any_shape: Mutex<Option<Plan>>,
    /// Otherwise a plan for each combination of input shapes.
    by_shape: Mutex<LruCache<Vec<Vec<usize>>, Plan>>,
    max_tensor_bytes: usize,
}

impl TractSession {
    pub fn new(model: InferenceModel, max_tensor_bytes: usize) -> TractResult<Self> {
        let inputs = model.input_outlets()?.iter().map(|outlet| model.node(outlet.node).name.clone()).collect();
        let label = |outlet: &OutletId| {
            model.outlet_label(*outlet).map_or_else(|| model.node(outlet.node).name.clone(), str::to_owned)
        };
        let outputs = model.output_outlets()?.iter().enumerate().map(|(at, outlet)| (label(outlet), at)).collect();
        let any_shape = match plan(model.clone()) {
            Ok(plan) => Some(plan),
            // It must run at least in one shape; the first reason says more than those of the trials.
            Err(_) if [1, 64].iter().any(|&size| with_free_dimensions(&model, size).and_then(plan).is_ok()) => None,
            Err(problem) => return Err(problem),
        };
        Ok(Self {
            inputs,
            outputs,
            model,
            any_shape: Mutex::new(any_shape),
            by_shape: Mutex::new(LruCache::new(MAX_PLANS)),
            max_tensor_bytes,
        })
    }

    fn plan_for_shapes(&self, values: &[TValue]) -> TractResult<Plan> {
        let shapes: Vec<Vec<usize>> = values.iter().map(|value| value.shape().to_vec()).collect();
        if let Some(plan) = self.by_shape.lock().get(&shapes) {
            return Ok(Arc::clone(plan));
        }
        let mut concrete = self.model.clone();
        for (at, value) in values.iter().enumerate() {
            concrete.set_input_fact(at, InferenceFact::dt_shape(value.datum_type(), value.shape()))?;
        }
        let plan = plan(concrete)?;
        self.by_shape.lock().put(shapes, Arc::clone(&plan));
        Ok(plan)
    }

    fn run_best_plan(&self, values: TVec<TValue>, control: &RunControl) -> Result<TVec<TValue>> {
        let any_shape = self.any_shape.lock().clone();
        let failure = match any_shape.map(|plan| self.run_plan(&plan, values.clone(), control)) {
            Some(Err(failure)) if failure.code == ErrorCode::RunFailed => Some(failure),
            Some(outcome) => return outcome,
            None => None,
        };
        let refused = |problem: TractError| error!(InvalidInput, "tract refuses the inputs: {}", reason(&problem));
        let plan =
            self.plan_for_shapes(&values).map_err(|problem| failure.clone().unwrap_or_else(|| refused(problem)))?;
        let outcome = self.run_plan(&plan, values, control);
        if failure.is_some() && outcome.is_ok() {
            // tract took two dimensions for one by mistake: what holds for this shape does not hold for all.
            *self.any_shape.lock() = None;
        }
        outcome
    }

    fn run_plan(&self, plan: &Plan, values: TVec<TValue>, control: &RunControl) -> Result<TVec<TValue>> {
        let failed = |problem: TractError| match problem.downcast::<Error>() {
            Ok(own) => own,
            Err(problem) => error!(RunFailed, "tract: {}", reason(&problem)),
        };
        let mut state = plan.spawn().map_err(failed)?;
        state
            .run_plan_with_eval(values, |context, op_state, node, inputs| {
                if let Some(stopped) = control.stopped() {
                    return Err(TractError::new(stopped));
                }
                for output in &node.outputs {
                    // A shape that only this node will tell cannot be checked beforehand.
                    let Ok(shape) = output.fact.shape.eval_to_usize(context.symbols) else { continue };
                    let bytes = shape.iter().map(|&size| size as f64).product::<f64>()
                        * output.fact.datum_type.size_of() as f64;
                    if bytes > self.max_tensor_bytes as f64 {
                        let limit = self.max_tensor_bytes;
                        return Err(TractError::new(error!(
                            RunFailed,
                            "node \"{}\" would make a tensor of {bytes} bytes; at most {limit} are allowed", node.name
                        )));
                    }
                }
                eval(context, op_state, node, inputs)
            })
            .map_err(failed)
    }
}

impl BackendSession for TractSession {
    fn has_operator_threads(&self) -> bool {
        false
    }

    fn run(&self, inputs: &[(&str, &Value)], outputs: &[&str], control: &RunControl) -> Result<Vec<Value>> {
        let values = self
            .inputs
            .iter()
            .map(|name| match inputs.iter().find(|(given, _)| given == name) {
                Some((_, value)) => to_tract(name, value),
                None => Err(error!(InvalidInput, "input \"{name}\" is missing")),
            })
            .collect::<Result<TVec<_>>>()?;
        if let Some((name, _)) = inputs.iter().find(|(name, _)| !self.inputs.iter().any(|own| own == name)) {
            return Err(error!(InvalidInput, "tract cannot replace the model's own value of \"{name}\""));
        }
        let wanted = outputs
            .iter()
            .map(|name| {
                self.outputs
                    .get(*name)
                    .copied()
                    .ok_or_else(|| error!(InvalidInput, "the model has no output \"{name}\""))
            })
            .collect::<Result<Vec<_>>>()?;
        let made = catch_unwind(AssertUnwindSafe(|| self.run_best_plan(values, control)))
            .map_err(|_| error!(RunFailed, "tract stopped: an operator does not accept a value"))??;
        wanted
            .into_iter()
            .map(|at| from_tract(&made[at]).map_err(|problem| error!(RunFailed, "tract: {problem}")))
            .collect()
    }
}

fn plan(model: InferenceModel) -> TractResult<Plan> {
    model.into_optimized()?.into_runnable()
}

fn with_free_dimensions(model: &InferenceModel, size: usize) -> TractResult<InferenceModel> {
    let mut concrete = model.clone();
    for (at, outlet) in model.input_outlets()?.iter().enumerate() {
        let fact = model.outlet_fact(*outlet)?;
        let dimensions: Option<Vec<usize>> = fact
            .shape
            .dims()
            .enumerate()
            .map(|(axis, dimension)| match dimension.concretize().map(|known| known.to_usize()) {
                Some(Ok(fixed)) => Some(fixed),
                _ => Some(if axis == 0 { 1 } else { size }),
            })
            .collect();
        if let (Some(dimensions), Some(datum)) = (dimensions, fact.datum_type.concretize()) {
            concrete.set_input_fact(at, InferenceFact::dt_shape(datum, dimensions))?;
        }
    }
    Ok(concrete)
}

fn reason(problem: &TractError) -> String {
    format!("{problem:#}").split("Stack backtrace").next().unwrap_or_default().trim().to_owned()
}
