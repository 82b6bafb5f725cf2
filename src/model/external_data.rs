//! Weights outside the graph's file: resolved only within the upload.

use super::initializers::byte_length;
use crate::error::{Error, Result, error};
use crate::files::{Content, ModelFile};
use crate::onnx::proto::{
    AttributeProto, DataLocation, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto,
};
use crate::tensor::DType;
use bytes::Bytes;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// Gives every external tensor its place: files on disk are named relative to the directory that is returned, files in
/// memory become part of the model. `folder` is that of the graph's file, when it is on disk.
///
/// # Errors
/// `INVALID_MODEL` when a tensor names a file that is not part of the upload or a range that the file does not have.
pub fn resolve(model: &mut ModelProto, folder: Option<&Path>, others: &[&ModelFile]) -> Result<Option<PathBuf>> {
    let mut files = Files { folder, others, opened: HashMap::new(), directory: None };
    let functions = model.functions.iter_mut().flat_map(|function| &mut function.node);
    for node in functions {
        node.attribute.iter_mut().try_for_each(|attribute| files.visit_attribute(attribute))?;
    }
    if let Some(graph) = &mut model.graph {
        files.visit_graph(graph)?;
    }
    Ok(files.directory)
}

/// The files in a folder that a model names as its external data, without those that are known already.
///
/// # Errors
/// `INVALID_MODEL` when there is no such file.
pub fn beside(model: &ModelProto, folder: &Path, known: &[ModelFile]) -> Result<Vec<ModelFile>> {
    let mut found: Vec<ModelFile> = Vec::new();
    let functions = model.functions.iter().flat_map(|function| &function.node);
    let mut tensors = Vec::new();
    functions.for_each(|node| tensors_of_node(node, &mut tensors));
    model.graph.iter().for_each(|graph| tensors_of_graph(graph, &mut tensors));
    for tensor in tensors {
        let location = tensor.external_data.iter().find(|entry| entry.key() == "location");
        let Some(location) = location.map(StringStringEntryProto::value) else { continue };
        let name = plain(location);
        if known.iter().chain(&found).any(|file| file.name == name) {
            continue;
        }
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let path = folder.join(name);
        if !inside || path.symlink_metadata().map_or(true, |found| !found.is_file()) {
            let tensor = tensor.name();
            return Err(error!(
                InvalidModel,
                "external data of tensor \"{tensor}\": no file \"{location}\" lies beside the model"
            ));
        }
        found.push(ModelFile { name: name.to_owned(), content: Content::Path(path) });
    }
    Ok(found)
}

fn tensors_of_graph<'a>(graph: &'a GraphProto, tensors: &mut Vec<&'a TensorProto>) {
    tensors.extend(&graph.initializer);
    let sparse = graph.sparse_initializer.iter();
    tensors.extend(sparse.flat_map(|sparse| sparse.values.iter().chain(&sparse.indices)));
    graph.node.iter().for_each(|node| tensors_of_node(node, tensors));
}

fn tensors_of_node<'a>(node: &'a NodeProto, tensors: &mut Vec<&'a TensorProto>) {
    for attribute in &node.attribute {
        tensors.extend(attribute.t.iter().chain(&attribute.tensors));
    }
    node.subgraphs().for_each(|graph| tensors_of_graph(graph, tensors));
}

/// An exporter's leading `./` does not count.
fn plain(location: &str) -> &str {
    location.strip_prefix("./").unwrap_or(location)
}

struct Files<'a> {
    folder: Option<&'a Path>,
    others: &'a [&'a ModelFile],
    opened: HashMap<String, (Content, Bytes)>,
    directory: Option<PathBuf>,
}

impl Files<'_> {
    fn visit_graph(&mut self, graph: &mut GraphProto) -> Result<()> {
        let sparse =
            graph.sparse_initializer.iter_mut().flat_map(|sparse| sparse.values.iter_mut().chain(&mut sparse.indices));
        graph.initializer.iter_mut().chain(sparse).try_for_each(|tensor| self.visit_tensor(tensor))?;
        let mut attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
        attributes.try_for_each(|attribute| self.visit_attribute(attribute))
    }

    fn visit_attribute(&mut self, attribute: &mut AttributeProto) -> Result<()> {
        attribute.t.iter_mut().chain(&mut attribute.tensors).try_for_each(|tensor| self.visit_tensor(tensor))?;
        attribute.g.iter_mut().chain(&mut attribute.graphs).try_for_each(|graph| self.visit_graph(graph))
    }

    fn visit_tensor(&mut self, tensor: &mut TensorProto) -> Result<()> {
        if tensor.data_location() != DataLocation::External && tensor.external_data.is_empty() {
            return Ok(());
        }
        let name = tensor.name().to_owned();
        let refuse = |problem: String| error!(InvalidModel, "external data of tensor \"{name}\": {problem}");
        let entry = |key: &str| tensor.external_data.iter().find(|entry| entry.key() == key).map(|entry| entry.value());
        let number = |key: &str| match entry(key) {
            None => Ok(None),
            Some(text) => match text.parse::<u64>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(refuse(format!("{key} must be a number of bytes, received \"{text}\""))),
            },
        };
        let location = entry("location").ok_or_else(|| refuse("the file is not named".to_owned()))?.to_owned();
        let offset = number("offset")?.unwrap_or(0);
        let expected = DType::from_code(tensor.data_type())
            .and_then(|dtype| byte_length(dtype, &tensor.dims))
            .ok_or_else(|| refuse(format!("dimensions {:?} are out of range", tensor.dims)))?;
        let length = number("length")?.unwrap_or(expected);
        let (content, bytes) = self.open(&location, &refuse)?;
        let end = offset.checked_add(length).filter(|end| *end <= bytes.len() as u64 && length == expected);
        let Some(end) = end else {
            return Err(refuse(format!(
                "it takes {expected} bytes, the model says {length} at {offset}, and \"{location}\" has {}",
                bytes.len()
            )));
        };
        match content {
            Content::Memory(_) => {
                tensor.raw_data = Some(bytes.slice(offset as usize..end as usize));
                tensor.external_data.clear();
                tensor.data_location = None;
            }
            Content::Path(path) => {
                let location = self.place(&path, &refuse)?;
                set_external(tensor, &location, offset, length);
            }
        }
        Ok(())
    }

    /// The uploaded file of that name.
    fn open(&mut self, location: &str, refuse: &impl Fn(String) -> Error) -> Result<(Content, Bytes)> {
        let name = plain(location);
        if let Some(opened) = self.opened.get(name) {
            return Ok(opened.clone());
        }
        let file = self.others.iter().find(|file| file.name == name);
        let file = file.ok_or_else(|| refuse(format!("\"{location}\" is not part of the upload")))?;
        let opened = (file.content.clone(), file.bytes()?);
        self.opened.insert(name.to_owned(), opened.clone());
        Ok(opened)
    }

    /// The name of a file relative to the one directory that all external data shares.
    fn place(&mut self, path: &Path, refuse: &impl Fn(String) -> Error) -> Result<String> {
        let directory = self.folder.or(path.parent()).unwrap_or(Path::new("")).to_path_buf();
        let relative = path
            .strip_prefix(&directory)
            .ok()
            .and_then(Path::to_str)
            .ok_or_else(|| refuse("all files of a model must be in one directory".to_owned()))?
            .to_owned();
        self.directory = Some(directory);
        Ok(relative)
    }
}

/// Says that a tensor's bytes are in a file.
pub fn set_external(tensor: &mut TensorProto, location: &str, offset: u64, length: u64) {
    let entry = |key: &str, value: String| StringStringEntryProto { key: Some(key.to_owned()), value: Some(value) };
    tensor.raw_data = None;
    tensor.data_location = Some(DataLocation::External.into());
    tensor.external_data = vec![
        entry("location", location.to_owned()),
        entry("offset", offset.to_string()),
        entry("length", length.to_string()),
    ];
}
