//! By how much the error of sketches moves a statistic.

use super::super::cramer_von_mises::{limiting_score, weight_of_square};
use super::super::kolmogorov_smirnov::score_of_distance;
use super::super::mann_whitney::{Alternative, score_of_u};
use super::super::measured::Measured;
use super::super::method::Method;
use super::super::samples::Numbers;
use super::rank_error::RankError;

/// What an integral over the error comes to, beside the integral of its bound at each number: errors of numbers apart offset each
/// other. By simulation.
const OFFSET: f64 = 0.7;

/// Between which values a statistic over all rows lies, and its score with it, in 99 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub statistic: (f64, f64),
    pub score: (f64, f64),
}

impl Bounds {
    pub fn exact(measured: &Measured) -> Self {
        Self { statistic: (measured.statistic, measured.statistic), score: (measured.score, measured.score) }
    }

    /// Of a distance that is its own statistic.
    pub fn of_distance(low: f64, high: f64) -> Self {
        Self { statistic: (low, high), score: (low, high) }
    }
}

/// Of the sketches of both sides.
#[derive(Debug, Clone, Copy)]
pub struct RankErrors {
    pub reference: RankError,
    pub current: RankError,
}

impl RankErrors {
    pub fn are_none(self) -> bool {
        self.reference.0 == 0.0 && self.current.0 == 0.0
    }

    fn everywhere(self) -> f64 {
        self.reference.everywhere().hypot(self.current.everywhere())
    }

    /// Of a statistic that takes means over both sides.
    fn of_means(self) -> f64 {
        OFFSET * self.reference.0.hypot(self.current.0)
    }
}

/// Of the statistics of distribution functions. `None` for methods whose statistic is made of something else.
pub fn of_functions(method: Method, numbers: &Numbers, measured: &Measured, errors: RankErrors) -> Option<Bounds> {
    let (n, m) = (numbers.pooled.reference, numbers.pooled.current);
    let bounds = match method {
        Method::KolmogorovSmirnov | Method::KolmogorovSmirnovAsymptotic => {
            // The largest distance moves by no more than the functions do.
            let low = (measured.statistic - errors.everywhere()).max(0.0);
            let high = (measured.statistic + errors.everywhere()).min(1.0);
            let is_exact = method == Method::KolmogorovSmirnov;
            let score = |distance| score_of_distance(n, m, distance, is_exact);
            Bounds { statistic: (low, high), score: (score(high), score(low)) }
        }
        Method::Wasserstein => {
            let bound = OFFSET * integral(numbers, errors, f64::hypot);
            // The means are exact, and the distance is no less than theirs.
            let apart = (numbers.reference.mean - numbers.current.mean).abs();
            let low = (measured.statistic - bound).max(apart);
            let high = (measured.statistic + bound).max(apart);
            let scale = numbers.reference.variance().sqrt().max(super::super::wasserstein::MIN_DEVIATION);
            Bounds { statistic: (low, high), score: (low / scale, high / scale) }
        }
        Method::Energy => {
            let squares = integral(numbers, errors, |reference, current| reference * reference + current * current);
            let bound = OFFSET * (2.0 * squares).sqrt();
            Bounds::of_distance((measured.statistic - bound).max(0.0), measured.statistic + bound)
        }
        Method::CramerVonMises => {
            // The root of the mean squared distance is itself a distance, so that the errors of both sides add to it at most.
            let weight = weight_of_square(n as f64, m as f64);
            let root = (measured.statistic / weight).max(0.0).sqrt();
            let square = |root: f64| weight * root.max(0.0).powi(2);
            let (low, high) = (square(root - errors.of_means()), square(root + errors.of_means()));
            let score = |statistic| limiting_score(statistic, n as f64, m as f64);
            Bounds { statistic: (low, high), score: (score(high), score(low)) }
        }
        Method::MannWhitney | Method::MannWhitneyTwoSided => of_u(method, numbers, measured.statistic, errors),
        _ => return None,
    };
    Some(bounds)
}

/// U over the number of pairs is the mean of one distribution function over the other side.
fn of_u(method: Method, numbers: &Numbers, u: f64, errors: RankErrors) -> Bounds {
    let pairs = numbers.pooled.reference as f64 * numbers.pooled.current as f64;
    let bound = pairs * errors.of_means();
    let (low, high) = ((u - bound).max(0.0), (u + bound).min(pairs));
    let score = |u| {
        let is_two_sided = method == Method::MannWhitneyTwoSided;
        score_of_u(numbers, u, if is_two_sided { Alternative::TwoSided } else { Alternative::Less })
    };
    // Two-sided it is largest in the middle.
    let middle = pairs / 2.0;
    let ends = [score(low), score(high)];
    let most =
        if method == Method::MannWhitneyTwoSided && low < middle && middle < high { 1.0 } else { ends[0].max(ends[1]) };
    Bounds { statistic: (low, high), score: (ends[0].min(ends[1]), most) }
}

/// Over all numbers between the smallest and the largest, of what `both` makes of the errors of both functions there.
fn integral(numbers: &Numbers, errors: RankErrors, both: impl Fn(f64, f64) -> f64) -> f64 {
    let groups = &numbers.pooled.groups;
    let (Some(first), Some(last)) = (groups.first(), groups.last()) else { return 0.0 };
    // The sketch may have dropped the numbers at the ends.
    let ends = (first.value - numbers.range.0) + (numbers.range.1 - last.value);
    let steps = numbers
        .pooled
        .steps()
        .map(|(reference, current, width)| width * both(errors.reference.at(reference), errors.current.at(current)));
    steps.sum::<f64>() + ends * both(errors.reference.at(0.0), errors.current.at(0.0))
}
