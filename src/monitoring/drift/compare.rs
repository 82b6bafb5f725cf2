//! Columns compared, one by one and as a data set.

use super::choice::choose;
use super::histogram::Histogram;
use super::measured::Outcome;
use super::method::Method;
use super::mmd::vector_mmd;
use super::statistic::{of_categories, of_numbers};
use super::values::{Cleaned, Column, Kind, Rows, Samples};
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
    /// Too few rows, or no defined statistic.
    Insufficient,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Ok => "ok",
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
    let mut columns =
        columns.into_iter().map(|column| compare_column(column, options)).collect::<Result<Vec<ColumnReport>>>()?;
    if let Some(correction) = options.correction {
        correct(&mut columns, correction);
    }
    let count = |verdict| columns.iter().filter(|column| column.verdict == verdict).count();
    let (drifted, undecided, all) = (count(Verdict::Drift), count(Verdict::Insufficient), columns.len());
    let reached = |count: usize| count as f64 / all as f64 >= options.drift_share;
    let verdict = if undecided == all {
        Verdict::Insufficient
    } else if reached(drifted) {
        Verdict::Drift
    } else if undecided > 0 && reached(drifted + undecided) {
        // The columns that nothing is known of could decide it.
        Verdict::Insufficient
    } else {
        Verdict::Ok
    };
    Ok(Report { columns, drifted, undecided, share: drifted as f64 / all as f64, verdict })
}

fn compare_column(column: Column, options: &Options) -> Result<ColumnReport> {
    let Column { name, values, method, threshold } = column;
    let asked = method.as_deref().map(Method::parse).transpose()?;
    let kind = values.kind();
    let Cleaned { reference, current, samples, histogram } = values.cleaned();
    let mut report = ColumnReport {
        name,
        kind,
        method: asked,
        why: "asked for".to_owned(),
        threshold,
        statistic: None,
        degrees_of_freedom: None,
        location: None,
        score: None,
        adjusted: None,
        verdict: Verdict::Insufficient,
        reason: None,
        reference,
        current,
        histogram,
    };
    if kind == Kind::Text && asked.is_none() {
        "text is not compared".clone_into(&mut report.why);
        report.reason = Some(
            "more than half of the values are different; compare them as the kind category if they are one".to_owned(),
        );
        return Ok(report);
    }
    let Some(samples) = samples else {
        let side = if reference.count == 0 { "reference" } else { "current" };
        "there is nothing to compare".clone_into(&mut report.why);
        report.reason = Some(format!("{side} has no value"));
        return Ok(report);
    };
    let distinct = match &samples {
        Samples::Numbers(numbers) => numbers.pooled.groups.len(),
        Samples::Categories(categories) => categories.counts.len(),
        Samples::Vectors(vectors) => (vectors.reference + vectors.current) as usize,
    };
    let method = asked.unwrap_or_else(|| {
        let (method, why) = choose(kind, reference.count, distinct as u64);
        report.why = why;
        method
    });
    let outcome = match &samples {
        Samples::Numbers(numbers) => {
            method.check_numbers(&report.name, numbers)?;
            of_numbers(method, numbers)
        }
        Samples::Categories(categories) => {
            method.check_categories(&report.name, distinct)?;
            of_categories(method, categories)
        }
        Samples::Vectors(vectors) => {
            method.check_vectors(&report.name)?;
            vector_mmd(vectors)
        }
    };
    judge(&mut report, method, outcome, options);
    Ok(report)
}

fn judge(report: &mut ColumnReport, method: Method, outcome: Outcome, options: &Options) {
    let threshold = report.threshold.unwrap_or_else(|| method.threshold());
    report.method = Some(method);
    report.threshold = Some(threshold);
    let measured = match outcome {
        Ok(measured) if measured.score.is_finite() && !measured.statistic.is_nan() => measured,
        Ok(_) => {
            report.reason = Some(format!("{} has no finite value for these samples", method.name()));
            return;
        }
        Err(problem) => {
            report.reason = Some(format!("{} is not defined: {problem}", method.name()));
            return;
        }
    };
    report.statistic = Some(measured.statistic);
    report.degrees_of_freedom = measured.degrees_of_freedom;
    report.location = measured.location;
    report.score = Some(measured.score);
    let fewest = report.reference.count.min(report.current.count);
    if fewest < options.min_rows {
        report.reason = Some(format!("a side has {fewest} values, fewer than {}", options.min_rows));
    } else {
        report.verdict = if method.drifts(measured.score, threshold) { Verdict::Drift } else { Verdict::Ok };
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
    let p_values: Vec<f64> = tested.iter().map(|(_, _, score)| *score).collect();
    for ((column, method, _), adjusted) in tested.iter_mut().zip(correction.adjusted(&p_values)) {
        let threshold = column.threshold.unwrap_or_else(|| method.threshold());
        column.adjusted = Some(adjusted);
        column.verdict = if method.drifts(adjusted, threshold) { Verdict::Drift } else { Verdict::Ok };
    }
}
