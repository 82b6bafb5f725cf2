//! Items of a request as the elements of a tensor.

use crate::format::{Item, Number, each_element};
use crate::tensor::{Bytes, DType, Element, Tensor};

/// How an item becomes an element. Each returns what is wrong with it, without its position.
pub trait FromItem: Sized {
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
            Number::Rounded(value) => Self::of_rounded(value),
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
    /// What a decimal fraction was rounded to.
    fn of_rounded(value: f64) -> Result<Self, String> {
        Self::of_float(value)
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

pub fn mismatch<T: FromItem>(received: &str) -> String {
    let expected = match T::DTYPE {
        DType::Bool => "a boolean, 0 or 1",
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
            fn of_bool(value: bool) -> Result<Self, String> {
                Self::of_float(f64::from(u8::from(value)))
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
    half::f16, |wide| half::f16::from_f32(rounded_to_odd(wide));
    half::bf16, |wide| half::bf16::from_f32(rounded_to_odd(wide));
}

/// The float32 on the way to a narrower type, so that both steps together round like one: what is not exact gets an odd last
/// digit, which is never halfway between two narrower numbers.
fn rounded_to_odd(wide: f64) -> f32 {
    let narrow = wide as f32;
    let exact = f64::from(narrow);
    if exact == wide || !narrow.is_finite() {
        return narrow;
    }
    let towards_zero = narrow.to_bits() - u32::from(exact.abs() > wide.abs());
    f32::from_bits(towards_zero | 1)
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
                // Beyond 2^53 a float does not say which.
                if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
                    Self::of_int(value as i64)
                } else {
                    Err(mismatch::<Self>(&value.to_string()))
                }
            }
            fn of_rounded(value: f64) -> Result<Self, String> {
                Err(mismatch::<Self>(&format!("a fraction near {value}")))
            }
            fn of_bool(value: bool) -> Result<Self, String> {
                Ok(Self::from(value))
            }
            fn of_text(value: &str) -> Result<Self, String> {
                let shown: String = value.chars().take(40).collect();
                value.parse().map_err(|_| mismatch::<Self>(&format!("\"{shown}\"")))
            }
        })*
    };
}

integer_elements!(i8, i16, i32, i64, u8, u16, u32, u64);

pub struct Boolean(bool);

impl FromItem for Boolean {
    const DTYPE: DType = DType::Bool;

    fn of_bool(value: bool) -> Result<Self, String> {
        Ok(Self(value))
    }
    fn of_uint(value: u64) -> Result<Self, String> {
        match value {
            0 | 1 => Ok(Self(value == 1)),
            other => Err(mismatch::<Self>(&other.to_string())),
        }
    }
    fn of_float(value: f64) -> Result<Self, String> {
        match value {
            0.0 => Ok(Self(false)),
            1.0 => Ok(Self(true)),
            other => Err(mismatch::<Self>(&format!("{other:?}"))),
        }
    }
    fn of_rounded(value: f64) -> Result<Self, String> {
        Err(mismatch::<Self>(&format!("a fraction near {value}")))
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
    use super::*;
    use half::{bf16, f16};

    #[test]
    fn narrow_floats_are_rounded_once() {
        // Just above halfway between 1 and the next number: float32 would round to halfway, and that to the even one.
        let above = |halfway: f64| f64::from_bits(halfway.to_bits() + 1);
        let below = |halfway: f64| f64::from_bits(halfway.to_bits() - 1);
        let (f16_step, bf16_step) = (2f64.powi(-10), 2f64.powi(-7));
        for sign in [1.0, -1.0] {
            let half = |wide: f64| f16::of_float(sign * wide).unwrap().to_f64() * sign;
            assert_eq!(half(above(1.0 + f16_step / 2.0)), 1.0 + f16_step);
            assert_eq!(half(1.0 + f16_step / 2.0), 1.0);
            assert_eq!(half(below(1.0 + f16_step * 1.5)), 1.0 + f16_step);
            let brain = |wide: f64| bf16::of_float(sign * wide).unwrap().to_f64() * sign;
            assert_eq!(brain(above(1.0 + bf16_step / 2.0)), 1.0 + bf16_step);
            assert_eq!(brain(1.0 + bf16_step / 2.0), 1.0);
            assert_eq!(brain(below(1.0 + bf16_step * 1.5)), 1.0 + bf16_step);
        }
        assert_eq!(f16::of_float(above(2f64.powi(-25))).unwrap().to_f64(), 2f64.powi(-24), "the least of all");
        assert_eq!(f16::of_float(1e-300).unwrap().to_bits(), 0);
        assert_eq!(f16::of_float(-0.0).unwrap().to_bits(), 0x8000);
        assert_eq!(f16::of_float(above(65504.0)).unwrap().to_f64(), 65504.0);
        assert!(f16::of_float(65520.0).is_err());
        assert!(f16::of_float(1e300).is_err());
        assert!(f16::of_float(f64::NAN).unwrap().is_nan());
    }
}
