//! Profiles over the streams of the corpus: exact answers are met within the errors that a profile states, in one piece and merged.

#[path = "support/splitmix.rs"]
mod splitmix;
mod support;

use harper_edge_ai::monitoring::profile::{Kind, Number, Profile, Strings};
use serde_json::Value as Json;
use std::fs;

/// Stated errors hold in 99 of 100 cases; twice as much holds always, as far as a test is concerned.
const CERTAIN: f64 = 2.0;
/// The standard error of the number of distinct values, of which five hold always.
const DISTINCT_ERROR: f64 = 0.02;
const PARTS: usize = 8;

fn cases(kind: &str) -> Vec<Json> {
    let Some(corpus) = support::corpus() else { return Vec::new() };
    let content: Json = serde_json::from_slice(&fs::read(corpus.join("stats/sketches.json")).unwrap()).unwrap();
    let cases: Vec<Json> =
        content["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == kind).cloned().collect();
    assert!(!cases.is_empty());
    cases
}

/// Rows in one piece, and every eighth of them on its own and then merged, over their bytes.
fn profiles<T>(rows: &[T], add: impl Fn(&mut Profile, &T)) -> [Profile; 2] {
    let whole = |rows: &mut dyn Iterator<Item = &T>| {
        let mut profile = Profile::default();
        rows.for_each(|row| add(&mut profile, row));
        profile
    };
    let mut merged = Profile::default();
    for part in 0..PARTS {
        let part = whole(&mut rows.iter().skip(part).step_by(PARTS));
        merged.merge(&Profile::from_bytes(&part.to_bytes().unwrap()).unwrap()).unwrap();
    }
    [whole(&mut rows.iter()), merged]
}

fn number(profile: &Profile) -> &Number {
    match &profile.columns["x"].kind {
        Kind::Number(number) => number,
        other => panic!("{other:?}"),
    }
}

fn strings(profile: &Profile) -> &Strings {
    match &profile.columns["x"].kind {
        Kind::Strings(strings) => strings,
        other => panic!("{other:?}"),
    }
}

/// How far a share is from the ranks that a value has, the highest and the lowest of equal ones.
fn rank_error(sorted: &[f64], value: f64, share: f64) -> f64 {
    let rank = |below: usize| below as f64 / sorted.len() as f64;
    let lowest = rank(sorted.partition_point(|other| *other < value));
    let highest = rank(sorted.partition_point(|other| *other <= value));
    (lowest - share).max(share - highest).max(0.0)
}

#[test]
fn quantiles_are_within_the_error_that_is_stated() {
    for case in cases("kll") {
        let name = &case["name"];
        let values = splitmix::generated(&case["stream"]);
        let expected = &case["expected"];
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        for profile in profiles(&values, |profile, value| profile.add_number("x", *value)) {
            let number = number(&profile);
            assert_eq!(number.count() as f64, expected["n"].as_f64().unwrap(), "{name}");
            assert_eq!((number.min(), number.max()), (expected["min"].as_f64(), expected["max"].as_f64()), "{name}");
            let exact: f64 = sorted.iter().sum::<f64>() / sorted.len() as f64;
            assert!((number.moments().mean().unwrap() - exact).abs() <= 1e-9 * exact.abs().max(1.0), "{name}");
            let error = number.rank_error();
            for (share, exact) in expected["exact_quantiles"].as_object().unwrap() {
                let share: f64 = share.parse().unwrap();
                let value = number.quantiles(&[share])[0];
                let off = rank_error(&sorted, value, share);
                assert!(
                    off <= CERTAIN * error + 1e-12,
                    "{name}: the quantile {share} is off by {off}, stated is {error}"
                );
                if number.is_exact() {
                    assert_eq!(Some(value), exact.as_f64(), "{name}: the quantile {share}");
                }
            }
            for rank in expected["exact_rank_at"].as_array().unwrap() {
                for (kind, inclusive) in [("inclusive", true), ("exclusive", false)] {
                    let share = number.share_below(rank["x"].as_f64().unwrap(), inclusive).unwrap();
                    let off = (share - rank[kind].as_f64().unwrap()).abs();
                    assert!(off <= CERTAIN * error + 1e-12, "{name}: a rank is off by {off}, stated is {error}");
                }
            }
        }
    }
}

#[test]
fn few_values_and_few_distinct_ones_are_exact() {
    for case in cases("kll") {
        let values = splitmix::generated(&case["stream"]);
        let [profile, _] = profiles(&values, |profile, value| profile.add_number("x", *value));
        let is_few = ["kll_heavy_ties_50k", "kll_exact_mode_150"].contains(&case["name"].as_str().unwrap());
        assert_eq!(number(&profile).is_exact(), is_few, "{}", case["name"]);
        assert_eq!(number(&profile).rank_error() == 0.0, is_few, "{}", case["name"]);
    }
}

#[test]
fn distinct_values_are_counted_within_five_standard_errors() {
    for case in cases("hll") {
        let values = splitmix::generated(&case["stream"]);
        let is_text = case["item_form"] == "string";
        let add = |profile: &mut Profile, value: &f64| match is_text {
            true => profile.add_category("x", &format!("id-{value}")),
            false => profile.add_number("x", *value),
        };
        for profile in profiles(&values, add) {
            let found = if is_text { strings(&profile).distinct() } else { number(&profile).distinct() };
            let exact = case["expected"]["true_distinct"].as_f64().unwrap();
            let name = &case["name"];
            assert!((found.estimate / exact - 1.0).abs() <= 5.0 * DISTINCT_ERROR, "{name}: {found:?}, exactly {exact}");
            assert!(found.lower <= found.estimate && found.estimate <= found.upper, "{name}: {found:?}");
        }
    }
}

#[test]
fn frequent_strings_have_their_counts_within_the_error_that_is_stated() {
    for case in cases("frequent_items") {
        let values = splitmix::generated(&case["stream"]);
        for profile in profiles(&values, |profile, value| profile.add_category("x", &format!("id-{value}"))) {
            let strings = strings(&profile);
            let (error, counts) = (strings.count_error(), strings.counts());
            assert!(strings.count() == values.len() as u64 && error <= 2 * strings.count() / 1000, "{error}");
            for exact in case["expected"]["exact_top_20"].as_array().unwrap() {
                let (text, exact) = (exact[0].as_str().unwrap(), exact[1].as_u64().unwrap());
                let found = counts.iter().find(|(name, _, _)| *name == text).map_or(0, |(_, count, _)| *count);
                assert!(
                    (found..=found + error).contains(&exact),
                    "{text}: {found}, exactly {exact}, stated is {error}"
                );
            }
        }
    }
}
