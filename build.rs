use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// The code that decides what is kept of a model between loads.
const PREPARATION: [&str; 4] = ["src/model", "src/onnx", "src/tensorflow", "src/tensor.rs"];

fn main() {
    let mut hasher = DefaultHasher::new();
    for path in PREPARATION {
        println!("cargo::rerun-if-changed={path}");
        for file in files(Path::new(path)) {
            file.hash(&mut hasher);
            std::fs::read(&file).expect("a source file").hash(&mut hasher);
        }
    }
    println!("cargo::rustc-env=EDGE_AI_PREPARATION={:016x}", hasher.finish());
    #[cfg(feature = "node")]
    napi_build::setup();
}

/// All files of a folder, sorted; or the file itself.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(path).expect("a folder of sources").map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    found.iter().flat_map(|path| files(path)).collect()
}
