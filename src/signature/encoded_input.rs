//! Values of a body to tensors, guided by the signature and without an intermediate tree: numbers go straight into typed
//! buffers.

use super::fit::fit;
use super::{Signature, ValueInfo, ValueType};
use crate::error::{Error, Result, error};
use crate::format::{Encoded, Item, Items, Number, each_element};
use crate::tensor::{Bytes, DType, Element, MapKeys, Tensor, Value, element_count};
use serde_json::json;
use std::collections::BTreeMap;

/// The inputs of one run.
#[derive(Debug, PartialEq)]
pub struct Inputs {
    /// By the name of the input.
    pub values: Vec<(String, Value)>,
    /// The caller gave one row without a batch dimension, so the outputs lose theirs.
    pub unbatched: bool,
}

/// Converts the features of a request to the inputs of a model.
///
/// Numbers are converted to the declared dtype where that loses nothing but the rounding of floats; an input that lacks
/// the batch dimension gets one; a flat list is cut into the declared shape; `{data, shape}` is taken as it is. A byte string
/// holds little-endian elements of the declared dtype. A model with a single required input also takes the value under any
/// single name.
///
/// # Errors
/// `INVALID_INPUT` that names the input, what its type is, and what was received; for wrong names with the right ones in
/// `details.inputs`.
pub fn inputs_from(signature: &Signature, features: &[(&str, &Encoded)]) -> Result<Inputs> {
    let mut given: BTreeMap<&str, &Encoded> = BTreeMap::new();
    for (name, value) in features {
        if let Some(input) = input_for(signature, name, features.len()) {
            given.insert(&input.name, value);
        }
    }
    let unknown =
        features.iter().map(|(name, _)| *name).find(|name| input_for(signature, name, features.len()).is_none());
    let missing = signature.required_inputs().find(|input| !given.contains_key(input.name.as_str()));
    if unknown.is_some() || missing.is_some() {
        return Err(wrong_names(signature, unknown, missing));
    }
    let mut values = Vec::with_capacity(given.len());
    let (mut batch_added, mut batch_given) = (false, false);
    for input in &signature.inputs {
        let Some(encoded) = given.get(input.name.as_str()) else { continue };
        let (value, batch) = convert(input, encoded)?;
        match batch {
            Batch::Added => batch_added = true,
            Batch::Given => batch_given = true,
            Batch::None => {}
        }
        values.push((input.name.clone(), value));
    }
    Ok(Inputs { values, unbatched: batch_added && !batch_given })
}

/// The input that a feature is for, one of so many features.
pub fn input_for<'a>(signature: &'a Signature, name: &str, features: usize) -> Option<&'a ValueInfo> {
    signature.input(name).or_else(|| only_required(signature).filter(|_| features == 1))
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

fn convert(input: &ValueInfo, encoded: &Encoded) -> Result<(Value, Batch)> {
    let describe = |problem: String| error!(InvalidInput, "input \"{}\" ({}): {problem}", input.name, input.value_type);
    match &input.value_type {
        ValueType::Tensor { dtype, shape } => {
            let parsed = parse_tensor(*dtype, encoded).map_err(describe)?;
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
        other => Ok((value_of(other, encoded).map_err(describe)?, Batch::None)),
    }
}

fn value_of(value_type: &ValueType, encoded: &Encoded) -> Result<Value, String> {
    match value_type {
        ValueType::Tensor { dtype, .. } => Ok(parse_tensor(*dtype, encoded)?.tensor.into()),
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

fn parse_tensor(dtype: DType, encoded: &Encoded) -> Result<Parsed, String> {
    let (data, shape) = if encoded.is_object() { data_and_shape(encoded)? } else { (encoded.clone(), None) };
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
        return Err(format!("expected {{data, shape}}, received an object with {}", quoted(&names)));
    };
    let text = shape.to_json();
    let sizes = serde_json::from_str(&text).map_err(|_| {
        format!("\"shape\" must be a list of sizes, received {}", text.chars().take(40).collect::<String>())
    })?;
    Ok((data, Some(sizes)))
}

/// Nested lists while they are read.
struct Nested<T> {
    elements: Vec<T>,
    /// The size of each depth, once its first list has ended.
    shape: Vec<Option<usize>>,
    /// The depth of the elements, once one has been seen.
    rank: Option<usize>,
}

/// More than any tensor has.
const MAX_RANK: usize = 64;

impl<T> Default for Nested<T> {
    fn default() -> Self {
        Self { elements: Vec::new(), shape: Vec::new(), rank: None }
    }
}

impl<T: FromItem> Nested<T> {
    /// Reads a value that stands at that depth.
    fn read(&mut self, encoded: &Encoded, depth: usize) -> Result<(), String> {
        let mut items = encoded.items();
        // How many values each list that is open has so far.
        let mut counts: Vec<usize> = Vec::new();
        loop {
            let depth = depth + counts.len();
            if let Some(count) = counts.last_mut() {
                *count += self.numbers(&mut items, depth)?;
            }
            match items.item()? {
                Item::List => {
                    self.begin_list(depth)?;
                    counts.push(0);
                    continue;
                }
                Item::End => {
                    let len = counts.pop().unwrap_or(0);
                    self.end_list(depth - 1, len)?;
                }
                Item::Map => return Err("an object stands where a value is expected".to_owned()),
                Item::Elements(dtype, bytes) => self.list_of(depth, dtype, &bytes)?,
                Item::Bytes(bytes) => self.list_of(depth, T::DTYPE, &bytes)?,
                item => self.push(depth, T::from_item(&item))?,
            }
            match counts.last_mut() {
                Some(count) => *count += 1,
                None => return Ok(()),
            }
        }
    }

    /// Reads the numbers that come next in a list and gives how many they are.
    fn numbers(&mut self, items: &mut Items<'_>, depth: usize) -> Result<usize, String> {
        let before = self.elements.len();
        while let Some(number) = items.number()? {
            if self.elements.len() == before {
                self.begin_element(depth)?;
            }
            match T::of_number(number) {
                Ok(element) => self.elements.push(element),
                Err(problem) => return Err(self.at_value(problem)),
            }
        }
        Ok(self.elements.len() - before)
    }

    fn push(&mut self, depth: usize, element: Result<T, String>) -> Result<(), String> {
        self.begin_element(depth)?;
        match element {
            Ok(element) => self.elements.push(element),
            Err(problem) => return Err(self.at_value(problem)),
        }
        Ok(())
    }

    fn list_of(&mut self, depth: usize, dtype: DType, bytes: &[u8]) -> Result<(), String> {
        let size = dtype.bits() / 8;
        if size == 0 || !bytes.len().is_multiple_of(size) {
            return Err(format!("{} bytes are no list of {} elements", bytes.len(), dtype.name()));
        }
        let len = bytes.len() / size;
        self.begin_list(depth)?;
        if len > 0 {
            self.begin_element(depth + 1)?;
        }
        T::extend(&mut self.elements, dtype, bytes).map_err(|problem| self.at_value(problem))?;
        self.end_list(depth, len)
    }

    fn at_value(&self, problem: String) -> String {
        format!("value {}: {problem}", self.elements.len())
    }

    fn begin_element(&mut self, depth: usize) -> Result<(), String> {
        if *self.rank.get_or_insert(depth) != depth || self.shape.len() > depth {
            return Err("the nested lists are ragged: a value stands where a list is expected".to_owned());
        }
        Ok(())
    }

    fn begin_list(&mut self, depth: usize) -> Result<(), String> {
        if self.rank.is_some_and(|rank| rank <= depth) {
            return Err("the nested lists are ragged: a list stands where a value is expected".to_owned());
        }
        if depth == MAX_RANK {
            return Err(format!("lists are nested deeper than {MAX_RANK}"));
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

    fn into_tensor(self) -> Result<Tensor, String> {
        let shape: Vec<usize> = self.shape.into_iter().map(|size| size.unwrap_or(0)).collect();
        T::tensor(shape, self.elements)
    }
}

/// How an item becomes an element. Each returns what is wrong with it, without its position.
trait FromItem: Sized {
    const DTYPE: DType;

    fn from_item(item: &Item<'_>) -> Result<Self, String> {
        match item {
            Item::Null => Self::of_null(),
            Item::Bool(value) => Self::of_bool(*value),
            Item::Number(number) => Self::of_number(*number),
            Item::Text(value) => Self::of_text(value),
            other => Err(mismatch::<Self>(other.kind())),
        }
    }
    fn of_number(number: Number) -> Result<Self, String> {
        match number {
            Number::Float(value) => Self::of_float(value),
            Number::UInt(value) => Self::of_uint(value),
            Number::Int(value) => Self::of_int(value),
        }
    }
    fn of_int(value: i64) -> Result<Self, String> {
        Err(mismatch::<Self>(&value.to_string()))
    }
    fn of_uint(value: u64) -> Result<Self, String> {
        Err(mismatch::<Self>(&value.to_string()))
    }
    fn of_float(value: f64) -> Result<Self, String> {
        Err(mismatch::<Self>(&format!("{value:?}")))
    }
    fn of_bool(value: bool) -> Result<Self, String> {
        Err(mismatch::<Self>(&value.to_string()))
    }
    fn of_text(value: &str) -> Result<Self, String> {
        let shown: String = value.chars().take(40).collect();
        Err(mismatch::<Self>(&format!("\"{shown}\"")))
    }
    fn of_null() -> Result<Self, String> {
        Err(mismatch::<Self>("null"))
    }

    /// Appends raw elements; those of the same dtype as they are.
    fn extend(elements: &mut Vec<Self>, dtype: DType, bytes: &[u8]) -> Result<(), String> {
        each_element(dtype, bytes, |item| {
            elements.push(Self::from_item(&item)?);
            Ok(())
        })
    }
    fn tensor(shape: Vec<usize>, elements: Vec<Self>) -> Result<Tensor, String>;
}

fn mismatch<T: FromItem>(received: &str) -> String {
    let expected = match T::DTYPE {
        DType::Bool => "a boolean",
        DType::String => "a string",
        other => other.name(),
    };
    format!("expected {expected}, received {received}")
}

/// What all elements share that are plain numbers.
macro_rules! plain_elements {
    () => {
        const DTYPE: DType = <Self as Element>::DTYPE;

        fn extend(elements: &mut Vec<Self>, dtype: DType, bytes: &[u8]) -> Result<(), String> {
            if dtype == <Self as FromItem>::DTYPE {
                elements.extend(bytes.chunks_exact(size_of::<Self>()).map(bytemuck::pod_read_unaligned::<Self>));
                return Ok(());
            }
            each_element(dtype, bytes, |item| {
                elements.push(Self::from_item(&item)?);
                Ok(())
            })
        }
        fn tensor(shape: Vec<usize>, elements: Vec<Self>) -> Result<Tensor, String> {
            Ok(Tensor::from_elements(&shape, &elements))
        }
    };
}

macro_rules! float_elements {
    ($($rust:ty, |$wide:ident| $narrow:expr;)*) => {
        $(impl FromItem for $rust {
            plain_elements!();

            fn of_int(value: i64) -> Result<Self, String> {
                Self::of_float(value as f64)
            }
            fn of_uint(value: u64) -> Result<Self, String> {
                Self::of_float(value as f64)
            }
            fn of_float($wide: f64) -> Result<Self, String> {
                let narrow: $rust = $narrow;
                if f64::from(narrow).is_finite() || !$wide.is_finite() {
                    Ok(narrow)
                } else {
                    Err(format!("{} does not fit {}", $wide, <Self as FromItem>::DTYPE.name()))
                }
            }
            fn of_text(value: &str) -> Result<Self, String> {
                Self::of_float(match value {
                    "NaN" => f64::NAN,
                    "Infinity" => f64::INFINITY,
                    "-Infinity" => f64::NEG_INFINITY,
                    other => {
                        let shown: String = other.chars().take(40).collect();
                        return Err(mismatch::<Self>(&format!("\"{shown}\"")));
                    }
                })
            }
            fn of_null() -> Result<Self, String> {
                Self::of_float(f64::NAN)
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
        $(impl FromItem for $rust {
            plain_elements!();

            fn of_int(value: i64) -> Result<Self, String> {
                value.try_into().map_err(|_| format!("{value} does not fit {}", <Self as FromItem>::DTYPE.name()))
            }
            fn of_uint(value: u64) -> Result<Self, String> {
                value.try_into().map_err(|_| format!("{value} does not fit {}", <Self as FromItem>::DTYPE.name()))
            }
            fn of_float(value: f64) -> Result<Self, String> {
                // 1.0 and 1e3 are integers too; beyond 2^53 a float does not say which.
                if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
                    Self::of_int(value as i64)
                } else {
                    Err(mismatch::<Self>(&value.to_string()))
                }
            }
            fn of_text(value: &str) -> Result<Self, String> {
                let shown: String = value.chars().take(40).collect();
                value.parse().map_err(|_| mismatch::<Self>(&format!("\"{shown}\"")))
            }
        })*
    };
}

integer_elements!(i8, i16, i32, i64, u8, u16, u32, u64);

struct Boolean(bool);

impl FromItem for Boolean {
    const DTYPE: DType = DType::Bool;

    fn of_bool(value: bool) -> Result<Self, String> {
        Ok(Self(value))
    }
    fn tensor(shape: Vec<usize>, elements: Vec<Self>) -> Result<Tensor, String> {
        let bytes: Vec<u8> = elements.iter().map(|element| u8::from(element.0)).collect();
        Tensor::from_bytes(DType::Bool, shape, Bytes::copy_from(&bytes)).map_err(|problem| problem.message)
    }
}

impl FromItem for String {
    const DTYPE: DType = DType::String;

    fn of_text(value: &str) -> Result<Self, String> {
        // ONNX Runtime reads strings up to the first NUL.
        if value.contains('\0') {
            return Err("a NUL character cannot be part of a string tensor".to_owned());
        }
        Ok(value.to_owned())
    }
    fn tensor(shape: Vec<usize>, elements: Vec<Self>) -> Result<Tensor, String> {
        Ok(Tensor::from_strings(&shape, elements))
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

    fn convert(inputs: Vec<ValueInfo>, features: &str) -> Result<Inputs> {
        let signature = Signature { inputs, ..Signature::default() };
        let features = Encoded::json(features)?.fields().unwrap();
        inputs_from(&signature, &features.iter().map(|(name, value)| (name.as_str(), value)).collect::<Vec<_>>())
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
        for (depth, code) in [(60, ErrorCode::InvalidInput), (100_000, ErrorCode::InvalidRequest)] {
            let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(x(DType::Float32, &[None], &deep).unwrap_err().code, code, "{depth}");
        }
    }
}
