//! Counts by size, with bounds that never change: histograms of all processes and times can be added up.

/// 1, 2.5 and 5 of each power of ten, from 10 microseconds to 10 seconds.
pub const DURATION_NANOS: &[u64] = &[
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Rows that ran together.
pub const ROWS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// The longest list of bounds, and the values beyond it.
const CELLS: usize = DURATION_NANOS.len() + 1;

/// How many values were at most as large as each bound, and larger than the bound before it.
#[derive(Debug, Clone)]
pub struct Histogram {
    pub bounds: &'static [u64],
    /// As many as bounds, then those beyond the last; the rest is unused.
    cells: [u64; CELLS],
    pub sum: u64,
}

impl Histogram {
    /// `bounds` ascend, at most as many as [`DURATION_NANOS`] has.
    pub const fn new(bounds: &'static [u64]) -> Self {
        Self { bounds, cells: [0; CELLS], sum: 0 }
    }

    pub fn add(&mut self, value: u64) {
        self.cells[self.bounds.partition_point(|&bound| bound < value)] += 1;
        self.sum = self.sum.saturating_add(value);
    }

    /// Adds the values of another one with the same bounds.
    pub fn merge(&mut self, other: &Self) {
        self.cells.iter_mut().zip(&other.cells).for_each(|(sum, count)| *sum += count);
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// The counts of the cells, one more than there are bounds.
    pub fn cells(&self) -> &[u64] {
        &self.cells[..=self.bounds.len()]
    }

    pub fn count(&self) -> u64 {
        self.cells().iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_in_the_cell_that_it_ends() {
        let mut histogram = Histogram::new(ROWS);
        for rows in [0, 1, 2, 3, 512, 513, u64::MAX] {
            histogram.add(rows);
        }
        assert_eq!(histogram.cells(), [2, 1, 1, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!((histogram.count(), histogram.sum), (7, u64::MAX));
    }
}
