//! The operations of Keras 3, each in a small model, against what Keras gives.
//!
//! `scripts/make-keras-operations.py` writes the models. `EDGE_AI_CASE` picks those whose name contains it.

#[path = "support/keras.rs"]
mod keras;
mod support;
#[path = "support/tfjs.rs"]
mod tfjs;

use keras::run_all;
use serde_json::Value as Json;
use std::collections::BTreeSet;

fn cases() -> Vec<Json> {
    serde_json::from_str(include_str!("fixtures/keras-operations.json")).unwrap()
}

#[test]
fn operations_give_what_keras_gives() {
    run_all(&cases());
}

/// Other names of operations that have a case.
const ALIASES: &[&str] = &["Abs", "Conj"];

#[test]
fn every_operation_has_a_case() {
    let cases = cases();
    let tested: BTreeSet<&str> =
        cases.iter().flat_map(|case| case["operations"].as_array().unwrap()).filter_map(Json::as_str).collect();
    let missing: Vec<&str> = harper_edge_ai::tensorflow::keras_operations()
        .filter(|class| !tested.contains(class) && !ALIASES.contains(class))
        .collect();
    assert!(missing.is_empty(), "without a case: {missing:?}");
}
