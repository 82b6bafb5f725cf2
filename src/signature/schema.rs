//! The schema that an uploader states, checked against the model.

use super::{Dim, Signature, ValueInfo, ValueType};
use crate::error::{Result, error};
use crate::tensor::DType;
use serde_json::{Value as Json, json};
use std::collections::HashSet;

/// As long as the name of a column of a profile may be.
const MAX_COLUMN_NAME_BYTES: usize = 128;

/// Checks `{"inputs": [{name, dtype?, shape?}]}` (or `{"outputs": ...}`, or the bare list) against the model. A stated
/// size fits the same size or a free dimension; `-1`, `null` and names fit anything. Kinds that are no tensors have no
/// shape to contradict. `columns` of an input are the names of its columns, as many as it has, no two alike in the whole schema.
///
/// # Errors
/// `INVALID_REQUEST` when the text is not such a list; `SCHEMA_MISMATCH` when it contradicts the model.
pub fn check_schema(signature: &Signature, field: &str, stated: &str) -> Result<()> {
    let (key, infos) = match field {
        "inputSchema" => ("inputs", &signature.inputs),
        _ => ("outputs", &signature.outputs),
    };
    let malformed = || {
        error!(
            InvalidRequest,
            "{field} must be JSON text like {{\"{key}\": [{{\"name\": \"x\", \"shape\": [1, 10]}}]}}"
        )
    };
    let parsed: Json = serde_json::from_str(stated).map_err(|_| malformed())?;
    let entries = match &parsed {
        Json::Array(entries) => entries,
        Json::Object(object) => object.get(key).and_then(Json::as_array).ok_or_else(malformed)?,
        _ => return Err(malformed()),
    };
    let mut columns = HashSet::new();
    for entry in entries {
        let name = entry.get("name").and_then(Json::as_str).ok_or_else(malformed)?;
        let Some(info) = infos.iter().find(|info| info.name == name) else {
            let names: Vec<&str> = infos.iter().map(|info| info.name.as_str()).collect();
            return Err(error!(SchemaMismatch, "{field} names \"{name}\", but the model has {}", names.join(", "))
                .with_details(json!({ (key): names })));
        };
        check_entry(field, info, entry)?;
        check_columns(field, info, entry, &mut columns)?;
    }
    Ok(())
}

/// Adds the names of columns that an uploader states, of a schema that [`check_schema`] has passed, to `{"inputs": [...]}`.
pub fn add_columns(inputs: &mut Json, stated: &str) {
    let Ok(stated) = serde_json::from_str::<Json>(stated) else { return };
    let entries = stated.get("inputs").unwrap_or(&stated).as_array().into_iter().flatten();
    for entry in entries.filter(|entry| entry["columns"].is_array()) {
        let own = inputs["inputs"].as_array_mut().into_iter().flatten().find(|own| own["name"] == entry["name"]);
        if let Some(own) = own {
            own["columns"] = entry["columns"].clone();
        }
    }
}

fn check_columns(field: &str, info: &ValueInfo, entry: &Json, known: &mut HashSet<String>) -> Result<()> {
    let stated = match entry.get("columns") {
        None | Some(Json::Null) => return Ok(()),
        Some(_) if field != "inputSchema" => return Ok(()),
        Some(stated) => stated,
    };
    let name = &info.name;
    let texts: Option<Vec<&str>> = stated.as_array().and_then(|texts| texts.iter().map(Json::as_str).collect());
    let is_name = |text: &&str| !text.is_empty() && text.len() <= MAX_COLUMN_NAME_BYTES;
    let Some(texts) = texts.filter(|texts| texts.iter().all(is_name)) else {
        return Err(error!(
            InvalidRequest,
            "columns of \"{name}\" in {field} must be a list of texts of 1 to {MAX_COLUMN_NAME_BYTES} bytes"
        ));
    };
    if let Some(twice) = texts.iter().find(|text| !known.insert((**text).to_owned())) {
        return Err(error!(InvalidRequest, "{field} names the column \"{twice}\" twice"));
    }
    let count = match &info.value_type {
        ValueType::Tensor { shape: Some(shape), .. } => match shape.as_slice() {
            [_, Dim::Fixed(columns)] | [Dim::Fixed(columns)] => Some(*columns),
            [_, Dim::Free(_)] => None,
            _ => Some(1),
        },
        _ => None,
    };
    match count {
        Some(count) if count != texts.len() => {
            Err(error!(SchemaMismatch, "{field} names {} columns of \"{name}\", which has {count}", texts.len()))
        }
        _ => Ok(()),
    }
}

fn check_entry(field: &str, info: &ValueInfo, entry: &Json) -> Result<()> {
    let ValueType::Tensor { dtype, shape } = &info.value_type else { return Ok(()) };
    if let Some(stated) = entry.get("dtype").and_then(Json::as_str)
        && DType::from_name(stated).is_some_and(|stated| stated != *dtype)
    {
        return Err(error!(SchemaMismatch, "{field} says {stated} for \"{}\", the model {}", info.name, dtype.name()));
    }
    let (Some(stated), Some(declared)) = (entry.get("shape").and_then(Json::as_array), shape) else { return Ok(()) };
    let fits = stated.len() == declared.len()
        && stated.iter().zip(declared).all(|(stated, declared)| match (stated.as_u64(), declared) {
            (Some(stated), Dim::Fixed(size)) => stated == *size as u64,
            _ => true,
        });
    if fits {
        return Ok(());
    }
    Err(error!(
        SchemaMismatch,
        "{field} says shape {} for \"{}\", the model {}",
        Json::Array(stated.clone()),
        info.name,
        info.value_type
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn check(stated: &str) -> Result<()> {
        let tensor = |name: &str, dims: &[Option<usize>]| ValueInfo {
            name: name.to_owned(),
            value_type: ValueType::Tensor {
                dtype: DType::Float32,
                shape: Some(dims.iter().map(|dim| dim.map_or(Dim::Free(None), Dim::Fixed)).collect()),
            },
            optional: false,
        };
        let signature = Signature { inputs: vec![tensor("x", &[None, Some(10)])], ..Signature::default() };
        check_schema(&signature, "inputSchema", stated)
    }

    #[test]
    fn what_fits_is_accepted() {
        for stated in [
            r#"{"inputs":[{"name":"x","shape":[1,10]}]}"#,
            r#"[{"name":"x","shape":[null,10],"dtype":"float32"}]"#,
            r#"{"inputs":[{"name":"x","shape":["batch",-1]}]}"#,
            r#"{"inputs":[{"name":"x"}]}"#,
            r#"{"inputs":[]}"#,
            r#"{"inputs":[{"name":"x","columns":["0","1","2","3","4","5","6","7","8","9"]}]}"#,
        ] {
            check(stated).unwrap();
        }
    }

    #[test]
    fn what_contradicts_the_model_is_refused() {
        for (stated, code) in [
            (r#"{"inputs":[{"name":"x","shape":[1,11]}]}"#, ErrorCode::SchemaMismatch),
            (r#"{"inputs":[{"name":"x","shape":[10]}]}"#, ErrorCode::SchemaMismatch),
            (r#"{"inputs":[{"name":"x","dtype":"int64"}]}"#, ErrorCode::SchemaMismatch),
            (r#"{"inputs":[{"name":"y"}]}"#, ErrorCode::SchemaMismatch),
            (r#"{"outputs":[]}"#, ErrorCode::InvalidRequest),
            ("{", ErrorCode::InvalidRequest),
            (r#"{"inputs":[{"name":"x","columns":["a","b"]}]}"#, ErrorCode::SchemaMismatch),
            (r#"{"inputs":[{"name":"x","columns":["a","a"]}]}"#, ErrorCode::InvalidRequest),
            (r#"{"inputs":[{"name":"x","columns":[1]}]}"#, ErrorCode::InvalidRequest),
            (r#"{"inputs":[{"name":"x","columns":"a"}]}"#, ErrorCode::InvalidRequest),
            (r#"{"inputs":[{"shape":[1]}]}"#, ErrorCode::InvalidRequest),
        ] {
            assert_eq!(check(stated).unwrap_err().code, code, "{stated}");
        }
    }

    #[test]
    fn columns_go_on_with_their_input() {
        let mut inputs = json!({ "inputs": [{ "name": "x" }, { "name": "y" }] });
        add_columns(&mut inputs, r#"[{"name":"y","columns":["a","b"]}]"#);
        assert_eq!(inputs, json!({ "inputs": [{ "name": "x" }, { "name": "y", "columns": ["a", "b"] }] }));
    }
}
