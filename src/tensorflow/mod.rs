//! TensorFlow.js models, translated to ONNX when they are loaded.
//!
//! | context | noun |
//! |---|---|
//! | `artifacts`, `shards`, `weights`, `labels`, `constant` | what was uploaded |
//! | [`emit`] | the ONNX graph under construction |
//! | `spatial`, `numeric` | convolution and pooling, and functions of numbers, which both formats share |
//! | `graph` | graph-models: one rule for each operation of TensorFlow |
//! | `layers` | layers-models: one rule for each layer of Keras |
//! | `layout` | channels last to channels first |

mod artifacts;
mod constant;
mod emit;
mod graph;
mod labels;
mod layers;
mod layout;
mod numeric;
mod shards;
mod spatial;
mod weights;

pub use artifacts::{Artifacts, Format};
pub use graph::operations;
pub use layers::{classes, operations as keras_operations};

use crate::error::Result;
use crate::onnx::proto::ModelProto;
use std::collections::HashMap;

/// A model that was translated.
#[derive(Debug)]
pub struct Translation {
    pub model: ModelProto,
    /// The graph's names of outputs whose public names are an input's.
    pub renamed_outputs: HashMap<String, String>,
    /// Class names that came with the model.
    pub labels: Option<Vec<String>>,
}

/// Translates a model.
///
/// # Errors
/// `INVALID_MODEL` for a model that contradicts itself; `UNSUPPORTED_MODEL`, naming every operation or layer that cannot be
/// translated and where it is used.
pub fn translate(mut artifacts: Artifacts) -> Result<Translation> {
    let labels = artifacts.labels.take();
    let emit = match artifacts.format {
        Format::Graph => graph::translate(&artifacts)?,
        Format::Layers => layers::translate(&artifacts)?,
    };
    let (model, renamed_outputs) = emit.finish();
    Ok(Translation { model, renamed_outputs, labels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const PAGE: &str = include_str!("../../docs/tensorflow.md");
    /// As many as the converter knows.
    const CONVERTER_OPERATIONS: usize = 248;
    /// Operations that are read without a rule: an input, and what becomes `If` and `While`.
    const WITHOUT_RULE: [&str; 7] = ["Placeholder", "Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond"];

    /// The rows of the table whose header begins with a word: all cells but the name, by the name.
    fn table(header: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
        let cells = |line: &'static str| line.split('|').skip(1).map(str::trim).collect::<Vec<_>>();
        let mut lines = PAGE.lines().skip_while(|line| !line.starts_with('|') || cells(line)[0] != header).skip(2);
        let mut rows = BTreeMap::new();
        for line in lines.by_ref().take_while(|line| line.starts_with('|')) {
            let mut row = cells(line);
            row.pop();
            let name = row.remove(0).trim_matches('`');
            assert!(rows.insert(name, row).is_none(), "{name} stands there twice");
        }
        rows
    }

    fn names<'a>(rows: &BTreeMap<&'a str, Vec<&str>>, wanted: impl Fn(&str) -> bool) -> Vec<&'a str> {
        rows.iter().filter(|(_, row)| wanted(row.last().unwrap())).map(|(name, _)| *name).collect()
    }

    fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_page_lists_the_operations_that_are_supported() {
        let rows = table("operation");
        assert_eq!(rows.values().filter(|row| row[0] != "other").count(), CONVERTER_OPERATIONS);
        let supported = names(&rows, |answer| answer == "yes");
        assert_eq!(supported, sorted(graph::operations().chain(WITHOUT_RULE)));
        assert_eq!(names(&rows, |answer| answer.starts_with("no: ")).len(), rows.len() - supported.len());
    }

    #[test]
    fn the_page_lists_the_operations_of_keras() {
        let section =
            PAGE.split_once("## Operations of Keras 3\n").and_then(|(_, behind)| behind.split("\n## ").next());
        let quoted = section.unwrap().split('`').skip(1).step_by(2);
        let named = quoted.filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()));
        assert_eq!(sorted(named), sorted(layers::operations()));
    }

    #[test]
    fn the_page_lists_the_layers() {
        let rows = table("layer");
        assert_eq!(names(&rows, |answer| answer == "yes"), sorted(layers::classes()));
        let refused = rows.iter().filter_map(|(name, row)| Some((*name, row[0].strip_prefix("no: ")?)));
        let mut expected = layers::refused::REFUSED.to_vec();
        expected.sort_unstable();
        assert_eq!(refused.collect::<Vec<_>>(), expected);
    }
}
