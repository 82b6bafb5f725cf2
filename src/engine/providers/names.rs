//! The execution providers that an option may name.

/// The provider that every engine has, and the only one whose sessions may run several times at once.
pub const CPU: &str = "cpu";

/// One provider as callers know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownProvider {
    pub name: &'static str,
    pub takes_options: bool,
}

const fn plain(name: &'static str) -> KnownProvider {
    KnownProvider { name, takes_options: false }
}

const fn with_options(name: &'static str) -> KnownProvider {
    KnownProvider { name, takes_options: true }
}

/// How a session asks for each is in `engine/backend/onnx_runtime/providers.rs`.
pub const KNOWN: [KnownProvider; 19] = [
    plain(CPU),
    plain("acl"),
    plain("directml"),
    plain("migraphx"),
    plain("nnapi"),
    plain("rknpu"),
    plain("vsinpu"),
    with_options("azure"),
    with_options("cann"),
    with_options("coreml"),
    with_options("cuda"),
    with_options("nvrtx"),
    with_options("onednn"),
    with_options("openvino"),
    with_options("qnn"),
    with_options("tensorrt"),
    with_options("vitis"),
    with_options("webgpu"),
    with_options("xnnpack"),
];

pub fn find(name: &str) -> Option<KnownProvider> {
    KNOWN.into_iter().find(|known| known.name == name)
}

/// All names, `cpu` first.
pub fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.name)
}
