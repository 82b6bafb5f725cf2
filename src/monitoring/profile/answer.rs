//! A profile as JSON, for people and pages.

use super::{Column, Kind, Number, Profile, Strings, Vectors};
use crate::statistics::Distinct;
use serde_json::{Map, Value as Json, json};

const SHARES: [(&str, f64); 9] = [
    ("0.01", 0.01),
    ("0.05", 0.05),
    ("0.1", 0.1),
    ("0.25", 0.25),
    ("0.5", 0.5),
    ("0.75", 0.75),
    ("0.9", 0.9),
    ("0.95", 0.95),
    ("0.99", 0.99),
];
/// Bins of a histogram.
const BINS: usize = 20;
/// Categories that are shown.
const TOP: usize = 20;

impl Profile {
    /// `{rows, leftOut?, columns: {<name>: {kind, count, missing, ...}}}`. What is not known, such as the mean of no numbers, is null.
    pub fn to_json(&self) -> Json {
        let columns: Map<String, Json> =
            self.columns.iter().map(|(name, column)| (name.clone(), column.to_json())).collect();
        let mut answer = json!({ "rows": self.rows, "columns": columns });
        if self.left_out > 0 {
            answer["leftOut"] = json!(self.left_out);
        }
        answer
    }

    /// `{rows, leftOut, columns: [{name, kind, count, missing}]}`: what there is, and not what it looks like.
    pub fn contents(&self) -> Json {
        let column = |(name, column): (&String, &Column)| {
            let Json::Object(mut all) = column.to_json() else { return Json::Null };
            let mut part = |field: &str| all.remove(field).unwrap_or(Json::Null);
            json!({ "name": name, "kind": part("kind"), "count": part("count"), "missing": part("missing") })
        };
        let columns: Vec<Json> = self.columns.iter().map(column).collect();
        json!({ "rows": self.rows, "leftOut": self.left_out, "columns": columns })
    }
}

impl Column {
    pub fn to_json(&self) -> Json {
        let mut answer = match &self.kind {
            Kind::Unknown => json!({ "kind": null, "count": 0 }),
            Kind::Number(numbers) => numbers.to_json(),
            Kind::Strings(strings) => strings.to_json(),
            Kind::Vectors(vectors) => vectors.to_json(),
        };
        answer["missing"] = json!(self.missing);
        if self.mismatched > 0 {
            answer["mismatched"] = json!(self.mismatched);
        }
        answer
    }
}

impl Number {
    fn to_json(&self) -> Json {
        let moments = self.moments();
        let values = self.quantiles(&SHARES.map(|(_, share)| share));
        let quantiles: Map<String, Json> =
            SHARES.iter().zip(values).map(|((name, _), value)| ((*name).to_owned(), json!(value))).collect();
        let mut answer = json!({
            "kind": "number",
            "count": self.count(),
            "nonFinite": self.infinite(),
            "min": self.min(),
            "max": self.max(),
            "mean": moments.mean(),
            "std": moments.variance().map(f64::sqrt),
            "skewness": moments.skewness(),
            "quantiles": quantiles,
            "rankError": self.rank_error(),
            "distinct": distinct(&self.distinct()),
            "histogram": self.histogram(),
        });
        if let Some(counts) = self.counts() {
            let mut top = counts.to_vec();
            top.sort_by(|(_, count), (_, other)| other.cmp(count));
            top.truncate(TOP);
            let shown: Vec<Json> = top.iter().map(|(value, count)| json!({ "value": value, "count": count })).collect();
            answer["top"] = json!(shown);
        }
        answer
    }

    /// `{edges, counts}`: bins of equal width, each from its lower edge on to below the upper one, which only the last includes.
    fn histogram(&self) -> Json {
        let (Some(min), Some(max)) = (self.min(), self.max()) else { return Json::Null };
        let edges: Vec<f64> = if min == max {
            vec![min - 0.5, max + 0.5]
        } else {
            // By parts of both ends, since their difference may exceed what a double holds.
            let edge = |at: usize| {
                let part = at as f64 / BINS as f64;
                min * (1.0 - part) + max * part
            };
            (0..BINS).map(edge).chain([max]).collect()
        };
        let last = edges.len() - 1;
        let below = |at: usize| {
            let share = self.share_below(edges[at], at == last).unwrap_or_default();
            (share * self.count() as f64).round() as u64
        };
        let counts: Vec<u64> = (0..last).map(|at| below(at + 1).saturating_sub(below(at))).collect();
        json!({ "edges": edges, "counts": counts })
    }
}

impl Strings {
    fn to_json(&self) -> Json {
        let shown = |(value, count, _): &(&str, u64, u64)| json!({ "value": value, "count": count });
        let top: Vec<Json> = self.counts().iter().take(TOP).map(shown).collect();
        json!({
            "kind": if self.is_text() { "text" } else { "category" },
            "count": self.count(),
            "distinct": distinct(&self.distinct()),
            "top": top,
            "countError": self.count_error(),
            "lengths": self.lengths().to_json(),
            "distinctWords": self.words().distinct().round(),
        })
    }
}

impl Vectors {
    fn to_json(&self) -> Json {
        json!({
            "kind": "vector",
            "count": self.count(),
            "nonFinite": self.infinite(),
            "dimensions": self.dimensions(),
            "norm": self.norms().to_json(),
        })
    }
}

fn distinct(Distinct { estimate, lower, upper }: &Distinct) -> Json {
    json!({ "estimate": estimate.round(), "lower": lower.floor(), "upper": upper.ceil() })
}
