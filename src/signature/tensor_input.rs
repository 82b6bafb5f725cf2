//! Typed arrays as inputs.

use super::fit::{Fitted, fit};
use super::{ValueInfo, ValueType};
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
/// `INVALID_INPUT` when the input is no tensor, the dtype is another one, or the shape does not fit.
pub fn tensor_input(input: &ValueInfo, dtype: DType, shape: Option<&[usize]>, bytes: Bytes) -> Result<FittedTensor> {
    let name = &input.name;
    let ValueType::Tensor { dtype: declared, shape: dims } = &input.value_type else {
        return Err(error!(InvalidInput, "input \"{name}\" is {}, which a typed array cannot be", input.value_type));
    };
    if *declared != dtype {
        return Err(error!(InvalidInput, "input \"{name}\" is {}, received {}", declared.name(), dtype.name()));
    }
    if let Some(byte) = (dtype == DType::Bool).then(|| bytes.as_slice().iter().find(|&&byte| byte > 1)).flatten() {
        return Err(error!(InvalidInput, "input \"{name}\": a boolean is the byte 0 or 1, received {byte}"));
    }
    let explicit = shape.is_some();
    let natural = shape.map_or_else(|| vec![bytes.len() * 8 / dtype.bits().max(1)], <[usize]>::to_vec);
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
