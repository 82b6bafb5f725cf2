//! A session whose outputs are known to callers under other names than to its engine.

use super::interface::BackendSession;
use crate::engine::control::RunControl;
use crate::error::Result;
use crate::tensor::Value;
use std::collections::HashMap;

pub struct RenamedOutputs {
    inner: Box<dyn BackendSession>,
    /// The engine's names by the callers'.
    names: HashMap<String, String>,
}

impl RenamedOutputs {
    /// The session itself when nothing is renamed.
    pub fn wrap(inner: Box<dyn BackendSession>, names: &HashMap<String, String>) -> Box<dyn BackendSession> {
        if names.is_empty() { inner } else { Box::new(Self { inner, names: names.clone() }) }
    }
}

impl BackendSession for RenamedOutputs {
    fn run(&self, inputs: &[(&str, &Value)], outputs: &[&str], control: &RunControl) -> Result<Vec<Value>> {
        let outputs: Vec<&str> =
            outputs.iter().map(|&name| self.names.get(name).map_or(name, String::as_str)).collect();
        self.inner.run(inputs, &outputs, control)
    }

    fn has_operator_threads(&self) -> bool {
        self.inner.has_operator_threads()
    }
}
