//! Distances between shares of bins, when the shares come from sketches.

use super::super::measured::Measured;
use super::super::method::Method;
use super::super::psi::decile_edges;
use super::super::samples::Numbers;
use super::super::shares::{SMALL_SHARE, Shares, least_fill};
use super::super::statistic::of_shares;
use super::bounds::{Bounds, RankErrors};
use super::rank_error::DEVIATIONS;

/// More than the expected error, so that it holds in 99 of 100 cases. By simulation.
const MARGIN: f64 = 1.6;
/// How far the estimated number of distinct numbers may be off, by which Hellinger's bins are counted.
const DISTINCT_ERROR: f64 = 0.05;

/// `None` for methods that compare no bins.
pub fn of_bins(method: Method, numbers: &Numbers, measured: &Measured, errors: RankErrors) -> Option<Bounds> {
    match method {
        Method::JensenShannon | Method::JensenShannonBase2 => {
            let shares = Shares::of_numbers(numbers);
            Some(around(method, measured.score, &shares, &moves(&shares, errors)))
        }
        Method::Psi | Method::KullbackLeibler => {
            let shares = Shares::of_numbers(numbers);
            let rows = (numbers.pooled.reference, numbers.pooled.current);
            let intervals = intervals(&shares, &moves(&shares, errors), rows, least_fill);
            Some(if method == Method::Psi { psi_bounds(&intervals) } else { kullback_leibler_bounds(&intervals) })
        }
        Method::Hellinger => {
            let spread = [1.0 - DISTINCT_ERROR, 1.0, 1.0 + DISTINCT_ERROR].map(|factor| {
                let bins = (numbers.distinct as f64 * factor).max(1.0) as u64;
                let shares = Shares::within(numbers, &numbers.edges(bins));
                let moves = moves(&shares, errors);
                let score = of_shares(method, shares.clone()).map_or(f64::NAN, |found| found.score);
                around(method, score, &shares, &moves).score
            });
            let low = spread.iter().fold(f64::INFINITY, |low, (other, _)| low.min(*other));
            let high = spread.iter().fold(0.0, |high: f64, (_, other)| high.max(*other));
            Some(Bounds::of_distance(low, high))
        }
        Method::PsiDeciles => Some(of_deciles(numbers, measured, errors)),
        _ => None,
    }
}

/// By how much each share may be off.
fn moves(shares: &Shares, errors: RankErrors) -> Vec<(f64, f64)> {
    shares
        .0
        .iter()
        .map(|(reference, current)| (errors.reference.between(*reference), errors.current.between(*current)))
        .collect()
}

/// The root of such a divergence is a distance, which moves by no more than how far the shares are from what they would be: by the
/// expected value of that, with a margin.
fn around(method: Method, score: f64, shares: &Shares, moves: &[(f64, f64)]) -> Bounds {
    // The divergence of nearly equal shares is a multiple of the sum of their squared differences over the shares.
    let factor = if method == Method::JensenShannonBase2 { 0.125 / std::f64::consts::LN_2 } else { 0.125 };
    let noise: f64 = shares.0.iter().zip(moves).map(|(share, by)| noise(*share, *by)).sum();
    let apart = MARGIN * (factor * noise).sqrt();
    Bounds::of_distance((score - apart).max(0.0), score + apart)
}

fn noise((reference, current): (f64, f64), by: (f64, f64)) -> f64 {
    let squares = (by.0 * by.0 + by.1 * by.1) / (DEVIATIONS * DEVIATIONS);
    let mean = (reference + current) / 2.0 + by.0.hypot(by.1) / 4.0;
    if mean > 0.0 { squares / mean } else { 0.0 }
}

/// What a share may be: from its smallest value, with what stands for none, to its largest.
type Interval = (f64, f64);

/// `fill` gives the smallest share that may stand for none on a side of so many rows.
fn intervals(
    shares: &Shares,
    moves: &[(f64, f64)],
    rows: (u64, u64),
    fill: impl Fn(u64) -> f64,
) -> Vec<(Interval, Interval)> {
    let fills = (fill(rows.0), fill(rows.1));
    let interval = |share: f64, by: f64, fill: f64| ((share - by).max(fill), (share + by).clamp(SMALL_SHARE, 1.0));
    let both =
        |(share, by): (&(f64, f64), &(f64, f64))| (interval(share.0, by.0, fills.0), interval(share.1, by.1, fills.1));
    shares.0.iter().zip(moves).map(both).collect()
}

/// Of the population stability index, whose terms are convex in both shares: largest where both are at an end, 0 where they can be
/// equal, and else least where they are nearest.
fn psi_bounds(intervals: &[(Interval, Interval)]) -> Bounds {
    let term = |reference: f64, current: f64| (reference - current) * (reference / current).ln();
    let (low, high) = intervals.iter().fold((0.0, 0.0), |(low, high), &(reference, current)| {
        let least = term(reference.0.clamp(current.0, current.1), current.0.clamp(reference.0, reference.1));
        let nearest = if reference.0 > current.1 || current.0 > reference.1 { least } else { 0.0 };
        (low + nearest, high + term(reference.0, current.1).max(term(reference.1, current.0)))
    });
    Bounds::of_distance(low, high)
}

/// Of the Kullback-Leibler divergence, whose terms are convex in both shares and fall with the current one.
fn kullback_leibler_bounds(intervals: &[(Interval, Interval)]) -> Bounds {
    // Filled shares are scaled to add up to 1 again: they never add up to less, and to no more than this.
    let scale = 1.0 + intervals.len() as f64 * SMALL_SHARE;
    let term = |reference: f64, current: f64| reference * (reference / current).ln();
    let (low, high) = intervals.iter().fold((0.0, 0.0), |(low, high), &(reference, current)| {
        let (reference, current) = ((reference.0 / scale, reference.1), (current.0 / scale, current.1));
        let lowest = (current.1 / std::f64::consts::E).clamp(reference.0, reference.1);
        (low + term(lowest, current.1), high + term(reference.0, current.0).max(term(reference.1, current.0)))
    });
    Bounds::of_distance(low.max(0.0), high)
}

/// The edges are off too, by the error of the reference: that moves what lies between them on the current side.
fn of_deciles(numbers: &Numbers, measured: &Measured, errors: RankErrors) -> Bounds {
    let Ok(edges) = decile_edges(numbers, 0.0) else { return Bounds::exact(measured) };
    let shares = Shares::within(numbers, &edges);
    let error = errors.reference.at(0.5);
    let beside = [-error, error].map(|by| decile_edges(numbers, by).unwrap_or_default());
    let up_to = |edge: f64| {
        let below = numbers.pooled.groups.partition_point(|group| group.value < edge);
        let count: u64 = numbers.pooled.groups[..below].iter().map(|group| group.current).sum();
        count as f64 / numbers.pooled.current as f64
    };
    let at_edges: Vec<f64> = edges
        .iter()
        .enumerate()
        .map(|(at, edge)| {
            let moved =
                beside.iter().filter_map(|edges| edges.get(at)).map(|other| (up_to(*other) - up_to(*edge)).abs());
            moved.fold(0.0, f64::max)
        })
        .collect();
    let moves: Vec<(f64, f64)> = shares
        .0
        .iter()
        .zip(at_edges.windows(2))
        .map(|((_, current), ends)| (error / 2.0, errors.current.between(*current).hypot(ends[0]).hypot(ends[1])))
        .collect();
    let rows = (numbers.pooled.reference, numbers.pooled.current);
    psi_bounds(&intervals(&shares, &moves, rows, |_| SMALL_SHARE))
}
