//! Topologies in camelCase, as TensorFlow.js writes when it is asked to, in Python's spelling.

use serde_json::{Map, Value as Json};

/// Fields whose values are words of Keras.
const WORDS: [&str; 10] = [
    "activation",
    "recurrent_activation",
    "inner_activation",
    "data_format",
    "padding",
    "interpolation",
    "output_mode",
    "score_mode",
    "merge_mode",
    "fill_mode",
];

/// Places by the names of inputs and outputs, which are the author's.
const NAMED_PLACES: [&str; 2] = ["input_layers", "output_layers"];

/// Whether a field or a word of Keras is in camelCase.
pub fn has_camel_case(json: &Json) -> bool {
    match json {
        Json::Array(items) => items.iter().any(has_camel_case),
        Json::Object(fields) => fields.iter().any(|(name, value)| {
            let name_in_python = snake_case(name);
            is_camel_case(name)
                || (WORDS.contains(&name.as_str()) && spelled(value).is_some())
                || (!NAMED_PLACES.contains(&name_in_python.as_str()) && has_camel_case(value))
        }),
        _ => false,
    }
}

/// Spells fields and the words of Keras as Python does. Names of layers and classes stay.
pub fn spell(json: &mut Json) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(spell),
        Json::Object(fields) => {
            for (name, mut value) in std::mem::take(fields) {
                let renamed = if is_camel_case(&name) { snake_case(&name) } else { name.clone() };
                if !NAMED_PLACES.contains(&renamed.as_str()) || !value.is_object() {
                    spell(&mut value);
                }
                if WORDS.contains(&renamed.as_str())
                    && let Some(word) = spelled(&value)
                {
                    value = word;
                }
                insert(fields, renamed, value, name);
            }
        }
        _ => {}
    }
}

/// Where a field is there in both spellings, Python's counts.
fn insert(fields: &mut Map<String, Json>, renamed: String, value: Json, name: String) {
    if renamed == name || !fields.contains_key(&renamed) {
        fields.insert(renamed, value);
    }
}

/// The word in Python's spelling when it has another: a text, or a function that is wrapped.
fn spelled(value: &Json) -> Option<Json> {
    match value {
        Json::String(word) if is_camel_case(word) => Some(Json::from(snake_case(word))),
        Json::Object(fields) => {
            let field = ["class_name", "config"]
                .into_iter()
                .find(|field| fields.get(*field).and_then(Json::as_str).is_some_and(is_camel_case))?;
            let mut copy = fields.clone();
            copy.insert(field.to_owned(), Json::from(snake_case(fields[field].as_str().unwrap_or_default())));
            Some(Json::Object(copy))
        }
        _ => None,
    }
}

fn is_camel_case(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.contains(|letter: char| letter.is_ascii_uppercase())
}

/// `MultiHeadAttention` as `multi_head_attention`, `Conv2D` as `conv2d`: as Keras and TensorFlow.js spell names.
pub fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut made = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        if letter.is_ascii_uppercase()
            && let Some(before) = before
            && (before.is_ascii_lowercase() || after.is_some_and(char::is_ascii_lowercase))
        {
            made.push('_');
        }
        made.push(letter.to_ascii_lowercase());
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_and_words_are_spelled_as_in_python() {
        let mut topology = json!({"className": "Functional", "config": {"name": "myModel", "layers": [
            {"className": "Conv2D", "config": {"name": "myLayer", "dataFormat": "channelsFirst", "kernelSize": [1, 1],
                "activation": "hardSigmoid"}, "inboundNodes": [[["myInput", 0, 0, {}]]]},
            {"className": "Dense", "config": {"activation": {"className": "function", "config": "logSoftmax"}}},
        ], "inputLayers": {"theInput": ["myInput", 0, 0]}}});
        assert!(has_camel_case(&topology));
        spell(&mut topology);
        assert!(!has_camel_case(&topology));
        let layer = &topology["config"]["layers"][0];
        assert_eq!(layer["class_name"], "Conv2D");
        assert_eq!(layer["config"]["data_format"], "channels_first");
        assert_eq!(layer["config"]["activation"], "hard_sigmoid");
        assert_eq!(layer["config"]["name"], "myLayer");
        assert_eq!(layer["inbound_nodes"][0][0][0], "myInput");
        assert_eq!(topology["config"]["layers"][1]["config"]["activation"]["config"], "log_softmax");
        assert_eq!(topology["config"]["input_layers"], json!({"theInput": ["myInput", 0, 0]}));
    }

    #[test]
    fn what_python_wrote_counts() {
        for mut both in [json!({"useBias": true, "use_bias": false}), json!({"use_bias": false, "useBias": true})] {
            spell(&mut both);
            assert_eq!(both, json!({"use_bias": false}));
        }
        assert!(!has_camel_case(&json!({"padding": "same", "name": "aB", "class_name": "Conv2D"})));
        assert!(has_camel_case(&json!({"data_format": "channelsLast"})));
    }

    #[test]
    fn names_are_spelled_as_keras_does() {
        for (class, folder) in [
            ("MultiHeadAttention", "multi_head_attention"),
            ("Conv2D", "conv2d"),
            ("ConvLSTM2D", "conv_lstm2d"),
            ("Conv1DTranspose", "conv1d_transpose"),
            ("PReLU", "p_re_lu"),
            ("GRUCell", "gru_cell"),
            ("batchInputShape", "batch_input_shape"),
        ] {
            assert_eq!(snake_case(class), folder);
        }
    }
}
