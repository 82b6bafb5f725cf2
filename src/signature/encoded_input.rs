//! Values of a body to tensors, guided by the signature and without an intermediate tree: numbers go straight into typed
//! buffers.

use super::elements::Boolean;
use super::fit::fit;
use super::nested::Nested;
use super::tensor_input::{FittedTensor, tensor_input};
use super::{Signature, ValueInfo, ValueType};
use crate::error::{Error, Result, error};
use crate::format::Encoded;
use crate::tensor::{Bytes, DType, MapKeys, Tensor, Value, element_count};
use serde_json::json;
use smallvec::{SmallVec, smallvec};
use std::collections::BTreeMap;

/// The inputs of one run.
#[derive(Debug, PartialEq)]
pub struct Inputs {
    /// By the name of the input.
    pub values: Vec<(String, Value)>,
    /// The caller gave one row without a batch dimension, so the outputs lose theirs.
    pub unbatched: bool,
    /// How many rows they are, when all inputs that have rows have as many.
    pub rows: Option<usize>,
}

/// What is given for an input.
#[derive(Debug, Clone, Copy)]
pub enum Given<'a> {
    /// A value of a body.
    Value(&'a Encoded),
    /// A value whose shape the body states beside it.
    Shaped(&'a Encoded, &'a [usize]),
    /// Little-endian elements. Without a shape they are a flat list.
    Elements { dtype: DType, shape: Option<&'a [usize]>, bytes: &'a [u8] },
}

/// Converts what a request gives to the inputs of a model.
///
/// Numbers are converted to the declared dtype where that loses nothing but the rounding of floats; an input that lacks
/// the batch dimension gets one; a flat list is cut into the declared shape; `{data, shape}` and a shape that is stated are taken
/// as they are. A byte string holds little-endian elements of the declared dtype. A model with a single required input also
/// takes the value under any single name.
///
/// # Errors
/// `INVALID_INPUT` that names the input, what its type is, and what was received; for wrong names with the right ones in
/// `details.inputs`; for inputs whose sizes do not agree.
pub fn inputs_from(signature: &Signature, features: &[(&str, Given<'_>)]) -> Result<Inputs> {
    let mut given: SmallVec<[Option<Given<'_>>; 4]> = smallvec![None; signature.inputs.len()];
    let mut unknown = None;
    for (name, value) in features {
        match place_of(signature, name, features.len()) {
            Some(at) => given[at] = Some(*value),
            None => unknown = unknown.or(Some(*name)),
        }
    }
    let places = || signature.inputs.iter().zip(&given);
    let missing = places().find_map(|(input, given)| (given.is_none() && !input.optional).then_some(input));
    if unknown.is_some() || missing.is_some() {
        return Err(wrong_names(signature, unknown, missing));
    }
    let mut values = Vec::with_capacity(features.len());
    let (mut batch_added, mut batch_given) = (false, false);
    for (input, given) in places() {
        let Some(given) = given else { continue };
        let (value, batch) = convert(input, *given)?;
        match batch {
            Batch::Added => batch_added = true,
            Batch::Given => batch_given = true,
            Batch::None => {}
        }
        values.push((input.name.clone(), value));
    }
    let rows = signature.agreed_rows(&values)?;
    Ok(Inputs { values, unbatched: batch_added && !batch_given, rows })
}

/// Converts one value by what the model declares of it.
///
/// # Errors
/// As [`inputs_from`].
pub fn value_from(declared: &ValueInfo, encoded: &Encoded) -> Result<Value> {
    convert(declared, Given::Value(encoded)).map(|(value, _)| value)
}

/// The input that a feature is for, one of so many features.
pub fn input_for<'a>(signature: &'a Signature, name: &str, features: usize) -> Option<&'a ValueInfo> {
    place_of(signature, name, features).map(|at| &signature.inputs[at])
}

fn place_of(signature: &Signature, name: &str, features: usize) -> Option<usize> {
    let named = signature.inputs.iter().position(|input| input.name == name);
    named.or_else(|| {
        let mut required = signature.inputs.iter().enumerate().filter(|(_, input)| !input.optional);
        let (only, _) = required.next()?;
        (features == 1 && required.next().is_none()).then_some(only)
    })
}

fn wrong_names(signature: &Signature, unknown: Option<&str>, missing: Option<&ValueInfo>) -> Error {
    let names: Vec<&str> = signature.inputs.iter().map(|input| input.name.as_str()).collect();
    let problem = match (unknown, missing) {
        (Some(unknown), _) => format!("the model has no input \"{unknown}\""),
        (None, Some(missing)) => format!("input \"{}\" is missing", missing.name),
        (None, None) => String::new(),
    };
    let hint = match (unknown, names.as_slice()) {
        (Some(_), [only]) => format!("; what it takes stands in one list: {{\"{only}\": [...]}}"),
        _ => String::new(),
    };
    error!(InvalidInput, "{problem}; its inputs are {}{hint}", quoted(&names)).with_details(json!({ "inputs": names }))
}

pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// What a value says of the batch dimension.
enum Batch {
    Added,
    Given,
    /// The input has none.
    None,
}

fn convert(input: &ValueInfo, given: Given<'_>) -> Result<(Value, Batch)> {
    let describe = |problem: String| error!(InvalidInput, "input \"{}\" ({}): {problem}", input.name, input.value_type);
    let (encoded, stated) = match given {
        Given::Value(encoded) => (encoded, None),
        Given::Shaped(encoded, shape) => (encoded, Some(shape)),
        Given::Elements { dtype, shape, bytes } => {
            let FittedTensor { tensor, batch_added } = tensor_input(input, dtype, shape, Bytes::copy_from(bytes))?;
            let batch = match (batch_added, tensor.shape.is_empty()) {
                (true, _) => Batch::Added,
                (false, true) => Batch::None,
                (false, false) => Batch::Given,
            };
            return Ok((tensor.into(), batch));
        }
    };
    match &input.value_type {
        ValueType::Tensor { dtype, shape } => {
            let parsed = parse_tensor(*dtype, encoded, stated).map_err(describe)?;
            let Some(declared) = shape else { return Ok((parsed.tensor.into(), Batch::None)) };
            let fitted = fit(declared, &parsed.tensor.shape, parsed.explicit).ok_or_else(|| {
                describe(format!("received shape {:?}", parsed.tensor.shape))
                    .with_details(json!({ "input": input.name, "received": parsed.tensor.shape }))
            })?;
            let batch = match (declared.is_empty(), fitted.batch_added) {
                (true, _) => Batch::None,
                (false, true) => Batch::Added,
                (false, false) => Batch::Given,
            };
            Ok((Tensor { shape: fitted.shape, ..parsed.tensor }.into(), batch))
        }
        _ if stated.is_some() => Err(describe("received a shape, which only a tensor has".to_owned())),
        other => Ok((value_of(other, encoded).map_err(describe)?, Batch::None)),
    }
}

fn value_of(value_type: &ValueType, encoded: &Encoded) -> Result<Value, String> {
    match value_type {
        ValueType::Tensor { dtype, .. } => Ok(parse_tensor(*dtype, encoded, None)?.tensor.into()),
        ValueType::Optional(_) if encoded.is_null() => Ok(Value::None),
        ValueType::Optional(inner) => value_of(inner, encoded),
        ValueType::Sequence(element) => {
            let elements = encoded.list().map_err(|problem| format!("{problem} (each {element})"))?;
            let values = elements.iter().map(|value| value_of(element, value)).collect::<Result<_, _>>()?;
            Ok(Value::Sequence(values))
        }
        ValueType::Map { key, value } => parse_map(*key, value, encoded),
        ValueType::Unknown => Err("the model does not declare its type".to_owned()),
    }
}

/// Evaluates an expression with `$element` as the Rust type of a dtype.
macro_rules! with_element {
    ($dtype:expr, $element:ident => $body:expr) => {
        with_element!(@ $dtype, $element => $body;
            Float32 f32, Float64 f64, Float16 half::f16, BFloat16 half::bf16, Int8 i8, Int16 i16, Int32 i32, Int64 i64,
            UInt8 u8, UInt16 u16, UInt32 u32, UInt64 u64, Bool Boolean, String String)
    };
    (@ $dtype:expr, $element:ident => $body:expr; $($variant:ident $rust:ty),*) => {
        match $dtype {
            $(DType::$variant => {
                type $element = $rust;
                $body
            })*
            other => Err(format!("{} values cannot be given in a request", other.name())),
        }
    };
}

fn parse_map(key: DType, value: &ValueType, encoded: &Encoded) -> Result<Value, String> {
    let ValueType::Tensor { dtype, .. } = value else {
        return Err(format!("maps of {value} are not supported"));
    };
    let (names, entries): (Vec<String>, Vec<Encoded>) = encoded.fields()?.into_iter().unzip();
    let keys = if key == DType::String {
        MapKeys::Strings(names)
    } else {
        let parsed: Result<Vec<i64>, _> = names.iter().map(|text| text.parse()).collect();
        MapKeys::Ints(parsed.map_err(|_| "the keys must be integers".to_owned())?)
    };
    let values = with_element!(*dtype, T => {
        let mut nested = Nested::<T>::default();
        nested.begin_list(0)?;
        entries.iter().try_for_each(|entry| nested.read(entry, 1))?;
        nested.end_list(0, entries.len())?;
        nested.into_tensor()
    })?;
    Ok(Value::Map { keys, values })
}

struct Parsed {
    tensor: Tensor,
    /// The caller gave the shape.
    explicit: bool,
}

fn parse_tensor(dtype: DType, encoded: &Encoded, stated: Option<&[usize]>) -> Result<Parsed, String> {
    let (data, shape) = match stated {
        Some(shape) => (encoded.clone(), Some(shape.to_vec())),
        None if encoded.is_object() => data_and_shape(encoded)?,
        None => (encoded.clone(), None),
    };
    let tensor = with_element!(dtype, T => {
        let mut nested = Nested::<T>::default();
        nested.read(&data, 0)?;
        nested.into_tensor()
    })?;
    match shape {
        None => Ok(Parsed { tensor, explicit: false }),
        Some(shape) if element_count(&shape) == Some(tensor.len()) => {
            Ok(Parsed { tensor: Tensor { shape, ..tensor }, explicit: true })
        }
        Some(shape) => Err(format!("shape {shape:?} does not fit {} values", tensor.len())),
    }
}

fn data_and_shape(encoded: &Encoded) -> Result<(Encoded, Option<Vec<usize>>), String> {
    let mut fields = BTreeMap::from_iter(encoded.fields()?);
    let (Some(data), Some(shape), true) = (fields.remove("data"), fields.remove("shape"), fields.is_empty()) else {
        let names: Vec<String> = encoded.fields()?.into_iter().map(|(name, _)| name).take(5).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        // How pandas writes a column unless it is told otherwise.
        let hint = if names.first() == Some(&"0") { "; pandas writes lists with orient=\"list\"" } else { "" };
        return Err(format!("expected a list or {{data, shape}}, received an object with {}{hint}", quoted(&names)));
    };
    let text = shape.to_json();
    let sizes = serde_json::from_str(&text).map_err(|_| {
        format!("\"shape\" must be a list of sizes, received {}", text.chars().take(40).collect::<String>())
    })?;
    Ok((data, Some(sizes)))
}

#[cfg(test)]
mod tests {
    use super::super::Dim;
    use super::*;
    use crate::error::ErrorCode;

    fn input(name: &str, dtype: DType, dims: &[Option<usize>]) -> ValueInfo {
        let shape = Some(dims.iter().map(|dim| dim.map_or(Dim::Free(None), Dim::Fixed)).collect());
        ValueInfo { name: name.to_owned(), value_type: ValueType::Tensor { dtype, shape }, optional: false }
    }

    fn convert(inputs: Vec<ValueInfo>, features: &str) -> Result<Inputs> {
        let signature = Signature { inputs, ..Signature::default() };
        let features = Encoded::json(features)?.fields().unwrap();
        let features: Vec<_> = features.iter().map(|(name, value)| (name.as_str(), Given::Value(value))).collect();
        inputs_from(&signature, &features)
    }

    fn tensor(inputs: &Inputs) -> &Tensor {
        inputs.values[0].1.as_tensor().unwrap()
    }

    fn x(dtype: DType, dims: &[Option<usize>], value: &str) -> Result<Inputs> {
        convert(vec![input("x", dtype, dims)], &format!("{{\"x\":{value}}}"))
    }

    #[test]
    fn a_row_and_a_batch_are_told_apart() {
        let row = x(DType::Float32, &[None, Some(2)], "[1,2.5]").unwrap();
        assert!(row.unbatched);
        assert_eq!(tensor(&row), &Tensor::from_elements(&[1, 2], &[1.0f32, 2.5]));
        let batch = x(DType::Float32, &[None, Some(2)], "[[1,2],[3,4]]").unwrap();
        assert!(!batch.unbatched);
        assert_eq!(tensor(&batch).shape, [2, 2]);
        let explicit = x(DType::Float32, &[None, Some(2)], r#"{"data":[1,2],"shape":[1,2]}"#).unwrap();
        assert!(!explicit.unbatched);
    }

    #[test]
    fn columns_take_scalars() {
        let inputs =
            vec![input("age", DType::Float32, &[None, Some(1)]), input("sex", DType::String, &[None, Some(1)])];
        let row = convert(inputs, r#"{"age":25,"sex":"female"}"#).unwrap();
        assert!(row.unbatched);
        assert_eq!(row.values[1].1, Tensor::from_strings(&[1, 1], vec!["female".to_owned()]).into());
    }

    #[test]
    fn conversions_lose_nothing() {
        let value = |dtype, text: &str| x(dtype, &[None], text);
        assert_eq!(
            tensor(&value(DType::Int64, "[1.0,\"9223372036854775807\",-3]").unwrap()).elements::<i64>().unwrap(),
            [1, i64::MAX, -3]
        );
        assert_eq!(tensor(&value(DType::UInt64, "[18446744073709551615]").unwrap()).elements(), Some(&[u64::MAX][..]));
        let floats = value(DType::Float32, r#"[null,"Infinity","-Infinity","NaN",1e-45]"#).unwrap();
        let floats = tensor(&floats).elements::<f32>().unwrap();
        assert!(
            floats[0].is_nan() && floats[1] == f32::INFINITY && floats[2] == f32::NEG_INFINITY && floats[3].is_nan()
        );
        assert_eq!(tensor(&value(DType::Float64, "[0.1,1e308]").unwrap()).elements(), Some(&[0.1f64, 1e308][..]));
        assert_eq!(tensor(&value(DType::Bool, "[true,0,1.0,-0]").unwrap()).bytes(), Some(&[1u8, 0, 1, 0][..]));
        assert_eq!(tensor(&value(DType::Float32, "[true,false]").unwrap()).elements(), Some(&[1.0f32, 0.0][..]));
        assert_eq!(
            tensor(&value(DType::Int64, "[true,1e3,9007199254740993.0]").unwrap()).elements(),
            Some(&[1i64, 1000, 9_007_199_254_740_993][..])
        );
        for (dtype, text) in [
            (DType::Int64, "[1.5]"),
            (DType::Int64, "[null]"),
            (DType::Int64, "[\"1.5\"]"),
            (DType::Int64, "[9223372036854775808]"),
            (DType::Int64, "[1e300]"),
            (DType::Int8, "[128]"),
            (DType::UInt8, "[-1]"),
            (DType::Float32, "[1e39]"),
            (DType::Float32, "[\"1.5\"]"),
            (DType::Float16, "[70000]"),
            (DType::Float64, "[1e400]"),
            (DType::Bool, "[2]"),
            (DType::Bool, "[0.5]"),
            (DType::Bool, "[1.00000000000000000001]"),
            (DType::Bool, "[\"true\"]"),
            (DType::Int64, "[9007199254740992.5]"),
            (DType::Int64, "[1.00000000000000000001]"),
            (DType::Int64, "[1e-400]"),
            (DType::String, "[true]"),
            (DType::String, "[1]"),
            (DType::String, "[\"a\\u0000b\"]"),
            (DType::Float32, "[{}]"),
            (DType::Float32, "[[1,2],[3]]"),
            (DType::Float32, "[1,[2]]"),
            (DType::Float32, r#"{"data":[1,2],"shape":[3]}"#),
            (DType::Float32, r#"{"data":[1,2],"shape":[-1]}"#),
            (DType::Float32, r#"{"data":[1,2]}"#),
        ] {
            let problem = value(dtype, text).expect_err(text);
            assert_eq!(problem.code, ErrorCode::InvalidInput, "{text}: {problem}");
            assert!(problem.message.contains("input \"x\""), "{text}: {problem}");
        }
    }

    #[test]
    fn names_must_be_right_unless_there_is_only_one() {
        let one = vec![input("x", DType::Float32, &[None])];
        assert_eq!(convert(one.clone(), r#"{"anything":[1]}"#).unwrap().values[0].0, "x");
        let two = vec![input("a", DType::Float32, &[None]), input("b", DType::Float32, &[None])];
        let unknown = convert(two.clone(), r#"{"a":[1],"c":[1]}"#).unwrap_err();
        assert_eq!(unknown.details, Some(json!({ "inputs": ["a", "b"] })));
        assert!(unknown.message.contains("no input \"c\""), "{unknown}");
        assert!(convert(two, r#"{"a":[1]}"#).unwrap_err().message.contains("\"b\" is missing"));
        assert!(convert(one.clone(), "{}").is_err());
        let columns = convert(one.clone(), r#"{"a":[1],"b":[2]}"#).unwrap_err();
        assert!(columns.message.ends_with(r#"stands in one list: {"x": [...]}"#), "{columns}");
        let of_pandas = convert(one, r#"{"x":{"0":1,"1":2}}"#).unwrap_err();
        assert!(of_pandas.message.ends_with(r#"pandas writes lists with orient="list""#), "{of_pandas}");
    }

    #[test]
    fn sequences_maps_and_optionals_are_read() {
        let floats = ValueType::Tensor { dtype: DType::Float32, shape: None };
        let named = |value_type| ValueInfo { name: "x".to_owned(), value_type, optional: false };
        let sequence =
            convert(vec![named(ValueType::Sequence(Box::new(floats.clone())))], r#"{"x":[[1,2],[3]]}"#).unwrap();
        assert!(matches!(&sequence.values[0].1, Value::Sequence(values) if values.len() == 2));
        let map = ValueType::Map { key: DType::String, value: Box::new(floats.clone()) };
        let map = convert(vec![named(map)], r#"{"x":{"a":1,"b":2}}"#).unwrap();
        assert!(matches!(&map.values[0].1, Value::Map { keys: MapKeys::Strings(keys), .. } if keys == &["a", "b"]));
        let optional = convert(vec![named(ValueType::Optional(Box::new(floats)))], r#"{"x":null}"#).unwrap();
        assert_eq!(optional.values[0].1, Value::None);
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        for (depth, code) in [(60, ErrorCode::InvalidInput), (100_000, ErrorCode::InvalidRequest)] {
            let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(x(DType::Float32, &[None], &deep).unwrap_err().code, code, "{depth}");
        }
    }
}
