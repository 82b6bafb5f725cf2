//! The table is whole, and the only place that tells operators apart by lists of names.

use super::*;
use crate::tensor::DType;
use std::path::{Path, PathBuf};

#[test]
fn every_operator_has_one_row_in_order() {
    let domain = |row: &Operator| [STANDARD, ML, MICROSOFT].iter().position(|&domain| domain == row.domain).unwrap();
    assert!(operators().is_sorted_by(|a, b| (domain(a), a.name) < (domain(b), b.name)));
    for row in operators() {
        let node = NodeProto { domain: Some(row.domain.to_owned()), ..NodeProto::new(row.name, [""; 0], [""; 0]) };
        assert!(std::ptr::eq(operator(&node).unwrap(), row));
    }
    let alias = NodeProto { domain: Some("ai.onnx".to_owned()), ..NodeProto::new("Relu", [""; 0], [""; 0]) };
    assert_eq!(operator(&alias).unwrap().name, "Relu");
    let other = NodeProto { domain: Some("a.b".to_owned()), ..alias };
    assert!(operator(&other).is_none());
}

#[test]
fn element_wise_operators_tell_types_and_shapes() {
    let standard = operators().filter(|row| row.domain == STANDARD && row.rows == RowRule::ElementWise);
    for row in standard {
        assert!(matches!(row.shape, ShapeRule::Broadcast | ShapeRule::SameAs(0)), "{}", row.name);
        assert!(matches!(row.types, TypeRule::All(_)), "{}", row.name);
        assert!(row.shape.keeps_filled(), "{}", row.name);
    }
}

#[test]
fn what_differs_from_the_rule_is_told() {
    let types = |name| find(STANDARD, name).unwrap().types;
    assert_eq!(types("Equal"), TypeRule::All(ElementType::Is(DType::Bool)));
    assert_eq!(types("Where"), TypeRule::All(ElementType::Like(1)));
    assert_eq!(types("TopK"), TypeRule::Each(&[ElementType::Like(0), ElementType::Is(DType::Int64)]));
    assert_eq!(types("QuantizeLinear"), TypeRule::Unknown);
    assert_eq!(find(STANDARD, "MatMul").unwrap().shape, ShapeRule::MatMul(0, 1));
    assert_eq!(find(MICROSOFT, "FusedMatMul").unwrap().types, TypeRule::Unknown);
}

/// Where the code asks for one operator by its name, and why no rule of the table says it.
const ASKED_FOR: [(&str, &str, &str); 8] = [
    ("engine/backend/onnx_runtime/guard/forms.rs", "LayerNormalization", "its forerunner in one operator set"),
    ("engine/backend/onnx_runtime/guard/known.rs", "Constant", "a value, and no operation"),
    ("engine/backend/onnx_runtime/guard/texts.rs", "Constant", "a value, and no operation"),
    ("engine/backend/tract/refusals.rs", "Constant", "a value, and no operation"),
    ("engine/batch/independence/graph.rs", "Constant", "a value, and no operation"),
    ("engine/batch/independence/rules/selection.rs", "Resize", "where it differs from its forerunner Upsample"),
    ("signature/graph.rs", "StringNormalizer", "the one that leaves rows out by their values"),
    ("tensorflow/emit/refine.rs", "Sigmoid", "what makes an output a probability"),
];

/// Where formulas are recognized that no single operator is: those of probabilities and classes.
const FORMULAS: [&str; 2] = ["signature/confidence/", "signature/classes.rs"];

/// Calls that make a node.
const MAKERS: [&str; 8] =
    ["op(", "op_with(", "op_n(", "op_with_bodies(", "reduce(", "simple(", "standard_operator(", "NodeProto::new("];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.into_iter().chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// The file below `src`, each text in it that is an operator's name, and whether a node is made with it. Tests do not count.
fn names_in_code(rooms: &[&str]) -> Vec<(String, &'static Operator, bool)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for path in rooms.iter().flat_map(|room| sources(&root.join(room))) {
        let file = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let is_test = file.ends_with("tests.rs") || file.contains("/tests/");
        if !file.ends_with(".rs") || file.starts_with("onnx/operators/") || is_test {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        // Every second part is within quotes; an escaped quote can only hide a name, as the count at the end would show.
        let parts: Vec<&str> = code.split('"').collect();
        for at in (1..parts.len()).step_by(2) {
            let Some(row) = operators().find(|row| row.name == parts[at]) else { continue };
            let before = parts[at - 1].trim_end();
            found.push((file.clone(), row, MAKERS.iter().any(|maker| before.ends_with(maker))));
        }
    }
    found
}

#[test]
fn no_other_file_tells_operators_apart_by_name() {
    let rooms = ["engine", "model", "onnx", "signature", "tensorflow/emit", "tensorflow/layout"];
    let found = names_in_code(&rooms);
    assert!(found.iter().filter(|(.., made)| *made).count() > 50, "nodes are made in these rooms");
    let in_formula = |file: &str| FORMULAS.iter().any(|formula| file.starts_with(formula));
    let asked = found.iter().filter(|(file, _, made)| !made && !in_formula(file));
    let asked: Vec<(&str, &str)> = asked.map(|(file, row, _)| (file.as_str(), row.name)).collect();
    let allowed = ASKED_FOR.map(|(file, name, _)| (file, name));
    for one in &asked {
        assert!(allowed.contains(one), "{one:?}: a rule of the table should say it");
    }
    for one in allowed {
        assert!(asked.contains(&one), "{one:?} is no longer asked for");
    }
}

#[test]
fn what_the_translator_emits_tells_its_shape() {
    let emitted = names_in_code(&["tensorflow"]);
    // Who emits one of another domain tells its type and shape.
    let emitted: Vec<_> = emitted.iter().filter(|(_, row, made)| *made && row.domain != super::ML).collect();
    assert!(emitted.len() > 200, "{}", emitted.len());
    for (file, row, _) in emitted {
        let row =
            find(STANDARD, row.name).unwrap_or_else(|| panic!("{file}: {} is not of the standard domain", row.name));
        assert_ne!(row.shape, ShapeRule::Unknown, "{file}: {}", row.name);
    }
}
