//! The value of a constant that stands in the graph itself and not among the weights.

use super::definition::Definition;
use crate::error::{Result, error};
use crate::tensor::{DType, element_count};
use crate::tensorflow::constant::Constant;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde_json::Value as Json;

/// Elements that such a constant may have: one number in the file can stand for any count.
const MAX_ELEMENTS: usize = 1 << 24;

impl Definition<'_> {
    /// The tensor in the attribute `value`; `None` when it has no elements there, as converters leave it.
    pub fn value(&self) -> Option<Result<Constant>> {
        let tensor = &self.attributes["value"]["tensor"];
        let shape = tensor["tensorShape"]["dim"].as_array().map_or(&[][..], Vec::as_slice);
        let shape: Option<Vec<usize>> = shape.iter().map(|dim| usize::try_from(int(&dim["size"])?).ok()).collect();
        let wrong = || error!(InvalidModel, "the value of the constant cannot be read");
        let (Some(shape), Some(dtype)) = (shape, self.dtype("dtype")) else { return None };
        let Some(count) = element_count(&shape).filter(|&count| count <= MAX_ELEMENTS) else {
            return Some(Err(error!(InvalidModel, "a constant of shape {shape:?} is too large")));
        };
        let source = self.attributes["dtype"]["type"].as_str().unwrap_or_default();
        if let Some(content) = tensor["tensorContent"].as_str() {
            let made = BASE64.decode(content).ok().and_then(|bytes| numbers_of(source, &bytes));
            return Some(made.and_then(|numbers| filled(dtype, &shape, count, &numbers)).ok_or_else(wrong));
        }
        let field = ["floatVal", "doubleVal", "intVal", "int64Val", "boolVal", "stringVal"];
        let list = field.iter().find_map(|name| tensor[*name].as_array())?;
        if dtype == DType::String {
            let texts: Option<Vec<Bytes>> =
                list.iter().map(|text| BASE64.decode(text.as_str()?).ok().map(Bytes::from)).collect();
            let texts = texts.filter(|texts| texts.len() == count);
            return Some(texts.map(|texts| Constant::of_strings(&shape, texts)).ok_or_else(wrong));
        }
        let numbers: Option<Vec<f64>> = list.iter().map(number).collect();
        Some(numbers.and_then(|numbers| filled(dtype, &shape, count, &numbers)).ok_or_else(wrong))
    }
}

/// The last number stands for all that are left out.
fn filled(dtype: DType, shape: &[usize], count: usize, numbers: &[f64]) -> Option<Constant> {
    let last = *numbers.last().or((count == 0).then_some(&0.0))?;
    if numbers.len() > count {
        return None;
    }
    let mut all = numbers.to_vec();
    all.resize(count, last);
    Some(Constant::of_numbers(dtype, shape, &all))
}

fn int(json: &Json) -> Option<i64> {
    json.as_i64().or_else(|| json.as_str()?.parse().ok())
}

/// Numbers are texts where JSON has none for them, and where they have 64 bits.
fn number(json: &Json) -> Option<f64> {
    match json {
        Json::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok(),
        },
        json => json.as_f64(),
    }
}

/// Little-endian numbers of a type of TensorFlow.
fn numbers_of(source: &str, bytes: &[u8]) -> Option<Vec<f64>> {
    macro_rules! read {
        ($type:ty) => {{
            let (chunks, rest) = bytes.as_chunks();
            rest.is_empty().then(|| chunks.iter().map(|chunk| <$type>::from_le_bytes(*chunk) as f64).collect())
        }};
    }
    match source {
        "DT_FLOAT" => read!(f32),
        "DT_DOUBLE" => read!(f64),
        "DT_INT32" => read!(i32),
        "DT_INT64" => read!(i64),
        "DT_INT16" => read!(i16),
        "DT_INT8" => read!(i8),
        "DT_UINT16" => read!(u16),
        "DT_UINT8" | "DT_BOOL" => read!(u8),
        "DT_HALF" => {
            let (chunks, rest) = bytes.as_chunks();
            rest.is_empty().then(|| chunks.iter().map(|chunk| half::f16::from_le_bytes(*chunk).to_f64()).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensorflow::graph::definition;
    use serde_json::json;

    fn value(dtype: &str, tensor: &Json) -> Option<Result<Constant>> {
        let json =
            json!([{"name": "c", "op": "Const", "attr": {"dtype": {"type": dtype}, "value": {"tensor": tensor}}}]);
        definition::nodes(&json, &[]).unwrap()[0].value()
    }

    #[test]
    fn values_have_many_forms() {
        let two = json!({"dim": [{"size": "2"}]});
        for (dtype, field, list, expected) in [
            ("DT_FLOAT", "floatVal", json!([1.5, "NaN"]), vec![1.5, f64::NAN]),
            ("DT_FLOAT", "floatVal", json!([3]), vec![3.0, 3.0]),
            ("DT_FLOAT", "tensorContent", json!("AACAPwAAAEA="), vec![1.0, 2.0]),
            ("DT_INT64", "int64Val", json!(["7", "-8"]), vec![7.0, -8.0]),
            ("DT_INT32", "tensorContent", json!("BwAAAPj///8="), vec![7.0, -8.0]),
            ("DT_BOOL", "boolVal", json!([true, false]), vec![1.0, 0.0]),
        ] {
            let made = value(dtype, &json!({"tensorShape": two, field: list})).unwrap().unwrap();
            let same = made.numbers().unwrap().iter().zip(&expected).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
            assert!(same && made.shape == [2], "{dtype} {list}");
        }
        let texts = value("DT_STRING", &json!({"tensorShape": two, "stringVal": ["YQ==", "Yg=="]})).unwrap().unwrap();
        assert_eq!(texts, Constant::of_strings(&[2], vec!["a".into(), "b".into()]));
        assert!(value("DT_FLOAT", &json!({"tensorShape": two})).is_none());
        for list in [json!([1, 2, 3]), json!([]), json!(["x"])] {
            assert!(value("DT_FLOAT", &json!({"tensorShape": two, "floatVal": list})).unwrap().is_err());
        }
        let large = json!({"tensorShape": {"dim": [{"size": "1000000000000"}]}, "floatVal": [1]});
        assert!(value("DT_FLOAT", &large).unwrap().is_err());
    }
}
