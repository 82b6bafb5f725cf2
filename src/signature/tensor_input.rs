//! Typed arrays as inputs.

use super::fit::{Fitted, fit};
use super::{Signature, ValueType};
use crate::error::{Result, error};
use crate::tensor::{Bytes, DType, Tensor};
use serde_json::json;

/// A tensor that has the shape the model declares.
#[derive(Debug)]
pub struct FittedTensor {
    pub tensor: Tensor,
    /// The batch dimension was missing and has been added.
    pub batch_added: bool,
}

/// Takes the elements of a typed array for an input. Without a shape they are a flat list, which is fitted as in JSON.
///
/// # Errors
/// `INVALID_INPUT` when there is no such input, the dtype is another one, or the shape does not fit.
pub fn tensor_input(
    signature: &Signature,
    name: &str,
    dtype: DType,
    shape: Option<Vec<usize>>,
    bytes: Bytes,
) -> Result<FittedTensor> {
    let Some(input) = signature.input(name) else {
        let names: Vec<&str> = signature.inputs.iter().map(|input| input.name.as_str()).collect();
        return Err(error!(InvalidInput, "the model has no input \"{name}\"; its inputs are {}", names.join(", "))
            .with_details(json!({ "inputs": names })));
    };
    let ValueType::Tensor { dtype: declared, shape: dims } = &input.value_type else {
        return Err(error!(InvalidInput, "input \"{name}\" is {}, which a typed array cannot be", input.value_type));
    };
    if *declared != dtype {
        return Err(error!(InvalidInput, "input \"{name}\" is {}, received {}", declared.name(), dtype.name()));
    }
    let explicit = shape.is_some();
    let natural = shape.unwrap_or_else(|| vec![bytes.len() * 8 / dtype.bits().max(1)]);
    let fitted = match dims {
        None => Fitted { shape: natural, batch_added: false },
        Some(dims) => fit(dims, &natural, explicit).ok_or_else(|| {
            error!(InvalidInput, "input \"{name}\" ({}): received shape {natural:?}", input.value_type)
                .with_details(json!({ "input": name, "received": natural }))
        })?,
    };
    let tensor = Tensor::from_bytes(dtype, fitted.shape, bytes)?;
    Ok(FittedTensor { tensor, batch_added: fitted.batch_added })
}
