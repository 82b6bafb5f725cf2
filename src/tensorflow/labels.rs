//! The names of a classifier's classes, as the programs that train models in browsers write them.

use crate::files::base_name;
use serde_json::Value as Json;

/// Whether a file of this name tells about a model.
pub fn may_hold_labels(name: &str) -> bool {
    let name = base_name(name).to_lowercase();
    name == "metadata.json" || name.ends_with("_meta.json")
}

/// The labels of `metadata.json` (Teachable Machine, for images, poses and sounds; the speech commands of TensorFlow.js) or of
/// ml5's `model_meta.json`.
pub fn of_file(json: &Json) -> Option<Vec<String>> {
    ["labels", "wordLabels", "words"].into_iter().find_map(|field| in_order(&json[field])).or_else(|| {
        let outputs = json["meta"]["outputs"].as_object().or_else(|| json["outputs"].as_object())?;
        let mut classes = outputs.values().filter(|output| output["dtype"] == "string");
        match (classes.next(), classes.next()) {
            (Some(only), None) => in_order(&only["legend"]).or_else(|| in_order(&only["uniqueValues"])),
            _ => None,
        }
    })
}

/// The labels within `model.json`: of ml5's feature extractor, or what its author added.
pub fn of_model(main: &Json) -> Option<Vec<String>> {
    in_order(&main["ml5Specs"]["mapStringToIndex"]).or_else(|| of_file(&main["userDefinedMetadata"]))
}

/// Labels as a list, or as an object with the index or the one-hot vector of each.
fn in_order(json: &Json) -> Option<Vec<String>> {
    match json {
        Json::Array(labels) if !labels.is_empty() => {
            labels.iter().map(|label| label.as_str().map(str::to_owned)).collect()
        }
        Json::Object(places) if !places.is_empty() => {
            let mut labels = vec![None; places.len()];
            for (label, place) in places {
                *labels.get_mut(index(place)?).filter(|label| label.is_none())? = Some(label.clone());
            }
            labels.into_iter().collect()
        }
        _ => None,
    }
}

fn index(place: &Json) -> Option<usize> {
    match place {
        Json::Array(hot) => hot.iter().position(|number| number.as_f64() == Some(1.0)),
        place => place.as_u64().and_then(|place| usize::try_from(place).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_have_many_places() {
        let hot = json!({"dtype": "string", "uniqueValues": ["b", "a"], "legend": {"a": [0, 1], "b": [1, 0]}});
        for (file, expected) in [
            (json!({"labels": ["a", "b"]}), Some(["a", "b"])),
            (json!({"wordLabels": ["a", "b"], "words": ["x"]}), Some(["a", "b"])),
            (json!({"words": ["a", "b"]}), Some(["a", "b"])),
            (json!({"meta": {"outputs": {"y": hot}}}), Some(["b", "a"])),
            (json!({"outputs": {"y": hot}}), Some(["b", "a"])),
            (json!({"outputs": {"y": {"dtype": "number"}}}), None),
            (json!({"outputs": {"y": hot, "z": hot}}), None),
            (json!({"labels": ["a", 2]}), None),
        ] {
            assert_eq!(
                of_file(&file).as_deref(),
                expected.map(|two| two.map(str::to_owned)).as_ref().map(|two| &two[..]),
                "{file}"
            );
        }
        for model in [
            json!({"ml5Specs": {"mapStringToIndex": ["a", "b"]}}),
            json!({"ml5Specs": {"mapStringToIndex": {"b": 1, "a": 0}}}),
            json!({"userDefinedMetadata": {"labels": ["a", "b"]}}),
        ] {
            assert_eq!(of_model(&model).unwrap(), ["a", "b"], "{model}");
        }
        for places in [json!({"a": 0, "b": 0}), json!({"a": 0, "b": 2}), json!({"a": [0, 0], "b": [1, 0]})] {
            assert_eq!(of_model(&json!({"ml5Specs": {"mapStringToIndex": places}})), None);
        }
    }
}
