//! A model that was checked and is ready for a backend.

use super::framework::Framework;
use super::{bounds, functions, initializers};
use crate::error::{Result, error};
use crate::onnx::proto::ModelProto;
use crate::signature::Signature;
use std::collections::HashMap;
use std::path::PathBuf;

/// A model that a backend can load.
#[derive(Debug)]
pub struct Prepared {
    pub framework: Framework,
    /// Checked; large weights are external data in `directory`.
    pub model: ModelProto,
    /// The directory of the external data. `None` when all weights are inside `model`.
    pub directory: Option<PathBuf>,
    pub signature: Signature,
    /// Names in the graph of outputs whose own name is an input's; in ONNX the two cannot be the same.
    pub renamed_outputs: HashMap<String, String>,
    /// Class names that came with the model.
    pub labels: Option<Vec<String>>,
    /// Memory that the weights take, in bytes.
    pub weight_bytes: u64,
}

impl Prepared {
    /// Checks a model whose weights are where it says.
    ///
    /// # Errors
    /// `INVALID_MODEL`
    pub(super) fn check(framework: Framework, mut model: ModelProto) -> Result<Self> {
        bounds::check(&model)?;
        initializers::leave_inputs(&mut model);
        let graph = model.graph.as_ref().ok_or_else(|| error!(InvalidModel, "the file holds no graph"))?;
        functions::check(&model)?;
        let signature = Signature::of_model(&model)?;
        let weight_bytes = initializers::check(graph)?;
        Ok(Self {
            framework,
            model,
            directory: None,
            signature,
            renamed_outputs: HashMap::new(),
            labels: None,
            weight_bytes,
        })
    }

    pub(super) fn rename_outputs(&mut self, graph_names: HashMap<String, String>) {
        self.signature.rename_outputs(&graph_names);
        self.renamed_outputs = graph_names;
    }
}
