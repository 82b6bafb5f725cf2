//! Sums without an error.

use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;
use std::fmt;

/// Bits of a limb; it holds as much again of what is to be carried.
const LIMB_BITS: usize = 32;
/// The first limb counts in steps of the smallest number above 0, 2^-1074.
const LOWEST_EXPONENT: i32 = -1074;
/// All limbs that sums of 2^63 numbers reach.
const MAX_LIMBS: usize = 70;
/// So many numbers are added before carries are passed on: a limb grows by less than 2^32 with each.
const MAX_PENDING: u32 = 1 << 29;

/// A sum of doubles in fixed point over their whole range (Kulisch and Miranker, 1986): the same whatever the order of the numbers,
/// and adding `-x` undoes adding `x`. Only the limbs between the smallest and the largest number are kept.
///
/// A number that is not finite counts as 2^1024 or more, so the sum is infinite as long as nothing takes that away.
#[derive(Debug, Clone, Default)]
pub struct ExactSum {
    /// The limbs that are left out below the first one.
    start: usize,
    /// Digits to the base 2^32 whose carries are still in them.
    limbs: SmallVec<[i64; 4]>,
    /// How many numbers may be in the carries.
    pending: u32,
}

/// The one form of a sum: its sign, and its absolute value without zeros at the ends.
#[derive(PartialEq)]
struct Digits {
    is_negative: bool,
    start: usize,
    digits: SmallVec<[u32; 8]>,
}

impl ExactSum {
    pub fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let (exponent, fraction) = ((bits >> 52) as usize & 0x7ff, bits & ((1 << 52) - 1));
        let (mantissa, place) = if exponent == 0 { (fraction, 0) } else { (fraction | 1 << 52, exponent - 1) };
        if mantissa == 0 {
            return;
        }
        if self.pending >= MAX_PENDING {
            self.carry();
        }
        self.pending += 1;
        let wide = u128::from(mantissa) << (place % LIMB_BITS);
        for (at, limb) in self.limbs_from(place / LIMB_BITS, 3).iter_mut().enumerate() {
            let digit = i64::from((wide >> (at * LIMB_BITS)) as u32);
            *limb += if value.is_sign_negative() { -digit } else { digit };
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.merge_times(other, 1);
    }

    /// Adds another once, or, -1 times, takes it away.
    pub fn merge_times(&mut self, other: &Self, times: i64) {
        if self.pending + other.pending > MAX_PENDING {
            self.carry();
        }
        self.pending += other.pending;
        let limbs = self.limbs_from(other.start, other.limbs.len());
        limbs.iter_mut().zip(&other.limbs).for_each(|(own, other)| *own += times * other);
    }

    pub fn is_zero(&self) -> bool {
        self.digits().digits.is_empty()
    }

    /// Doubles that add up to the sum without an error, from the nearest one down; none where they would not be finite.
    pub fn parts(&self) -> Option<SmallVec<[f64; 4]>> {
        let (mut parts, mut rest) = (SmallVec::new(), self.clone());
        while !rest.is_zero() {
            let part = rest.value();
            if !part.is_finite() {
                return None;
            }
            rest.add(-part);
            parts.push(part);
        }
        Some(parts)
    }

    /// Adds a product without rounding it, but for what is below the smallest numbers.
    pub fn add_product(&mut self, one: f64, other: f64) {
        let product = one * other;
        self.add(product);
        if product.is_finite() {
            self.add(one.mul_add(other, -product));
        }
    }

    /// The double that is nearest to the sum.
    pub fn value(&self) -> f64 {
        let Digits { is_negative, start, digits } = self.digits();
        let low = digits.len().saturating_sub(4);
        let (rest, head) = digits.split_at(low);
        // What lies below these 97 bits or more only tells whether it is nothing.
        let is_inexact = rest.iter().any(|digit| *digit != 0);
        let head = head.iter().rev().fold(0, |head, digit| head << LIMB_BITS | u128::from(*digit));
        let exponent = ((start + low) * LIMB_BITS) as i32 + LOWEST_EXPONENT;
        // In two steps, because neither the factor nor what is between is beyond the doubles then.
        let value = (head | u128::from(is_inexact)) as f64 * power_of_two(exponent / 2);
        let value = value * power_of_two(exponent - exponent / 2);
        if is_negative { -value } else { value }
    }

    /// The limbs from a place of all on.
    fn limbs_from(&mut self, first: usize, count: usize) -> &mut [i64] {
        if self.limbs.is_empty() {
            self.start = first;
        }
        if first < self.start {
            self.limbs.insert_many(0, std::iter::repeat_n(0, self.start - first));
            self.start = first;
        }
        let at = first - self.start;
        if self.limbs.len() < at + count {
            self.limbs.resize(at + count, 0);
        }
        &mut self.limbs[at..at + count]
    }

    /// Passes all carries on.
    fn carry(&mut self) {
        *self = self.digits().into();
    }

    fn digits(&self) -> Digits {
        let mut carry = 0;
        let mut digits: SmallVec<[u32; 8]> = SmallVec::new();
        for limb in &self.limbs {
            let sum = limb + carry;
            digits.push(sum as u32);
            carry = sum >> LIMB_BITS;
        }
        digits.push(carry as u32);
        let is_negative = carry < 0;
        if is_negative {
            // From the complement to 2^n to the absolute value.
            let mut is_carried = true;
            for digit in &mut digits {
                (*digit, is_carried) = (!*digit).overflowing_add(u32::from(is_carried));
            }
        }
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        let start = if digits.is_empty() { 0 } else { self.start + zeros };
        Digits { is_negative, start, digits }
    }
}

/// From 2^-1022 to 2^1023.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

impl From<Digits> for ExactSum {
    fn from(Digits { is_negative, start, digits }: Digits) -> Self {
        let signed = |digit: u32| if is_negative { -i64::from(digit) } else { i64::from(digit) };
        Self { start, pending: u32::from(!digits.is_empty()), limbs: digits.into_iter().map(signed).collect() }
    }
}

impl PartialEq for ExactSum {
    fn eq(&self, other: &Self) -> bool {
        self.digits() == other.digits()
    }
}

/// As bytes: none for 0, else twice the number of limbs that are left out below, plus 1 for a sum below 0, and the digits of the
/// absolute value, the lowest first, without zeros at the end.
impl Serialize for ExactSum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Digits { is_negative, start, digits } = self.digits();
        let mut bytes: SmallVec<[u8; 32]> = SmallVec::new();
        if !digits.is_empty() {
            bytes.push((start << 1) as u8 | u8::from(is_negative));
            digits.iter().for_each(|digit| bytes.extend_from_slice(&digit.to_le_bytes()));
            while bytes.last() == Some(&0) {
                bytes.pop();
            }
        }
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for ExactSum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = ExactSum;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the bytes of a sum")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<ExactSum, E> {
        let Some((head, digits)) = bytes.split_first() else { return Ok(ExactSum::default()) };
        let (is_negative, start) = (head & 1 == 1, usize::from(head >> 1));
        if digits.is_empty() || start + digits.len().div_ceil(4) > MAX_LIMBS {
            return Err(E::invalid_value(Unexpected::Bytes(bytes), &self));
        }
        let digit = |bytes: &[u8]| bytes.iter().rev().fold(0, |digit, byte| digit << 8 | u32::from(*byte));
        Ok(Digits { is_negative, start, digits: digits.chunks(4).map(digit).collect() }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum
    }

    #[test]
    fn sums_are_rounded_once() {
        let tiny = f64::from_bits(1);
        for (values, expected) in [
            (&[][..], 0.0),
            (&[-0.0], 0.0),
            (&[0.1; 10], 1.0),
            (&[1e16, 1.0, 1.0, -1e16], 2.0),
            (&[f64::MAX, 1e-300, -f64::MAX], 1e-300),
            (&[f64::MAX, f64::MAX, -f64::MAX], f64::MAX),
            (&[f64::MAX, f64::MAX], f64::INFINITY),
            (&[-f64::MAX, -f64::MAX], f64::NEG_INFINITY),
            (&[tiny, tiny, tiny], 3.0 * tiny),
            (&[f64::MIN_POSITIVE, -tiny], f64::MIN_POSITIVE - tiny),
            (&[-1.0, tiny], -1.0),
            // Halfway to the next double: to the even one, unless anything is above it.
            (&[9_007_199_254_740_992.0, 1.0], 9_007_199_254_740_992.0),
            (&[9_007_199_254_740_992.0, 1.0, tiny], 9_007_199_254_740_994.0),
            (&[9_007_199_254_740_994.0, 1.0], 9_007_199_254_740_996.0),
            (&[9_007_199_254_740_994.0, 1.0, -tiny], 9_007_199_254_740_994.0),
            (&[-4_294_967_296.0, 4_294_967_295.0], -1.0),
        ] {
            assert_eq!(sum(values).value().to_bits(), expected.to_bits(), "{values:?}");
        }
        assert!(!sum(&[f64::NAN]).value().is_finite() && !sum(&[1.0, f64::INFINITY]).value().is_finite());
    }

    #[test]
    fn order_does_not_matter_and_what_is_taken_away_is_gone() {
        let values: Vec<f64> =
            (0..500u64).map(|at| f64::from_bits(at.wrapping_mul(0x9e37_79b9_7f4a_7c15) & !(1 << 62))).collect();
        let forwards = sum(&values);
        let backwards: Vec<f64> = values.iter().rev().copied().collect();
        assert!(forwards == sum(&backwards));
        let mut parts = sum(&values[200..]);
        parts.merge(&sum(&values[..200]));
        assert!(forwards == parts);
        backwards.iter().for_each(|value| parts.add(-value));
        assert!(parts == ExactSum::default());
    }

    #[test]
    fn parts_and_products_lose_nothing() {
        let whole = sum(&[1e16, 1.0, 0.1, 1e-20]);
        let parts = whole.parts().unwrap();
        assert!(parts.len() > 1 && sum(&parts) == whole, "{parts:?}");
        assert_eq!(ExactSum::default().parts().unwrap().len(), 0);
        assert_eq!(sum(&[f64::MAX; 2]).parts(), None);
        // (1 + 2^-30)² is 1 + 2^-29 + 2^-60, of which a double holds the first two.
        let (above_one, power) = (1.0 + 2f64.powi(-30), |exponent| 2f64.powi(exponent));
        let mut squares = ExactSum::default();
        squares.add_product(above_one, above_one);
        assert!(squares == sum(&[1.0, power(-29), power(-60)]));
        squares.merge_times(&squares.clone(), -1);
        assert!(squares.is_zero());
    }

    #[test]
    fn carries_are_passed_on_before_limbs_are_full() {
        let mut sum = ExactSum::default();
        sum.add(f64::MAX);
        // 2^62 times the largest number, and back.
        let doublings: Vec<_> = (0..62)
            .map(|_| {
                let before = sum.clone();
                sum.merge(&before);
                before
            })
            .collect();
        assert_eq!(sum.value(), f64::INFINITY);
        for before in doublings.into_iter().rev() {
            let mut opposite = ExactSum::default();
            let Digits { is_negative, start, digits } = before.digits();
            opposite.merge(&Digits { is_negative: !is_negative, start, digits }.into());
            sum.merge(&opposite);
            assert!(sum == before);
        }
        assert_eq!(sum.value(), f64::MAX);
    }

    #[test]
    fn bytes_are_few_and_give_the_sum_again() {
        for values in
            [&[][..], &[0.0], &[1.25], &[-3.5e-300, 1.0], &[f64::MAX; 3], &[f64::from_bits(1)], &[0.1, 0.2, 1e9]]
        {
            let whole = sum(values);
            let bytes = rmp_serde::to_vec(&whole).unwrap();
            let read: ExactSum = rmp_serde::from_slice(&bytes).unwrap();
            assert!(read == whole, "{values:?}");
            assert_eq!(rmp_serde::to_vec(&read).unwrap(), bytes);
        }
        assert_eq!(rmp_serde::to_vec(&sum(&[1.0, -1.0])).unwrap().len(), 2);
        // Of 76 bits.
        assert!(rmp_serde::to_vec(&sum(&[0.1, 1e6])).unwrap().len() <= 19);
        for damaged in [&[0x40][..], &[0xff; 9], &[0; 300]] {
            let mut bytes = Vec::new();
            rmp::encode::write_bin(&mut bytes, damaged).unwrap();
            assert!(rmp_serde::from_slice::<ExactSum>(&bytes).is_err(), "{damaged:?}");
        }
    }
}
