//! TensorFlow.js models through the translator and ONNX Runtime, against what TensorFlow and TensorFlow.js give.
//!
//! The models are the reference corpus, in the folder `EDGE_AI_CORPUS` or beside the repository. `EDGE_AI_CASE` picks the
//! models whose name contains it.

mod support;
#[path = "support/tfjs.rs"]
mod tfjs;

use harper_edge_ai::model::Framework;
use std::collections::BTreeMap;

fn check(group: &str, wanted: impl Fn(&str) -> bool) {
    let Some(cases) = tfjs::cases(group) else {
        eprintln!("skipped: no corpus");
        return;
    };
    let filter = std::env::var("EDGE_AI_CASE").unwrap_or_default();
    let mut failures = BTreeMap::new();
    let mut passed = 0;
    for case in cases.iter().filter(|case| wanted(&case.name) && case.name.contains(&filter)) {
        match case.run() {
            Ok(()) => passed += 1,
            Err(problem) => {
                failures.insert(case.name.clone(), problem);
            }
        }
    }
    println!("{group}: {passed} pass");
    assert!(failures.is_empty(), "{} fail: {failures:#?}", failures.len());
}

#[test]
fn graph_models_that_were_made() {
    check("tfjs/made", |name| name.starts_with("g_"));
}

#[test]
fn layers_models_that_were_made() {
    check("tfjs/made", |name| !name.starts_with("g_"));
}

const PUBLISHED_LAYERS: [&str; 4] = ["ml5_cvae", "nsfwjs_mobilenet_v2", "tfjs_abalone", "tfjs_e2e_layers"];

#[test]
fn graph_models_that_others_published() {
    check("tfjs/real", |name| !PUBLISHED_LAYERS.contains(&name));
}

#[test]
fn layers_models_that_others_published() {
    check("tfjs/real", |name| PUBLISHED_LAYERS.contains(&name));
}

#[test]
fn models_that_users_brought() {
    check("users/tfjs", |name| !name.starts_with("kop_") && name != "keras3_operators_images");
}

fn count(case: &tfjs::Case, op_type: &str) -> usize {
    let model = case.source().prepare(Some(Framework::TensorFlow)).unwrap().model;
    model.graph.unwrap().node.iter().filter(|node| node.is(op_type)).count()
}

/// Each of the 52 convolutions has a transpose before and one behind it until they cancel.
#[test]
fn transposes_cancel() {
    let Some(cases) = tfjs::cases("tfjs/made") else {
        eprintln!("skipped: no corpus");
        return;
    };
    for case in cases.iter().filter(|case| case.name.contains("mobilenet_v2_035_96")) {
        assert_eq!(count(case, "Conv"), 52, "{}", case.name);
        assert!(count(case, "Transpose") <= 2, "{} has {}", case.name, count(case, "Transpose"));
    }
}
