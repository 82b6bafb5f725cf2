//! What a TensorFlow.js model is made of: the topology, the weights and what came beside them, found among uploaded files.

use super::labels;
use super::shards::{Shards, two_named};
use super::weights::{self, Weights};
use crate::error::{Error, Result, error};
use crate::files::{ModelFile, base_name};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The two formats of TensorFlow.js.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Graph,
    Layers,
}

/// A model that is read but not translated.
#[derive(Debug)]
pub struct Artifacts {
    pub format: Format,
    /// `modelTopology` of `model.json`.
    pub topology: Json,
    /// `generatedBy` of `model.json`.
    pub generator: Option<String>,
    /// Which inputs and outputs a graph-model has; null where the file does not say.
    pub signature: Json,
    /// The graph that fills the tables of a graph-model, and what it gives.
    pub initializer: Json,
    pub initializer_signature: Json,
    pub weights: Weights,
    /// Class names, from `metadata.json` and the like.
    pub labels: Option<Vec<String>>,
}

impl Artifacts {
    /// Finds the model among the files: a JSON file with `modelTopology` and the shards that it names, whatever folders
    /// they were in, or one JSON file with the weights inside as base64.
    ///
    /// # Errors
    /// `INVALID_MODEL` when there is no such file or more than one, or when shards are missing or too short.
    pub fn read(files: &[ModelFile]) -> Result<Self> {
        let mut main = None;
        let mut keras = None;
        let mut metadata: BTreeMap<&str, Json> = BTreeMap::new();
        let mut shards = Shards::default();
        for file in files {
            let bytes = file.bytes()?;
            let name = base_name(&file.name);
            if bytes.starts_with(KERAS_START) {
                keras = Some(name);
                continue;
            }
            match parse_json(&bytes) {
                Some(json) if json.get("modelTopology").is_some() => {
                    if main.replace((json, folder(&file.name))).is_some() {
                        return Err(error!(InvalidModel, "two of the files have a \"modelTopology\"; one is expected"));
                    }
                }
                Some(json) if labels::may_hold_labels(name) => {
                    if metadata.insert(name, json.clone()).is_some_and(|before| before != json) {
                        return Err(two_named(name));
                    }
                }
                _ => shards.insert(&file.name, bytes),
            }
        }
        match (main, keras) {
            (Some((main, folder)), _) => {
                let labels = metadata.values().find_map(labels::of_file);
                Self::from_main(main, &shards, folder, labels)
            }
            (None, Some(name)) => Err(keras_file(name)),
            (None, None) => {
                let names = files.iter().map(|file| base_name(&file.name)).collect::<Vec<_>>().join(", ");
                Err(error!(
                    InvalidModel,
                    "none of the files is a TensorFlow.js model.json with a \"modelTopology\"; received {names}"
                ))
            }
        }
    }

    fn from_main(mut main: Json, shards: &Shards, folder: &str, labels: Option<Vec<String>>) -> Result<Self> {
        let weights = match &main["weightsManifest"] {
            Json::Array(groups) => read_manifest(groups, shards, folder)?,
            _ => read_inside(&main)?,
        };
        let labels = labels.or_else(|| labels::of_model(&main));
        let signature = match take(&mut main, "signature") {
            Json::Null => take(&mut take(&mut main, "userDefinedMetadata"), "signature"),
            signature => signature,
        };
        let topology = take(&mut main, "modelTopology");
        if !topology.is_object() {
            return Err(error!(InvalidModel, "\"modelTopology\" must be an object"));
        }
        Ok(Self {
            format: if topology["node"].is_array() { Format::Graph } else { Format::Layers },
            topology,
            generator: main["generatedBy"].as_str().map(str::to_owned),
            signature,
            initializer: take(&mut main, "modelInitializer"),
            initializer_signature: take(&mut main, "initializerSignature"),
            weights,
            labels,
        })
    }
}

/// How Keras's own files begin. They hold the same models, but are for `tensorflowjs_converter` to read.
const KERAS_START: &[u8] = b"\x89HDF\r\n\x1a\n";

fn keras_file(name: &str) -> Error {
    error!(
        UnsupportedModel,
        "\"{name}\" is a Keras file; convert it with `tensorflowjs_converter --input_format keras` (or `keras_keras` for \
         .keras) and upload model.json and its shards"
    )
}

fn folder(path: &str) -> &str {
    &path[..path.len() - base_name(path).len()]
}

fn take(json: &mut Json, field: &str) -> Json {
    json.get_mut(field).map_or(Json::Null, Json::take)
}

/// The JSON object in a file; `None` for anything else, such as a shard.
fn parse_json(bytes: &Bytes) -> Option<Json> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let object = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if object { serde_json::from_slice(text).ok() } else { None }
}

/// The weights from the shards that the manifest names.
fn read_manifest(groups: &[Json], shards: &Shards, folder: &str) -> Result<Weights> {
    let wrong = || error!(InvalidModel, "\"weightsManifest\" must be a list of {{paths, weights}}");
    let mut paths = Vec::new();
    let mut specs = Vec::new();
    for group in groups {
        for path in group["paths"].as_array().ok_or_else(wrong)? {
            paths.push(path.as_str().ok_or_else(wrong)?);
        }
        specs.extend(group["weights"].as_array().ok_or_else(wrong)?);
    }
    weights::read(specs, shards.in_order(&paths, folder)?)
}

/// The weights of a `ModelArtifacts` object: `weightSpecs`, and `weightData` as base64.
fn read_inside(main: &Json) -> Result<Weights> {
    let decode = |data: &Json| {
        let text = data.as_str().ok_or_else(|| error!(InvalidModel, "\"weightData\" must be base64 text"))?;
        BASE64.decode(text).map(Bytes::from).map_err(|_| error!(InvalidModel, "\"weightData\" is not valid base64"))
    };
    match (&main["weightSpecs"], &main["weightData"]) {
        (Json::Null, Json::Null) => Ok(Weights::new()),
        (Json::Array(specs), Json::Array(parts)) => {
            weights::read(specs, parts.iter().map(decode).collect::<Result<_>>()?)
        }
        (Json::Array(specs), data) => weights::read(specs, vec![decode(data)?]),
        _ => Err(error!(InvalidModel, "\"weightSpecs\" must be a list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Content;
    use serde_json::json;

    fn file(name: &str, content: impl Into<Bytes>) -> ModelFile {
        ModelFile { name: name.to_owned(), content: Content::Memory(content.into()) }
    }

    fn model(extra: Json) -> String {
        let mut made = json!({"modelTopology": {"node": []}});
        made.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        made.to_string()
    }

    const SPEC: &str = r#"{"name": "w", "shape": [1], "dtype": "int32"}"#;

    #[test]
    fn shards_are_found_by_their_base_name() {
        let spec: Json = serde_json::from_str(SPEC).unwrap();
        let main = model(json!({"weightsManifest": [{"paths": ["./a/w.bin"], "weights": [spec]}]}));
        let read =
            Artifacts::read(&[file("b/w.bin", &[5u8, 0, 0, 0][..]), file("my-model.json", main.clone())]).unwrap();
        assert_eq!(read.format, Format::Graph);
        assert_eq!(read.weights["w"].ints().unwrap(), [5]);
        let missing = Artifacts::read(&[file("model.json", main)]).unwrap_err();
        assert!(missing.message.contains("w.bin"), "{missing}");
    }

    #[test]
    fn files_of_one_name_in_two_folders_are_not_confused() {
        let spec = |name: &str| json!({"name": name, "shape": [1], "dtype": "int32"});
        let group = |path: &str, name: &str| json!({"paths": [path], "weights": [spec(name)]});
        let both = model(json!({"weightsManifest": [group("a/w.bin", "a"), group("b/w.bin", "b")]}));
        let one = model(json!({"weightsManifest": [group("w.bin", "a")]}));
        let shard = |name: &str, first: u8| file(name, Bytes::copy_from_slice(&[first, 0, 0, 0]));
        let labels = |name: &str, label: &str| file(name, json!({"labels": [label]}).to_string());
        let read =
            Artifacts::read(&[file("model.json", both.clone()), shard("b/w.bin", 2), shard("a/w.bin", 1)]).unwrap();
        assert_eq!((read.weights["a"].ints().unwrap(), read.weights["b"].ints().unwrap()), (vec![1], vec![2]));
        for files in [
            vec![file("model.json", both), shard("w.bin", 1)],
            vec![file("model.json", one.clone()), shard("a/w.bin", 1), shard("b/w.bin", 2)],
            vec![file("model.json", model(json!({}))), labels("a/metadata.json", "x"), labels("b/metadata.json", "y")],
        ] {
            let refused = Artifacts::read(&files).unwrap_err();
            assert!(refused.message.contains("two "), "{refused}");
        }
        assert!(Artifacts::read(&[file("model.json", one), shard("a/w.bin", 1), shard("b/w.bin", 1)]).is_ok());
    }

    #[test]
    fn a_keras_file_beside_a_whole_model_is_passed_over() {
        let keras = || file("model.h5", &b"\x89HDF\r\n\x1a\n..."[..]);
        assert!(Artifacts::read(&[keras(), file("model.json", model(json!({})))]).is_ok());
        let alone = Artifacts::read(&[keras()]).unwrap_err();
        assert!(alone.message.contains("\"model.h5\" is a Keras file"), "{alone}");
    }

    #[test]
    fn weights_may_be_inside() {
        let spec: Json = serde_json::from_str(SPEC).unwrap();
        let main = model(json!({"weightSpecs": [spec], "weightData": "BQAAAA=="}));
        assert_eq!(Artifacts::read(&[file("x", main)]).unwrap().weights["w"].ints().unwrap(), [5]);
    }

    #[test]
    fn labels_come_from_the_metadata() {
        let metadata = json!({"labels": ["cat", "dog"]}).to_string();
        let read = Artifacts::read(&[file("model.json", model(json!({}))), file("metadata.json", metadata)]).unwrap();
        assert_eq!(read.labels.unwrap(), ["cat", "dog"]);
    }
}
