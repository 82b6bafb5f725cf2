//! An output that tells the class of a row.

use serde_json::{Value as Json, json};

/// Names of outputs that are labels, whatever makes them, in lower case and without what is no letter or digit.
const LABEL_NAMES: [&str; 12] = [
    "label",
    "labels",
    "class",
    "classes",
    "classlabel",
    "classid",
    "classids",
    "outputlabel",
    "predictedlabel",
    "predictedlabeloutput",
    "predictedclass",
    "targetlabel",
];

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassOutput {
    pub name: String,
    pub role: ClassRole,
    /// The names of the classes in the order of their positions, where the graph has them.
    pub classes: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassRole {
    /// It is the class.
    Label,
    /// It has a number for each class, the largest for the one that is predicted.
    Scores,
}

impl ClassOutput {
    /// Adds what an output tells to its JSON.
    pub fn write(&self, output: &mut Json) {
        output["role"] = json!(match self.role {
            ClassRole::Label => "label",
            ClassRole::Scores => "scores",
        });
        if let Some(classes) = &self.classes {
            output["classes"] = json!(classes);
        }
    }
}

/// Whether an output is a label by its name alone.
pub fn is_label_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    LABEL_NAMES.contains(&plain.as_str())
}
