//! The weights manifest: which tensors lie in the shards, in what order and how they are quantised.

use super::constant::Constant;
use crate::error::{Error, Result, error};
use crate::tensor::{DType, element_count};
use bytes::{Bytes, BytesMut};
use serde_json::Value as Json;
use std::collections::HashMap;

/// The named weights of a model. A tensor that is not quantised shares the bytes of its shard.
pub type Weights = HashMap<String, Constant>;

/// Reads the tensors that `specs` list from the shards, one after the other. The optimizer's are passed over.
///
/// # Errors
/// `INVALID_MODEL` for a spec that is no spec, a name that occurs twice, shards that end too early, or whole shards that hold
/// nothing;
/// `UNSUPPORTED_MODEL` for element types that cannot be translated.
pub fn read<'a>(specs: impl IntoIterator<Item = &'a Json>, shards: Vec<Bytes>) -> Result<Weights> {
    let mut reader = Reader { shards, shard: 0, offset: 0 };
    let mut weights = Weights::new();
    for spec in specs {
        let spec = Spec::parse(spec)?;
        let constant = spec.read(&mut reader)?;
        if spec.skipped {
            continue;
        }
        let Some(constant) = constant else {
            return Err(error!(UnsupportedModel, "weight \"{}\" is complex64, which is not supported", spec.name));
        };
        if weights.insert(spec.name.to_owned(), constant).is_some() {
            return Err(error!(InvalidModel, "the weights manifest names \"{}\" twice", spec.name));
        }
    }
    // Old versions of TensorFlow.js saved whole buffers, so that bytes may follow the last weight in its shard.
    let unread: usize = reader.shards.iter().skip(reader.shard + 1).map(Bytes::len).sum();
    if unread > 0 {
        return Err(error!(
            InvalidModel,
            "the last shards hold {unread} bytes, and the weights manifest lists no weight in them"
        ));
    }
    Ok(weights)
}

struct Spec<'a> {
    name: &'a str,
    shape: Vec<usize>,
    dtype: &'a str,
    quantization: Option<Quantization>,
    skipped: bool,
}

enum Quantization {
    Float16,
    /// The value is `stored * scale + min`.
    Affine {
        bytes: usize,
        scale: f64,
        min: f64,
    },
}

impl<'a> Spec<'a> {
    fn parse(json: &'a Json) -> Result<Self> {
        let name = json["name"]
            .as_str()
            .ok_or_else(|| error!(InvalidModel, "the weights manifest has a tensor without a name"))?;
        let wrong = |field: &str| error!(InvalidModel, "weight \"{name}\": its {field} is missing or wrong");
        let shape = json["shape"].as_array().and_then(|sizes| sizes.iter().map(size).collect::<Option<Vec<_>>>());
        let quantization = match &json["quantization"] {
            Json::Null => None,
            quantization => Some(Quantization::parse(quantization).ok_or_else(|| wrong("quantization"))?),
        };
        Ok(Self {
            name,
            shape: shape.ok_or_else(|| wrong("shape"))?,
            dtype: json["dtype"].as_str().ok_or_else(|| wrong("dtype"))?,
            quantization,
            skipped: json["group"] == "optimizer",
        })
    }

    /// The tensor; `None` for complex numbers, which are passed over.
    fn read(&self, reader: &mut Reader) -> Result<Option<Constant>> {
        let count = element_count(&self.shape).ok_or_else(|| self.ends_early())?;
        let mut take = |width: usize| {
            count.checked_mul(width).and_then(|length| reader.take(length)).ok_or_else(|| self.ends_early())
        };
        let dtype = match self.dtype {
            "float32" => DType::Float32,
            "int32" => DType::Int32,
            "bool" => DType::Bool,
            "string" => return self.read_strings(count, reader).map(Some),
            "complex64" => return take(8).map(|_| None),
            other => return Err(error!(UnsupportedModel, "weight \"{}\" is of type {other}", self.name)),
        };
        let made = match &self.quantization {
            None => Constant::new(dtype, self.shape.clone(), take(dtype.bits() / 8)?)?,
            Some(Quantization::Float16) => {
                let halves = take(2)?;
                let numbers: Vec<f32> =
                    halves.as_chunks().0.iter().map(|half| half::f16::from_le_bytes(*half).to_f32()).collect();
                Constant::of_f32(&self.shape, &numbers)
            }
            Some(Quantization::Affine { bytes, scale, min }) => {
                let stored = take(*bytes)?;
                let numbers = stored.chunks_exact(*bytes).map(|chunk| {
                    let stored = chunk.iter().rev().fold(0u32, |number, &byte| number << 8 | u32::from(byte));
                    f64::from(stored) * scale + min
                });
                match dtype {
                    DType::Float32 => {
                        Constant::of_f32(&self.shape, &numbers.map(|number| number as f32).collect::<Vec<_>>())
                    }
                    _ => Constant::of_numbers(
                        dtype,
                        &self.shape,
                        &numbers.map(|number| (number + 0.5).floor()).collect::<Vec<_>>(),
                    ),
                }
            }
        };
        Ok(Some(made))
    }

    /// Each text is its length in bytes, as 32 bits, and the bytes.
    fn read_strings(&self, count: usize, reader: &mut Reader) -> Result<Constant> {
        let mut strings = Vec::new();
        for _ in 0..count {
            let text = reader.take(4).and_then(|length| {
                let length = u32::from_le_bytes(length.as_ref().try_into().ok()?);
                reader.take(length as usize)
            });
            strings.push(text.ok_or_else(|| self.ends_early())?);
        }
        Ok(Constant::of_strings(&self.shape, strings))
    }

    fn ends_early(&self) -> Error {
        error!(
            InvalidModel,
            "weight \"{}\" of {} {:?} is longer than what the shards hold", self.name, self.dtype, self.shape
        )
    }
}

fn size(json: &Json) -> Option<usize> {
    json.as_u64().and_then(|size| usize::try_from(size).ok())
}

impl Quantization {
    fn parse(json: &Json) -> Option<Self> {
        let bytes = match json["dtype"].as_str()? {
            "float16" => return Some(Self::Float16),
            "uint8" => 1,
            "uint16" => 2,
            _ => return None,
        };
        Some(Self::Affine { bytes, scale: json["scale"].as_f64()?, min: json["min"].as_f64()? })
    }
}

/// The shards as one sequence of bytes.
struct Reader {
    shards: Vec<Bytes>,
    shard: usize,
    offset: usize,
}

impl Reader {
    /// The next bytes, copied only where they straddle shards; `None` when there are fewer.
    fn take(&mut self, length: usize) -> Option<Bytes> {
        while self.offset == self.shards.get(self.shard).map_or(usize::MAX, Bytes::len) {
            self.shard += 1;
            self.offset = 0;
        }
        let Some(shard) = self.shards.get(self.shard) else { return (length == 0).then(Bytes::new) };
        if length <= shard.len() - self.offset {
            let taken = shard.slice(self.offset..self.offset + length);
            self.offset += length;
            return Some(taken);
        }
        if length > self.left() {
            return None;
        }
        let mut joined = BytesMut::with_capacity(length);
        while joined.len() < length {
            let part = self.shards[self.shard].len().min(self.offset + length - joined.len());
            joined.extend_from_slice(&self.shards[self.shard][self.offset..part]);
            self.offset = part;
            if part == self.shards[self.shard].len() {
                self.shard += 1;
                self.offset = 0;
            }
        }
        Some(joined.freeze())
    }

    /// Bytes that were not taken.
    fn left(&self) -> usize {
        self.shards.iter().skip(self.shard).map(Bytes::len).sum::<usize>() - self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::json;

    fn shards(parts: &[&[u8]]) -> Vec<Bytes> {
        parts.iter().map(|part| Bytes::copy_from_slice(part)).collect()
    }

    #[test]
    fn a_tensor_may_straddle_shards() {
        let specs = [
            json!({"name": "flag", "shape": [1], "dtype": "bool"}),
            json!({"name": "n", "shape": [2], "dtype": "int32"}),
            json!({"name": "text", "shape": [1], "dtype": "string"}),
        ];
        let weights =
            read(&specs, shards(&[&[1, 7], &[], &[0, 0], &[0, 8, 0, 0, 0], &[2, 0, 0, 0, b'h', b'i']])).unwrap();
        assert_eq!(weights["flag"].ints().unwrap(), [1]);
        assert_eq!(weights["n"].ints().unwrap(), [7, 8]);
        assert_eq!(weights["text"], Constant::of_strings(&[1], vec!["hi".into()]));
    }

    #[test]
    fn quantised_weights_are_restored() {
        let affine = |dtype: &str, stored: &str| json!({"name": "w", "shape": [2], "dtype": dtype, "quantization": {"dtype": stored, "scale": 0.5, "min": -1.0}});
        let float = read(&[affine("float32", "uint8")], shards(&[&[0, 255]])).unwrap();
        assert_eq!(float["w"].floats().unwrap(), [-1.0, 126.5]);
        let int = read(&[affine("int32", "uint16")], shards(&[&[1, 0, 0, 1]])).unwrap();
        assert_eq!(int["w"].ints().unwrap(), [0, 127]);
        let half = json!({"name": "w", "shape": [], "dtype": "float32", "quantization": {"dtype": "float16"}});
        assert_eq!(read(&[half], shards(&[&[0, 0x3c]])).unwrap()["w"].floats().unwrap(), [1.0]);
    }

    #[test]
    fn what_the_shards_do_not_hold_is_refused() {
        for shape in [json!([3]), json!([u64::MAX, 2]), json!([-1]), json!("3")] {
            let spec = json!({"name": "w", "shape": shape, "dtype": "float32"});
            assert_eq!(read(&[spec], shards(&[&[0; 8]])).unwrap_err().code, ErrorCode::InvalidModel);
        }
        let complex = json!({"name": "w", "shape": [1], "dtype": "complex64"});
        let refused = read(&[complex], shards(&[&[0; 8]])).unwrap_err();
        assert_eq!(refused.code, ErrorCode::UnsupportedModel);
        assert!(refused.message.contains("\"w\""));
    }

    #[test]
    fn shards_without_weights_are_refused_and_bytes_behind_the_last_are_not() {
        let spec = json!({"name": "w", "shape": [1], "dtype": "int32"});
        for parts in [&[&[0; 5][..], &[0; 2]][..], &[&[0; 4], &[], &[0; 2]]] {
            let refused = read([&spec], shards(parts)).unwrap_err();
            assert!(refused.message.contains("lists no weight in them"), "{refused}");
        }
        for parts in [&[&[0; 4][..], &[]][..], &[&[7, 0, 0, 0, 9, 9]], &[&[7, 0], &[0, 0, 1, 1, 1]]] {
            assert_eq!(read([&spec], shards(parts)).unwrap().len(), 1);
        }
    }

    #[test]
    fn weights_of_the_optimizer_are_passed_over() {
        let specs = [
            json!({"name": "iter", "shape": [1], "dtype": "int32", "group": "optimizer"}),
            json!({"name": "w", "shape": [1], "dtype": "int32"}),
        ];
        let weights = read(&specs, shards(&[&[9, 0, 0, 0, 3, 0, 0, 0]])).unwrap();
        assert_eq!(weights.len(), 1);
        assert_eq!(weights["w"].ints().unwrap(), [3]);
    }
}
