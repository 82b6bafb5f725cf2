//! Decimal numbers as text: the float64 nearest to them, and whole ones with all their digits.

use super::item::Number;

/// As many digits fit a `u64`; one less fits an `i64`.
pub const MAX_DIGITS: usize = 19;
/// A float64 holds each integer up to this.
const MAX_EXACT_INTEGER: u64 = 1 << 53;
pub const POWERS_OF_TEN: [u64; MAX_DIGITS + 1] = {
    let mut powers = [1; MAX_DIGITS + 1];
    let mut at = 1;
    while at <= MAX_DIGITS {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// A quotient whose denominator is a power of ten; exact when it is a whole number.
#[inline]
pub fn decimal(is_negative: bool, numerator: u64, denominator: u64) -> Number {
    let size = quotient(numerator, denominator);
    let value = if is_negative { -size } else { size };
    // Zero may be negative.
    if size as i64 as f64 != size || numerator == 0 {
        Number::Float(value)
    } else if !numerator.is_multiple_of(denominator) {
        Number::Rounded(value)
    } else {
        integer(is_negative, (numerator / denominator).into()).unwrap_or(Number::Float(value))
    }
}

fn integer(is_negative: bool, size: u128) -> Option<Number> {
    if !is_negative {
        return u64::try_from(size).ok().map(Number::UInt);
    }
    i128::try_from(size).ok().and_then(|size| i64::try_from(-size).ok()).map(Number::Int)
}

/// The number of that text, of which the value is the nearest float64.
pub fn whole_or_not(text: &str, value: f64) -> Number {
    if value.fract() != 0.0 {
        return Number::Float(value);
    }
    let unsigned = text.trim_start_matches('-');
    let (digits, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = [whole, fraction].concat();
    let significant = all.trim_end_matches('0');
    let zeros = (all.len() - significant.len()) as i64;
    let significant = significant.trim_start_matches('0');
    let exponent = exponent.parse().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    let power = i64::saturating_add(exponent, zeros - fraction.len() as i64);
    match u32::try_from(power) {
        _ if significant.is_empty() => Number::Float(value),
        Err(_) if power < 0 => Number::Rounded(value),
        // A u64 has no more digits.
        Ok(power) if significant.len() + power as usize <= MAX_DIGITS + 1 => {
            let size = significant.parse::<u128>().ok().map(|digits| digits * 10u128.pow(power));
            size.and_then(|size| integer(text.starts_with('-'), size)).unwrap_or(Number::Float(value))
        }
        _ => Number::Float(value),
    }
}

/// The float64 nearest to a quotient. The denominator is a power of ten.
fn quotient(numerator: u64, denominator: u64) -> f64 {
    if numerator <= MAX_EXACT_INTEGER {
        // Both are exact, so their quotient is rounded once.
        return numerator as f64 / denominator as f64;
    }
    // 63 or 64 bits of the quotient, the last of which says whether more follow: so the conversion rounds correctly.
    let (numerator_shift, denominator_shift) = (numerator.leading_zeros(), denominator.leading_zeros());
    let dividend = u128::from(numerator << numerator_shift) << 63;
    let divisor = u128::from(denominator << denominator_shift);
    let bits = (dividend / divisor) as u64 | u64::from(dividend % divisor != 0);
    let exponent = u64::from(1023 + denominator_shift - numerator_shift - 63);
    bits as f64 * f64::from_bits(exponent << 52)
}
