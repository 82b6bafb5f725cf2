//! The shape and type of an input, by the configuration of a layer.

use crate::error::Result;
use crate::tensor::DType;
use crate::tensorflow::emit::Dims;
use crate::tensorflow::layers::config::{Config, unwrapped, wrong};
use serde_json::Value as Json;

pub fn input_shape(config: Config) -> Result<Option<Dims>> {
    for field in ["batch_shape", "batch_input_shape"] {
        if let Some(shape) = shape_of(config.json(field))? {
            return Ok(Some(shape));
        }
    }
    let without_batch = match shape_of(config.json("input_shape"))? {
        Some(shape) => Some(shape),
        None if config.has("input_dim") && !config.has("output_dim") => Some(vec![Some(config.int("input_dim", 1)?)]),
        None if config.has("input_length") => Some(vec![Some(config.int("input_length", 1)?)]),
        None => None,
    };
    Ok(without_batch.map(|shape| [None].into_iter().chain(shape).collect()))
}

pub fn shape_of(json: &Json) -> Result<Option<Dims>> {
    let json = unwrapped(json);
    if json.is_null() {
        return Ok(None);
    }
    let shape = json.as_array().and_then(|sizes| {
        let size = |size: &Json| match size {
            Json::Null => Some(None),
            size => size.as_i64().map(|size| Some(size).filter(|&size| size >= 0)),
        };
        sizes.iter().map(size).collect::<Option<Dims>>()
    });
    shape.map(Some).ok_or_else(|| wrong("shape", "a list of sizes", json))
}

pub fn input_type(config: Config) -> Result<DType> {
    let json = config.json("dtype");
    let name = json.as_str().or_else(|| json["config"]["name"].as_str()).unwrap_or("float32");
    match name {
        "int32" | "int64" | "uint8" | "bool" | "string" | "float64" | "int8" => {
            DType::from_name(name).ok_or_else(|| wrong("dtype", "an element type", json))
        }
        "int16" | "uint16" => Ok(DType::Int32),
        // Half precision is a way to compute, not to be given values.
        "float32" | "float16" | "bfloat16" | "mixed_float16" | "mixed_bfloat16" => Ok(DType::Float32),
        _ => Err(wrong("dtype", "an element type", json)),
    }
}
