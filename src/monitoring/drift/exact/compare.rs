//! The columns of recorded predictions compared.

use super::super::compare::{ColumnReport, Options, Report, compare_values};
use super::super::histogram::Histogram;
use super::super::sketched::{Choices, ColumnDetails, ProfileReport, Quality, Unseen, check_choices, check_kinds};
use super::super::values::{Kind, Values};
use super::columns::{Raw, RawColumns, RawVectors};
use crate::error::Result;
use crate::monitoring::profile;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// New categories that are named.
const MAX_NAMED: usize = 10;

/// Compares the columns that the reference has, as [`super::super::compare_profiles`] does, value by value.
///
/// # Errors
/// As there.
pub fn compare_recorded(
    mut reference: RawColumns,
    mut current: RawColumns,
    choices: &Choices,
    options: &Options,
) -> Result<ProfileReport> {
    check_choices(&reference.profile, &current.profile, choices)?;
    let nothing = profile::Column::default();
    let mut columns = Vec::new();
    let mut details = Vec::new();
    for (name, before) in &reference.profile.columns {
        let now = current.profile.columns.get(name).unwrap_or(&nothing);
        check_kinds(name, before, now)?;
        let sides = (reference.values.remove(name), current.values.remove(name));
        let mut quality = Quality::of(before, now);
        let made = Made::of(sides, is_text(before, now), &mut quality);
        let (asked, must_fit) = choices.of(name, made.kind())?;
        let mut report = ColumnReport::new(name.clone(), made.kind(), asked, choices.threshold);
        let mut shown = Vec::new();
        match made {
            Made::Values(values, categories) => {
                report = compare_values(report, values, must_fit, options)?;
                if let Some(Histogram::Categories { shown: places, .. }) = &report.histogram {
                    shown = places.iter().map(|at| categories[*at].clone()).collect();
                }
            }
            Made::Varied { reference, current } => {
                (report.reference.count, report.current.count) = (reference, current);
                report.reason = Some("the vectors have different numbers of elements".to_owned());
                "vectors of one length are compared".clone_into(&mut report.why);
            }
        }
        (report.reference.missing, report.current.missing) = (before.missing, now.missing);
        columns.push(report);
        details.push(ColumnDetails { categories: shown, quality });
    }
    let not_in_reference =
        current.profile.columns.keys().filter(|name| !reference.profile.columns.contains_key(*name)).cloned().collect();
    Ok(ProfileReport { report: Report::of(columns, options), details, not_in_reference })
}

fn is_text(before: &profile::Column, now: &profile::Column) -> bool {
    let strings = [before, now].into_iter().find_map(|column| match &column.kind {
        profile::Kind::Strings(strings) => Some(strings),
        _ => None,
    });
    strings.is_some_and(|strings| strings.is_text())
}

/// A column for the comparison.
enum Made {
    /// And the names of categories.
    Values(Values, Vec<String>),
    /// Vectors that cannot be compared, and how many.
    Varied { reference: u64, current: u64 },
}

impl Made {
    /// What is exact of the quality replaces what sketches tell.
    fn of(sides: (Option<Raw>, Option<Raw>), is_text: bool, quality: &mut Quality) -> Self {
        match sides {
            (before @ (Some(Raw::Categories(_)) | None), now @ (Some(Raw::Categories(_)) | None))
                if before.is_some() || now.is_some() =>
            {
                let counts = |side| if let Some(Raw::Categories(counts)) = side { counts } else { HashMap::new() };
                let (before, now) = (counts(before), counts(now));
                if quality.unseen.is_some() {
                    quality.unseen = Some(unseen(&before, &now));
                }
                let mut both: BTreeMap<String, (u64, u64)> =
                    before.into_iter().map(|(category, count)| (category, (count, 0))).collect();
                for (category, count) in now {
                    both.entry(category).or_default().1 += count;
                }
                let (categories, counts) = both.into_iter().unzip();
                Self::Values(Values::Categories { counts, missing: (0, 0), is_text }, categories)
            }
            (before @ (Some(Raw::Vectors(_)) | None), now @ (Some(Raw::Vectors(_)) | None))
                if before.is_some() || now.is_some() =>
            {
                let vectors = |side| if let Some(Raw::Vectors(vectors)) = side { Some(vectors) } else { None };
                Self::of_vectors(vectors(before), vectors(now))
            }
            (before, now) => {
                let numbers = |side| if let Some(Raw::Numbers(numbers)) = side { numbers } else { Vec::new() };
                let (reference, current) = (numbers(before), numbers(now));
                if quality.out_of_range.is_some() {
                    quality.out_of_range = out_of_range(&reference, &current);
                    quality.out_of_range_error = 0.0;
                }
                Self::Values(Values::Numbers { reference, current }, Vec::new())
            }
        }
    }

    fn of_vectors(before: Option<RawVectors>, now: Option<RawVectors>) -> Self {
        let of = |side: Option<RawVectors>| {
            side.map_or((None, Vec::new(), false), |side| (Some(side.dimension), side.elements, side.are_varied))
        };
        let ((before, reference, one_varies), (now, current, other_varies)) = (of(before), of(now));
        let count = |dimension: Option<usize>, elements: &[f64]| (elements.len() / dimension.unwrap_or(1)) as u64;
        let differ = before.zip(now).is_some_and(|(before, now)| before != now);
        if differ || one_varies || other_varies {
            return Self::Varied { reference: count(before, &reference), current: count(now, &current) };
        }
        let dimension = before.or(now).unwrap_or(1);
        Self::Values(Values::Vectors { dimension, reference, current }, Vec::new())
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Values(values, _) => values.kind(),
            Self::Varied { .. } => Kind::Vector,
        }
    }
}

/// The shares of the current numbers below the smallest of the reference, and above its largest.
fn out_of_range(reference: &[f64], current: &[f64]) -> Option<(f64, f64)> {
    let finite = |numbers: &[f64]| numbers.iter().copied().filter(|number| number.is_finite()).collect::<Vec<_>>();
    let (reference, current) = (finite(reference), finite(current));
    let (min, max) = (reference.iter().copied().reduce(f64::min)?, reference.iter().copied().reduce(f64::max)?);
    let share = |is_out: &dyn Fn(f64) -> bool| {
        current.iter().filter(|number| is_out(**number)).count() as f64 / current.len() as f64
    };
    (!current.is_empty()).then(|| (share(&|number| number < min), share(&|number| number > max)))
}

fn unseen(reference: &HashMap<String, u64>, current: &HashMap<String, u64>) -> Unseen {
    let mut new: Vec<(&String, u64)> = current
        .iter()
        .filter(|(category, _)| !reference.contains_key(*category))
        .map(|(category, count)| (category, *count))
        .collect();
    new.sort_by_key(|(category, count)| (Reverse(*count), *category));
    let rows: u64 = current.values().sum();
    Unseen {
        categories: new.len() as u64,
        share: new.iter().map(|(_, count)| *count as f64).sum::<f64>() / rows as f64,
        names: new.iter().take(MAX_NAMED).map(|(category, _)| (*category).clone()).collect(),
        is_exact: true,
    }
}
