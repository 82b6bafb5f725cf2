//! Numbers that stand in the file as an operand: one, nested lists of them, or an array that Keras wrapped.

use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::constant::Constant;
use crate::tensorflow::layers::topology::Argument;
use serde_json::Value as Json;

#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    pub shape: Vec<usize>,
    pub numbers: Vec<f64>,
    /// Of a fraction, an integer or a truth value.
    pub kind: Kind,
}

/// What numbers are at least; a later one takes in the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Bool,
    Integer,
    Fraction,
}

impl Literal {
    /// # Errors
    /// `UNSUPPORTED_MODEL` for what is no number; `INVALID_MODEL` for rows of different lengths.
    pub fn of<T>(argument: &Argument<'_, T>) -> Result<Self> {
        match argument {
            Argument::Plain(json) => Self::of_json(json),
            Argument::List(items) => Self::joined(items.iter().map(Self::of)),
            Argument::Tensor(_) => Err(error!(UnsupportedModel, "numbers in the file are expected, not a tensor")),
        }
    }

    fn of_json(json: &Json) -> Result<Self> {
        let single = |number, kind| Ok(Self { shape: Vec::new(), numbers: vec![number], kind });
        match json {
            Json::Bool(flag) => single(f64::from(u8::from(*flag)), Kind::Bool),
            Json::Number(number) => {
                let kind = if number.is_f64() { Kind::Fraction } else { Kind::Integer };
                single(number.as_f64().unwrap_or(f64::NAN), kind)
            }
            Json::Array(items) => Self::joined(items.iter().map(Self::of_json)),
            Json::Object(fields) => {
                let class = fields.get("class_name").and_then(Json::as_str).unwrap_or_default();
                match class {
                    "__tuple__" | "__list__" => Self::of_json(&json["items"]),
                    "__numpy__" | "__tensor__" => {
                        let mut literal = Self::of_json(&json["config"]["value"])?;
                        literal.kind = match json["config"]["dtype"].as_str() {
                            Some(name) if name.contains("float") => Kind::Fraction,
                            Some("bool") => Kind::Bool,
                            _ => literal.kind,
                        };
                        Ok(literal)
                    }
                    _ => Err(error!(UnsupportedModel, "an operand is not a number")),
                }
            }
            _ => Err(error!(UnsupportedModel, "an operand is not a number")),
        }
    }

    fn joined(items: impl Iterator<Item = Result<Self>>) -> Result<Self> {
        let mut made = Self { shape: vec![0], numbers: Vec::new(), kind: Kind::Bool };
        let mut inner: Option<Vec<usize>> = None;
        for item in items {
            let item = item?;
            if *inner.get_or_insert_with(|| item.shape.clone()) != item.shape {
                return Err(error!(InvalidModel, "an array has rows of different lengths"));
            }
            made.shape[0] += 1;
            made.numbers.extend(item.numbers);
            made.kind = made.kind.max(item.kind);
        }
        match inner {
            Some(inner) => made.shape.extend(inner),
            None => made.kind = Kind::Fraction,
        }
        Ok(made)
    }

    pub fn constant(&self, dtype: DType) -> Constant {
        Constant::of_numbers(dtype, &self.shape, &self.numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn literal(json: &Json) -> Result<Literal> {
        Literal::of::<()>(&Argument::Plain(json))
    }

    #[test]
    fn numbers_have_many_forms() {
        for (json, shape, numbers, kind) in [
            (json!(2), vec![], vec![2.0], Kind::Integer),
            (json!(2.0), vec![], vec![2.0], Kind::Fraction),
            (json!([[1, 2], [3, 4.5]]), vec![2, 2], vec![1.0, 2.0, 3.0, 4.5], Kind::Fraction),
            (json!([true, false]), vec![2], vec![1.0, 0.0], Kind::Bool),
            (
                json!({"class_name": "__numpy__", "config": {"value": [1, 2], "dtype": "float32"}}),
                vec![2],
                vec![1.0, 2.0],
                Kind::Fraction,
            ),
            (
                json!({"class_name": "__tensor__", "config": {"value": 7, "dtype": "int32"}}),
                vec![],
                vec![7.0],
                Kind::Integer,
            ),
            (json!({"class_name": "__tuple__", "items": [1]}), vec![1], vec![1.0], Kind::Integer),
            (json!([]), vec![0], vec![], Kind::Fraction),
        ] {
            assert_eq!(literal(&json).unwrap(), Literal { shape, numbers, kind }, "{json}");
        }
        for json in [json!("a"), json!(null), json!({"class_name": "Dense"}), json!([[1], 2]), json!([[1], [2, 3]])] {
            assert!(literal(&json).is_err(), "{json}");
        }
    }
}
