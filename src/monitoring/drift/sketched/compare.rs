//! Two profiles compared.

use super::super::compare::{ColumnReport, Options, Report};
use super::super::histogram::Histogram;
use super::super::method::Method;
use super::super::values::{Kind, Rows};
use super::quality::Quality;
use super::sides::{CategorySide, NumberSide, Numerical, by_name, categories};
use super::statistic::{of_category_sides, of_number_sides};
use crate::error::{Result, error};
use crate::monitoring::profile::{self, Number, Profile, Strings};
use crate::process::nearest_name;
use std::collections::BTreeMap;

/// Which methods and thresholds columns are compared with; without one the method is chosen.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Of all columns that it fits: the others have the one that is chosen for them.
    pub method: Option<String>,
    /// Of a column by its name.
    pub method_of: BTreeMap<String, String>,
    /// Instead of each method's own.
    pub threshold: Option<f64>,
}

/// Beside what is known of a column by its report.
#[derive(Debug, Clone)]
pub struct ColumnDetails {
    /// What the histogram shows, of categories.
    pub categories: Vec<String>,
    pub quality: Quality,
}

#[derive(Debug, Clone)]
pub struct ProfileReport {
    pub report: Report,
    /// Of each column of the report.
    pub details: Vec<ColumnDetails>,
    /// Columns that only the current profile has.
    pub not_in_reference: Vec<String>,
}

/// Compares the columns that the reference has.
///
/// # Errors
/// `INVALID_REQUEST` for unknown methods and columns, and methods that do not fit; `SCHEMA_MISMATCH` when the profiles are of other
/// columns, or of columns of other kinds.
pub fn compare_profiles(
    reference: &Profile,
    current: &Profile,
    choices: &Choices,
    options: &Options,
) -> Result<ProfileReport> {
    check_choices(reference, current, choices)?;
    let nothing = profile::Column::default();
    let mut columns = Vec::new();
    let mut details = Vec::new();
    for (name, before) in &reference.columns {
        let now = current.columns.get(name).unwrap_or(&nothing);
        let (report, shown) = compare_column(name, before, now, choices, options)?;
        columns.push(report);
        details.push(ColumnDetails { categories: shown, quality: Quality::of(before, now) });
    }
    let not_in_reference =
        current.columns.keys().filter(|name| !reference.columns.contains_key(*name)).cloned().collect();
    Ok(ProfileReport { report: Report::of(columns, options), details, not_in_reference })
}

/// Refuses profiles that have no column in common, and choices for columns that the reference does not have.
///
/// # Errors
/// As [`compare_profiles`].
pub fn check_choices(reference: &Profile, current: &Profile, choices: &Choices) -> Result<()> {
    check_columns(reference, current)?;
    choices.method_of.keys().try_for_each(|name| check_name(name, reference))
}

/// Refuses a column that holds something else on the other side.
///
/// # Errors
/// `SCHEMA_MISMATCH`
pub fn check_kinds(name: &str, reference: &profile::Column, current: &profile::Column) -> Result<()> {
    Sides::of(name, reference, current).map(|_| ())
}

impl Choices {
    /// The method that is asked for a column, and whether it must fit, because it is asked for by the name of the column.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for an unknown one.
    pub fn of(&self, name: &str, kind: Kind) -> Result<(Option<Method>, bool)> {
        let of_all = self.method.as_deref().map(Method::parse).transpose()?.filter(|method| method.fits(kind));
        let of_column = self.method_of.get(name).map(|method| Method::parse(method)).transpose()?;
        Ok((of_column.or(of_all.filter(|_| kind != Kind::Text)), of_column.is_some()))
    }
}

fn check_columns(reference: &Profile, current: &Profile) -> Result<()> {
    if reference.columns.is_empty() {
        return Err(error!(InvalidRequest, "the reference has no column"));
    }
    let common = reference.columns.keys().any(|name| current.columns.contains_key(name));
    if !current.columns.is_empty() && !common {
        let names = |profile: &Profile| {
            profile.columns.keys().take(10).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
        };
        return Err(error!(
            SchemaMismatch,
            "the reference is of other columns: it has {}, and there are {}",
            names(reference),
            names(current)
        ));
    }
    Ok(())
}

fn check_name(name: &str, reference: &Profile) -> Result<()> {
    if reference.columns.contains_key(name) {
        return Ok(());
    }
    let names = || reference.columns.keys().map(String::as_str);
    let hint = nearest_name(name, names()).map_or_else(
        || format!("they are {}", names().take(10).collect::<Vec<_>>().join(", ")),
        |nearest| format!("did you mean \"{nearest}\"?"),
    );
    let shown: String = name.chars().take(40).collect();
    Err(error!(InvalidRequest, "the reference has no column \"{}\"; {hint}", shown.escape_default()))
}

/// What a column holds on both sides.
enum Sides<'a> {
    Numbers(Option<&'a Number>, Option<&'a Number>),
    Strings(Option<&'a Strings>, Option<&'a Strings>),
}

impl<'a> Sides<'a> {
    /// Vectors are compared by their norms.
    fn of(name: &str, reference: &'a profile::Column, current: &'a profile::Column) -> Result<Self> {
        use profile::Kind::{Number, Strings, Unknown, Vectors};
        Ok(match (&reference.kind, &current.kind) {
            (Number(before), Number(now)) => Self::Numbers(Some(before), Some(now)),
            (Vectors(before), Vectors(now)) => Self::Numbers(Some(before.norms()), Some(now.norms())),
            (Strings(before), Strings(now)) => Self::Strings(Some(before), Some(now)),
            (Number(before), Unknown) => Self::Numbers(Some(before), None),
            (Vectors(before), Unknown) => Self::Numbers(Some(before.norms()), None),
            (Strings(before), Unknown) => Self::Strings(Some(before), None),
            (Unknown, Number(now)) => Self::Numbers(None, Some(now)),
            (Unknown, Vectors(now)) => Self::Numbers(None, Some(now.norms())),
            (Unknown, Strings(now)) => Self::Strings(None, Some(now)),
            (Unknown, Unknown) => Self::Numbers(None, None),
            (before, now) => {
                let kind = |kind: &profile::Kind| match kind {
                    Unknown => "nothing",
                    Number(_) => "numbers",
                    Strings(_) => "strings",
                    Vectors(_) => "vectors",
                };
                return Err(error!(
                    SchemaMismatch,
                    "column \"{name}\" has {} in the reference and {} now",
                    kind(before),
                    kind(now)
                ));
            }
        })
    }
}

/// The report, and the categories that its histogram shows.
fn compare_column(
    name: &str,
    reference: &profile::Column,
    current: &profile::Column,
    choices: &Choices,
    options: &Options,
) -> Result<(ColumnReport, Vec<String>)> {
    let sides = Sides::of(name, reference, current)?;
    let kind = match &sides {
        Sides::Numbers(..) => Kind::Number,
        Sides::Strings(before, now) => {
            if before.or(*now).is_some_and(Strings::is_text) {
                Kind::Text
            } else {
                Kind::Category
            }
        }
    };
    let (asked, must_fit) = choices.of(name, kind)?;
    let mut report = ColumnReport::new(name.to_owned(), kind, asked, choices.threshold);
    let missing = (reference.missing, current.missing);
    let shown = match sides {
        Sides::Numbers(before, now) => {
            compare_numbers(&mut report, before, now, missing, must_fit, options)?;
            Vec::new()
        }
        Sides::Strings(before, now) => compare_strings(&mut report, before, now, missing, must_fit, options)?,
    };
    Ok((report, shown))
}

fn compare_numbers(
    report: &mut ColumnReport,
    before: Option<&Number>,
    now: Option<&Number>,
    missing: (u64, u64),
    must_fit: bool,
    options: &Options,
) -> Result<()> {
    let rows = |side: Option<&Number>, missing| {
        side.map_or(Rows { missing, ..Rows::default() }, |side| Rows {
            count: side.count(),
            missing,
            infinite: side.infinite(),
            distinct: side.distinct().estimate.round() as u64,
        })
    };
    report.reference = rows(before, missing.0);
    report.current = rows(now, missing.1);
    let (Some(before), Some(now)) = (before, now) else {
        report.has_nothing_to_compare();
        return Ok(());
    };
    // Too many to be taken for categories whatever they are; only Hellinger's bins depend on how many.
    let mut distinct = report.reference.distinct.max(report.current.distinct);
    if report.method == Some(Method::Hellinger) {
        let mut both = before.clone();
        both.merge(now)?;
        distinct = both.distinct().estimate.round() as u64;
    }
    let side = |number, rows| NumberSide::of(number, rows);
    let sides = side(before, report.reference)
        .zip(side(now, report.current))
        .and_then(|(before, now)| Numerical::of(&before, &now, distinct));
    if report.has_nothing_to_compare() {
        return Ok(());
    }
    let Some(sides) = sides else {
        return Err(error!(InvalidRequest, "the numbers of a profile exceed what can be compared"));
    };
    report.histogram = Some(Histogram::of_numbers(&sides.numbers));
    if !must_fit && report.method.is_some_and(|method| method.check_numbers(&report.name, &sides.numbers).is_err()) {
        report.method = None;
    }
    let method = report.choose(sides.numbers.distinct);
    method.check_numbers(&report.name, &sides.numbers)?;
    let outcome = of_number_sides(method, &sides);
    report.judge(method, outcome.map(|(measured, bounds)| (measured, Some(bounds))), options);
    Ok(())
}

fn compare_strings(
    report: &mut ColumnReport,
    before: Option<&Strings>,
    now: Option<&Strings>,
    missing: (u64, u64),
    must_fit: bool,
    options: &Options,
) -> Result<Vec<String>> {
    let side = |strings, missing| CategorySide::of(strings, missing);
    let (before, now) = (side(before, missing.0), side(now, missing.1));
    (report.reference, report.current) = (before.rows, now.rows);
    if report.has_nothing_to_compare() {
        return Ok(Vec::new());
    }
    let counted = by_name(&before, &now);
    let counts: Vec<(u64, u64)> = counted.values().copied().collect();
    let Some(all) = categories(&counts, &before, &now) else { return Ok(Vec::new()) };
    let is_exact = before.error == 0 && now.error == 0;
    let distinct = if is_exact { all.counts.len() as u64 } else { before.rows.distinct.max(now.rows.distinct) };
    if !must_fit && report.method.is_some_and(|method| method.check_categories(&report.name, distinct).is_err()) {
        report.method = None;
    }
    let method = report.choose(distinct);
    method.check_categories(&report.name, distinct)?;
    let outcome = of_category_sides(method, &all, is_exact);
    report.judge(method, outcome.map(|(measured, bounds)| (measured, Some(bounds))), options);
    let histogram = Histogram::of_categories(&counts);
    let Histogram::Categories { shown, .. } = &histogram else { return Ok(Vec::new()) };
    let names: Vec<&str> = counted.into_keys().collect();
    let shown = shown.iter().map(|at| names[*at].to_owned()).collect();
    report.histogram = Some(histogram);
    Ok(shown)
}

impl NumberSide {
    /// `None` without numbers, and for numbers whose variance exceeds what a double holds.
    fn of(numbers: &Number, rows: Rows) -> Option<Self> {
        Some(Self {
            points: numbers.points(),
            rank_error: numbers.rank_error(),
            min: numbers.min()?,
            max: numbers.max()?,
            mean: numbers.moments().mean()?,
            variance: numbers.moments().variance()?,
            rows,
        })
    }
}

impl CategorySide {
    fn of(strings: Option<&Strings>, missing: u64) -> Self {
        let Some(strings) = strings else {
            return Self { rows: Rows { missing, ..Rows::default() }, ..Self::default() };
        };
        Self {
            counts: strings.counts().into_iter().map(|(name, count, _)| (name.to_owned(), count)).collect(),
            error: strings.count_error(),
            rows: Rows {
                count: strings.count(),
                missing,
                infinite: 0,
                distinct: strings.distinct().estimate.round() as u64,
            },
        }
    }
}
