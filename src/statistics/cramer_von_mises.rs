//! The distribution of the Cramer-von Mises statistic.

use super::lattice_paths::greatest_common_divisor;
use statrs::function::gamma::ln_gamma;
use std::f64::consts::PI;

/// Below, the distribution function is below 1e-17, and the series would divide by zero.
const NEAR: f64 = 0.003;
/// From here on the limit is below 1e-20, which its series cannot tell from 0.
const FAR: f64 = 10.0;
/// Terms of the series that are smaller change no digit of a probability.
const NEGLIGIBLE: f64 = 1e-18;

/// P(W > w) of the limiting distribution, by the series of Anderson and Darling (1952). Its error is absolute, about 1e-15.
pub fn limiting_cramer_von_mises_sf(w: f64) -> f64 {
    if w < NEAR {
        return 1.0;
    }
    if w >= FAR {
        return 0.0;
    }
    let mut sum = 0.0;
    for k in (0..).map(f64::from) {
        let step = 4.0 * k + 1.0;
        let coefficient = (ln_gamma(k + 0.5) - ln_gamma(k + 1.0)).exp() / (PI.powf(1.5) * w.sqrt()) * step.sqrt();
        let term = coefficient * scaled_bessel_k_quarter(step * step / (16.0 * w));
        sum += term;
        if term <= NEGLIGIBLE {
            break;
        }
    }
    (1.0 - sum).clamp(0.0, 1.0)
}

/// exp(-q) times the modified Bessel function K of order 1/4: the integral of exp(-q (1 + cosh t)) cosh(t / 4) over t >= 0, which
/// the trapezoidal rule gives to all digits, because the integrand vanishes doubly exponentially.
fn scaled_bessel_k_quarter(q: f64) -> f64 {
    const STEP: f64 = 1.0 / 32.0;
    let integrand = |t: f64| (-q * (1.0 + t.cosh())).exp() * (t / 4.0).cosh();
    let mut sum = 0.5 * integrand(0.0);
    for at in (1..).map(f64::from) {
        let value = integrand(at * STEP);
        sum += value;
        if value <= sum * f64::EPSILON * 1e-3 {
            break;
        }
    }
    sum * STEP
}

/// P(U >= u) for samples of `n` and `m` values, each at most 20, without ties; U is Anderson's (1962) statistic, the weighted
/// sum of squared differences between ranks. By all orders of the values, counted along a lattice (Xiao, Gordon and Yakovlev
/// 2007).
pub fn exact_cramer_von_mises_sf(u: f64, n: u64, m: u64) -> f64 {
    let (product, sum) = ((n * m) as f64, (n + m) as f64);
    let multiple = (n * m / greatest_common_divisor(n, m)) as f64;
    let least =
        (multiple * multiple * sum * (6.0 * u - product * (4.0 * product - 1.0)) / (6.0 * product * product)).floor();
    let (right, up) = ((multiple as u64 / n) as i64, (multiple as u64 / m) as i64);
    // By column: how many paths to a point have which sum of squared distances from the diagonal.
    let mut column: Vec<Counts> = vec![Counts::new(); m as usize + 1];
    column[0].push((0, 1.0));
    for i in 0..=n as i64 {
        let mut below = Counts::new();
        for (j, here) in (0i64..).zip(&mut column) {
            below = merged(&below, here, ((right * i - up * j) * (right * i - up * j)) as u64);
            here.clone_from(&below);
        }
    }
    let counts = &column[m as usize];
    let all: f64 = counts.iter().map(|(_, count)| count).sum();
    counts.iter().filter(|(distance, _)| *distance as f64 >= least).map(|(_, count)| count).sum::<f64>() / all
}

/// Sums in ascending order, each with its number of paths.
type Counts = Vec<(u64, f64)>;

/// The paths of both, each a further `distance` on.
fn merged(one: &Counts, other: &Counts, distance: u64) -> Counts {
    let mut result = Counts::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    loop {
        let next = match (one.peek(), other.peek()) {
            (Some((a, _)), Some((b, _))) if a <= b => one.next(),
            (Some(_), None) => one.next(),
            (_, Some(_)) => other.next(),
            (None, None) => return result,
        };
        let Some((sum, count)) = next.map(|(sum, count)| (sum + distance, *count)) else { return result };
        match result.last_mut() {
            Some((last, paths)) if *last == sum => *paths += count,
            _ => result.push((sum, count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_published_quantiles() {
        // Anderson and Darling (1952), table 1.
        for (w, probability) in [(0.11888, 0.5), (0.34730, 0.1), (0.46136, 0.05), (0.74346, 0.01), (1.16786, 0.001)] {
            let found = limiting_cramer_von_mises_sf(w);
            assert!((found - probability).abs() < 2e-5, "{w}: {found}, expected {probability}");
        }
        assert_eq!(limiting_cramer_von_mises_sf(1e3), 0.0);
        assert!((limiting_cramer_von_mises_sf(0.004) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn counts_all_orders() {
        // Of two and two values the largest U, 2 ((3 - 1)² + (4 - 2)²), is that of samples apart: two orders of six.
        assert!((exact_cramer_von_mises_sf(16.0, 2, 2) - 1.0 / 3.0).abs() < 1e-15);
        assert_eq!(exact_cramer_von_mises_sf(0.0, 2, 2), 1.0);
    }
}
