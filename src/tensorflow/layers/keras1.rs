//! Topologies of Keras 1, in the words of Keras 2.

use crate::error::{Result, error};
use serde_json::{Map, Value as Json};

/// What Keras 2 calls the fields.
const FIELDS: [(&str, &str); 9] = [
    ("border_mode", "padding"),
    ("subsample", "strides"),
    ("subsample_length", "strides"),
    ("stride", "strides"),
    ("atrous_rate", "dilation_rate"),
    ("bias", "use_bias"),
    ("inner_activation", "recurrent_activation"),
    ("nb_filter", "filters"),
    ("concat_axis", "axis"),
];

const CLASSES: [(&str, &str); 6] = [
    ("Convolution1D", "Conv1D"),
    ("Convolution2D", "Conv2D"),
    ("Convolution3D", "Conv3D"),
    ("AtrousConvolution2D", "Conv2D"),
    ("SeparableConvolution2D", "SeparableConv2D"),
    ("Deconvolution2D", "Conv2DTranspose"),
];

/// Renames what has other names now.
///
/// # Errors
/// `UNSUPPORTED_MODEL` for images that have their channels first: their kernels lie in another order.
pub fn modernize(json: &mut Json) -> Result<()> {
    match json {
        Json::Array(items) => items.iter_mut().try_for_each(modernize),
        Json::Object(fields) => {
            if fields.contains_key("class_name") {
                rename_class(fields);
            }
            if fields.get("dim_ordering").is_some_and(|order| order == "th") {
                return Err(error!(UnsupportedModel, "images with their channels first are not supported for Keras 1"));
            }
            for (old, new) in FIELDS {
                if let Some(value) = fields.remove(old) {
                    fields.entry(new).or_insert(value);
                }
            }
            fields.values_mut().try_for_each(modernize)
        }
        _ => Ok(()),
    }
}

fn rename_class(layer: &mut Map<String, Json>) {
    let class = layer["class_name"].as_str().unwrap_or_default();
    let mode = layer.get("config").and_then(|config| config["mode"].as_str()).unwrap_or_default();
    let merged = match (class, mode) {
        ("Merge", "sum") => Some("Add"),
        ("Merge", "mul") => Some("Multiply"),
        ("Merge", "ave") => Some("Average"),
        ("Merge", "max") => Some("Maximum"),
        ("Merge", "concat") => Some("Concatenate"),
        _ => None,
    };
    let renamed = CLASSES.iter().find(|(old, _)| *old == class).map(|(_, new)| *new);
    if let Some(new) = merged.or(renamed) {
        layer.insert("class_name".to_owned(), Json::from(new));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn old_names_are_replaced() {
        let mut topology = json!({"class_name": "Sequential", "config": [
            {"class_name": "Convolution2D", "config": {"border_mode": "same", "subsample": [2, 2], "bias": false, "dim_ordering": "tf"}},
            {"class_name": "Merge", "config": {"mode": "concat", "concat_axis": 1}},
        ]});
        modernize(&mut topology).unwrap();
        assert_eq!(topology["config"][0]["class_name"], "Conv2D");
        assert_eq!(topology["config"][0]["config"]["padding"], "same");
        assert_eq!(topology["config"][0]["config"]["strides"], json!([2, 2]));
        assert_eq!(topology["config"][0]["config"]["use_bias"], false);
        assert_eq!(topology["config"][1]["class_name"], "Concatenate");
        assert_eq!(topology["config"][1]["config"]["axis"], 1);
        assert!(modernize(&mut json!({"dim_ordering": "th"})).is_err());
    }
}
