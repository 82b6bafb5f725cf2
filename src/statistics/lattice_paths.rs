//! The exact distribution of the two-sample Kolmogorov-Smirnov statistic.
//!
//! Under the null hypothesis each order of the pooled values is as likely as any other, and an order is a path on a lattice:
//! a step right for a value of one sample, a step up for one of the other. D is at least d when the path leaves the band
//! around the diagonal (Hodges 1957).

/// P(D >= d) for samples of `n` and `m` values without ties, of which `steps` is d times the least common multiple of `n` and
/// `m`: a whole number. Takes time that grows with n * m * d.
pub fn lattice_path_sf(n: u64, m: u64, steps: u64) -> f64 {
    if steps == 0 {
        1.0
    } else if n == m {
        square(n, steps)
    } else {
        rectangle(n.max(m), n.min(m), steps)
    }
}

/// By the reflection principle, from the smallest term on: the alternating sum over k of C(2n, n - k h) / C(2n, n).
fn square(n: u64, h: u64) -> f64 {
    let ratio = |k: u64| (0..h).fold(1.0, |ratio, at| ratio * ((n - k * h - at) as f64 / (n + k * h + at + 1) as f64));
    // Each ratio leads from C(2n, n - k h) to C(2n, n - (k + 1) h), which is zero beyond n.
    (0..n / h).rev().fold(0.0, |tail, k| ratio(k) * (1.0 - tail)) * 2.0
}

/// The probability that a path to a point has left the band, row by row: outside it is 1, inside it is the mean of both points
/// that a path comes from, weighted by how many paths come from each.
fn rectangle(n: u64, m: u64, steps: u64) -> f64 {
    let divisor = greatest_common_divisor(n, m);
    let (right, up, steps) = ((m / divisor) as i64, (n / divisor) as i64, steps as i64);
    let m = m as i64;
    // The first and the last j with |i / n - j / m| < d.
    let first = |i: i64| ((i * right - steps).div_euclid(up) + 1).max(0);
    let last = |i: i64| (-(-(i * right + steps)).div_euclid(up) - 1).min(m);
    let mut left = vec![1.0; m as usize + 1];
    left[..=last(0) as usize].fill(0.0);
    for i in 1..=n as i64 {
        let (from, to) = (first(i), last(i));
        if from > to {
            return 1.0;
        }
        left[first(i - 1) as usize..from as usize].fill(1.0);
        let mut below = if from == 0 { 0.0 } else { left[from as usize - 1] };
        for (j, here) in (from..=to).zip(&mut left[from as usize..=to as usize]) {
            below = (*here * i as f64 + below * j as f64) / (i + j) as f64;
            *here = below;
        }
    }
    left[m as usize]
}

pub fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By walking every path.
    fn counted(n: u64, m: u64, steps: u64) -> f64 {
        let divisor = greatest_common_divisor(n, m);
        let (right, up) = ((m / divisor) as i64, (n / divisor) as i64);
        let (mut outside, mut all) = (0, 0);
        for path in (0u32..1 << (n + m)).filter(|path| u64::from(path.count_ones()) == n) {
            let mut place = 0i64;
            let leaves = (0..n + m).any(|at| {
                place += if path >> at & 1 == 1 { right } else { -up };
                place.unsigned_abs() >= steps
            });
            outside += u32::from(leaves);
            all += 1;
        }
        f64::from(outside) / f64::from(all)
    }

    #[test]
    fn counts_the_paths() {
        for (n, m) in [(1, 1), (3, 3), (5, 5), (4, 2), (7, 3), (6, 4), (2, 9)] {
            let multiple = n * m / greatest_common_divisor(n, m);
            for steps in 0..=multiple {
                let (found, expected) = (lattice_path_sf(n, m, steps), counted(n, m, steps));
                assert!((found - expected).abs() < 1e-14, "{n}, {m}, {steps}: {found}, counted {expected}");
            }
        }
    }

    #[test]
    fn samples_apart_leave_only_two_paths() {
        // 2 / C(70, 30).
        let found = lattice_path_sf(40, 30, 120);
        assert!((found * 5.534_774_006e19 / 2.0 - 1.0).abs() < 1e-6, "{found}");
    }
}
