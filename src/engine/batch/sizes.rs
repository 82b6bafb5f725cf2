//! How many rows a batch of one model should have, learned from the time that runs take.

use std::time::Duration;

/// Sizes are told apart by powers of two up to 2^15.
const BUCKETS: usize = 16;
/// Runs that must have been measured before a size counts as known.
const MIN_SAMPLES: u32 = 4;
/// A size is as good as the best when a row costs at most this factor more.
const AS_GOOD: f64 = 1.05;
/// Sizes whose runs take less than this are tried even when the size before did not pay.
const FREE_TRIAL_NANOS: f64 = 20e6;
/// Batches between two trials of a larger size: the load of the machine changes.
const RETRY_EVERY: u32 = 256;

/// What was measured.
#[derive(Debug, Default)]
pub struct BatchSizes {
    buckets: [Bucket; BUCKETS],
    asked: u32,
}

#[derive(Debug, Default, Clone, Copy)]
struct Bucket {
    samples: u32,
    /// The moving average of the time per row, in nanoseconds.
    row_nanos: f64,
}

impl BatchSizes {
    /// The most rows that the next batch should have, when the smallest request has `least_rows`.
    pub fn next(&mut self, least_rows: usize, max_rows: usize) -> usize {
        self.asked = self.asked.wrapping_add(1);
        let best = self.best(least_rows, max_rows);
        if self.asked.is_multiple_of(RETRY_EVERY) { max_rows.min(best * 2) } else { best }
    }

    /// The smallest size that is as good as the best one, or the next to be tried while that is not known.
    pub fn best(&self, least_rows: usize, max_rows: usize) -> usize {
        let first = bucket_of(least_rows);
        let last = bucket_of(max_rows);
        let mut least = f64::INFINITY;
        let mut paid = true;
        let mut before: f64 = 0.0;
        for (at, bucket) in self.buckets.iter().enumerate().take(last + 1).skip(first) {
            if bucket.samples < MIN_SAMPLES {
                if paid || before * (1u32 << at) as f64 <= FREE_TRIAL_NANOS {
                    return most_rows(at).min(max_rows);
                }
                break;
            }
            paid = bucket.row_nanos * AS_GOOD < least;
            before = bucket.row_nanos;
            least = least.min(before);
        }
        let good = |bucket: &Bucket| bucket.samples >= MIN_SAMPLES && bucket.row_nanos <= least * AS_GOOD;
        let best = self.buckets.iter().skip(first).position(good).map_or(first, |at| at + first);
        most_rows(best).min(max_rows)
    }

    pub fn record(&mut self, rows: usize, latency: Duration) {
        let rows = rows.max(1);
        let bucket = &mut self.buckets[bucket_of(rows)];
        let nanos = latency.as_nanos() as f64 / rows as f64;
        bucket.samples = bucket.samples.saturating_add(1);
        // The first run of a size also pays for memory that later ones find ready.
        let weight = if bucket.samples <= 2 { 1.0 } else { 0.125 };
        bucket.row_nanos += (nanos - bucket.row_nanos) * weight;
    }
}

fn bucket_of(rows: usize) -> usize {
    (rows.max(1).ilog2() as usize).min(BUCKETS - 1)
}

/// The largest size of a bucket.
const fn most_rows(bucket: usize) -> usize {
    (2 << bucket) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Batches of a model whose run takes `nanos(rows)`, as large as asked for.
    fn learned(nanos: impl Fn(usize) -> f64) -> usize {
        let mut sizes = BatchSizes::default();
        for _ in 0..200 {
            let rows = sizes.next(1, 64);
            for rows in [1, rows] {
                sizes.record(rows, Duration::from_nanos(nanos(rows) as u64));
            }
        }
        sizes.best(1, 64)
    }

    #[test]
    fn a_model_with_a_fixed_cost_gets_large_batches() {
        assert!(learned(|rows| 100_000.0 + 1_000.0 * rows as f64) >= 63);
    }

    #[test]
    fn a_model_whose_rows_cost_the_same_gets_none() {
        assert_eq!(learned(|rows| 100_000.0 * rows as f64), 1);
    }

    #[test]
    fn large_batches_of_a_slow_model_are_not_tried_when_small_ones_do_not_pay() {
        let mut sizes = BatchSizes::default();
        let mut largest = 0;
        for _ in 0..RETRY_EVERY - 1 {
            let rows = sizes.next(1, 64);
            largest = largest.max(rows);
            sizes.record(rows, Duration::from_millis(100 * rows as u64));
        }
        assert!(largest <= 7, "{largest} rows took {} s", largest / 10);
    }

    #[test]
    fn growth_stops_where_it_no_longer_pays() {
        // Up to 15 rows cost as much as one; beyond, each row costs more.
        assert_eq!(learned(|rows| if rows <= 15 { 80_000.0 } else { 10_000.0 * rows as f64 }), 15);
    }

    #[test]
    fn requests_of_several_rows_are_put_together_too() {
        let mut sizes = BatchSizes::default();
        for _ in 0..100 {
            let rows = sizes.next(3, 64) / 3 * 3;
            sizes.record(rows, Duration::from_nanos(100_000 + 1_000 * rows as u64));
        }
        assert!(sizes.best(3, 64) >= 63);
    }
}
