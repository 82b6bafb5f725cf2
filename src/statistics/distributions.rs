//! Tails of distributions: survival functions, because 1 - cdf has no digits left where a test is most certain.

use statrs::function::beta::beta_reg;
use statrs::function::erf::erfc;
use statrs::function::gamma::{gamma_ur, ln_gamma};
use std::f64::consts::SQRT_2;

/// P(Z > z) of the standard normal distribution.
pub fn normal_sf(z: f64) -> f64 {
    0.5 * erfc(z / SQRT_2)
}

/// P(X > x) of the chi-square distribution.
pub fn chi_square_sf(x: f64, degrees_of_freedom: f64) -> f64 {
    if x <= 0.0 {
        1.0
    } else if x == f64::INFINITY {
        0.0
    } else {
        gamma_ur(degrees_of_freedom / 2.0, x / 2.0)
    }
}

/// P(|T| > |t|) of Student's t distribution.
pub fn student_t_two_sided(t: f64, degrees_of_freedom: f64) -> f64 {
    // Zero for an infinite t.
    beta_reg(degrees_of_freedom / 2.0, 0.5, degrees_of_freedom / (degrees_of_freedom + t * t))
}

/// The logarithm of the binomial coefficient.
pub fn ln_choose(n: u64, k: u64) -> f64 {
    let ln_factorial = |n: u64| ln_gamma(n as f64 + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-10, "{found}, expected {expected}");
    }

    #[test]
    fn tails_keep_their_digits() {
        near(normal_sf(1.959_963_984_540_054), 0.025);
        near(normal_sf(10.0), 7.619_853_024_160_526e-24);
        // With two degrees of freedom it is exp(-x / 2).
        near(chi_square_sf(600.0, 2.0), (-300.0f64).exp());
        near(chi_square_sf(1.0, 2.0), (-0.5f64).exp());
        // With one degree of freedom it is Cauchy's distribution: 1 - 2 atan(t) / pi.
        near(student_t_two_sided(1.0, 1.0), 0.5);
        near(student_t_two_sided(1e6, 1.0), 2.0 * (1e-6f64).atan() / std::f64::consts::PI);
        // With two it is 1 - t / sqrt(2 + t²).
        near(student_t_two_sided(2.0, 2.0), 1.0 - 2.0 / 6f64.sqrt());
    }

    #[test]
    fn certainty_is_zero_and_not_a_number_less() {
        assert_eq!(chi_square_sf(f64::INFINITY, 3.0), 0.0);
        assert_eq!(chi_square_sf(0.0, 3.0), 1.0);
        assert_eq!(student_t_two_sided(f64::INFINITY, 3.0), 0.0);
        assert_eq!(student_t_two_sided(0.0, 3.0), 1.0);
    }
}
