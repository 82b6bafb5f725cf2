//! What is kept of a model between loads: weights are mapped from it, translations are found in it, damage is noticed.

mod support;

use harper_edge_ai::engine::{LoadRequest, Session};
use harper_edge_ai::error::{ErrorCode, Result};
use harper_edge_ai::files::{Content, ModelFile, digest_files};
use harper_edge_ai::model::Source;
use harper_edge_ai::onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use harper_edge_ai::tensor::{DType, Tensor, Value};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use support::{engine, run, wrap};
use temp_dir::TempDir;

/// Together more than 8 MiB of weights.
const ROWS: usize = 1024;
const COLUMNS: usize = 2304;

/// Numbers that tell rows and columns apart, and tests: they share the process, but no model.
fn weights(salt: f32) -> Tensor {
    let numbers: Vec<f32> = (0..ROWS * COLUMNS).map(|at| ((at % 251) as f32 - salt) / 64.0).collect();
    Tensor::from_elements(&[ROWS, COLUMNS], &numbers)
}

/// `y = x + w`, which ONNX Runtime computes from the weights as they are: a product would pack them first.
fn onnx_model(salt: f32) -> Vec<(&'static str, Vec<u8>)> {
    let graph = GraphProto {
        node: vec![NodeProto::new("Add", ["x", "w"], ["y"])],
        input: vec![ValueInfoProto::tensor("x", DType::Float32, &[Some(1)])],
        output: vec![ValueInfoProto::tensor("y", DType::Float32, &[Some(ROWS as i64), Some(COLUMNS as i64)])],
        initializer: vec![TensorProto::from_tensor("w", &weights(salt))],
        name: Some("test".to_owned()),
        ..GraphProto::default()
    };
    vec![("model.onnx", wrap(graph))]
}

/// The same as a graph-model with its weights in a shard.
fn tensorflow_model(salt: f32) -> Vec<(&'static str, Vec<u8>)> {
    let float = json!({"type": "DT_FLOAT"});
    let main = json!({
        "modelTopology": {"node": [
            {"name": "x", "op": "Placeholder", "attr": {"dtype": float, "shape": {"shape": {"dim": [{"size": "1"}]}}}},
            {"name": "w", "op": "Const", "attr": {"dtype": float}},
            {"name": "y", "op": "AddV2", "input": ["x", "w"], "attr": {"T": float}},
        ]},
        "weightsManifest": [{
            "paths": ["w.bin"],
            "weights": [{"name": "w", "shape": [ROWS, COLUMNS], "dtype": "float32"}],
        }],
    });
    let shard = weights(salt).bytes().unwrap().to_vec();
    vec![("model.json", main.to_string().into_bytes()), ("w.bin", shard), ("metadata.json", labels())]
}

fn labels() -> Vec<u8> {
    json!({"labels": ["one", "other"]}).to_string().into_bytes()
}

/// A model unpacked into a cache folder, as the component does.
struct Unpacked {
    folder: TempDir,
    source: Source,
    digest: String,
}

impl Unpacked {
    fn new(files: Vec<(&str, Vec<u8>)>) -> Self {
        let folder = TempDir::new().unwrap();
        let files: Vec<ModelFile> = files
            .into_iter()
            .enumerate()
            .map(|(at, (name, bytes))| {
                let path = folder.path().join(format!("file-{at}"));
                fs::write(&path, bytes).unwrap();
                ModelFile { name: name.to_owned(), content: Content::Path(path) }
            })
            .collect();
        let digest = digest_files(&files).unwrap().0;
        let source = Source { files, beside: false, cache_folder: Some(folder.path().to_owned()) };
        Self { folder, source, digest }
    }

    fn kept(&self, name: &str) -> PathBuf {
        self.folder.path().join("prepared").join(name)
    }

    /// Loads it as a new process would.
    fn load(&self) -> Result<Arc<Session>> {
        engine().evict(&self.digest);
        let (sender, receiver) = mpsc::channel();
        let request =
            LoadRequest { digest: self.digest.clone(), source: self.source.clone(), framework: None, engine: None };
        engine().load(request, Box::new(move |loaded| sender.send(loaded).unwrap()));
        receiver.recv().unwrap()
    }

    fn answer(&self) -> Value {
        let session = self.load().unwrap();
        let mut outputs = run(&session, vec![("x", Tensor::from_elements(&[1], &[0.5f32]).into())]).unwrap();
        outputs.remove(0).1
    }

    /// Waits until nobody maps the files: what is in use may not change under its reader.
    fn let_go(&self) {
        let session = Arc::downgrade(&self.load().unwrap());
        engine().evict(&self.digest);
        while session.strong_count() > 0 {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    fn damage_uploaded(&self) {
        for file in &self.source.files {
            let Content::Path(path) = &file.content else { unreachable!() };
            fs::write(path, b"damaged").unwrap();
        }
    }
}

fn models(salt: f32) -> [(&'static str, Unpacked); 2] {
    [("onnx", Unpacked::new(onnx_model(salt))), ("tensorflow", Unpacked::new(tensorflow_model(salt)))]
}

/// A file as it is on disk: when nobody has written it again, this stays.
fn identity(path: &Path) -> (std::time::SystemTime, u64) {
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&path.metadata().unwrap());
    #[cfg(not(unix))]
    let number = 0;
    (path.metadata().unwrap().modified().unwrap(), number)
}

#[test]
fn a_later_load_starts_from_what_is_kept() {
    for (name, model) in models(1.0) {
        let first = model.answer();
        let before = ["model.onnx", "weights", "seal"].map(|file| identity(&model.kept(file)));
        // Whoever reads the upload again now, fails.
        model.damage_uploaded();
        assert_eq!(model.answer(), first, "{name}");
        assert_eq!(["model.onnx", "weights", "seal"].map(|file| identity(&model.kept(file))), before, "{name}");
        let session = model.load().unwrap();
        assert_eq!(session.framework.as_str(), name);
        assert_eq!(session.labels.is_some(), name == "tensorflow");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn weights_are_mapped_from_the_file() {
    for (name, model) in models(2.0) {
        let session = model.load().unwrap();
        let path = model.kept("weights").canonicalize().unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let mapped: u64 = maps
            .lines()
            .filter(|line| line.ends_with(path.to_str().unwrap()))
            .map(|line| {
                let (start, rest) = line.split_once('-').unwrap();
                let (end, _) = rest.split_once(' ').unwrap();
                u64::from_str_radix(end, 16).unwrap() - u64::from_str_radix(start, 16).unwrap()
            })
            .sum();
        assert!(mapped >= session.weight_bytes, "{name}: {mapped} of {} bytes are mapped", session.weight_bytes);
    }
}

#[test]
fn what_is_damaged_is_made_again() {
    for (name, model) in models(3.0) {
        let first = model.answer();
        let whole = fs::read(model.kept("weights")).unwrap();
        let damages: [(&str, &dyn Fn()); 6] = [
            ("shorter", &|| fs::write(model.kept("weights"), &whole[..whole.len() / 2]).unwrap()),
            ("one bit", &|| {
                let mut bytes = whole.clone();
                bytes[whole.len() / 3] ^= 1;
                fs::write(model.kept("weights"), bytes).unwrap();
            }),
            ("no weights", &|| fs::remove_file(model.kept("weights")).unwrap()),
            ("an empty graph", &|| fs::write(model.kept("model.onnx"), b"").unwrap()),
            ("half-written", &|| fs::remove_file(model.kept("seal")).unwrap()),
            ("of another release", &|| {
                let seal = fs::read_to_string(model.kept("seal")).unwrap();
                let (_, digest) = seal.split_once(' ').unwrap();
                fs::write(model.kept("seal"), format!("0000000000000000 {digest}")).unwrap();
            }),
        ];
        for (what, damage) in damages {
            let seal = fs::read(model.kept("seal")).unwrap();
            model.let_go();
            damage();
            assert_eq!(model.answer(), first, "{name}: {what}");
            assert_eq!(fs::read(model.kept("seal")).unwrap(), seal, "{name}: {what}");
            assert_eq!(fs::read(model.kept("weights")).unwrap(), whole, "{name}: {what}");
        }
        let names: Vec<_> =
            fs::read_dir(model.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), model.source.files.len() + 1, "nothing is left over: {names:?}");
    }
}

#[test]
fn an_upload_that_is_damaged_is_refused() {
    for (name, model) in models(4.0) {
        model.damage_uploaded();
        let problem = model.load().err().unwrap();
        assert_eq!(problem.code, ErrorCode::InvalidModel, "{name}");
        assert!(problem.message.contains("have changed"), "{name}: {problem}");
    }
}

#[test]
fn a_small_onnx_model_is_its_own_file() {
    let bytes = support::model(
        vec![NodeProto::new("Relu", ["x"], ["y"])],
        &[("x", DType::Float32, 2)],
        &[("y", DType::Float32, 2)],
    );
    let model = Unpacked::new(vec![("model.onnx", bytes)]);
    model.load().unwrap();
    assert!(!model.kept("").exists());
}
