//! JSON to tensors, guided by the signature and without an intermediate tree: numbers go straight into typed buffers.

use super::fit::fit;
use super::{Signature, ValueInfo, ValueType};
use crate::error::{Error, Result, error};
use crate::tensor::{Bytes, DType, Element, MapKeys, Tensor, Value, element_count};
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// The inputs of one run.
#[derive(Debug, PartialEq)]
pub struct JsonInputs {
    /// By the name of the input.
    pub values: Vec<(String, Value)>,
    /// The caller gave one row without a batch dimension, so the outputs lose theirs.
    pub unbatched: bool,
}

/// Converts the features of a request to the inputs of a model.
///
/// Numbers are converted to the declared dtype where that loses nothing but the rounding of floats; an input that lacks
/// the batch dimension gets one; a flat list is cut into the declared shape; `{data, shape}` is taken as it is. A model
/// with a single required input also takes the value under any single name.
///
/// # Errors
/// `INVALID_INPUT` that names the input, what its type is, and what was received; for wrong names with the right ones in
/// `details.inputs`.
pub fn inputs_from_json(signature: &Signature, features: &[(&str, &RawValue)]) -> Result<JsonInputs> {
    let mut given: BTreeMap<&str, &RawValue> = BTreeMap::new();
    match (features, only_required(signature)) {
        ([(name, value)], Some(only)) if signature.input(name).is_none() => {
            given.insert(&only.name, value);
        }
        _ => given.extend(features.iter().copied()),
    }
    let unknown = given.keys().copied().find(|name| signature.input(name).is_none());
    let missing = signature.required_inputs().find(|input| !given.contains_key(input.name.as_str()));
    if unknown.is_some() || missing.is_some() {
        return Err(wrong_names(signature, unknown, missing));
    }
    let mut values = Vec::with_capacity(given.len());
    let (mut batch_added, mut batch_given) = (false, false);
    for input in &signature.inputs {
        let Some(raw) = given.get(input.name.as_str()) else { continue };
        let (value, batch) = convert(input, raw)?;
        match batch {
            Batch::Added => batch_added = true,
            Batch::Given => batch_given = true,
            Batch::None => {}
        }
        values.push((input.name.clone(), value));
    }
    Ok(JsonInputs { values, unbatched: batch_added && !batch_given })
}

fn only_required(signature: &Signature) -> Option<&ValueInfo> {
    let mut required = signature.required_inputs();
    required.next().filter(|_| required.next().is_none())
}

fn wrong_names(signature: &Signature, unknown: Option<&str>, missing: Option<&ValueInfo>) -> Error {
    let names: Vec<&str> = signature.inputs.iter().map(|input| input.name.as_str()).collect();
    let problem = match (unknown, missing) {
        (Some(unknown), _) => format!("the model has no input \"{unknown}\""),
        (None, Some(missing)) => format!("input \"{}\" is missing", missing.name),
        (None, None) => String::new(),
    };
    error!(InvalidInput, "{problem}; its inputs are {}", quoted(&names)).with_details(json!({ "inputs": names }))
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// What a value says of the batch dimension.
enum Batch {
    Added,
    Given,
    /// The input has none.
    None,
}

fn convert(input: &ValueInfo, raw: &RawValue) -> Result<(Value, Batch)> {
    let describe = |problem: String| error!(InvalidInput, "input \"{}\" ({}): {problem}", input.name, input.value_type);
    let convert_inner = |value_type: &ValueType| value_of(value_type, raw).map_err(describe);
    match &input.value_type {
        ValueType::Tensor { dtype, shape } => {
            let parsed = parse_tensor(*dtype, raw).map_err(describe)?;
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
        other => Ok((convert_inner(other)?, Batch::None)),
    }
}

fn value_of(value_type: &ValueType, raw: &RawValue) -> Result<Value, String> {
    match value_type {
        ValueType::Tensor { dtype, .. } => Ok(parse_tensor(*dtype, raw)?.tensor.into()),
        ValueType::Optional(_) if raw.get() == "null" => Ok(Value::None),
        ValueType::Optional(inner) => value_of(inner, raw),
        ValueType::Sequence(element) => {
            let elements: Vec<&RawValue> = serde_json::from_str(raw.get())
                .map_err(|_| format!("expected a list of {element}, received {}", kind_of(raw)))?;
            let values = elements.into_iter().map(|value| value_of(element, value)).collect::<Result<_, _>>()?;
            Ok(Value::Sequence(values))
        }
        ValueType::Map { key, value } => parse_map(*key, value, raw),
        ValueType::Unknown => Err("the model does not declare its type".to_owned()),
    }
}

fn parse_map(key: DType, value: &ValueType, raw: &RawValue) -> Result<Value, String> {
    let ValueType::Tensor { dtype, .. } = value else {
        return Err(format!("maps of {value} are not supported"));
    };
    let entries: BTreeMap<String, &RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| format!("expected an object, received {}", kind_of(raw)))?;
    let keys = if key == DType::String {
        MapKeys::Strings(entries.keys().cloned().collect())
    } else {
        let parsed: Result<Vec<i64>, _> = entries.keys().map(|text| text.parse()).collect();
        MapKeys::Ints(parsed.map_err(|_| "the keys must be integers".to_owned())?)
    };
    let list = format!("[{}]", entries.values().map(|value| value.get()).collect::<Vec<_>>().join(","));
    let list = RawValue::from_string(list).map_err(|problem| problem.to_string())?;
    Ok(Value::Map { keys, values: parse_tensor(*dtype, &list)?.tensor })
}

struct Parsed {
    tensor: Tensor,
    /// The caller gave the shape.
    explicit: bool,
}

fn parse_tensor(dtype: DType, raw: &RawValue) -> Result<Parsed, String> {
    macro_rules! numbers {
        ($($variant:ident $rust:ty),*) => {
            match dtype {
                $(DType::$variant => {
                    let (shape, elements, explicit) = parse_elements::<$rust>(raw)?;
                    Ok(Parsed { tensor: Tensor::from_elements(&shape, &elements), explicit })
                })*
                DType::Bool => {
                    let (shape, elements, explicit) = parse_elements::<Boolean>(raw)?;
                    let bytes: Vec<u8> = elements.iter().map(|element| u8::from(element.0)).collect();
                    let tensor = Tensor::from_bytes(dtype, shape, Bytes::copy_from(&bytes)).map_err(|e| e.message)?;
                    Ok(Parsed { tensor, explicit })
                }
                DType::String => {
                    let (shape, elements, explicit) = parse_elements::<String>(raw)?;
                    Ok(Parsed { tensor: Tensor::from_strings(&shape, elements), explicit })
                }
                _ => Err(format!("{} values cannot be given as JSON", dtype.name())),
            }
        };
    }
    let parsed: Result<Parsed, String> = numbers!(
        Float32 f32, Float64 f64, Float16 half::f16, BFloat16 half::bf16, Int8 i8, Int16 i16, Int32 i32, Int64 i64,
        UInt8 u8, UInt16 u16, UInt32 u32, UInt64 u64
    );
    parsed
}

/// A JSON value, `{data, shape}` or nested lists, as its shape and elements.
fn parse_elements<T: JsonElement>(raw: &RawValue) -> Result<(Vec<usize>, Vec<T>, bool), String> {
    if !raw.get().starts_with('{') {
        let (shape, elements) = parse_nested(raw)?;
        return Ok((shape, elements, false));
    }
    let fields: BTreeMap<&str, &RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| "expected a value, a list or {data, shape}".to_owned())?;
    let (Some(data), Some(shape), 2) = (fields.get("data"), fields.get("shape"), fields.len()) else {
        let names: Vec<&str> = fields.keys().copied().take(5).collect();
        return Err(format!("expected {{data, shape}}, received an object with {}", quoted(&names)));
    };
    let shape: Vec<usize> = serde_json::from_str(shape.get())
        .map_err(|_| format!("\"shape\" must be a list of sizes, received {}", excerpt(shape)))?;
    let (_, elements) = parse_nested(data)?;
    if element_count(&shape) != Some(elements.len()) {
        return Err(format!("shape {shape:?} does not fit {} values", elements.len()));
    }
    Ok((shape, elements, true))
}

fn parse_nested<T: JsonElement>(raw: &RawValue) -> Result<(Vec<usize>, Vec<T>), String> {
    let mut nested = Nested { elements: Vec::new(), shape: Vec::new(), rank: None, problem: None };
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    let parsed = Level { nested: &mut nested, depth: 0 }.deserialize(&mut deserializer);
    match (parsed, nested.problem) {
        (_, Some(problem)) => Err(problem),
        (Err(problem), None) => Err(problem.to_string()),
        (Ok(()), None) => {
            let shape = nested.shape.into_iter().map(|size| size.unwrap_or(0)).collect();
            Ok((shape, nested.elements))
        }
    }
}

/// Name, shape and JSON's own dtype of a feature, for a record that cannot hold its values.
pub fn summarize(name: &str, raw: &RawValue) -> serde_json::Value {
    let numbers = parse_elements::<f64>(raw).map(|(shape, ..)| (shape, "float64"));
    let strings = || parse_elements::<String>(raw).map(|(shape, ..)| (shape, "string"));
    let booleans = || parse_elements::<Boolean>(raw).map(|(shape, ..)| (shape, "bool"));
    match numbers.or_else(|_| strings()).or_else(|_| booleans()) {
        Ok((shape, dtype)) => json!({ "name": name, "shape": shape, "dtype": dtype }),
        Err(_) => json!({ "name": name, "shape": null, "dtype": null }),
    }
}

fn kind_of(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

fn excerpt(raw: &RawValue) -> String {
    raw.get().chars().take(40).collect()
}

/// Nested lists while they are read.
struct Nested<T> {
    elements: Vec<T>,
    /// The size of each depth, once its first list has ended.
    shape: Vec<Option<usize>>,
    /// The depth of the elements, once one has been seen.
    rank: Option<usize>,
    /// serde's errors carry positions in a part of the body; this is the sentence for the caller.
    problem: Option<String>,
}

impl<T: JsonElement> Nested<T> {
    fn element(&mut self, depth: usize, element: Result<T, String>) -> Result<(), String> {
        if *self.rank.get_or_insert(depth) != depth || self.shape.len() > depth {
            return Err("the nested lists are ragged: a value stands where a list is expected".to_owned());
        }
        self.elements.push(element.map_err(|problem| format!("value {}: {problem}", self.elements.len()))?);
        Ok(())
    }

    fn begin_list(&mut self, depth: usize) -> Result<(), String> {
        if self.rank.is_some_and(|rank| rank <= depth) {
            return Err("the nested lists are ragged: a list stands where a value is expected".to_owned());
        }
        if self.shape.len() == depth {
            self.shape.push(None);
        }
        Ok(())
    }

    fn end_list(&mut self, depth: usize, len: usize) -> Result<(), String> {
        match *self.shape[depth].get_or_insert(len) {
            expected if expected == len => Ok(()),
            expected => Err(format!(
                "the nested lists are ragged: a list of {len} stands beside a list of {expected} at depth {depth}"
            )),
        }
    }
}

struct Level<'a, T> {
    nested: &'a mut Nested<T>,
    depth: usize,
}

impl<T> Level<'_, T> {
    fn fail<E: serde::de::Error>(self, outcome: Result<(), String>) -> Result<(), E> {
        outcome.map_err(|problem| {
            self.nested.problem = Some(problem);
            E::custom("")
        })
    }
}

impl<'de, T: JsonElement> DeserializeSeed<'de> for Level<'_, T> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! visit_elements {
    ($($method:ident $rust:ty),*) => {
        $(fn $method<E: serde::de::Error>(self, value: $rust) -> Result<(), E> {
            let outcome = self.nested.element(self.depth, T::$method(value));
            self.fail(outcome)
        })*
    };
}

impl<'de, T: JsonElement> Visitor<'de> for Level<'_, T> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a value or a list")
    }

    visit_elements!(visit_i64 i64, visit_u64 u64, visit_f64 f64, visit_bool bool, visit_str &str);

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        let outcome = self.nested.element(self.depth, T::visit_null());
        self.fail(outcome)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Level { nested, depth } = self;
        if let Err(problem) = nested.begin_list(depth) {
            return Level { nested, depth }.fail(Err(problem));
        }
        let mut len = 0;
        while list.next_element_seed(Level { nested, depth: depth + 1 })?.is_some() {
            len += 1;
        }
        let outcome = nested.end_list(depth, len);
        Level { nested, depth }.fail(outcome)
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.nested.problem = Some("an object stands where a value is expected".to_owned());
        Err(A::Error::custom(""))
    }
}

/// How a JSON value becomes an element. Each returns what is wrong with the value, without its position.
trait JsonElement: Sized {
    fn visit_i64(value: i64) -> Result<Self, String> {
        Err(mismatch::<Self>(&value.to_string()))
    }
    fn visit_u64(value: u64) -> Result<Self, String> {
        Err(mismatch::<Self>(&value.to_string()))
    }
    fn visit_f64(value: f64) -> Result<Self, String> {
        Err(mismatch::<Self>(&format!("{value:?}")))
    }
    fn visit_bool(value: bool) -> Result<Self, String> {
        Err(mismatch::<Self>(&value.to_string()))
    }
    fn visit_str(value: &str) -> Result<Self, String> {
        let shown: String = value.chars().take(40).collect();
        Err(mismatch::<Self>(&format!("\"{shown}\"")))
    }
    fn visit_null() -> Result<Self, String> {
        Err(mismatch::<Self>("null"))
    }
    fn name() -> &'static str;
}

fn mismatch<T: JsonElement>(received: &str) -> String {
    format!("expected {}, received {received}", T::name())
}

macro_rules! float_elements {
    ($($rust:ty, |$wide:ident| $narrow:expr;)*) => {
        $(impl JsonElement for $rust {
            fn visit_i64(value: i64) -> Result<Self, String> {
                Self::visit_f64(value as f64)
            }
            fn visit_u64(value: u64) -> Result<Self, String> {
                Self::visit_f64(value as f64)
            }
            fn visit_f64($wide: f64) -> Result<Self, String> {
                let narrow: $rust = $narrow;
                if f64::from(narrow).is_finite() {
                    Ok(narrow)
                } else {
                    Err(format!("{} does not fit {}", $wide, Self::name()))
                }
            }
            fn visit_str(value: &str) -> Result<Self, String> {
                let $wide = match value {
                    "NaN" => f64::NAN,
                    "Infinity" => f64::INFINITY,
                    "-Infinity" => f64::NEG_INFINITY,
                    other => {
                        let shown: String = other.chars().take(40).collect();
                        return Err(mismatch::<Self>(&format!("\"{shown}\"")));
                    }
                };
                Ok($narrow)
            }
            fn visit_null() -> Result<Self, String> {
                Self::visit_str("NaN")
            }
            fn name() -> &'static str {
                <$rust as Element>::DTYPE.name()
            }
        })*
    };
}

float_elements! {
    f32, |wide| wide as f32;
    f64, |wide| wide;
    half::f16, |wide| half::f16::from_f64(wide);
    half::bf16, |wide| half::bf16::from_f64(wide);
}

macro_rules! integer_elements {
    ($($rust:ty),*) => {
        $(impl JsonElement for $rust {
            fn visit_i64(value: i64) -> Result<Self, String> {
                value.try_into().map_err(|_| format!("{value} does not fit {}", Self::name()))
            }
            fn visit_u64(value: u64) -> Result<Self, String> {
                value.try_into().map_err(|_| format!("{value} does not fit {}", Self::name()))
            }
            fn visit_f64(value: f64) -> Result<Self, String> {
                // 1.0 and 1e3 are integers too; beyond 2^53 a float does not say which.
                if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
                    Self::visit_i64(value as i64)
                } else {
                    Err(mismatch::<Self>(&value.to_string()))
                }
            }
            fn visit_str(value: &str) -> Result<Self, String> {
                let shown: String = value.chars().take(40).collect();
                value.parse().map_err(|_| mismatch::<Self>(&format!("\"{shown}\"")))
            }
            fn name() -> &'static str {
                <$rust as Element>::DTYPE.name()
            }
        })*
    };
}

integer_elements!(i8, i16, i32, i64, u8, u16, u32, u64);

struct Boolean(bool);

impl JsonElement for Boolean {
    fn visit_bool(value: bool) -> Result<Self, String> {
        Ok(Self(value))
    }
    fn name() -> &'static str {
        "a boolean"
    }
}

impl JsonElement for String {
    fn visit_str(value: &str) -> Result<Self, String> {
        // ONNX Runtime reads strings up to the first NUL.
        if value.contains('\0') {
            return Err("a NUL character cannot be part of a string tensor".to_owned());
        }
        Ok(value.to_owned())
    }
    fn name() -> &'static str {
        "a string"
    }
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

    fn convert(inputs: Vec<ValueInfo>, features: &str) -> Result<JsonInputs> {
        let signature = Signature { inputs, ..Signature::default() };
        let parsed: BTreeMap<&str, &RawValue> = serde_json::from_str(features).unwrap();
        inputs_from_json(&signature, &parsed.into_iter().collect::<Vec<_>>())
    }

    fn tensor(inputs: &JsonInputs) -> &Tensor {
        inputs.values[0].1.as_tensor().unwrap()
    }

    fn x(dtype: DType, dims: &[Option<usize>], value: &str) -> Result<JsonInputs> {
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
        assert_eq!(tensor(&value(DType::Bool, "[true,false]").unwrap()).bytes(), Some(&[1u8, 0][..]));
        for (dtype, text) in [
            (DType::Int64, "[1.5]"),
            (DType::Int64, "[null]"),
            (DType::Int64, "[\"1.5\"]"),
            (DType::Int64, "[9223372036854775808]"),
            (DType::Int64, "[1e300]"),
            (DType::Int8, "[128]"),
            (DType::UInt8, "[-1]"),
            (DType::Float32, "[1e39]"),
            (DType::Float32, "[true]"),
            (DType::Float32, "[\"1.5\"]"),
            (DType::Float16, "[70000]"),
            (DType::Float64, "[1e400]"),
            (DType::Bool, "[1]"),
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
        assert!(convert(one, "{}").is_err());
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
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(x(DType::Float32, &[None], &deep).unwrap_err().code, ErrorCode::InvalidInput);
    }
}
