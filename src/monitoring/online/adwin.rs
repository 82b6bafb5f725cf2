//! ADWIN, the adaptive window of Bifet and Gavaldà ("Learning from time-changing data with adaptive windowing", 2007).

use super::split::{Part, Split};
use super::value::check_value;
use crate::error::Result;
use std::collections::VecDeque;

#[derive(Debug, Clone, Copy)]
pub struct AdwinOptions {
    /// The probability of a detection where nothing changes.
    pub delta: f64,
    /// A change is looked for at every so many values.
    pub clock: u64,
    /// Buckets of each size; more of them cut more finely.
    pub max_buckets: usize,
    /// Both parts of the window have at least so many values.
    pub min_window_length: u64,
    /// No change is looked for in windows of up to so many values.
    pub grace_period: u64,
    /// How far apart values may be: the bound's share for rare large ones is proportional to it. 1 in the paper and in river.
    pub range: f64,
}

impl Default for AdwinOptions {
    /// Those of river.
    fn default() -> Self {
        Self { delta: 0.002, clock: 32, max_buckets: 5, min_window_length: 5, grace_period: 10, range: 1.0 }
    }
}

/// A window over the newest values, as long as their mean does not change. It is cut where the means of its older and newer part
/// differ by more than chance allows, until they do not. After a detection it starts over with the next value, as in river: the paper
/// goes on with the newer part.
#[derive(Debug, Clone)]
pub struct Adwin {
    options: AdwinOptions,
    window: Window,
    /// Values since the start.
    seen: u64,
    detected: bool,
    split: Option<Split>,
}

/// Values as buckets of sums: those at position `i` of the list are of 2^i values, the oldest first.
#[derive(Debug, Clone, Default)]
struct Window {
    buckets: Vec<VecDeque<Bucket>>,
    width: u64,
    total: f64,
    squares: f64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    total: f64,
    /// Squared distances from the bucket's mean.
    squares: f64,
}

impl Adwin {
    pub fn new(options: AdwinOptions) -> Self {
        Self { options, window: Window::default(), seen: 0, detected: false, split: None }
    }

    /// Says how far apart values may be, from now on.
    pub fn set_range(&mut self, range: f64) {
        self.options.range = range;
    }

    /// Adds a value; whether the mean has changed.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a value that is not finite, or beyond 1e100; nothing has changed then.
    pub fn update(&mut self, value: f64) -> Result<bool> {
        check_value(value)?;
        if self.detected {
            *self = Self::new(self.options);
        }
        self.window.add(value, self.options.max_buckets);
        self.seen += 1;
        let AdwinOptions { clock, grace_period, .. } = self.options;
        if self.seen.is_multiple_of(clock) && self.window.width > grace_period {
            while self.window.is_to_be_cut(&self.options) {
                if !self.detected {
                    self.split = self.window.widest_split(&self.options);
                }
                self.window.drop_oldest();
                self.detected = true;
            }
        }
        Ok(self.detected)
    }

    /// The window as it was when the last value made it detect a change, in the two parts that differ most for their lengths. What is
    /// cut off is less: as little as leaves no change in the window.
    pub fn split(&self) -> Option<Split> {
        self.split.filter(|_| self.detected)
    }

    /// Values in the window.
    pub fn width(&self) -> u64 {
        self.window.width
    }

    /// Their sum.
    pub fn total(&self) -> f64 {
        self.window.total
    }

    /// Their mean; `None` without any.
    pub fn mean(&self) -> Option<f64> {
        (self.window.width > 0).then(|| self.window.total / self.window.width as f64)
    }

    /// The mean of their squared distances from it; `None` without any.
    pub fn variance(&self) -> Option<f64> {
        (self.window.width > 0).then(|| self.window.variance())
    }
}

impl Window {
    fn add(&mut self, value: f64, max_buckets: usize) {
        let before = self.width as f64;
        self.width += 1;
        if before > 0.0 {
            self.squares += before * (value - self.total / before).powi(2) / self.width as f64;
        }
        self.total += value;
        self.push(0, Bucket { total: value, squares: 0.0 });
        self.compress(max_buckets);
    }

    fn push(&mut self, exponent: usize, bucket: Bucket) {
        if exponent == self.buckets.len() {
            self.buckets.push(VecDeque::new());
        }
        self.buckets[exponent].push_back(bucket);
    }

    /// Where there are too many buckets of a size, the two oldest become one of the next.
    fn compress(&mut self, max_buckets: usize) {
        let mut exponent = 0;
        while self.buckets.get(exponent).is_some_and(|buckets| buckets.len() > max_buckets) {
            let buckets = &mut self.buckets[exponent];
            let (Some(older), Some(newer)) = (buckets.pop_front(), buckets.pop_front()) else { return };
            let size = size_of(exponent);
            let apart = older.total / size - newer.total / size;
            let total = older.total + newer.total;
            self.push(
                exponent + 1,
                Bucket { total, squares: older.squares + newer.squares + size * apart * apart / 2.0 },
            );
            exponent += 1;
        }
    }

    fn variance(&self) -> f64 {
        // What was added and taken away again leaves the rounding behind.
        self.squares.max(0.0) / self.width as f64
    }

    /// Whether the window falls into two parts, between any two buckets, whose means differ by more than the bound.
    fn is_to_be_cut(&self, options: &AdwinOptions) -> bool {
        self.splits(options).any(|split| split.difference() > self.bound(&split, options))
    }

    /// Where the means differ by most, measured by the bound.
    fn widest_split(&self, options: &AdwinOptions) -> Option<Split> {
        let rated = self.splits(options).map(|split| (split.difference() / self.bound(&split, options), split));
        rated.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, split)| split)
    }

    /// The window in two parts that are long enough, between any two buckets.
    fn splits(&self, options: &AdwinOptions) -> impl Iterator<Item = Split> {
        let least = options.min_window_length;
        let (mut older, mut older_total) = (0, 0.0);
        let sizes = self.buckets.iter().enumerate().rev();
        let buckets = sizes.flat_map(|(exponent, buckets)| buckets.iter().map(move |bucket| (exponent, bucket)));
        buckets.filter_map(move |(exponent, bucket)| {
            older += 1 << exponent;
            older_total += bucket.total;
            let newer = self.width - older;
            (older >= least && newer >= least).then(|| Split {
                before: Part::of(older, older_total),
                after: Part::of(newer, self.total - older_total),
            })
        })
    }

    /// Theorem 3.2 of the paper, with the means of parts that are at least `min_window_length` long, for values that are up to `range`
    /// apart.
    fn bound(&self, Split { before, after }: &Split, options: &AdwinOptions) -> f64 {
        let surplus = |part: &Part| 1.0 / (part.count as f64 - options.min_window_length as f64 + 1.0);
        let (reciprocal, confidence) =
            (surplus(before) + surplus(after), (2.0 * (self.width as f64).ln() / options.delta).ln());
        (2.0 * reciprocal * self.variance() * confidence).sqrt() + 2.0 / 3.0 * confidence * reciprocal * options.range
    }

    fn drop_oldest(&mut self) {
        let exponent = self.buckets.len() - 1;
        let Some(oldest) = self.buckets[exponent].pop_front() else { return };
        while self.buckets.last().is_some_and(VecDeque::is_empty) {
            self.buckets.pop();
        }
        let size = size_of(exponent);
        self.width -= 1 << exponent;
        self.total -= oldest.total;
        let rest = self.width as f64;
        let apart = oldest.total / size - self.total / rest;
        self.squares -= oldest.squares + size * rest * apart * apart / (size + rest);
    }
}

fn size_of(exponent: usize) -> f64 {
    (1u64 << exponent) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adwin(clock: u64) -> Adwin {
        Adwin::new(AdwinOptions { clock, ..AdwinOptions::default() })
    }

    #[test]
    fn a_step_is_detected_and_the_window_starts_over() {
        let mut adwin = adwin(1);
        assert!((0..500).all(|_| !adwin.update(0.25).unwrap()));
        assert_eq!((adwin.width(), adwin.mean(), adwin.variance()), (500, Some(0.25), Some(0.0)));
        let until = (0..100).position(|_| adwin.update(0.75).unwrap()).unwrap();
        assert!(until < 60, "{until}");
        assert!(adwin.width() < 500);
        let Split { before, after } = adwin.split().unwrap();
        assert_eq!(before.count + after.count, 501 + until as u64);
        assert!(before.mean < 0.26 && after.mean > 0.5, "{before:?} {after:?}");
        adwin.update(0.75).unwrap();
        assert_eq!((adwin.width(), adwin.total(), adwin.split()), (1, 0.75, None));
    }

    #[test]
    fn small_values_are_told_apart_where_they_are_near_each_other() {
        let detects = |range: f64| {
            let mut adwin = Adwin::new(AdwinOptions { range, ..AdwinOptions::default() });
            (0..2000).any(|at| adwin.update(if at < 1000 { 1e-6 } else { 2e-6 }).unwrap())
        };
        assert_eq!((detects(1.0), detects(1e-6)), (false, true));
    }

    #[test]
    fn the_buckets_hold_all_values() {
        let mut adwin = adwin(32);
        let values: Vec<f64> = (0..1000).map(|at| f64::from(at * 37 % 100)).collect();
        for value in &values {
            adwin.update(*value).unwrap();
        }
        let mean = values.iter().sum::<f64>() / 1000.0;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 1000.0;
        assert_eq!((adwin.width(), adwin.mean()), (1000, Some(mean)));
        assert!((adwin.variance().unwrap() / variance - 1.0).abs() < 1e-12);
        assert!(adwin.window.buckets.iter().all(|buckets| (1..=5).contains(&buckets.len())));
    }

    #[test]
    fn what_is_no_value_is_refused_and_changes_nothing() {
        let mut adwin = adwin(1);
        for value in [f64::NAN, f64::INFINITY, 1e101] {
            assert!(adwin.update(value).unwrap_err().message.contains("received"));
        }
        assert_eq!((adwin.width(), adwin.mean(), adwin.variance()), (0, None, None));
    }
}
