//! One value of a file as a number of the type that the model takes.

use crate::tensor::DType;
use half::{bf16, f16};

/// What stands for no number in tables.
const MISSING: [&str; 6] = ["nan", "na", "n/a", "null", "none", "<na>"];

/// NaN for one that is missing: an empty cell, or what tables write for it. `None` for what is no number of the type.
#[inline]
pub fn number_of_text(dtype: DType, cell: &[u8]) -> Option<f64> {
    let cell = cell.trim_ascii();
    if cell.is_empty() {
        return Some(f64::NAN);
    }
    let text = std::str::from_utf8(cell).ok()?;
    match text.parse::<f64>() {
        Ok(number) => number_of(dtype, number),
        Err(_) if MISSING.iter().any(|missing| text.eq_ignore_ascii_case(missing)) => Some(f64::NAN),
        Err(_) if dtype == DType::Bool && text.eq_ignore_ascii_case("true") => Some(1.0),
        Err(_) if dtype == DType::Bool && text.eq_ignore_ascii_case("false") => Some(0.0),
        Err(_) => None,
    }
}

/// The number as the model gets it. `None` for one that the type does not have.
#[inline]
pub fn number_of(dtype: DType, number: f64) -> Option<f64> {
    if number.is_nan() {
        return Some(number);
    }
    let rounded = match dtype {
        DType::Float64 => return Some(number),
        DType::Float32 => f64::from(number as f32),
        DType::Float16 => f16::from_f64(number).to_f64(),
        DType::BFloat16 => bf16::from_f64(number).to_f64(),
        _ => return (number.trunc() == number && is_in_range(dtype, number)).then_some(number),
    };
    // No number becomes infinite.
    (rounded.is_finite() || number.is_infinite()).then_some(rounded)
}

fn is_in_range(dtype: DType, number: f64) -> bool {
    let (least, most) = match dtype {
        DType::Bool => (0.0, 1.0),
        DType::Int8 => (f64::from(i8::MIN), f64::from(i8::MAX)),
        DType::Int16 => (f64::from(i16::MIN), f64::from(i16::MAX)),
        DType::Int32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
        DType::Int64 => (i64::MIN as f64, i64::MAX as f64),
        DType::UInt8 => (0.0, f64::from(u8::MAX)),
        DType::UInt16 => (0.0, f64::from(u16::MAX)),
        DType::UInt32 => (0.0, f64::from(u32::MAX)),
        DType::UInt64 => (0.0, u64::MAX as f64),
        _ => return false,
    };
    (least..=most).contains(&number)
}

/// Whether profiles have numbers of the type.
pub fn is_number(dtype: DType) -> bool {
    number_of(dtype, 0.0).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_the_model_gets() {
        let read = |dtype, text: &str| number_of_text(dtype, text.as_bytes());
        assert_eq!(read(DType::Float32, " 5.1 "), Some(f64::from(5.1f32)));
        assert_eq!(read(DType::Float64, "5.1"), Some(5.1));
        assert_eq!(read(DType::Int64, "3.0"), Some(3.0));
        assert_eq!(read(DType::Bool, "True"), Some(1.0));
        assert_eq!(read(DType::Float32, "-inf"), Some(f64::NEG_INFINITY));
        for missing in ["", " ", "NaN", "NA", "null", "None"] {
            assert!(read(DType::Int64, missing).unwrap().is_nan(), "{missing}");
        }
        for (dtype, text) in [
            (DType::Float32, "1e300"),
            (DType::Float32, "1,5"),
            (DType::Float32, "1\0"),
            (DType::Float32, "True"),
            (DType::Int64, "1.5"),
            (DType::Int64, "inf"),
            (DType::UInt8, "256"),
            (DType::UInt8, "-1"),
            (DType::Bool, "2"),
        ] {
            assert_eq!(read(dtype, text), None, "{text}");
        }
        assert!(is_number(DType::Bool) && !is_number(DType::String) && !is_number(DType::Complex64));
    }
}
