/// `ORT_DYLIB_PATH`, or the library in the npm package `onnxruntime-node`.
pub fn onnx_runtime_library() -> std::path::PathBuf {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH") {
        return path.into();
    }
    let (os, file) = match std::env::consts::OS {
        "macos" => ("darwin", "libonnxruntime.1.dylib"),
        "windows" => ("win32", "onnxruntime.dll"),
        _ => ("linux", "libonnxruntime.so.1"),
    };
    let arch = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x64" };
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("node_modules/onnxruntime-node/bin/napi-v6").join(os).join(arch).join(file)
}
