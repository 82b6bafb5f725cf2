//! Tensors in tract's own form.

use crate::error::{Result, error};
use crate::tensor::{Bytes, DType, Tensor, TensorData, Value};
use tract_onnx::prelude::tract_ndarray::ArrayD;
use tract_onnx::prelude::*;

const DTYPES: [(DType, DatumType); 13] = [
    (DType::Bool, DatumType::Bool),
    (DType::UInt8, DatumType::U8),
    (DType::UInt16, DatumType::U16),
    (DType::UInt32, DatumType::U32),
    (DType::UInt64, DatumType::U64),
    (DType::Int8, DatumType::I8),
    (DType::Int16, DatumType::I16),
    (DType::Int32, DatumType::I32),
    (DType::Int64, DatumType::I64),
    (DType::Float16, DatumType::F16),
    (DType::Float32, DatumType::F32),
    (DType::Float64, DatumType::F64),
    (DType::String, DatumType::String),
];

pub fn has(dtype: DType) -> bool {
    DTYPES.iter().any(|(known, _)| *known == dtype)
}

pub fn to_tract(name: &str, value: &Value) -> Result<TValue> {
    let Value::Tensor(tensor) = value else { return Err(error!(InvalidInput, "input \"{name}\" must be a tensor")) };
    let refused = |problem: TractError| error!(InvalidInput, "input \"{name}\": {problem}");
    let made = match &tensor.data {
        TensorData::Strings(strings) => ArrayD::from_shape_vec(tensor.shape.clone(), strings.clone())
            .map(tract_onnx::prelude::Tensor::from)
            .map_err(|problem| error!(InvalidInput, "input \"{name}\": {problem}"))?,
        TensorData::Bytes(bytes) => {
            let (_, datum) = DTYPES.iter().find(|(dtype, _)| *dtype == tensor.dtype).ok_or_else(|| {
                error!(InvalidInput, "input \"{name}\": tract does not support {} tensors", tensor.dtype.name())
            })?;
            // SAFETY: `Tensor` holds exactly as many bytes as the shape asks for, and every bit pattern of these types is a
            // value: bools were checked to be 0 or 1 where they were made.
            unsafe { tract_onnx::prelude::Tensor::from_raw_dt(*datum, &tensor.shape, bytes.as_slice()) }
                .map_err(refused)?
        }
    };
    Ok(made.into_tvalue())
}

pub fn from_tract(value: &TValue) -> TractResult<Value> {
    let mut datum = value.datum_type();
    // Shapes are computed with symbols inside tract.
    let whole = if datum == TDim::datum_type() {
        datum = DatumType::I64;
        value.cast_to::<i64>()?
    } else {
        std::borrow::Cow::Borrowed(&**value)
    };
    let shape = whole.shape().to_vec();
    if datum == DatumType::String {
        let strings = whole.to_plain_array_view::<String>()?.iter().cloned().collect();
        return Ok(Tensor::from_strings(&shape, strings).into());
    }
    let plain = datum.unquantized();
    let (dtype, _) = DTYPES
        .iter()
        .find(|(_, other)| *other == plain)
        .ok_or_else(|| TractError::msg(format!("an output has the element type {datum:?}")))?;
    Tensor::from_bytes(*dtype, shape, Bytes::copy_from(whole.as_bytes()))
        .map(Value::from)
        .map_err(|problem| TractError::msg(problem.message))
}
