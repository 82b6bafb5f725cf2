//! Whether what happened agrees with what was predicted.

use crate::error::{Result, error};
use serde_json::{Map, Value as Json};

/// How far the sum of a probability vector may be from one.
const SUM_TOLERANCE: f64 = 1e-3;
/// Outputs that name a class, whatever other integers or strings the model returns beside it.
const LABEL_OUTPUTS: [&str; 6] = ["label", "output_label", "class", "classes", "class_label", "predicted_label"];
/// Fields of an outcome that hold the true class.
const CLASS_FIELDS: [&str; 2] = ["class", "label"];

/// Compares ground truth with a prediction, both JSON: the prediction an object of values by output name.
///
/// The outcome is the true class (a string, an integer or a boolean) bare, in a field `class` or `label`, or under the names
/// of the outputs it belongs to; for a batch a list with one class a row. The predicted class is that of the named output,
/// else of the label output (integers, strings or booleans), else the likeliest key of a class map, else the position of the
/// largest value of a probability vector (within [0, 1], summing to 1 within 1e-3), else, when `is_classifier` (the
/// prediction has a confidence), whether a single probability is at least one half.
///
/// A batch is correct when all its rows are. The answer is `None` when it is not known: no class was predicted, several
/// outputs might be it, the number of rows differs, or the truth is no class, such as 1.5 or an object.
///
/// # Errors
/// `INVALID_JSON` when one of the texts is not JSON.
pub fn compare_outcome(prediction: &str, outcome: &str, is_classifier: bool) -> Result<Option<bool>> {
    let parse = |name: &str, text: &str| {
        serde_json::from_str::<Json>(text).map_err(|problem| error!(InvalidJson, "{name} is not valid JSON: {problem}"))
    };
    let (prediction, outcome) = (parse("prediction", prediction)?, parse("outcome", outcome)?);
    let Json::Object(outputs) = &prediction else { return Ok(None) };
    Ok(match &outcome {
        Json::Object(fields) => compare_fields(outputs, fields, is_classifier),
        bare => compare_truth(predicted_classes(outputs, is_classifier), bare),
    })
}

fn compare_fields(outputs: &Map<String, Json>, fields: &Map<String, Json>, is_classifier: bool) -> Option<bool> {
    let named: Vec<_> = fields.iter().filter_map(|(name, truth)| Some((outputs.get(name)?, truth))).collect();
    if named.is_empty() {
        let truth = CLASS_FIELDS.iter().find_map(|field| fields.get(*field))?;
        return compare_truth(predicted_classes(outputs, is_classifier), truth);
    }
    let mut correct = true;
    for (output, truth) in named {
        correct &= compare_truth(classes_of(output, is_classifier), truth)?;
    }
    Some(correct)
}

fn compare_truth(predicted: Option<Vec<Class>>, truth: &Json) -> Option<bool> {
    let predicted = predicted?;
    let truths: Vec<Class> = match truth {
        Json::Array(rows) => rows.iter().map(|row| Class::of(only_element(row))).collect::<Option<_>>()?,
        bare => vec![Class::of(bare)?],
    };
    (!truths.is_empty() && truths.len() == predicted.len()).then_some(truths == predicted)
}

/// The class of each row, from the output that tells it.
fn predicted_classes(outputs: &Map<String, Json>, is_classifier: bool) -> Option<Vec<Class>> {
    let labels: Vec<_> = outputs.iter().filter_map(|(name, value)| Some((name.as_str(), labels(value)?))).collect();
    match labels.as_slice() {
        [] => {}
        [(_, classes)] => return Some(classes.clone()),
        several => {
            let (_, classes) = several.iter().find(|(name, _)| LABEL_OUTPUTS.contains(name))?;
            return Some(classes.clone());
        }
    }
    only(outputs.values().filter_map(class_maps))
        .or_else(|| only(outputs.values().filter_map(probability_vectors)))
        .or_else(|| only(outputs.values().filter_map(|value| binary_probabilities(value, is_classifier))))
}

fn classes_of(output: &Json, is_classifier: bool) -> Option<Vec<Class>> {
    labels(output)
        .or_else(|| class_maps(output))
        .or_else(|| probability_vectors(output))
        .or_else(|| binary_probabilities(output, is_classifier))
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    found.next().filter(|_| found.next().is_none())
}

/// A class as text: 1, "1" and the map key "1" are the same.
#[derive(Debug, Clone)]
struct Class(String);

impl Class {
    fn of(value: &Json) -> Option<Self> {
        match value {
            Json::String(text) => Some(Self(text.clone())),
            Json::Bool(truth) => Some(Self(truth.to_string())),
            Json::Number(number) if number.is_f64() => {
                let number = number.as_f64()?;
                (number.fract() == 0.0 && number.abs() < 1e15).then(|| Self((number as i64).to_string()))
            }
            Json::Number(number) => Some(Self(number.to_string())),
            _ => None,
        }
    }

    /// A boolean is also the class 0 or 1.
    fn canonical(&self) -> &str {
        match self.0.as_str() {
            "false" => "0",
            "true" => "1",
            other => other,
        }
    }
}

impl PartialEq for Class {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

/// The element of a list of one, however nested: `[N, 1]` outputs are columns.
fn only_element(value: &Json) -> &Json {
    let mut value = value;
    while let Json::Array(elements) = value {
        let [element] = elements.as_slice() else { break };
        value = element;
    }
    value
}

fn rows(value: &Json) -> &[Json] {
    match value {
        Json::Array(rows) => rows,
        row => std::slice::from_ref(row),
    }
}

fn labels(value: &Json) -> Option<Vec<Class>> {
    let classes: Vec<Class> = rows(value).iter().map(|row| label(only_element(row))).collect::<Option<_>>()?;
    (!classes.is_empty()).then_some(classes)
}

fn label(value: &Json) -> Option<Class> {
    match value {
        // How outputs write floats that JSON cannot carry.
        Json::String(text) if matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") => None,
        Json::Number(number) if number.is_f64() => None,
        other => Class::of(other),
    }
}

fn class_maps(value: &Json) -> Option<Vec<Class>> {
    let likeliest = |row: &Json| {
        let Json::Object(classes) = row else { return None };
        let probabilities: Vec<f64> = classes.values().map(Json::as_f64).collect::<Option<_>>()?;
        Some(Class(classes.keys().nth(largest(&probabilities)?)?.clone()))
    };
    let classes: Vec<Class> = rows(value).iter().map(likeliest).collect::<Option<_>>()?;
    (!classes.is_empty()).then_some(classes)
}

fn probability_vectors(value: &Json) -> Option<Vec<Class>> {
    let position = |row: &Json| {
        let Json::Array(elements) = row else { return None };
        let probabilities: Vec<f64> = elements.iter().map(Json::as_f64).collect::<Option<_>>()?;
        let sum: f64 = probabilities.iter().sum();
        let valid = probabilities.len() > 1
            && probabilities.iter().all(|p| (0.0..=1.0 + SUM_TOLERANCE).contains(p))
            && (sum - 1.0).abs() <= SUM_TOLERANCE;
        valid.then(|| largest(&probabilities)).flatten().map(|at| Class(at.to_string()))
    };
    if let Some(single) = position(value) {
        return Some(vec![single]);
    }
    let Json::Array(batch) = value else { return None };
    let classes: Vec<Class> = batch.iter().map(position).collect::<Option<_>>()?;
    (!classes.is_empty()).then_some(classes)
}

fn binary_probabilities(value: &Json, is_classifier: bool) -> Option<Vec<Class>> {
    let class = |row: &Json| {
        let p = only_element(row).as_f64()?;
        (0.0..=1.0).contains(&p).then(|| Class(u8::from(p >= 0.5).to_string()))
    };
    let classes: Vec<Class> = rows(value).iter().map(class).collect::<Option<_>>()?;
    (is_classifier && !classes.is_empty()).then_some(classes)
}

/// The position of the first largest value.
fn largest(values: &[f64]) -> Option<usize> {
    values.iter().enumerate().rev().max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORRECT: Option<bool> = Some(true);
    const WRONG: Option<bool> = Some(false);

    fn compare(prediction: &str, outcome: &str) -> Option<bool> {
        compare_outcome(prediction, outcome, false).unwrap()
    }

    #[test]
    fn a_label_output_is_the_predicted_class() {
        let zipmap = r#"{"output_label":2,"output_probability":{"0":0.1,"1":0.5,"2":0.4}}"#;
        for outcome in
            ["2", "\"2\"", "2.0", "[2]", "[[2]]", r#"{"class":2}"#, r#"{"label":"2"}"#, r#"{"output_label":2}"#]
        {
            assert_eq!(compare(zipmap, outcome), CORRECT, "{outcome}");
        }
        for outcome in ["1", "\"two\"", "true", r#"{"class":0,"note":"seen"}"#] {
            assert_eq!(compare(zipmap, outcome), WRONG, "{outcome}");
        }
        for outcome in ["null", "2.5", "[]", "[2,2]", r#"{"klass":2}"#, r#"{"class":null}"#, r#"{"class":{"is":2}}"#] {
            assert_eq!(compare(zipmap, outcome), None, "{outcome}");
        }
        assert_eq!(compare(r#"{"label":"class_2","p":[0.5,0.5]}"#, "\"class_2\""), CORRECT);
        assert_eq!(compare(r#"{"label":"9007199254740993"}"#, "9007199254740993"), CORRECT);
    }

    #[test]
    fn an_output_can_be_named() {
        let prediction = r#"{"output_label":2,"output_probability":{"0":0.1,"1":0.5,"2":0.4}}"#;
        assert_eq!(compare(prediction, r#"{"output_probability":1}"#), CORRECT);
        assert_eq!(compare(prediction, r#"{"output_label":2,"output_probability":1}"#), CORRECT);
        assert_eq!(compare(prediction, r#"{"output_label":2,"output_probability":2}"#), WRONG);
        assert_eq!(compare(prediction, r#"{"output_label":2,"output_probability":[0,1,0]}"#), None);
        // An output of that name comes before the field `class`.
        assert_eq!(compare(r#"{"class":[0.25,0.75],"label":0}"#, r#"{"class":1}"#), CORRECT);
    }

    #[test]
    fn without_a_label_the_likeliest_class_is_predicted() {
        assert_eq!(compare(r#"{"p":{"bad":0.1,"good":0.9}}"#, "\"good\""), CORRECT);
        assert_eq!(compare(r#"{"p":{"0":0.1,"1":0.9}}"#, r#"{"class":1}"#), CORRECT);
        assert_eq!(compare(r#"{"p":{"false":0.1,"true":0.9}}"#, "true"), CORRECT);
        assert_eq!(compare(r#"{"output":[0.8,0.2]}"#, r#"{"class":0}"#), CORRECT);
        assert_eq!(compare(r#"{"output":[0.8,0.2]}"#, r#"{"class":1}"#), WRONG);
        assert_eq!(compare(r#"{"output":[[0.8,0.2]]}"#, "0"), CORRECT);
        assert_eq!(compare(r#"{"output":[0.5,0.5]}"#, "0"), CORRECT);
        // No probabilities: a regression, logits, too many.
        for prediction in [
            r#"{"y":[1.5]}"#,
            r#"{"y":[3.0,-1.0]}"#,
            r#"{"a":[0.8,0.2],"b":[0.2,0.8]}"#,
            r#"{"y":["NaN"]}"#,
            "[0.8,0.2]",
        ] {
            assert_eq!(compare(prediction, "0"), None, "{prediction}");
        }
    }

    #[test]
    fn a_single_probability_counts_for_a_classifier_only() {
        for (prediction, outcome, correct) in [
            (r#"{"y":[0.7]}"#, "1", CORRECT),
            (r#"{"y":0.3}"#, "false", CORRECT),
            (r#"{"y":[0.3]}"#, r#"{"class":1}"#, WRONG),
            (r#"{"y":[[0.7],[0.2]]}"#, "[1,0]", CORRECT),
            (r#"{"y":[7.0]}"#, "1", None),
        ] {
            assert_eq!(compare_outcome(prediction, outcome, true).unwrap(), correct, "{prediction}");
            assert_eq!(compare(prediction, outcome), None, "{prediction}");
        }
    }

    #[test]
    fn a_batch_is_correct_when_every_row_is() {
        let prediction = r#"{"label":[2,0],"p":[[0.1,0.2,0.7],[0.8,0.1,0.1]]}"#;
        assert_eq!(compare(prediction, "[2,0]"), CORRECT);
        assert_eq!(compare(prediction, r#"{"class":[[2],[0]]}"#), CORRECT);
        assert_eq!(compare(prediction, r#"{"p":[2,0]}"#), CORRECT);
        assert_eq!(compare(prediction, "[2,1]"), WRONG);
        for outcome in ["2", "[2]", "[2,0,1]", "[2,null]", "[2,0.5]"] {
            assert_eq!(compare(prediction, outcome), None, "{outcome}");
        }
        assert_eq!(compare(r#"{"p":[{"a":0.9,"b":0.1},{"a":0.2,"b":0.8}]}"#, r#"["a","b"]"#), CORRECT);
        assert_eq!(compare(r#"{"label":[[1],[0]]}"#, "[true,false]"), CORRECT);
    }

    #[test]
    fn of_several_labels_the_one_called_so_decides() {
        assert_eq!(compare(r#"{"id":7,"label":1}"#, "1"), CORRECT);
        assert_eq!(compare(r#"{"id":7,"token":1}"#, "1"), None);
        assert_eq!(compare(r#"{"id":7,"token":1}"#, r#"{"token":1}"#), CORRECT);
    }

    #[test]
    fn hostile_texts_are_refused() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "NaN", deep.as_str()] {
            assert!(compare_outcome("{}", text, false).is_err());
            assert!(compare_outcome(text, "1", false).is_err());
        }
    }
}
