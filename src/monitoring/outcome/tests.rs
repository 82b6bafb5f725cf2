use super::*;
use serde_json::json;

const CORRECT: Option<bool> = Some(true);
const WRONG: Option<bool> = Some(false);

/// Of a prediction whose outputs are described by `(name, rest of the description)`.
fn judge(described: &[(&str, &str)], labels: &[&str], prediction: &str, outcome: &str) -> Comparison {
    let outputs: Vec<_> = described.iter().map(|(name, rest)| format!(r#"{{"name":"{name}",{rest}}}"#)).collect();
    let outputs = format!(r#"{{"outputs":[{}]}}"#, outputs.join(","));
    let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    let labels = (!labels.is_empty()).then_some(labels.as_slice());
    let maker = Maker { outputs: Some(&outputs), labels, confident_rows: None };
    compare_outcome(prediction, outcome, &maker).unwrap()
}

/// Of a prediction whose model is not known any more.
fn alone(prediction: &str, outcome: &str, confident_rows: Option<usize>) -> Option<bool> {
    let maker = Maker { confident_rows, ..Maker::default() };
    compare_outcome(prediction, outcome, &maker).unwrap().correct
}

const INT_LABEL: &str = r#""dtype":"int64","shape":[-1],"role":"label""#;
const TEXT_LABEL: &str = r#""dtype":"string","shape":[-1],"role":"label","classes":["cat","dog","eel"]"#;
const SCORES: &str = r#""dtype":"float32","shape":[-1,3],"role":"scores""#;
const FLOATS: &str = r#""dtype":"float32","shape":[-1,1]"#;
const INTS: &str = r#""dtype":"int64","shape":[-1,1]"#;

#[test]
fn a_label_is_compared_whatever_its_spelling() {
    let big = "9007199254740993";
    for (prediction, outcome, correct) in [
        ("2", "2", CORRECT),
        ("2", "\"2\"", CORRECT),
        ("2", "2.0", CORRECT),
        ("2", "\"2.0\"", CORRECT),
        ("2", "[2]", CORRECT),
        ("[[2]]", "[2]", CORRECT),
        ("2.0", "2", CORRECT),
        ("2", r#"{"class":2}"#, CORRECT),
        ("2", r#"{"label":"2"}"#, CORRECT),
        ("2", r#"{"y":2}"#, CORRECT),
        ("1", "true", CORRECT),
        ("0", "\"False\"", CORRECT),
        ("2", "1", WRONG),
        ("2", "true", WRONG),
        ("-1", "1", WRONG),
        ("2", r#"{"class":0,"note":"seen"}"#, WRONG),
        (&format!("\"{big}\""), big, CORRECT),
        (&format!("\"{big}\""), &format!("\"{big}\""), CORRECT),
        (&format!("\"{big}\""), "9007199254740992", WRONG),
        (&format!("\"{big}\""), "9007199254740993.0", None),
        // A name says nothing of an integer.
        ("2", "\"two\"", None),
        ("2", "null", None),
        ("2", "2.5", None),
        ("2", "[]", None),
        ("2", "[2,2]", None),
        ("2", r#"{"klass":2}"#, None),
        ("2", r#"{"class":null}"#, None),
        ("2", r#"{"class":{"is":2}}"#, None),
    ] {
        let prediction = format!(r#"{{"y":{prediction}}}"#);
        let found = judge(&[("y", INT_LABEL)], &[], &prediction, outcome);
        assert_eq!((found.correct, found.deviation), (correct, None), "{prediction} {outcome}");
    }
}

#[test]
fn names_and_positions_of_classes_are_the_same() {
    let labels = ["setosa", "versicolor", "virginica"];
    for (output, labels, prediction, outcome, correct) in [
        (TEXT_LABEL, &[][..], "\"dog\"", "\"dog\"", CORRECT),
        (TEXT_LABEL, &[], "\"dog\"", "1", CORRECT),
        (TEXT_LABEL, &[], "\"dog\"", "\"1\"", CORRECT),
        (TEXT_LABEL, &[], "\"dog\"", "0", WRONG),
        (TEXT_LABEL, &[], "\"dog\"", "\"nothing\"", WRONG),
        (TEXT_LABEL, &[], "\"dog\"", "3", None),
        (TEXT_LABEL, &labels, "\"dog\"", "\"versicolor\"", CORRECT),
        (INT_LABEL, &labels, "0", "\"setosa\"", CORRECT),
        (INT_LABEL, &labels, "0", "\"virginica\"", WRONG),
        (INT_LABEL, &labels, "0", "\"rose\"", WRONG),
        (INT_LABEL, &labels, "0", "0", CORRECT),
        (INT_LABEL, &labels, "7", "\"setosa\"", None),
        (SCORES, &[], "[0.1,0.7,0.2]", "1", CORRECT),
        (SCORES, &[], "[[0.1,0.7,0.2]]", "\"1.0\"", CORRECT),
        (SCORES, &[], "[0.1,0.7,0.2]", "2", WRONG),
        (SCORES, &[], "[0.1,0.7,0.2]", "3", None),
        (SCORES, &[], "[0.1,0.7,0.2]", "\"versicolor\"", None),
        (SCORES, &labels, "[0.1,0.7,0.2]", "\"versicolor\"", CORRECT),
        (SCORES, &labels, "[0.1,0.7,0.2]", "\"setosa\"", WRONG),
        (SCORES, &labels[..2], "[0.1,0.7,0.2]", "\"setosa\"", None),
        (SCORES, &labels, "[[0.1,0.7,0.2],[1,0,0]]", r#"["versicolor",0]"#, CORRECT),
        // Classes that are integers are no positions.
        (r#""dtype":"int64","role":"label","classes":["1","2","3"]"#, &labels, "1", "\"setosa\"", CORRECT),
        (r#""dtype":"int64","role":"label","classes":["1","2","3"]"#, &labels, "1", "1", CORRECT),
        (r#""dtype":"int64","role":"label","classes":["1","2","3"]"#, &labels, "1", "0", WRONG),
        (r#""type":"seq(map(string,tensor(float32)))""#, &[], r#"{"bad":0.1,"good":0.9}"#, "\"good\"", CORRECT),
        (r#""type":"seq(map(string,tensor(float32)))""#, &[], r#"[{"bad":0.1,"good":0.9}]"#, "1", CORRECT),
        (r#""type":"seq(map(int64,tensor(float32)))""#, &[], r#"{"0":0.1,"1":0.9}"#, "true", CORRECT),
        (r#""type":"seq(map(int64,tensor(float32)))""#, &[], r#"{"0":0.1,"1":0.9}"#, "\"good\"", None),
    ] {
        let prediction = format!(r#"{{"y":{prediction}}}"#);
        let found = judge(&[("y", output)], labels, &prediction, outcome);
        assert_eq!((found.correct, found.deviation), (correct, None), "{output} {prediction} {outcome}");
    }
}

#[test]
fn scores_of_places_and_without_a_batch() {
    for (shape, prediction, outcome, correct) in [
        ("[1,3,1,1]", "[[[[0.1]],[[0.7]],[[0.2]]]]", "1", CORRECT),
        ("[-1,3,1,1]", "[[[0.1]],[[0.7]],[[0.2]]]", "1", CORRECT),
        ("[-1,3,1,1]", "[[[0.1]],[[0.7]],[[0.2]]]", "0", WRONG),
        ("[3]", "[0.1,0.7,0.2]", "1", CORRECT),
        ("[3]", "[0.1,0.7,0.2]", "[1]", CORRECT),
        ("[-1,3]", "[[0.1,0.7,0.2],[0.5,0.3,0.2]]", "[1,0]", CORRECT),
        ("[-1,3]", "[[0.1,0.7,0.2],[0.5,0.3,0.2]]", "1", None),
        // Scores of each token.
        ("[-1,2,3]", "[[0.1,0.7,0.2],[0.5,0.3,0.2]]", "1", None),
        ("null", "[0.1,0.7,0.2]", "1", None),
    ] {
        let output = format!(r#""dtype":"float32","shape":{shape},"role":"scores""#);
        let found = judge(&[("y", &output)], &[], &format!(r#"{{"y":{prediction}}}"#), outcome);
        assert_eq!(found.correct, correct, "{shape} {prediction} {outcome}");
    }
}

#[test]
fn what_is_no_label_is_not_taken_for_one() {
    let prediction = r#"{"id":7,"p":[0.1,0.7,0.2]}"#;
    assert_eq!(judge(&[("id", INTS), ("p", SCORES)], &[], prediction, "1").correct, CORRECT);
    assert_eq!(judge(&[("id", INTS), ("p", SCORES)], &[], prediction, "7").correct, None);
    let with_label = [("id", INTS), ("code", r#""dtype":"string","shape":[-1]"#), ("label", INT_LABEL)];
    let prediction = r#"{"id":7,"code":"a","label":1}"#;
    assert_eq!(judge(&with_label, &[], prediction, "1").correct, CORRECT);
    assert_eq!(judge(&with_label, &[], prediction, r#"{"label":1,"code":"a"}"#).correct, CORRECT);
    assert_eq!(judge(&with_label, &[], prediction, r#"{"label":1,"code":"b"}"#).correct, WRONG);
    let two = [("a", INT_LABEL), ("b", INT_LABEL)];
    assert_eq!(judge(&two, &[], r#"{"a":1,"b":2}"#, "1").correct, None);
    assert_eq!(judge(&two, &[], r#"{"a":1,"b":2}"#, r#"{"b":2}"#).correct, CORRECT);
    // An output of that name comes before the field.
    let named = [("class", SCORES), ("label", INT_LABEL)];
    assert_eq!(judge(&named, &[], r#"{"class":[0.25,0.75,0],"label":0}"#, r#"{"class":1}"#).correct, CORRECT);
}

#[test]
fn a_batch_is_correct_when_every_row_is() {
    let described = [("label", INT_LABEL), ("p", SCORES)];
    let prediction = r#"{"label":[2,0],"p":[[0.1,0.2,0.7],[0.8,0.1,0.1]]}"#;
    for (outcome, correct) in [
        ("[2,0]", CORRECT),
        (r#"{"class":[[2],[0]]}"#, CORRECT),
        (r#"{"p":[2,0]}"#, CORRECT),
        (r#"{"p":[2,0],"label":[2,1]}"#, WRONG),
        ("[2,1]", WRONG),
        ("2", None),
        ("[2]", None),
        ("[2,0,1]", None),
        ("[2,null]", None),
        ("[2,0.5]", None),
    ] {
        assert_eq!(judge(&described, &[], prediction, outcome).correct, correct, "{outcome}");
    }
    let several = r#""dtype":"int64","shape":[-1,2],"role":"label""#;
    assert_eq!(judge(&[("label", several)], &[], r#"{"label":[[1,0]]}"#, r#"{"label":[1,0]}"#).correct, CORRECT);
    assert_eq!(judge(&[("label", several)], &[], r#"{"label":[[1,0]]}"#, "[1,1]").correct, WRONG);
}

#[test]
fn a_regression_is_off_by_a_number_and_never_right_or_wrong() {
    let deviation = |count, mae, rmse: f64, bias| Some(Deviation { count, mae, rmse, bias });
    for (output, prediction, outcome, expected) in [
        (FLOATS, "[3.0]", "3", deviation(1, 0.0, 0.0, 0.0)),
        (FLOATS, "3", "2.5", deviation(1, 0.5, 0.5, 0.5)),
        (FLOATS, "[3.0]", r#"{"value":5}"#, deviation(1, 2.0, 2.0, -2.0)),
        (FLOATS, "[3.0]", r#"{"target":[[5]]}"#, deviation(1, 2.0, 2.0, -2.0)),
        (FLOATS, "[3.0]", r#"{"y":5}"#, deviation(1, 2.0, 2.0, -2.0)),
        (FLOATS, "[[3.0],[1.0]]", "[0,5]", deviation(2, 3.5, 12.5f64.sqrt(), -0.5)),
        (INTS, "[7]", "5", deviation(1, 2.0, 2.0, 2.0)),
        (INTS, r#"["9007199254740993"]"#, "9007199254740992", deviation(1, 1.0, 1.0, 1.0)),
        (FLOATS, "[3.0]", r#"{"class":3}"#, None),
        (FLOATS, "[3.0]", "\"3\"", None),
        (FLOATS, "[3.0]", "[3,3]", None),
        (FLOATS, r#"["NaN"]"#, "3", None),
        (FLOATS, "[1e300]", "-1e300", None),
        (FLOATS, "[3.0]", "null", None),
        (FLOATS, "[3.0]", "[]", None),
    ] {
        let found = judge(&[("y", output)], &[], &format!(r#"{{"y":{prediction}}}"#), outcome);
        assert_eq!((found.correct, found.deviation), (None, expected), "{prediction} {outcome}");
        assert_eq!(found.quality.is_nothing(), expected.is_none(), "{prediction} {outcome}");
    }
    let both = [("mean", FLOATS), ("deviation", FLOATS), ("label", INT_LABEL)];
    let prediction = r#"{"mean":[1.5],"deviation":[0.5],"label":[1]}"#;
    let named = judge(&both, &[], prediction, r#"{"mean":1,"label":1}"#);
    assert_eq!((named.correct, named.deviation), (CORRECT, deviation(1, 0.5, 0.5, 0.5)));
    // A classifier is one, whatever is asked of it.
    let scores = [("label", INT_LABEL), ("scores", FLOATS)];
    assert_eq!(judge(&scores, &[], r#"{"scores":[1.5]}"#, "1"), Comparison::default());
    let scores = [("p", r#""type":"seq(map(int64,tensor(float32)))""#), ("scores", FLOATS)];
    assert_eq!(judge(&scores, &[], r#"{"scores":[1.5]}"#, "1"), Comparison::default());
    let prediction = r#"{"mean":[1.5],"deviation":[0.5]}"#;
    assert_eq!(judge(&both[..2], &[], prediction, "1"), Comparison::default(), "which of them?");
}

#[test]
fn a_confidence_says_that_numbers_are_probabilities() {
    for (prediction, outcome, rows, correct) in [
        (r#"{"y":[0.7]}"#, "1", Some(0), CORRECT),
        (r#"{"y":0.3}"#, "false", Some(0), CORRECT),
        (r#"{"y":[0.3]}"#, r#"{"class":1}"#, Some(0), WRONG),
        (r#"{"y":[[0.7],[0.2]]}"#, "[1,0]", Some(2), CORRECT),
        (r#"{"y":[0.7,0.3]}"#, "[1,0]", Some(2), CORRECT),
        (r#"{"y":[0.7,0.3]}"#, "0", Some(0), CORRECT),
        (r#"{"y":[[0.7,0.3]]}"#, "0", Some(1), CORRECT),
        (r#"{"y":[0.5,0.5]}"#, "0", Some(0), CORRECT),
        (r#"{"a":[0.8,0.2],"b":[0.2,0.8]}"#, "0", Some(0), None),
        (r#"{"y":["NaN"]}"#, "0", Some(0), None),
        (r#"{"y":[0.7]}"#, "1", None, None),
        (r#"{"y":[0.8,0.2]}"#, "0", None, None),
        (r#"{"label":2,"y":[0.1]}"#, "2", None, CORRECT),
        (r#"{"id":2,"y":[0.1]}"#, "2", None, None),
        ("[0.8,0.2]", "0", Some(0), None),
    ] {
        assert_eq!(alone(prediction, outcome, rows), correct, "{prediction} {outcome} {rows:?}");
    }
}

#[test]
fn hostile_texts_are_refused() {
    let deep = "[".repeat(100_000);
    for text in ["", "{", "NaN", "1e400", deep.as_str()] {
        assert!(compare_outcome("{}", text, &Maker::default()).is_err());
        assert!(compare_outcome(text, "1", &Maker::default()).is_err());
    }
    for outputs in ["", "[]", r#"{"outputs":[{"name":1}]}"#, r#"{"outputs":7}"#] {
        let maker = Maker { outputs: Some(outputs), ..Maker::default() };
        assert_eq!(compare_outcome(r#"{"label":1}"#, "1", &maker).unwrap().correct, CORRECT, "{outputs}");
    }
}

#[test]
fn a_class_has_one_name_and_its_probability() {
    let labels = ["setosa", "versicolor", "virginica"];
    let described = [("label", INT_LABEL), ("p", SCORES)];
    let quality = |labels: &[&str], outcome: &str| {
        let found = judge(&described, labels, r#"{"label":[1],"p":[[0.25,0.5,0.25]]}"#, outcome).quality;
        serde_json::to_value(found.answer()).unwrap()
    };
    for outcome in ["2", "\"virginica\"", "2.0", "\"2\"", r#"{"label":[2]}"#] {
        let found = quality(&labels, outcome);
        assert_eq!(found["classes"], json!(labels), "{outcome}");
        let matrix = json!([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
        assert_eq!((&found["confusionMatrix"], &found["restCount"]), (&matrix, &json!(0)));
        assert_eq!((&found["logLoss"], &found["brier"]), (&json!(4f64.ln()), &json!(0.875)));
        let bin = &found["calibration"]["reliability"][0];
        assert_eq!((&bin["lower"], &bin["meanConfidence"], &bin["accuracy"]), (&json!(0.5), &json!(0.5), &json!(0.0)));
        assert_eq!((&found["perClass"][2]["support"], &found["perClass"][2]["rocAuc"]), (&json!(1.0), &Json::Null));
    }
    // None of the model's classes: its row is wrong, and says nothing of the probabilities.
    let rose = quality(&labels, "\"rose\"");
    assert_eq!((&rose["restCount"], &rose["count"], &rose["accuracy"]), (&json!(1), &json!(1), &json!(0.0)));
    assert_eq!((&rose["probabilityCount"], &rose["logLoss"]), (&json!(0), &Json::Null));
    assert_eq!(
        (&rose["classes"], &rose["confusionMatrix"]),
        (&json!(["versicolor"]), &json!([[0.0, 0.0], [1.0, 0.0]]))
    );
    assert_eq!(quality(&[], "0")["classes"], json!(["0", "1", "2"]));
    assert_eq!(quality(&[], "\"rose\""), Json::Null);
    assert_eq!(quality(&labels, r#"{"label":[2],"p":[2]}"#), Json::Null, "of which output?");
    // Names that two classes share are none.
    assert_eq!(quality(&["a", "b", "a"], "2")["classes"], json!(["0", "1", "2"]));
}

#[test]
fn maps_and_single_probabilities_tell_those_of_all_classes() {
    let maps = [("p", r#""type":"seq(map(string,tensor(float32)))""#)];
    let of_map = judge(&maps, &[], r#"{"p":[{"bad":0.25,"good":0.75}]}"#, "0").quality;
    let maker = Maker { confident_rows: Some(1), labels: Some(&["bad".into(), "good".into()]), ..Maker::default() };
    let of_sigmoid = compare_outcome(r#"{"p":[0.75]}"#, "0", &maker).unwrap().quality;
    assert_eq!(of_map, of_sigmoid);
    let found = serde_json::to_value(of_map.answer()).unwrap();
    assert_eq!((&found["brier"], &found["logLoss"]), (&json!(0.5625), &json!(4f64.ln())));
    // Maps of other classes, and scores that are no probabilities.
    let other = judge(&maps, &[], r#"{"p":[{"bad":0.25,"good":0.75},{"good":0.5,"bad":0.5}]}"#, "[0,0]").quality;
    assert_eq!(serde_json::to_value(other.answer()).unwrap()["probabilityCount"], json!(0));
    let margins = judge(&[("p", SCORES)], &[], r#"{"p":[[0.5,1.5,-1.0]]}"#, "1").quality;
    let found = serde_json::to_value(margins.answer()).unwrap();
    assert_eq!((&found["accuracy"], &found["probabilityCount"]), (&json!(1.0), &json!(0)));
}

#[test]
fn of_many_classes_the_first_are_told_apart() {
    let scores = r#""dtype":"float32","shape":[-1,100],"role":"scores""#;
    let mut shares = vec![0.5 / 99.0; 100];
    shares[99] = 0.5;
    let of = |outcome: &str| {
        let found = judge(&[("p", scores)], &[], &json!({ "p": [shares] }).to_string(), outcome);
        (found.correct, serde_json::to_value(found.quality.answer()).unwrap())
    };
    let (correct, right) = of("99");
    assert_eq!((correct, &right["accuracy"], &right["classes"]), (CORRECT, &json!(1.0), &json!([])));
    assert_eq!((&right["confusionMatrix"], &right["macro"]["f1"]), (&json!([[1.0]]), &Json::Null));
    assert_eq!(right["logLoss"], json!(2f64.ln()));
    let (correct, wrong) = of("98");
    assert_eq!((correct, &wrong["accuracy"], &wrong["confusionMatrix"]), (WRONG, &json!(0.0), &json!([[1.0]])));
    assert_eq!(of("7").1["classes"], json!(["7"]));
    // A name of any length, of a model whose classes are not known.
    let found = judge(
        &[("y", r#""dtype":"string","role":"label""#)],
        &[],
        &json!({ "y": "x".repeat(65) }).to_string(),
        "\"z\"",
    );
    assert_eq!(serde_json::to_value(found.quality.answer()).unwrap()["classes"], json!(["z"]));
}

#[test]
fn quality_is_kept_as_bytes() {
    let found = judge(&[("p", SCORES)], &[], r#"{"p":[[0.25,0.5,0.25],[1,0,0]]}"#, "[1,2]").quality;
    let bytes = found.to_bytes().unwrap();
    assert_eq!(QualitySums::from_bytes(&bytes), Some(found));
    for length in 0..bytes.len() {
        assert_eq!(QualitySums::from_bytes(&bytes[..length]), None, "{length}");
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            // What can be read can be merged and answered.
            let Some(read) = QualitySums::from_bytes(&damaged) else { continue };
            let mut sums = read.clone();
            sums.merge_times(&read, 1);
            sums.merge_times(&QualitySums::from_bytes(&bytes).unwrap(), -1);
            assert!(serde_json::to_value(sums.answer()).is_ok() && sums.r2().is_none());
        }
    }
}
