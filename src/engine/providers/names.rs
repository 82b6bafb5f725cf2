//! The execution providers that an option may name.

/// The provider that every engine has.
pub const CPU: &str = "cpu";
pub const CUDA: &str = "cuda";

/// What is asked of `cuda` unless the operator says otherwise: full float32 precision, because TF32 rounds to 10 bits; and no
/// measuring of all algorithms of a convolution, which cuDNN would repeat for each new size.
pub const CUDA_DEFAULTS: [(&str, &str); 2] = [("use_tf32", "0"), ("cudnn_conv_algo_search", "HEURISTIC")];

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
    with_options(CUDA),
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
