//! Execution providers: what inside an engine computes, such as a graphics card.

pub mod names;

pub use names::{CPU, CUDA, names as provider_names};

use crate::error::{Result, error};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// One provider that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Provider {
    pub name: String,
    /// The provider's own options, by its own names.
    pub options: BTreeMap<String, String>,
}

impl Provider {
    /// Its options with our own defaults.
    pub fn effective_options(&self) -> BTreeMap<String, String> {
        let defaults = if self.name == CUDA { &names::CUDA_DEFAULTS[..] } else { &[] };
        let defaults = defaults.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
        defaults.chain(self.options.clone()).collect()
    }
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

    /// The same without `cpu`; `None` when it is the only one.
    pub fn without_cpu(&self) -> Option<Self> {
        let accelerated: Arc<[Provider]> = self.accelerated().cloned().collect();
        (!accelerated.is_empty()).then_some(Self(accelerated))
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
    /// A preferred provider had no memory left for the model.
    #[serde(skip)]
    pub lacks_memory: bool,
}

/// How many runs of one session may be under way at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlap {
    /// Those that have a thread.
    Any,
    /// At least and at most, where requests wait.
    Within(RangeInclusive<usize>),
}

impl Placement {
    pub fn on_cpu(unused_providers: Vec<UnusedProvider>) -> Self {
        Self { execution_provider: CPU.to_owned(), nodes: BTreeMap::new(), unused_providers, lacks_memory: false }
    }

    /// One run leaves a graphics card idle between its kernels, and each run that is under way holds memory of the card. ONNX
    /// Runtime promises runs side by side for the CPU only; with `cuda` such runs were found equal bit for bit.
    pub fn overlap(&self) -> Overlap {
        match self.execution_provider.as_str() {
            CPU => Overlap::Any,
            CUDA => Overlap::Within(2..=4),
            _ => Overlap::Within(1..=1),
        }
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
    fn cuda_computes_precisely_unless_the_operator_says_otherwise() {
        let options = |name: &str, options: &[(&str, &str)]| {
            let own = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
            Provider { name: name.to_owned(), options: options.iter().map(own).collect() }.effective_options()
        };
        let cuda = options(CUDA, &[("device_id", "1")]);
        let entries: Vec<_> = cuda.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(entries, [("cudnn_conv_algo_search", "HEURISTIC"), ("device_id", "1"), ("use_tf32", "0")]);
        assert_eq!(options(CUDA, &[("use_tf32", "1")])["use_tf32"], "1");
        assert!(options("openvino", &[]).is_empty());
    }

    #[test]
    fn runs_overlap_as_far_as_the_first_provider_bears_it() {
        let on = |provider: &str| Placement { execution_provider: provider.to_owned(), ..Placement::on_cpu(vec![]) };
        assert_eq!(on(CPU).overlap(), Overlap::Any);
        assert_eq!(on(CUDA).overlap(), Overlap::Within(2..=4));
        assert_eq!(on("tensorrt").overlap(), Overlap::Within(1..=1));
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
