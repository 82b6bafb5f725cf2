//! The distribution of the one-sample Kolmogorov-Smirnov statistic by Durbin's matrix (Marsaglia, Tsang and Wang 2003).

/// A scale that is taken out of numbers before they overflow.
const LARGE: f64 = 1e140;
const LARGE_DIGITS: i32 = 140;

/// P(D_n < d). Takes time that grows with the cube of n * d.
pub fn durbin_cdf(n: u64, d: f64) -> f64 {
    let scaled = n as f64 * d;
    let k = scaled.floor() as usize + 1;
    let (probability, mut digits) = power(&Square::of(k, k as f64 - scaled), n);
    let mut probability = probability.at(k - 1, k - 1);
    // Times n! / n^n.
    for i in 1..=n {
        probability *= i as f64 / n as f64;
        if probability < 1.0 / LARGE {
            probability *= LARGE;
            digits -= LARGE_DIGITS;
        }
    }
    probability * 10f64.powi(digits)
}

struct Square {
    size: usize,
    cells: Vec<f64>,
}

impl Square {
    /// Durbin's matrix of 2k - 1 rows; `h` is what k exceeds n d by.
    fn of(k: usize, h: f64) -> Self {
        let size = 2 * k - 1;
        let mut matrix = Self { size, cells: vec![0.0; size * size] };
        for row in 0..size {
            for column in 0..size.min(row + 2) {
                *matrix.cell(row, column) = 1.0;
            }
        }
        let mut h_power = 1.0;
        for at in 0..size {
            h_power *= h;
            *matrix.cell(at, 0) -= h_power;
            *matrix.cell(size - 1, size - 1 - at) -= h_power;
        }
        if 2.0 * h > 1.0 {
            *matrix.cell(size - 1, 0) += (2.0 * h - 1.0).powi(size as i32);
        }
        for row in 0..size {
            let mut factorial = 1.0;
            for column in (0..=row).rev() {
                factorial *= (row + 1 - column) as f64;
                *matrix.cell(row, column) /= factorial;
            }
        }
        matrix
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.size + column]
    }

    fn cell(&mut self, row: usize, column: usize) -> &mut f64 {
        &mut self.cells[row * self.size + column]
    }

    fn times(&self, other: &Self) -> Self {
        let mut cells = vec![0.0; self.cells.len()];
        for (row, product) in self.cells.chunks(self.size).zip(cells.chunks_mut(self.size)) {
            for (factor, column) in row.iter().zip(other.cells.chunks(self.size)) {
                for (sum, cell) in product.iter_mut().zip(column) {
                    *sum += factor * cell;
                }
            }
        }
        Self { size: self.size, cells }
    }
}

/// A power, and the decimal digits by which it is to be multiplied.
fn power(matrix: &Square, n: u64) -> (Square, i32) {
    if n == 1 {
        return (Square { size: matrix.size, cells: matrix.cells.clone() }, 0);
    }
    let (half, digits) = power(matrix, n / 2);
    let mut result = half.times(&half);
    if n % 2 == 1 {
        result = result.times(matrix);
    }
    let mut digits = 2 * digits;
    if result.at(matrix.size / 2, matrix.size / 2) > LARGE {
        result.cells.iter_mut().for_each(|cell| *cell /= LARGE);
        digits += LARGE_DIGITS;
    }
    (result, digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_figure_of_its_paper() {
        assert!((durbin_cdf(10, 0.274) - 0.628_479_615_456_504_3).abs() < 1e-12);
    }

    #[test]
    fn one_value_is_uniform() {
        // max(u, 1 - u) < d.
        assert!((durbin_cdf(1, 0.7) - 0.4).abs() < 1e-15);
    }
}
