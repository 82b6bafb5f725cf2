//! The test of Page ("Continuous inspection schemes", 1954) and Hinkley.

use super::split::{Part, Split};
use super::value::check_value;
use crate::error::Result;

/// Which changes of the mean are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
    Both,
}

#[derive(Debug, Clone, Copy)]
pub struct PageHinkleyOptions {
    /// Values before the first detection is possible.
    pub min_instances: u64,
    /// Changes of up to so much are none.
    pub delta: f64,
    /// What distances from the mean have to add up to, in the unit of the values.
    pub threshold: f64,
    /// What remains of the sums at each value.
    pub alpha: f64,
    pub direction: Direction,
}

/// Adds up how far values are from their mean so far; a change is where the sum leaves its extreme by more than the threshold. After
/// a detection it starts over with the next value.
#[derive(Debug, Clone)]
pub struct PageHinkley {
    options: PageHinkleyOptions,
    count: u64,
    mean: f64,
    increase: f64,
    least_increase: f64,
    decrease: f64,
    most_decrease: f64,
    /// The values up to the least increase, and up to the largest decrease: a change began after them.
    until_least: Sum,
    until_most: Sum,
    /// All values.
    seen: Sum,
    /// What there was before the change that the last value made it detect.
    before: Option<Sum>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    count: u64,
    total: f64,
}

impl PageHinkley {
    pub fn new(options: PageHinkleyOptions) -> Self {
        Self {
            options,
            count: 0,
            mean: 0.0,
            increase: 0.0,
            least_increase: f64::INFINITY,
            decrease: 0.0,
            most_decrease: f64::NEG_INFINITY,
            until_least: Sum::default(),
            until_most: Sum::default(),
            seen: Sum::default(),
            before: None,
        }
    }

    /// Adds a value; whether the mean has changed.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a value that is not finite, or beyond 1e100; nothing has changed then.
    pub fn update(&mut self, value: f64) -> Result<bool> {
        self.update_as(value, value)
    }

    /// Adds a value that stands for another one, of which [`Self::split`] has the mean.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn update_as(&mut self, value: f64, meant: f64) -> Result<bool> {
        check_value(value)?;
        if self.before.is_some() {
            *self = Self::new(self.options);
        }
        let PageHinkleyOptions { min_instances, delta, threshold, alpha, direction } = self.options;
        self.count += 1;
        self.mean += (value - self.mean) / self.count as f64;
        let away = value - self.mean;
        self.increase = alpha * self.increase + away - delta;
        self.decrease = alpha * self.decrease + away + delta;
        self.seen = Sum { count: self.count, total: self.seen.total + meant };
        if self.increase < self.least_increase {
            (self.least_increase, self.until_least) = (self.increase, self.seen);
        }
        if self.decrease > self.most_decrease {
            (self.most_decrease, self.until_most) = (self.decrease, self.seen);
        }
        let is_up = direction != Direction::Down && self.increase - self.least_increase > threshold;
        let is_down = direction != Direction::Up && self.most_decrease - self.decrease > threshold;
        if self.count >= min_instances && (is_up || is_down) {
            self.before = Some(if is_up { self.until_least } else { self.until_most });
        }
        Ok(self.before.is_some())
    }

    /// The values before and after the change that the last one made it detect.
    pub fn split(&self) -> Option<Split> {
        let (Sum { count, total }, all) = (self.before?, self.seen);
        let before = Part::of(count, total);
        Some(Split { before, after: Part::of(all.count - count, all.total - total) })
    }

    /// Values since the start.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; `None` without any.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detector(direction: Direction) -> PageHinkley {
        PageHinkley::new(PageHinkleyOptions { min_instances: 10, delta: 0.0, threshold: 3.0, alpha: 1.0, direction })
    }

    /// After how many steps up by 1.
    fn detected_at(mut detector: PageHinkley, step: f64) -> Option<usize> {
        assert!((0..100).all(|_| !detector.update(0.0).unwrap()));
        (0..20).position(|_| detector.update(step).unwrap())
    }

    #[test]
    fn a_step_is_detected_in_its_direction() {
        // Four values that are nearly 1 above the mean are more than 3.
        assert_eq!(detected_at(detector(Direction::Up), 1.0), Some(3));
        assert_eq!(detected_at(detector(Direction::Down), -1.0), Some(3));
        assert_eq!(detected_at(detector(Direction::Both), -1.0), Some(3));
        assert_eq!(detected_at(detector(Direction::Down), 1.0), None);
        assert_eq!(detected_at(detector(Direction::Up), -1.0), None);
    }

    #[test]
    fn it_starts_over_after_a_detection() {
        let mut detector = detector(Direction::Both);
        let stream = (0..100).map(|at| f64::from(u8::from(at >= 50)));
        let detections = stream.filter(|value| detector.update(*value).unwrap()).count();
        assert_eq!((detections, detector.count(), detector.mean()), (1, 46, Some(1.0)));
    }

    #[test]
    fn a_change_began_where_the_sum_was_at_its_extreme() {
        for (direction, step) in [(Direction::Up, 1.0), (Direction::Both, -1.0)] {
            let options = PageHinkleyOptions { delta: 0.1, ..detector(direction).options };
            let mut detector = PageHinkley::new(options);
            (0..100).for_each(|at| {
                assert!(!detector.update(f64::from(at % 2) - 0.5).unwrap() && detector.split().is_none())
            });
            while !detector.update(step).unwrap() {}
            let Split { before, after } = detector.split().unwrap();
            assert!(before.count >= 98 && before.mean.abs() < 0.01, "{before:?}");
            assert!((after.mean / step - 1.0).abs() < 0.4, "{after:?}");
            assert_eq!(before.count + after.count, detector.count());
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        let mut detector = detector(Direction::Both);
        assert!(detector.update(f64::NAN).is_err());
        assert_eq!((detector.count(), detector.mean()), (0, None));
    }
}
