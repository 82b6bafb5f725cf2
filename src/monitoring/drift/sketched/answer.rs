//! A report as JSON.

use super::super::compare::ColumnReport;
use super::super::histogram::Histogram;
use super::super::method::Method;
use super::super::values::Rows;
use super::bounds::Bounds;
use super::compare::{ColumnDetails, ProfileReport};
use super::quality::{Quality, Shares, Unseen};
use serde_json::{Map, Value as Json, json};

impl ProfileReport {
    /// `{verdict, driftedColumns, uncertainColumns, insufficientColumns, driftedShare, columns: [{name, kind, verdict, ...}],
    /// notInReference}`. What is not known is absent.
    pub fn to_json(&self) -> Json {
        let Self { report, details, not_in_reference } = self;
        let columns: Vec<Json> =
            report.columns.iter().zip(details).map(|(column, details)| column_to_json(column, details)).collect();
        json!({
            "verdict": report.verdict.name(),
            "driftedColumns": report.drifted,
            "uncertainColumns": report.uncertain,
            "insufficientColumns": report.undecided,
            "driftedShare": report.share,
            "columns": columns,
            "notInReference": not_in_reference,
        })
    }
}

fn column_to_json(column: &ColumnReport, details: &ColumnDetails) -> Json {
    let score = if column.method.is_some_and(Method::is_p_value) { "pValue" } else { "distance" };
    let pair = |(low, high): (f64, f64)| json!([number(low), number(high)]);
    let bounds = column.bounds.map(|Bounds { statistic, score: of_score }| {
        Json::Object(Map::from_iter([("statistic".to_owned(), pair(statistic)), (score.to_owned(), pair(of_score))]))
    });
    let fields = [
        ("name", Some(json!(column.name))),
        ("kind", Some(json!(column.kind.name()))),
        ("verdict", Some(json!(column.verdict.name()))),
        ("reason", column.reason.as_ref().map(|reason| json!(reason))),
        ("method", column.method.map(|method| json!(method.name()))),
        ("why", Some(json!(column.why))),
        ("statistic", column.statistic.map(number)),
        ("degreesOfFreedom", column.degrees_of_freedom.map(|value| json!(value))),
        (score, column.score.map(number)),
        ("adjustedPValue", column.adjusted.map(|value| json!(value))),
        ("threshold", column.threshold.map(|value| json!(value))),
        ("bounds", bounds),
        ("reference", Some(rows_to_json(column.reference))),
        ("current", Some(rows_to_json(column.current))),
        ("histogram", column.histogram.as_ref().map(|histogram| histogram_to_json(histogram, &details.categories))),
        ("quality", Some(quality_to_json(&details.quality))),
    ];
    present(fields)
}

/// A number of JSON, or the word for an infinite one, which JSON lacks: a category that the reference has not makes a chi-square
/// statistic so.
fn number(value: f64) -> Json {
    if value.is_infinite() {
        return json!(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    json!(value)
}

fn present<const N: usize>(fields: [(&str, Option<Json>); N]) -> Json {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>().into()
}

fn rows_to_json(Rows { count, missing, infinite, distinct }: Rows) -> Json {
    json!({ "count": count, "missing": missing, "infinite": infinite, "distinct": distinct })
}

fn histogram_to_json(histogram: &Histogram, categories: &[String]) -> Json {
    match histogram {
        Histogram::Numbers { edges, reference, current } => {
            json!({ "edges": edges, "reference": reference, "current": current })
        }
        Histogram::Categories { reference, current, others, .. } => present([
            ("categories", Some(json!(categories))),
            ("reference", Some(json!(reference))),
            ("current", Some(json!(current))),
            (
                "others",
                others.as_ref().map(|others| {
                    json!({ "categories": others.categories, "reference": others.reference, "current": others.current })
                }),
            ),
        ]),
    }
}

fn quality_to_json(quality: &Quality) -> Json {
    let shares = |Shares { reference, current }: Shares| json!({ "reference": reference, "current": current });
    let out_of_range = quality
        .out_of_range
        .map(|(below, above)| json!({ "below": below, "above": above, "error": quality.out_of_range_error }));
    let unseen = quality.unseen.as_ref().map(|Unseen { categories, share, names, is_exact }| {
        json!({ "categories": categories, "share": share, "names": names, "isExact": is_exact })
    });
    present([
        ("missing", Some(shares(quality.missing))),
        ("infinite", Some(shares(quality.infinite))),
        ("mismatched", Some(shares(quality.mismatched))),
        ("constant", Some(json!({ "reference": quality.constant.0, "current": quality.constant.1 }))),
        ("outOfRange", out_of_range),
        ("unseen", unseen),
        ("newWords", quality.new_words.map(|share| json!(share))),
        ("meanCosine", quality.mean_cosine.map(|cosine| json!(cosine))),
    ])
}
