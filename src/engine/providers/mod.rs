//! Execution providers: what inside an engine computes, such as a graphics card.

pub mod names;

pub use names::{CPU, names as provider_names};

use crate::error::{Result, error};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One provider that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Provider {
    pub name: String,
    /// The provider's own options, by its own names.
    pub options: BTreeMap<String, String>,
}

/// The providers that were asked for, the preferred one first. `cpu` can only be the last: it leaves nothing to others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Providers(Arc<[Provider]>);

impl Providers {
    /// # Errors
    /// `INVALID_REQUEST` for an empty list, an unknown name, a name that occurs twice, `cpu` before others, and options for a
    /// provider that takes none.
    pub fn new(providers: Vec<Provider>) -> Result<Self> {
        if providers.is_empty() {
            return Err(error!(InvalidRequest, "executionProviders must name at least one, such as \"cpu\""));
        }
        for (at, Provider { name, options }) in providers.iter().enumerate() {
            let Some(known) = names::find(name) else {
                return Err(error!(
                    InvalidRequest,
                    "executionProviders knows no \"{name}\"; the names are {}",
                    provider_names().collect::<Vec<_>>().join(", ")
                ));
            };
            if providers[..at].iter().any(|other| other.name == *name) {
                return Err(error!(InvalidRequest, "executionProviders names \"{name}\" twice"));
            }
            if name == CPU && at + 1 < providers.len() {
                return Err(error!(
                    InvalidRequest,
                    "executionProviders must have \"cpu\" last: providers after it would never be used"
                ));
            }
            if !options.is_empty() && !known.takes_options {
                return Err(error!(InvalidRequest, "the execution provider \"{name}\" takes no options"));
            }
            if options.iter().any(|(key, value)| key.contains('\0') || value.contains('\0')) {
                return Err(error!(InvalidRequest, "an option of the execution provider \"{name}\" contains NUL"));
            }
        }
        Ok(Self(providers.into()))
    }

    /// Whether a model may run without any of the others.
    pub fn allow_cpu(&self) -> bool {
        self.0.last().is_some_and(|last| last.name == CPU)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|provider| provider.name.as_str())
    }

    /// All but `cpu`.
    pub fn accelerated(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter().filter(|provider| provider.name != CPU)
    }
}

impl Default for Providers {
    fn default() -> Self {
        Self(Arc::new([Provider { name: CPU.to_owned(), options: BTreeMap::new() }]))
    }
}

/// A provider that was asked for and does not run the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusedProvider {
    pub name: String,
    pub reason: String,
}

/// Where a model runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// The first of those asked for that runs the model, or a part of it.
    pub execution_provider: String,
    /// Nodes of the model by the provider that runs them; empty where it can only be `cpu`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<String, usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unused_providers: Vec<UnusedProvider>,
}

impl Placement {
    pub fn on_cpu(unused_providers: Vec<UnusedProvider>) -> Self {
        Self { execution_provider: CPU.to_owned(), nodes: BTreeMap::new(), unused_providers }
    }

    /// Whether runs of the session may overlap.
    pub fn allows_overlap(&self) -> bool {
        self.execution_provider == CPU
    }
}

/// `cuda: no device; tensorrt: no library`
pub fn reasons(unused: &[UnusedProvider]) -> String {
    let parts: Vec<_> = unused.iter().map(|UnusedProvider { name, reason }| format!("{name}: {reason}")).collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn providers(names: &[&str]) -> Result<Providers> {
        let provider = |name: &&str| Provider { name: (*name).to_owned(), options: BTreeMap::new() };
        Providers::new(names.iter().map(provider).collect())
    }

    #[test]
    fn lists_that_say_nothing_or_too_much_are_refused() {
        for (names, said) in [
            (&[][..], "at least one"),
            (&["gpu", "cpu"], "the names are cpu, "),
            (&["cuda", "cuda"], "\"cuda\" twice"),
            (&["cpu", "cuda"], "\"cpu\" last"),
        ] {
            let problem = providers(names).unwrap_err();
            assert_eq!(problem.code, ErrorCode::InvalidRequest);
            assert!(problem.message.contains(said), "{names:?}: {}", problem.message);
        }
        assert!(providers(&["tensorrt", "cuda", "cpu"]).unwrap().allow_cpu());
        assert!(!providers(&["cuda"]).unwrap().allow_cpu());
    }

    #[test]
    fn options_are_for_providers_that_take_them() {
        let with = |name: &str, value: &str| {
            let options = BTreeMap::from([("device_id".to_owned(), value.to_owned())]);
            Providers::new(vec![Provider { name: name.to_owned(), options }])
        };
        assert!(with("cuda", "1").is_ok());
        assert!(with("cpu", "1").unwrap_err().message.contains("takes no options"));
        assert!(with("cuda", "\0").unwrap_err().message.contains("NUL"));
    }
}
