//! What a run gave as the tensors of an answer.

use super::texts::write_texts;
use crate::error::{Result, error};
use crate::prediction::form::WantedOutput;
use crate::signature::Elements;
use crate::tensor::{Bytes, MapKeys, Tensor, TensorData, Value};
use serde::Serialize;
use std::borrow::Cow;

/// The outputs of an answer.
pub struct Written {
    /// The list of outputs as JSON text.
    pub json: String,
    /// What follows the JSON; `None` when no output is binary.
    pub binary: Option<Vec<u8>>,
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'a str,
    shape: &'a [usize],
    datatype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Elements<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<OutputParameters>,
}

#[derive(Serialize)]
struct OutputParameters {
    binary_data_size: usize,
}

/// # Errors
/// `NOT_SUPPORTED` for maps of other classes in each row; `RUN_FAILED` for what is no tensor though the model said so.
pub fn write_outputs(wanted: &[WantedOutput], outputs: &[(String, Value)]) -> Result<Written> {
    let mut binary = wanted.iter().any(|output| output.is_binary).then(Vec::new);
    let mut json = Vec::with_capacity(128);
    json.push(b'[');
    for (at, WantedOutput { name, datatype, is_binary }) in wanted.iter().enumerate() {
        let value = outputs.iter().find(|(given, _)| given == name).map(|(_, value)| value);
        let tensor = tensor_of(name, value)?;
        let mut output = Output { name, shape: &tensor.shape, datatype, data: None, parameters: None };
        match &mut binary {
            Some(bytes) if *is_binary => {
                let before = bytes.len();
                write_bytes(&tensor, bytes);
                output.parameters = Some(OutputParameters { binary_data_size: bytes.len() - before });
            }
            _ => output.data = Some(Elements(&tensor)),
        }
        if at > 0 {
            json.push(b',');
        }
        serde_json::to_writer(&mut json, &output)
            .map_err(|problem| error!(RunFailed, "output \"{name}\" cannot be written: {problem}"))?;
    }
    json.push(b']');
    let json = String::from_utf8(json).map_err(|_| error!(Internal, "JSON is UTF-8"))?;
    Ok(Written { json, binary })
}

fn write_bytes(tensor: &Tensor, out: &mut Vec<u8>) {
    match &tensor.data {
        TensorData::Bytes(bytes) => out.extend_from_slice(bytes.as_slice()),
        TensorData::Strings(texts) => write_texts(texts, out),
    }
}

fn tensor_of<'a>(name: &str, value: Option<&'a Value>) -> Result<Cow<'a, Tensor>> {
    match value {
        Some(Value::Tensor(tensor)) => Ok(Cow::Borrowed(tensor)),
        Some(Value::Sequence(rows)) => rows_of_classes(name, rows).map(Cow::Owned),
        _ => Err(error!(RunFailed, "output \"{name}\" is no tensor")),
    }
}

/// Maps from class to value as a row for each map; the columns are the classes in the order of the model.
fn rows_of_classes(name: &str, maps: &[Value]) -> Result<Tensor> {
    let Some(Value::Map { keys: classes, values: first }) = maps.first() else {
        return Err(error!(NotSupported, "output \"{name}\" has no rows, whose classes would be the columns"));
    };
    let size = first.dtype.bits() / 8;
    let count = first.len();
    let mut bytes = Vec::with_capacity(maps.len() * count * size);
    let unlike = || error!(NotSupported, "output \"{name}\" has other classes in each row, which no tensor holds");
    for map in maps {
        let Value::Map { keys, values } = map else { return Err(unlike()) };
        let places = places_of(classes, keys).filter(|places| places.len() == values.len()).ok_or_else(unlike)?;
        let elements = values.bytes().ok_or_else(unlike)?;
        for at in places {
            bytes.extend_from_slice(&elements[at * size..][..size]);
        }
    }
    Tensor::from_bytes(first.dtype, vec![maps.len(), count], Bytes::copy_from(&bytes))
}

/// Where each class stands among the keys of a map that has the same ones.
fn places_of(classes: &MapKeys, keys: &MapKeys) -> Option<Vec<usize>> {
    fn places<T: PartialEq>(classes: &[T], keys: &[T]) -> Option<Vec<usize>> {
        if classes == keys {
            return Some((0..keys.len()).collect());
        }
        (classes.len() == keys.len())
            .then(|| classes.iter().map(|class| keys.iter().position(|key| key == class)).collect())?
    }
    match (classes, keys) {
        (MapKeys::Ints(classes), MapKeys::Ints(keys)) => places(classes, keys),
        (MapKeys::Strings(classes), MapKeys::Strings(keys)) => places(classes, keys),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn written(value: impl Into<Value>, is_binary: bool) -> Result<(String, Option<Vec<u8>>)> {
        let wanted = [WantedOutput { name: "y".to_owned(), datatype: "ANY", is_binary }];
        write_outputs(&wanted, &[("y".to_owned(), value.into())]).map(|Written { json, binary }| (json, binary))
    }

    fn map(keys: &[i64], values: &[f32]) -> Value {
        Value::Map { keys: MapKeys::Ints(keys.to_vec()), values: Tensor::from_elements(&[values.len()], values) }
    }

    #[test]
    fn integers_have_all_their_digits_and_what_json_lacks_is_text() {
        let (json, binary) = written(Tensor::from_elements(&[1, 2], &[i64::MIN, i64::MAX]), false).unwrap();
        assert_eq!(
            json,
            r#"[{"name":"y","shape":[1,2],"datatype":"ANY","data":[-9223372036854775808,9223372036854775807]}]"#
        );
        assert_eq!(binary, None);
        let (json, _) = written(Tensor::from_elements(&[1], &[u64::MAX]), false).unwrap();
        assert!(json.contains("[18446744073709551615]"), "{json}");
        let (json, _) = written(Tensor::from_elements(&[4], &[0.1f32, 1e-45, -0.0, f32::NAN]), false).unwrap();
        assert!(json.contains(r#"[0.1,1e-45,-0.0,"NaN"]"#), "{json}");
    }

    #[test]
    fn binary_data_is_counted_in_the_json() {
        let (json, binary) = written(Tensor::from_elements(&[2], &[1i16, -1]), true).unwrap();
        assert_eq!(json, r#"[{"name":"y","shape":[2],"datatype":"ANY","parameters":{"binary_data_size":4}}]"#);
        assert_eq!(binary.unwrap(), [1, 0, 0xFF, 0xFF]);
        let texts = Tensor::from_strings(&[2], vec!["ü".to_owned(), String::new()]);
        assert_eq!(written(texts, true).unwrap().1.unwrap(), [2, 0, 0, 0, 0xC3, 0xBC, 0, 0, 0, 0]);
    }

    #[test]
    fn class_maps_are_rows_when_they_have_the_same_classes() {
        let rows = Value::Sequence(vec![map(&[0, 7], &[0.25, 0.75]), map(&[7, 0], &[1.0, 0.0])]);
        let (json, _) = written(rows, false).unwrap();
        assert!(json.contains(r#""shape":[2,2],"#) && json.contains("[0.25,0.75,0.0,1.0]"), "{json}");
        for other in [map(&[0, 1], &[0.5, 0.5]), map(&[0], &[1.0])] {
            let problem = written(Value::Sequence(vec![map(&[0, 7], &[0.5, 0.5]), other]), false).unwrap_err();
            assert_eq!(problem.code, ErrorCode::NotSupported, "{problem}");
        }
    }
}
