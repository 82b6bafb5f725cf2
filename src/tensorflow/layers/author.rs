//! Who wrote a layers-model. What a layer means has changed, so this decides what is computed.

use serde_json::Value as Json;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keras {
    /// Keras 1 and 2.
    Two,
    Three,
    TensorFlowJs,
}

impl Keras {
    /// Decides by the version and, because exporters leave it out or write TensorFlow's there, by what only Keras 3 writes.
    /// `generator` is `generatedBy` of the file.
    pub fn of(topology: &Json, version: Option<&str>, generator: Option<&str>) -> Self {
        let generator = generator.unwrap_or_default();
        match version {
            Some(version) if version.starts_with("tfjs") => Self::TensorFlowJs,
            Some(version) if is_three(version) => Self::Three,
            _ if has_form_of_three(topology) => Self::Three,
            None if generator.contains("tfjs") => Self::TensorFlowJs,
            _ if generator
                .strip_prefix("keras")
                .is_some_and(|rest| is_three(rest.trim_start_matches([' ', 'v', '-']))) =>
            {
                Self::Three
            }
            _ => Self::Two,
        }
    }
}

fn is_three(version: &str) -> bool {
    version.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major >= 3)
}

/// Calls as objects, policies as element types, the modules of its sources, and inputs with `batch_shape`.
fn has_form_of_three(json: &Json) -> bool {
    match json {
        Json::Array(items) => items.iter().any(has_form_of_three),
        Json::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Json::as_str).unwrap_or_default();
            let (class, module) = (text("class_name"), text("module"));
            class == "__keras_tensor__"
                || class.ends_with("DTypePolicy")
                || class == "DTypePolicyMap"
                || module.contains(".src.ops.")
                || module.starts_with("keras.src.models.")
                || (class == "InputLayer"
                    && fields.get("config").is_some_and(|config| config["batch_shape"].is_array()))
                || fields.values().any(has_form_of_three)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_version_or_the_form_tells_who_wrote_a_model() {
        let plain =
            json!({"class_name": "Dense", "config": {"name": "d", "dtype": "float32"}, "module": "keras.layers"});
        for (version, generator, expected) in [
            (None, None, Keras::Two),
            (Some("2.15.0"), Some("keras v2.15.0"), Keras::Two),
            (Some("2.20.0"), Some("keras v2.20.0"), Keras::Two),
            (Some("3.0.5"), None, Keras::Three),
            (Some("10.1"), None, Keras::Three),
            (None, Some("keras 3.15.1"), Keras::Three),
            (Some("2.16.1"), Some("keras v3.12.0"), Keras::Three),
            (Some("tfjs-layers 4.22.0"), None, Keras::TensorFlowJs),
            (None, Some("TensorFlow.js tfjs-layers v4.22.0"), Keras::TensorFlowJs),
        ] {
            assert_eq!(Keras::of(&plain, version, generator), expected, "{version:?} {generator:?}");
        }
        for form in [
            json!({"class_name": "InputLayer", "config": {"batch_shape": [null, 2]}}),
            json!({"class_name": "Dense", "config": {"dtype": {"class_name": "DTypePolicy", "config": {"name": "float32"}}}}),
            json!({"class_name": "Add", "module": "keras.src.ops.numpy"}),
            json!({"class_name": "Functional", "module": "keras.src.models.functional"}),
            json!({"inbound_nodes": [{"args": [{"class_name": "__keras_tensor__"}]}]}),
        ] {
            let within = json!({"config": {"layers": [plain, form]}});
            for version in [None, Some("2.16.1")] {
                assert_eq!(Keras::of(&within, version, None), Keras::Three, "{form}");
            }
            assert_eq!(Keras::of(&within, Some("tfjs-layers 4.22.0"), None), Keras::TensorFlowJs);
        }
    }
}
