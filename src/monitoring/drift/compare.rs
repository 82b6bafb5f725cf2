//! Columns compared, one by one and as a data set.

use super::choice::choose;
use super::histogram::Histogram;
use super::measured::Measured;
use super::method::Method;
use super::mmd::vector_mmd;
use super::sketched::Bounds;
use super::statistic::{of_categories, of_numbers};
use super::values::{Cleaned, Column, Kind, Rows, Samples, Values};
use crate::error::{Result, error};
use crate::statistics::Correction;

/// What is asked for, beside the columns.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Fewer rows on a side are `insufficient`.
    pub min_rows: u64,
    /// The share of drifted columns from which on the data set drifts.
    pub drift_share: f64,
    pub correction: Option<Correction>,
}

/// The answer to whether something drifts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Drift,
    Ok,
    /// The error of sketches leaves both open.
    Uncertain,
    /// Too few rows, or no defined statistic.
    Insufficient,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Ok => "ok",
            Self::Uncertain => "uncertain",
            Self::Insufficient => "insufficient",
        }
    }
}

/// One column. What cannot be computed is absent, and then `reason` says why.
#[derive(Debug, Clone)]
pub struct ColumnReport {
    pub name: String,
    pub kind: Kind,
    pub method: Option<Method>,
    /// Why this method.
    pub why: String,
    pub threshold: Option<f64>,
    pub statistic: Option<f64>,
    pub degrees_of_freedom: Option<f64>,
    pub location: Option<f64>,
    /// The p-value of a test, the distance of a distance.
    pub score: Option<f64>,
    /// The p-value after the correction, which then decides.
    pub adjusted: Option<f64>,
    /// Between which values statistic and score are, where they come from sketches; the score after the correction.
    pub bounds: Option<Bounds>,
    pub verdict: Verdict,
    /// Why the verdict is `insufficient`.
    pub reason: Option<String>,
    pub reference: Rows,
    pub current: Rows,
    pub histogram: Option<Histogram>,
}

#[derive(Debug, Clone)]
pub struct Report {
    pub columns: Vec<ColumnReport>,
    pub drifted: usize,
    /// Columns whose verdict is `uncertain`.
    pub uncertain: usize,
    /// Columns whose verdict is `insufficient`.
    pub undecided: usize,
    /// Drifted columns among all.
    pub share: f64,
    pub verdict: Verdict,
}

/// Compares every column. INVALID_REQUEST without columns, for unknown methods and methods that do not fit.
pub fn compare(columns: Vec<Column>, options: &Options) -> Result<Report> {
    if columns.is_empty() {
        return Err(error!(InvalidRequest, "there is no column to compare"));
    }
    let columns = columns.into_iter().map(|column| compare_column(column, options)).collect::<Result<Vec<_>>>()?;
    Ok(Report::of(columns, options))
}

impl Report {
    /// Of columns that are compared, each for itself as yet.
    pub fn of(mut columns: Vec<ColumnReport>, options: &Options) -> Self {
        if let Some(correction) = options.correction {
            correct(&mut columns, correction);
        }
        let count = |verdict| columns.iter().filter(|column| column.verdict == verdict).count();
        let (drifted, uncertain, undecided) =
            (count(Verdict::Drift), count(Verdict::Uncertain), count(Verdict::Insufficient));
        let all = columns.len();
        let reached = |count: usize| count as f64 / all as f64 >= options.drift_share;
        let verdict = if undecided == all {
            Verdict::Insufficient
        } else if reached(drifted) {
            Verdict::Drift
        } else if uncertain + undecided > 0 && reached(drifted + uncertain + undecided) {
            // The columns that nothing is known of could decide it.
            if uncertain > 0 { Verdict::Uncertain } else { Verdict::Insufficient }
        } else {
            Verdict::Ok
        };
        Self { columns, drifted, uncertain, undecided, share: drifted as f64 / all as f64, verdict }
    }
}

fn compare_column(column: Column, options: &Options) -> Result<ColumnReport> {
    let Column { name, values, method, threshold } = column;
    let asked = method.as_deref().map(Method::parse).transpose()?;
    let report = ColumnReport::new(name, values.kind(), asked, threshold);
    compare_values(report, values, true, options)
}

/// Compares a column by the method that is asked for or, unless it must be that one, by the one of the rule where it does not fit.
pub fn compare_values(report: ColumnReport, values: Values, must_fit: bool, options: &Options) -> Result<ColumnReport> {
    let Cleaned { reference, current, samples, histogram } = values.cleaned();
    let mut report = ColumnReport { reference, current, histogram, ..report };
    if report.has_nothing_to_compare() {
        return Ok(report);
    }
    let Some(samples) = samples else { return Ok(report) };
    if !must_fit && report.method.is_some_and(|method| samples.check(method, &report.name).is_err()) {
        report.method = None;
    }
    let method = report.choose(samples.distinct());
    samples.check(method, &report.name)?;
    let outcome = match &samples {
        Samples::Numbers(numbers) => of_numbers(method, numbers),
        Samples::Categories(categories) => of_categories(method, categories),
        Samples::Vectors(vectors) => vector_mmd(vectors),
    };
    report.judge(method, outcome.map(|measured| (measured, None)), options);
    Ok(report)
}

impl ColumnReport {
    /// One that is not compared yet.
    pub fn new(name: String, kind: Kind, method: Option<Method>, threshold: Option<f64>) -> Self {
        Self {
            name,
            kind,
            method,
            why: "asked for".to_owned(),
            threshold,
            statistic: None,
            degrees_of_freedom: None,
            location: None,
            score: None,
            adjusted: None,
            bounds: None,
            verdict: Verdict::Insufficient,
            reason: None,
            reference: Rows::default(),
            current: Rows::default(),
            histogram: None,
        }
    }

    /// Whether it stays `insufficient` for what its values are, and then says why.
    pub fn has_nothing_to_compare(&mut self) -> bool {
        if self.kind == Kind::Text && self.method.is_none() {
            "text is not compared".clone_into(&mut self.why);
            let hint = "more than half of the values are different; compare them as the kind category if they are one";
            self.reason = Some(hint.to_owned());
            return true;
        }
        if self.reference.count > 0 && self.current.count > 0 {
            return false;
        }
        let side = if self.reference.count == 0 { "reference" } else { "current" };
        "there is nothing to compare".clone_into(&mut self.why);
        self.reason = Some(format!("{side} has no value"));
        true
    }

    /// The method that was asked for, or the one of the rule with why it is. `distinct`: of both sides together.
    pub fn choose(&mut self, distinct: u64) -> Method {
        self.method.unwrap_or_else(|| {
            let (method, why) = choose(self.kind, self.reference.count, distinct);
            self.why = why;
            method
        })
    }

    /// Decides by what was measured, between bounds where it comes from sketches.
    pub fn judge(
        &mut self,
        method: Method,
        outcome: Result<(Measured, Option<Bounds>), &'static str>,
        options: &Options,
    ) {
        let threshold = self.threshold.unwrap_or_else(|| method.threshold());
        self.method = Some(method);
        self.threshold = Some(threshold);
        let (measured, bounds) = match outcome {
            Ok((measured, bounds)) if measured.score.is_finite() && !measured.statistic.is_nan() => (measured, bounds),
            Ok(_) => {
                self.reason = Some(format!("{} has no finite value for these samples", method.name()));
                return;
            }
            Err(problem) => {
                self.reason = Some(format!("{} is not defined: {problem}", method.name()));
                return;
            }
        };
        self.statistic = Some(measured.statistic);
        self.degrees_of_freedom = measured.degrees_of_freedom;
        self.location = measured.location;
        self.score = Some(measured.score);
        self.bounds = bounds;
        let fewest = self.reference.count.min(self.current.count);
        if fewest < options.min_rows {
            self.reason = Some(format!("a side has {fewest} values, fewer than {}", options.min_rows));
        } else {
            self.verdict = verdict(method, threshold, measured.score, bounds);
        }
    }
}

fn verdict(method: Method, threshold: f64, score: f64, bounds: Option<Bounds>) -> Verdict {
    let (low, high) = bounds.map_or((score, score), |bounds| bounds.score);
    match (method.drifts(low, threshold), method.drifts(high, threshold)) {
        (true, true) => Verdict::Drift,
        (false, false) => Verdict::Ok,
        _ => Verdict::Uncertain,
    }
}

/// Decides the columns that a test decided anew, by p-values that are corrected for their number.
fn correct(columns: &mut [ColumnReport], correction: Correction) {
    let mut tested: Vec<(&mut ColumnReport, Method, f64)> = columns
        .iter_mut()
        .filter(|column| column.verdict != Verdict::Insufficient)
        .filter_map(|column| {
            let (method, score) = (column.method.filter(|method| method.is_p_value())?, column.score?);
            Some((column, method, score))
        })
        .collect();
    let adjusted = |of: &dyn Fn(&ColumnReport, f64) -> f64| {
        let p_values: Vec<f64> = tested.iter().map(|(column, _, score)| of(column, *score)).collect();
        correction.adjusted(&p_values)
    };
    // With smaller p-values all adjusted ones are smaller.
    let ends = |column: &ColumnReport, score| column.bounds.map_or((score, score), |bounds| bounds.score);
    let scores = adjusted(&|_, score| score);
    let lows = adjusted(&|column, score| ends(column, score).0);
    let highs = adjusted(&|column, score| ends(column, score).1);
    for (at, (column, method, _)) in tested.iter_mut().enumerate() {
        let threshold = column.threshold.unwrap_or_else(|| method.threshold());
        column.adjusted = Some(scores[at]);
        if let Some(bounds) = &mut column.bounds {
            bounds.score = (lows[at], highs[at]);
        }
        column.verdict = verdict(*method, threshold, scores[at], column.bounds);
    }
}
