//! The corpus of TensorFlow.js models with their reference outputs.
#![allow(dead_code)]

use crate::support;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use harper_edge_ai::files::{Content, ModelFile};
use harper_edge_ai::model::Source;
use harper_edge_ai::tensor::{Bytes, DType, Tensor, Value};
use serde_json::Value as Json;
use std::fs;
use std::path::{Path, PathBuf};

pub struct Case {
    pub name: String,
    folder: PathBuf,
}

/// The models of a folder of the corpus; `None` without a corpus.
pub fn cases(group: &str) -> Option<Vec<Case>> {
    let root = std::env::var_os("EDGE_AI_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let entries = fs::read_dir(root.join(group)).ok()?;
    let mut cases: Vec<Case> = entries
        .flatten()
        .map(|entry| Case { name: entry.file_name().to_string_lossy().into_owned(), folder: entry.path() })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Some(cases)
}

impl Case {
    /// Translates, loads and runs the model, and compares every output.
    pub fn run(&self) -> Result<(), String> {
        let session = support::load_source(self.source(), None).map_err(|problem| problem.to_string())?;
        let inputs = self.json("inputs.json").expect("every model has inputs");
        let mut inputs: Vec<(&str, Value)> = inputs
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, json)| (json["name"].as_str().unwrap_or(key), tensor(json).into()))
            .collect();
        // The references of a layers-model may have the names of Keras's or TensorFlow.js's symbolic tensors.
        let declared: Vec<&str> = session.signature.inputs.iter().map(|input| input.name.as_str()).collect();
        if !self.is_graph() && inputs.len() == declared.len() && inputs.iter().any(|(name, _)| !declared.contains(name))
        {
            inputs.iter_mut().zip(declared).for_each(|(input, name)| input.0 = name);
        }
        let outputs = support::run(&session, inputs).map_err(|problem| problem.to_string())?;
        let expected = self.expected();
        let tolerance = if self.is_quantized() { 2e-3 } else { 1e-4 };
        if expected.len() != outputs.len() {
            let names: Vec<&String> = outputs.iter().map(|(name, _)| name).collect();
            return Err(format!("gives {names:?}, expected {}", expected.len()));
        }
        for (at, (names, expected)) in expected.iter().enumerate() {
            let named = outputs.iter().find(|(name, _)| names.contains(name));
            let output = match named {
                _ if !self.is_graph() => &outputs[at].1,
                Some((_, output)) => output,
                None => {
                    return Err(format!(
                        "gives {:?}, not {names:?}",
                        outputs.iter().map(|(name, _)| name).collect::<Vec<_>>()
                    ));
                }
            };
            let output = output.as_tensor().ok_or("an output is no tensor")?;
            compare(output, expected, tolerance).map_err(|problem| format!("{}: {problem}", names[0]))?;
        }
        Ok(())
    }

    pub fn source(&self) -> Source {
        let beside = ["inputs.json", "expected_tf.json", "expected_tfjs.json", "SOURCE", "tfjs_error.txt", "meta.json"];
        let files = fs::read_dir(&self.folder).unwrap().flatten().map(|entry| ModelFile {
            name: entry.file_name().to_string_lossy().into_owned(),
            content: Content::Path(entry.path()),
        });
        let files = files.filter(|file| !beside.contains(&file.name.as_str())).collect();
        Source { files, beside: false, cache_folder: None }
    }

    fn json(&self, name: &str) -> Option<Json> {
        let text = fs::read(self.folder.join(name)).ok()?;
        Some(serde_json::from_slice(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text)).unwrap())
    }

    fn is_graph(&self) -> bool {
        self.json("model.json").is_some_and(|model| model["modelTopology"]["node"].is_array())
    }

    fn is_quantized(&self) -> bool {
        let model = fs::read_to_string(self.folder.join("model.json")).unwrap();
        model.contains("\"quantization\"")
    }

    /// The outputs under the names that they may have.
    fn expected(&self) -> Vec<(Vec<String>, Tensor)> {
        let name = |json: &Json| json.as_str().map(|name| name.strip_suffix(":0").unwrap_or(name).to_owned());
        let unquantized = if self.is_quantized() { None } else { self.json("expected_tf.json") };
        let (list, by_tensorflow) = match unquantized {
            Some(list) => (list, true),
            None => (self.json("expected_tfjs.json").expect("every model has a reference"), false),
        };
        let list = list.as_array().unwrap().clone();
        list.iter()
            .enumerate()
            .map(|(at, json)| {
                let mut names: Vec<String> = [&json["name"], &json["tensor"]].into_iter().filter_map(name).collect();
                if by_tensorflow {
                    names.push(if at == 0 { "Identity".to_owned() } else { format!("Identity_{at}") });
                }
                (names, tensor(json))
            })
            .collect()
    }
}

/// Whether every element is as expected, up to `tolerance` times the largest that is expected.
pub fn compare(output: &Tensor, expected: &Tensor, tolerance: f64) -> Result<(), String> {
    if output.shape != expected.shape {
        return Err(format!("shape {:?}, expected {:?}", output.shape, expected.shape));
    }
    if output.dtype != expected.dtype {
        return Err(format!("{}, expected {}", output.dtype.name(), expected.dtype.name()));
    }
    let (Some(output), Some(expected)) = (numbers(output), numbers(expected)) else {
        return if output == expected { Ok(()) } else { Err("other values".to_owned()) };
    };
    let scale = expected.iter().filter(|number| number.is_finite()).fold(0f64, |scale, number| scale.max(number.abs()));
    let mut worst = (0f64, 0, 0f64, 0f64);
    for (at, (&output, &expected)) in output.iter().zip(&expected).enumerate() {
        let same = output == expected || (output.is_nan() && expected.is_nan());
        let error = if same { 0.0 } else { (output - expected).abs() };
        if error > worst.0 || error.is_nan() {
            worst = (if error.is_nan() { f64::INFINITY } else { error }, at, output, expected);
        }
    }
    if worst.0 > tolerance * scale {
        return Err(format!("element {} is {}, expected {} (scale {scale})", worst.1, worst.2, worst.3));
    }
    Ok(())
}

pub fn tensor(json: &Json) -> Tensor {
    let shape: Vec<usize> =
        json["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect();
    if json["dtype"] == "string" {
        let texts = json["data"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned());
        return Tensor::from_strings(&shape, texts.collect());
    }
    let dtype = DType::from_name(json["dtype"].as_str().unwrap()).unwrap();
    let bytes = BASE64.decode(json["b64"].as_str().unwrap()).unwrap();
    Tensor::from_bytes(dtype, shape, Bytes::copy_from(&bytes)).unwrap()
}

pub fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    match tensor.dtype {
        DType::Float32 => tensor.elements::<f32>().map(|numbers| numbers.iter().copied().map(f64::from).collect()),
        DType::Int32 => tensor.elements::<i32>().map(|numbers| numbers.iter().copied().map(f64::from).collect()),
        DType::Bool => tensor.bytes().map(|bytes| bytes.iter().copied().map(f64::from).collect()),
        _ => None,
    }
}
