//! tract, the engine that is compiled in: for machines without ONNX Runtime's library, and as a second opinion.

mod refusals;
mod session;
mod value;

use super::interface::{Backend, LoadPurpose, Loaded};
use crate::engine::control::RunControl;
use crate::engine::providers::{CPU, Placement, Providers, UnusedProvider};
use crate::error::{Error, Result, error};
use crate::model::Prepared;
use crate::onnx::proto::{Dimension, DimensionValue, ModelProto, TypeValue};
use prost::Message;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tract_onnx::pb;
use tract_onnx::prelude::*;

pub struct Tract {
    /// What one tensor may take, in bytes.
    pub max_tensor_bytes: usize,
}

impl Backend for Tract {
    fn name(&self) -> &'static str {
        "tract"
    }

    fn version(&self) -> String {
        // The requirement in Cargo.toml: tract does not state its own release.
        "0.23".to_owned()
    }

    fn execution_providers(&self) -> Result<Vec<String>> {
        Ok(vec![CPU.to_owned()])
    }

    fn load(
        &self,
        model: &Prepared,
        _purpose: LoadPurpose,
        providers: &Providers,
        _control: &RunControl,
    ) -> Result<Loaded> {
        let placement = placement(providers)?;
        let framework = tract_onnx::onnx();
        refusals::check(&model.model, &framework.op_register, self.max_tensor_bytes)?;
        let loaded = catch_unwind(AssertUnwindSafe(|| {
            let parsed = parse(&framework, model).map_err(|problem| load_error(&model.model, &problem))?;
            session::TractSession::new(parsed, self.max_tensor_bytes)
                .map_err(|problem| load_error(&model.model, &problem))
        }));
        match loaded {
            Ok(session) => Ok(Loaded { session: Box::new(session?), placement }),
            Err(_) => Err(error!(UnsupportedModel, "tract cannot read the model")),
        }
    }
}

fn placement(providers: &Providers) -> Result<Placement> {
    let reason = "tract has no execution provider but cpu";
    let unused: Vec<_> = providers
        .accelerated()
        .map(|provider| UnusedProvider { name: provider.name.clone(), reason: reason.to_owned() })
        .collect();
    if providers.allow_cpu() {
        return Ok(Placement::on_cpu(unused));
    }
    let names: Vec<_> = unused.into_iter().map(|provider| provider.name).collect();
    Err(error!(EngineUnavailable, "{reason}, and executionProviders names only {}", names.join(", ")))
}

fn parse(framework: &tract_onnx::Onnx, model: &Prepared) -> TractResult<InferenceModel> {
    let mut named = model.model.clone();
    name_free_dimensions(&mut named);
    let proto = pb::ModelProto::decode(named.encode_to_vec().as_slice())?;
    let directory = model.directory.as_ref().map(|path| path.to_string_lossy());
    let parsed = framework.parse(&proto, directory.as_deref())?;
    match parsed.unresolved_inputs.as_slice() {
        [] => Ok(parsed.model),
        missing => Err(TractError::msg(format!("nothing gives {}", missing.join(", ")))),
    }
}

/// tract follows a dimension through the graph only when it has a name.
fn name_free_dimensions(model: &mut ModelProto) {
    let inputs = model.graph.iter_mut().flat_map(|graph| &mut graph.input);
    let tensors = inputs.filter_map(|input| match &mut input.r#type.as_mut()?.value {
        Some(TypeValue::TensorType(tensor)) => tensor.shape.as_mut(),
        _ => None,
    });
    for (number, dimension) in tensors.flat_map(|shape| &mut shape.dim).enumerate() {
        let free = match &dimension.value {
            None => true,
            Some(DimensionValue::DimValue(size)) => *size < 0,
            Some(DimensionValue::DimParam(name)) => name.is_empty(),
        };
        if free {
            *dimension =
                Dimension { value: Some(DimensionValue::DimParam(format!("free_{number}"))), denotation: None };
        }
    }
}

/// tract's reason, with the operator of the node that it names.
fn load_error(model: &ModelProto, problem: &TractError) -> Error {
    let reason = format!("{problem:#}").split("Stack backtrace").next().unwrap_or_default().trim().to_owned();
    let node = reason.split("node #").nth(1).and_then(|rest| rest.split('"').nth(1));
    let operator = node.and_then(|name| {
        let nodes = &model.graph.as_ref()?.node;
        let found =
            nodes.iter().find(|node| node.name() == name || node.output.first().is_some_and(|first| first == name));
        Some((found?.op_type().to_owned(), name))
    });
    match operator {
        Some((operator, name)) => {
            error!(UnsupportedModel, "tract cannot run the operator {operator} of node \"{name}\": {reason}")
        }
        None => error!(UnsupportedModel, "tract cannot run the model: {reason}"),
    }
}
