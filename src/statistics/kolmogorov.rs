//! The distribution of the one-sample Kolmogorov-Smirnov statistic, by the method that is most exact for each size and value
//! (Simard and L'Ecuyer 2011), as SciPy's `kstwo` has it.

use super::distributions::ln_choose;
use super::durbin::durbin_cdf;
use std::f64::consts::PI;

/// Durbin's matrix is taken for few values, and for more where it is small.
const FEW: u64 = 140;
const MANY: u64 = 100_000;
const MAX_DURBIN: f64 = 1.4;

/// P(D_n >= d) of the two-sided statistic over `n` values, at least one.
pub fn kolmogorov_sf(n: u64, d: f64) -> f64 {
    let size = n as f64;
    let scaled = size * d;
    let square = scaled * d;
    if scaled <= 0.5 {
        1.0
    } else if d >= 1.0 {
        0.0
    } else if d >= 0.5 || (n <= FEW && square > 4.0) || (n > FEW && square >= 2.2) {
        // Both one-sided events exclude each other, or as good as.
        2.0 * one_sided_sf(n, d)
    } else if n <= FEW || (n <= MANY && size * d.powf(1.5) <= MAX_DURBIN) {
        1.0 - durbin_cdf(n, d)
    } else {
        1.0 - pelz_good_cdf(size, d)
    }
    .clamp(0.0, 1.0)
}

/// P(D_n+ >= d), Smirnov's sum: all terms are positive.
fn one_sided_sf(n: u64, d: f64) -> f64 {
    let size = n as f64;
    let term = |j: u64| {
        let part = j as f64 / size;
        let (above, rest) = (d + part, 1.0 - d - part);
        if rest <= 0.0 {
            return 0.0;
        }
        (ln_choose(n, j) + (j as f64 - 1.0) * above.ln() + (n - j) as f64 * rest.ln()).exp()
    };
    d * (0..=(size * (1.0 - d)).floor() as u64).map(term).sum::<f64>()
}

/// P(D_n < d) by the expansion in powers of 1 / sqrt(n) of Pelz and Good (1976), in its form for small values.
fn pelz_good_cdf(n: f64, d: f64) -> f64 {
    let z = n.sqrt() * d;
    let (z2, pi2) = (z * z, PI * PI);
    let (z4, z6, pi4, pi6) = (z2 * z2, z2 * z2 * z2, pi2 * pi2, pi2 * pi2 * pi2);
    // The terms of exp(-pi² (2 k - 1)² / (8 z²)).
    let odd = |odd: f64| {
        let m2 = odd * odd;
        let (m4, m6) = (m2 * m2, m2 * m2 * m2);
        let weight = (-pi2 * m2 / (8.0 * z2)).exp();
        let first = -z2 + pi2 / 4.0 * m2;
        let second = 6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * pi2 / 4.0 * m2 + (1.0 - 2.0 * z2) * pi4 / 16.0 * m4;
        let third = -30.0 * z6 - 90.0 * z4 * z4
            + (135.0 * z4 - 96.0 * z6) * pi2 / 4.0 * m2
            + (212.0 * z4 - 60.0 * z2) * pi4 / 16.0 * m4
            + (5.0 - 30.0 * z2) * pi6 / 64.0 * m6;
        [1.0, first, second, third].map(|factor| factor * weight)
    };
    // The terms of exp(-pi² k² / (2 z²)), of the last two powers only.
    let even = |k: f64| {
        let k2 = k * k;
        let weight = (-pi2 * k2 / (2.0 * z2)).exp() * k2;
        [weight, (3.0 * z2 - pi2 * k2) * weight]
    };
    let terms = (16.0 * z / PI).ceil() as u32;
    let (mut odds, mut evens) = ([0.0; 4], [0.0; 2]);
    for k in (1..=terms).rev().map(f64::from) {
        odds.iter_mut().zip(odd(2.0 * k - 1.0)).for_each(|(sum, term)| *sum += term);
        evens.iter_mut().zip(even(k)).for_each(|(sum, term)| *sum += term);
    }
    let z3 = z * z2;
    let powers = [
        odds[0] / z,
        odds[1] / (6.0 * z4),
        odds[2] / (72.0 * z3 * z4) - pi2 * evens[0] / (36.0 * z3),
        odds[3] / (6480.0 * z4 * z6) + pi2 * evens[1] / (216.0 * z6),
    ];
    let root = n.sqrt();
    (2.0 * PI).sqrt() * powers.iter().rev().fold(0.0, |sum, power| sum / root + power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_methods_agree_where_they_meet() {
        // Durbin's matrix is exact; the others lie beside it.
        for d in [0.03, 0.05, 0.07] {
            let exact = 1.0 - durbin_cdf(1000, d);
            assert!((1.0 - pelz_good_cdf(1000.0, d) - exact).abs() < 1e-6, "{d}");
        }
        let exact = 1.0 - durbin_cdf(140, 0.17);
        assert!((2.0 * one_sided_sf(140, 0.17) / exact - 1.0).abs() < 1e-6);
    }

    #[test]
    fn tends_to_kolmogorovs_limit() {
        // 2 sum of (-1)^(k - 1) exp(-2 k² z²).
        let limit = |z: f64| {
            2.0 * (1..20)
                .map(|k| f64::from(if k % 2 == 1 { 1 } else { -1 }) * (-2.0 * (f64::from(k) * z).powi(2)).exp())
                .sum::<f64>()
        };
        for z in [0.5, 1.0, 1.4, 2.0] {
            let found = kolmogorov_sf(1_000_000, z / 1e3);
            assert!((found - limit(z)).abs() < 1e-3, "{z}: {found}, limit {}", limit(z));
        }
    }

    #[test]
    fn is_a_probability_at_the_ends() {
        assert_eq!([0.0, 0.04, 1.0].map(|d| kolmogorov_sf(10, d)), [1.0, 1.0, 0.0]);
        assert!((kolmogorov_sf(1, 0.7) - 0.6).abs() < 1e-15);
    }
}
