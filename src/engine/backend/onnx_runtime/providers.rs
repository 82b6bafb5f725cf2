//! The execution providers that ONNX Runtime may have: its names for them, and how a session asks for them.

use super::value::call;
use crate::engine::providers::Provider;
use crate::error::Result;
use ort::AsPointer;
use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider, ExecutionProvider};
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char};
use std::ptr;

struct Entry {
    /// Callers' name.
    name: &'static str,
    /// ONNX Runtime's.
    library_name: &'static str,
    register: Register,
}

enum Register {
    Plain(fn(&mut SessionBuilder) -> ort::Result<()>),
    WithOptions(fn(&mut SessionBuilder, &BTreeMap<String, String>) -> ort::Result<()>),
}

macro_rules! entries {
    (with options: $($name:literal $provider:ident,)* without: $($plain_name:literal $plain:ident,)*) => {
        &[
            $(Entry {
                name: $plain_name,
                library_name: ep::$plain::NAME,
                register: Register::Plain(|builder| ep::$plain::default().register(builder)),
            },)*
            $(Entry {
                name: $name,
                library_name: ep::$provider::NAME,
                register: Register::WithOptions(|builder, options| {
                    options
                        .iter()
                        .fold(ep::$provider::default(), |made, (key, value)| made.with_arbitrary_config(key, value))
                        .register(builder)
                }),
            },)*
        ]
    };
}

static ENTRIES: &[Entry] = entries! {
    with options:
        "azure" Azure,
        "cann" CANN,
        "coreml" CoreML,
        "cuda" CUDA,
        "nvrtx" NVRTX,
        "onednn" OneDNN,
        "openvino" OpenVINO,
        "qnn" QNN,
        "tensorrt" TensorRT,
        "vitis" Vitis,
        "webgpu" WebGPU,
        "xnnpack" XNNPACK,
    without:
        "cpu" CPU,
        "acl" ACL,
        "directml" DirectML,
        "migraphx" MIGraphX,
        "nnapi" NNAPI,
        "rknpu" RKNPU,
        "vsinpu" VSINPU,
};

/// Adds a provider to what a session may use.
pub fn register(builder: &mut SessionBuilder, provider: &Provider) -> ort::Result<()> {
    match ENTRIES.iter().find(|entry| entry.name == provider.name) {
        Some(Entry { register: Register::Plain(register), .. }) => register(builder),
        Some(Entry { register: Register::WithOptions(register), .. }) => {
            register(builder, &provider.effective_options())
        }
        None => Err(ort::Error::new("it is not known")),
    }
}

/// Our name; ONNX Runtime's for what we have no name for.
fn name_of(library_name: &CStr) -> String {
    let library_name = library_name.to_string_lossy();
    let entry = ENTRIES.iter().find(|entry| entry.library_name == library_name);
    entry.map_or_else(|| library_name.into_owned(), |entry| entry.name.to_owned())
}

/// The providers that the loaded library was built with, in its order of preference.
pub fn available() -> Result<Vec<String>> {
    let mut names: *mut *mut c_char = ptr::null_mut();
    let mut count = 0;
    // SAFETY: the outputs are valid; the list holds `count` texts until it is released.
    unsafe {
        call!(GetAvailableProviders(&mut names, &mut count))?;
        let found = (0..count as usize).map(|at| name_of(CStr::from_ptr(*names.add(at)))).collect();
        call!(ReleaseAvailableProviders(names, count))?;
        Ok(found)
    }
}

/// The entry with which a session notes what [`nodes`] tells.
pub const RECORD_NODES: &str = "session.record_ep_graph_assignment_info";

/// How many nodes of the model each provider runs.
pub fn nodes(session: &Session) -> Result<BTreeMap<String, usize>> {
    let mut parts = ptr::null();
    let mut count = 0;
    let mut nodes = BTreeMap::new();
    // SAFETY: the outputs are valid, and what they point to lives as long as the session.
    unsafe {
        call!(Session_GetEpGraphAssignmentInfo(session.ptr(), &mut parts, &mut count))?;
        for at in 0..count {
            let part = *parts.add(at);
            let mut name = ptr::null();
            call!(EpAssignedSubgraph_GetEpName(part, &mut name))?;
            let (mut members, mut size) = (ptr::null(), 0);
            call!(EpAssignedSubgraph_GetNodes(part, &mut members, &mut size))?;
            *nodes.entry(name_of(CStr::from_ptr(name))).or_insert(0) += size;
        }
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::providers::names::{KNOWN, KnownProvider};

    #[test]
    fn the_providers_that_options_may_name_are_those_that_sessions_can_ask_for() {
        let entry = |entry: &Entry| KnownProvider {
            name: entry.name,
            takes_options: matches!(entry.register, Register::WithOptions(_)),
        };
        assert_eq!(ENTRIES.iter().map(entry).collect::<Vec<_>>(), KNOWN);
    }
}
