use super::super::{Choices, Method, Options, ProfileReport, Verdict};
use super::*;
use crate::format::Encoded;
use crate::monitoring::profile::{ProfileSettings, Profiler, Sides};
use crate::signature::{Given, Signature, inputs_from};
use serde_json::json;
use std::collections::HashMap;

const OPTIONS: Options = Options { min_rows: 1, drift_share: 0.5, correction: None };

fn schemas() -> (String, String) {
    let inputs = json!({ "inputs": [
        { "name": "x", "dtype": "float32", "shape": ["n", 2], "columns": ["age", "income"] },
        { "name": "word", "dtype": "string", "shape": ["n", 1] },
        { "name": "image", "dtype": "uint8", "shape": ["n", 2, 2], "optional": true },
    ] });
    let outputs = json!({ "outputs": [
        { "name": "label", "dtype": "int64", "shape": ["n"], "role": "label" },
        { "name": "p", "dtype": "float32", "shape": ["n", 2], "role": "scores", "classes": ["no", "yes"] },
        { "name": "maps", "type": "seq(map(int64,tensor(float32)))" },
    ] });
    (inputs.to_string(), outputs.to_string())
}

fn recorded() -> RecordedRows {
    let (inputs, outputs) = schemas();
    let mut rows = RecordedRows::new(256);
    assert_eq!(rows.add_model(&inputs, &outputs).unwrap(), 0);
    rows
}

#[test]
fn columns_are_those_of_a_profile() {
    let features = json!({
        "x": [[1.5, "NaN"], [0.1, "Infinity"]],
        "word": [["a"], ["b"]],
        "image": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
    });
    let prediction = json!({
        "label": [0, 1],
        "p": [{ "no": 0.75, "yes": 0.25 }, { "no": 0.5, "yes": 0.5 }],
        "maps": [{ "0": 0.5, "1": 0.5 }, { "0": 1, "1": 0 }],
    });
    let mut rows = recorded();
    rows.add(0, Some(&features.to_string()), &prediction.to_string());
    assert_eq!((rows.rows(), rows.left_out(), rows.without_features()), (2, 0, 0));
    let raw = rows.take();

    let (inputs, outputs) = schemas();
    let (signature, names) = Signature::from_json(&inputs, &outputs).unwrap();
    let profiler = Profiler::default();
    profiler.name_columns(names);
    let fields = Encoded::json(&features.to_string()).unwrap().fields().unwrap();
    let given: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), Given::Value(value))).collect();
    let inputs = inputs_from(&signature, &given).unwrap().values;
    let outputs = super::output::outputs_from(&signature, &prediction.to_string()).unwrap();
    let settings = ProfileSettings { max_columns: 256, features: true };
    profiler.observe(settings, Sides { signature: &signature, inputs: &inputs, outputs: &outputs });
    let profile = profiler.profile();
    assert_eq!(raw.profile.to_json(), profile.to_json());
    let known: Vec<&String> = profile.columns.keys().collect();
    assert_eq!(raw.values.keys().collect::<Vec<_>>(), known);
    assert!(raw.values.contains_key("age") && raw.values.contains_key("output.p[yes]"));
    assert!(raw.values.contains_key("output.maps[1]") && raw.values.contains_key("image"));
}

#[test]
fn a_single_row_is_one_row() {
    let mut rows = recorded();
    let features = json!({ "x": [1.5, 2], "word": "a" }).to_string();
    rows.add(0, Some(&features), &json!({ "label": 1, "p": [0.5, 0.5], "maps": { "0": 0.5, "1": 0.5 } }).to_string());
    rows.add(0, Some(&features), &json!({ "p": { "no": 0.5, "yes": 0.5 } }).to_string());
    assert_eq!((rows.rows(), rows.left_out()), (2, 0));
    let columns = rows.take().profile;
    assert_eq!(columns.columns["output.p[yes]"].values(), 2);
    assert_eq!(columns.columns["output.maps[1]"].values(), 1);
    assert_eq!(columns.columns["image"].missing, 2);
}

#[test]
fn what_is_not_there_is_counted() {
    let mut rows = recorded();
    let prediction = json!({ "p": [[0.5, 0.5]] }).to_string();
    let summary = json!({ "summary": [], "bytes": 20000, "digest": "00" }).to_string();
    rows.add(0, Some(&summary), &prediction);
    rows.add(0, None, &prediction);
    assert_eq!((rows.rows(), rows.without_features(), rows.left_out()), (2, 2, 0));
    rows.add(0, Some("{"), &prediction);
    rows.add(0, Some(r#"{"other":1}"#), &prediction);
    rows.add(0, None, r#"{"other":1}"#);
    rows.add(0, None, r#"{"p":[["x","y"]]}"#);
    rows.add(7, None, &prediction);
    assert_eq!((rows.rows(), rows.without_features(), rows.left_out()), (2, 2, 5));
}

fn of(values: &[f64], words: &[&str], vectors: &[[u8; 4]]) -> super::columns::RawColumns {
    let mut rows = recorded();
    for (at, value) in values.iter().enumerate() {
        let [a, b, c, d] = vectors[at % vectors.len()];
        let features = json!({ "x": [[value, 1]], "word": [[words[at % words.len()]]], "image": [[[a, b], [c, d]]] });
        rows.add(0, Some(&features.to_string()), "{}");
    }
    assert_eq!(rows.left_out(), 0);
    rows.take()
}

#[test]
fn are_compared_value_by_value() {
    let before: Vec<f64> = (0..40).map(f64::from).collect();
    let now: Vec<f64> = before.iter().map(|value| value + 20.0).collect();
    let compare = |choices: &Choices| {
        let reference = of(&before, &["a", "b"], &[[0, 0, 0, 1], [0, 0, 1, 0]]);
        let current = of(&now, &["a", "c"], &[[9, 9, 9, 1], [9, 9, 1, 9]]);
        compare_recorded(reference, current, choices, &OPTIONS)
    };
    let ProfileReport { report, details, not_in_reference } = compare(&Choices::default()).unwrap();
    assert!(not_in_reference.is_empty());
    let find = |name: &str| report.columns.iter().position(|column| column.name == name).unwrap();
    let (age, word, image) = (find("age"), find("word"), find("image"));
    assert_eq!(report.columns[age].statistic, Some(0.5));
    assert_eq!(details[age].quality.out_of_range, Some((0.0, 0.5)));
    let unseen = details[word].quality.unseen.clone().unwrap();
    assert_eq!((unseen.names, unseen.share, unseen.is_exact), (vec!["c".to_owned()], 0.5, true));
    assert_eq!(report.columns[word].statistic, Some(f64::INFINITY));
    assert_eq!(report.columns[image].method, Some(Method::Mmd));
    assert_eq!(report.columns[image].verdict, Verdict::Drift);
    assert!(report.columns.iter().all(|column| column.bounds.is_none()));

    // One that does not fit gives way, unless the column is named.
    let ks = Choices { method: Some("ks".to_owned()), ..Choices::default() };
    let methods: Vec<_> = compare(&ks).unwrap().report.columns.iter().map(|column| column.method).collect();
    assert_eq!((methods[age], methods[image]), (Some(Method::KolmogorovSmirnov), Some(Method::Mmd)));
    for (name, method) in [("word", "ks"), ("image", "psi"), ("age", "no such"), ("ages", "ks")] {
        let method_of = HashMap::from([(name.to_owned(), method.to_owned())]);
        let named = Choices { method_of: method_of.into_iter().collect(), ..Choices::default() };
        assert!(compare(&named).is_err(), "{name} {method}");
    }
}
